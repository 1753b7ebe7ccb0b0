"""A theme as the colours of an exported page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.engine.transfer.html import Colours as Page
from routerterm.tui.themes.reader import DEFAULT, find_themes, read_theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routerterm.tui.themes.values import Theme

_ANSI = {
    "default": "",
    "black": "#000000", "red": "#cd3131", "green": "#0dbc79", "yellow": "#e5e510",
    "blue": "#2472c8", "magenta": "#bc3fbc", "cyan": "#11a8cd", "white": "#e5e5e5",
    "bright_black": "#808080", "bright_red": "#f14c4c", "bright_green": "#23d18b", "bright_yellow": "#f5f543",
    "bright_blue": "#3b8eea", "bright_magenta": "#d670d6", "bright_cyan": "#29b8db", "bright_white": "#ffffff",
}  # fmt: skip
"""What a terminal's own colours usually look like: a page has no terminal to ask."""


def page_of(theme: Theme) -> Page:
    """The colours of a page that looks like that theme."""
    own, plain = theme.colours, Page()
    return Page(
        background=_css(own.background, "#000000"),
        text=_css(own.text, plain.text),
        dim=_css(own.dim, plain.dim),
        bright=_css(own.bright, plain.bright),
        faint=_css(own.faint, plain.faint),
        panel=_css(own.panel, _css(own.background, "#000000")),
        code=_css(own.code, plain.code),
        link=_css(own.link, plain.link),
        scanlines=theme.scanlines,
    )


def page_by_name(name: str, folders: Sequence[Path]) -> Page:
    """The same for the theme of that name; the default where it is broken or not there."""
    found = find_themes(folders)
    for wanted in (name, DEFAULT):
        try:
            return page_of(read_theme(found[wanted]))
        except (KeyError, RoutertermError):
            continue
    return Page()


def _css(colour: str, otherwise: str) -> str:
    if colour.startswith("#"):
        return colour
    return _ANSI.get(colour.removeprefix("ansi_"), "") or otherwise
