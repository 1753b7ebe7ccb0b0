"""The program inside the test, without a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual import events
from textual.keys import _character_to_key
from textual.message import Message
from textual.pilot import Pilot

from routerterm.config.early_settings import quick_ui
from routerterm.config.paths import Paths
from routerterm.tui.app import RoutertermApp
from tests.driver.driver import Driver
from tests.driver.picture import Picture
from tests.driver.probe import focus_of, is_ready, picture_of, take_rules

MOUSE: dict[str, tuple[type[events.MouseEvent], int]] = {
    "down": (events.MouseDown, 1),
    "up": (events.MouseUp, 1),
    "drag": (events.MouseMove, 1),
    "wheel up": (events.MouseScrollUp, 0),
    "wheel down": (events.MouseScrollDown, 0),
}


class HeadlessDriver(Driver):
    """The same verbs by Textual's pilot.  ``app`` is for what no terminal could do: what a test replaces in it."""

    def __init__(self, paths: Paths, app: RoutertermApp, pilot: Pilot[int]) -> None:
        super().__init__(paths)
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*(_character_to_key(key) if len(key) == 1 else key for key in keys))

    async def paste(self, text: str) -> None:
        await self._send(events.Paste(text))

    async def burst(self, text: str) -> None:
        for letter in text:
            key = {"\r": "enter", "\x7f": "backspace"}.get(letter) or _character_to_key(letter)
            self.app.post_message(events.Key(key, letter))
        await self.pilot.pause()

    async def mouse(self, what: str, x: int, y: int) -> None:
        kind, button = MOUSE[what]
        event = kind(
            widget=None,
            x=x,
            y=y,
            delta_x=0,
            delta_y=0,
            button=button,
            shift=False,
            meta=False,
            ctrl=False,
            screen_x=x,
            screen_y=y,
        )
        await self._send(event)

    async def resize(self, width: int, height: int) -> None:
        await self.pilot.resize_terminal(width, height)

    def picture(self) -> Picture:
        return picture_of(self.app)

    def focus(self) -> str:
        return focus_of(self.app)

    async def ready(self) -> None:
        await self.until(lambda: is_ready(self.app), "it was never put together")
        await super().ready()

    async def ended(self) -> int:
        await self.until(lambda: self.app._exit, "it never ended")
        return self.app.return_code or 0

    async def _send(self, event: Message) -> None:
        """As Textual's own drivers hand over what a terminal reports."""
        event.set_sender(self.app)
        self.app.post_message(event)
        await self.pilot.pause()
        await asyncio.sleep(0)


@asynccontextmanager
async def in_process(
    paths: Paths, size: tuple[int, int] = (100, 30), *, ready: bool = True
) -> AsyncIterator[HeadlessDriver]:
    """The program, once it is ready; with ``ready`` false at once, as somebody meets it who types ahead."""
    app = RoutertermApp(paths, quick_ui(paths))
    take_rules(app)
    async with app.run_test(size=size, notifications=True) as pilot:
        it = HeadlessDriver(paths, app, pilot)
        if ready:
            await it.ready()
        yield it
