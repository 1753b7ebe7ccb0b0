"""What is typed before there is anything that takes it: kept, and handed on in its order."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from textual import events
from textual.app import App

WAITS = 10.0
"""Seconds that keys wait for something that takes them."""
PICTURE_WAITS = 0.3
"""Seconds that the first picture waits for what was typed before it."""
AGAIN = 0.005
"""Seconds between two looks whether something takes them now."""


class EarlyInput:
    """Everything that is typed comes through here; once something has taken what was early, at once."""

    def __init__(self, app: App[Any], loop: asyncio.AbstractEventLoop, hand_on: Callable[[events.Event], None]) -> None:
        self._app = app
        self._loop = loop
        self._hand_on = hand_on
        self._waiting: deque[events.InputEvent | events.Paste] = deque()
        self._until = 0.0
        self._taken = False
        self._looked = asyncio.Event()
        self._pictured = False

    def came(self, event: events.InputEvent | events.Paste) -> None:
        """A key, a paste or the mouse: for the app, in order, once there is something that takes it."""
        self._waiting.append(event)
        if len(self._waiting) == 1:
            self._until = self._loop.time() + WAITS
            self._deliver()

    def _deliver(self) -> None:
        takes = getattr(self._app, "takes_input", None) if not self._taken else None
        while self._waiting:
            if takes is not None and not takes() and self._loop.time() < self._until:
                self._loop.call_later(AGAIN, self._deliver)
                return
            takes, self._taken = None, True
            self._hand_on(self._waiting.popleft())

    def has_looked(self) -> None:
        """Whatever was typed before the terminal was ours has come; called in the thread that reads."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._looked.set)

    async def before_picture(self) -> None:
        """Give what was typed so far to whatever has the keys, and wait until that is done; for the first picture only.

        Drawn without it, it would be drawn twice, and the letters typed would be seen in the second.
        """
        if self._pictured:
            return
        self._pictured = True
        with contextlib.suppress(TimeoutError):  # a key that opens something may want this picture first
            async with asyncio.timeout(PICTURE_WAITS):
                await self._looked.wait()
                if self._waiting or self._taken:
                    self._deliver()
                    dealt_with = asyncio.Event()
                    # the way of the keys, so behind them: to the app, and on to the part that they are for
                    self._hand_on(events.Callback(partial(self._after_keys, dealt_with.set)))
                    await dealt_with.wait()

    def _after_keys(self, call: Callable[[], None]) -> None:
        (self._app.focused or self._app.screen).call_later(call)
