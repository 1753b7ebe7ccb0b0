"""The one place where the driver looks into the program instead of at its screen.

In process, three questions are answered here: whether the program has been put together, what has the keys, and what
it looks like; and its style sheets are not parsed anew for each test.  Whoever rebuilds the interface changes this
file, and no test.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import repeat
from typing import Any

from rich.cells import cell_len
from rich.color import Color, ColorType
from rich.style import Style
from textual.strip import Strip

from routerterm.tui.app import RoutertermApp
from tests.driver.picture import Look, Picture

PLACES = {"composer": "composer", "transcript": "messages", "sidebar": "chats"}
"""What a part of the chat is called, by its id in the style sheet."""


KEPT_RULES: dict[str, dict[Any, Any]] = {}
"""What style sheets were parsed to, by the colours they were parsed with."""


def take_rules(app: RoutertermApp) -> None:
    """Start as at every start but a home's first: with the rules of the start before, which would lie in its file."""
    app._sheet._known = app._sheet._asked = KEPT_RULES.setdefault(repr(app._sheet._variables), {})


def is_ready(app: RoutertermApp) -> bool:
    """Whether router, history and settings have been put together."""
    return app.services is not None


def focus_of(app: RoutertermApp) -> str:
    """``composer``, ``messages``, ``chats``, ``dialog`` for anything over the chat, or empty."""
    if len(app.screen_stack) > 1:
        return "dialog"
    focused = app.screen.focused
    return PLACES.get(focused.id or "", "") if focused is not None else ""


def picture_of(app: RoutertermApp) -> Picture:
    """What the screen on top shows, with what lies beneath it."""
    strips = app.screen._compositor.render_strips()[: app.size.height]
    x, y = app.cursor_position
    rows = [strip.text for strip in strips]
    rows += [""] * (app.size.height - len(rows))  # a screen that has just been pushed is not laid out yet
    return Picture(tuple(rows), (x, y), partial(map, _looks, strips))


def _looks(strip: Strip) -> Iterator[Look]:
    for segment in strip:
        look = _look(segment.style)
        yield from repeat(look, cell_len(segment.text))


def _look(style: Style | None) -> Look:
    if style is None:
        return Look()
    return Look(
        fg=_name(style.color),
        bg=_name(style.bgcolor),
        bold=bool(style.bold),
        dim=bool(style.dim),
        underline=bool(style.underline),
        reverse=bool(style.reverse),
    )


def _name(color: Color | None) -> str:
    if color is None or color.type is ColorType.DEFAULT:
        return ""
    return color.triplet.hex if color.triplet is not None else color.name
