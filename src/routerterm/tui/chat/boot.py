"""The machine's first words while the program gets ready: line by line within a third of a second, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.timer import Timer

if TYPE_CHECKING:
    from textual.widgets import Static

    from routerterm.tui.app_context import AppContext

LONGEST = 0.3
"""Seconds for all of it."""


class Boot:
    """Shows the theme's boot lines where the transcript will be, then its standing words."""

    def __init__(self, app: AppContext, idle_text: Static) -> None:
        self._app = app
        self._idle_text = idle_text
        self._timer: Timer | None = None
        self._shown = 0

    def begin(self) -> None:
        """Start, unless nothing shall move."""
        lines = self._app.machine.boot
        if not lines or not self._app.moves:
            self.skip()
            return
        self._timer = self._idle_text.set_interval(LONGEST / (len(lines) + 1), self._step)
        self._step()

    def skip(self) -> None:
        """Go straight to the end."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._say(self._app.machine.voice)

    def _step(self) -> None:
        lines = self._app.machine.boot
        self._shown += 1
        if self._shown > len(lines):
            self.skip()
        else:
            self._say((*lines[: self._shown], *[""] * (len(lines) - self._shown)))

    def _say(self, lines: tuple[str, ...]) -> None:
        self._idle_text.update("\n".join(lines))
