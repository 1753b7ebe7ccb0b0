"""The theme's first words while the program gets ready: once a day, over in 0.6 s, and gone with the first key."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from routerterm.core.sanitise import one_line
from routerterm.tui.clock import local, today

if TYPE_CHECKING:
    from pathlib import Path

    from textual.timer import Timer

    from routerterm.tui.app_context import AppContext
    from routerterm.tui.widgets.greeting import Greeting
    from routerterm.wiring import Services

LONGEST = 0.6
"""Seconds for all of it."""
MARK = "started"
"""The file among the state whose time says when it was last watched."""


class Boot:
    """Shows the theme's boot lines and what has been found ready, in place of what an empty chat says."""

    def __init__(self, app: AppContext, greeting: Greeting) -> None:
        self._app = app
        self._greeting = greeting
        self._timer: Timer | None = None
        self._shown = 0

    def begin(self) -> None:
        """Start, unless nothing shall move or it was watched today."""
        lines = self._app.active_theme.boot
        if not lines or not self._app.moves or not first_today(self._app.paths.state / MARK):
            return
        self._timer = self._greeting.set_interval(LONGEST / (len(lines) + 3), self._step)
        self._step()

    def skip(self) -> None:
        """Go straight to the end."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
            self._greeting.boot(None)

    def _step(self) -> None:
        lines = self._app.active_theme.boot
        self._shown += 1
        if self._shown > len(lines) + 2:
            self.skip()
            return
        dots = self._app.active_theme.glyphs.dot
        found = [
            f"{name} {dots * max(3, 24 - len(name) - len(said))} {said}" for name, said in checks(self._app.services)
        ]
        said = (*lines[: self._shown], *(found if self._shown > len(lines) else ()))
        self._greeting.boot((*said, *[""] * (len(lines) + 3 - len(said))))


def checks(services: Services | None) -> tuple[tuple[str, str], ...]:
    """What has been looked at so far, each with what was found."""
    if services is None:
        return (("SETTINGS", "READING"),)
    keys = f"{len(services.with_key)} OK" if services.with_key else "NONE"
    return ("HISTORY", "OPEN"), ("KEYS", keys), ("ANSWERS", one_line(services.default_model))


def first_today(mark: Path) -> bool:
    """Whether nobody has been here since midnight; from now on somebody has."""
    try:
        seen = local(mark.stat().st_mtime_ns // 1_000_000).date() == today()
    except OSError:
        seen = False
    if not seen:
        with suppress(OSError):  # a disk that takes nothing shows it again
            mark.touch()
            os.utime(mark)
    return not seen
