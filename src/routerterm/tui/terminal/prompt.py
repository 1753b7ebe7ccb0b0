"""What a key changed is drawn at once.

Textual draws a screen sixty times a second at most, and for one to two of these ticks after a frame it draws nothing:
a key pressed while an answer streams would wait up to 33 ms for its echo.  Here the screen is looked at after a key,
a few times a millisecond apart, and drawn as soon as the key has changed it; what follows keeps to Textual's ticks.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from routerterm.tui.textual_internals.screens import draw_now, waits_to_be_drawn

if TYPE_CHECKING:
    from textual.app import App

LOOKS = 12
"""How often the screen is looked at for what a key changes."""
PAUSE = 0.001
"""Seconds between two looks."""
APART = 0.008
"""Seconds between two screens drawn out of turn: keys that come in bursts are drawn together."""


class Prompter:
    """Draws the screen out of turn after a key.  Everything in the event loop's thread."""

    def __init__(self, app: App[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop
        self._looks = 0
        self._timer: asyncio.TimerHandle | None = None
        self._drawn_at = -1.0
        self.drawn = 0
        """Screens drawn out of turn."""

    def pressed(self) -> None:
        """A key is on its way to whoever takes it."""
        self._looks = LOOKS
        if self._timer is None:
            self._look()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        stack = self._app.screen_stack if self._app.is_running else []
        if stack and waits_to_be_drawn(stack[-1]) and self._loop.time() - self._drawn_at >= APART:
            self._drawn_at = self._loop.time()
            self.drawn += 1
            draw_now(stack[-1])
        elif stack and self._looks:
            self._looks -= 1
            self._timer = self._loop.call_later(PAUSE, self._look)
