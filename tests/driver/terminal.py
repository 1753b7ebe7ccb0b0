"""The program as a process in a real pty, seen through a terminal emulator."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from pyte.screens import Char

from routerterm.config.paths import Paths
from tests.cli.program import PROGRAM
from tests.driver.driver import PATIENCE, PAUSE, Driver
from tests.driver.keys import bytes_of
from tests.driver.picture import Look, Picture
from tests.tui.terminal.emulators import Emulator
from tests.tui.terminal.sessions import Session

MOUSE = {"down": (0, "M"), "up": (0, "m"), "drag": (32, "M"), "wheel up": (64, "M"), "wheel down": (65, "M")}
BETWEEN_KEYS = 0.01
"""Seconds between two keys, so that they are no burst; an Escape is followed by more, or it would be an Alt key."""
AFTER_ESCAPE = 0.15


class TerminalDriver(Driver):
    """The same verbs by the bytes that a terminal sends; what comes back is read all the time."""

    def __init__(self, paths: Paths, session: Session, rate: int | None) -> None:
        super().__init__(paths)
        self._session = session
        self._rate = rate
        self._code: int | None = None
        self._reader = asyncio.create_task(self._read())

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.send(bytes_of(key))
            await asyncio.sleep(AFTER_ESCAPE if key == "escape" else BETWEEN_KEYS)

    async def paste(self, text: str) -> None:
        await self.send(f"\x1b[200~{text}\x1b[201~")

    async def burst(self, text: str) -> None:
        await self.send(text)

    async def mouse(self, what: str, x: int, y: int) -> None:
        button, final = MOUSE[what]
        await self.send(f"\x1b[<{button};{x + 1};{y + 1}{final}")
        await asyncio.sleep(BETWEEN_KEYS)

    async def resize(self, width: int, height: int) -> None:
        self._session.resize(width, height)

    async def send(self, text: str) -> None:
        """Bytes as they are, however long the program takes to read them."""
        data = text.encode()
        while data:
            data = data[await asyncio.to_thread(os.write, self._session.fd, data[:512]) :]

    def picture(self) -> Picture:
        if self._reader.done() and not self._reader.cancelled():
            self._reader.result()  # what ended the reading is the fault, not the picture that stopped with it
        self._session.show()
        return picture_of(self._session.emulator)

    def focus(self) -> str:
        """By the mode that the status row shows; a dialog, where a frame stands within the screen or none is shown."""
        seen = self.picture()
        if seen.dialog is not None or not seen.mode:
            return "dialog"
        return {"WRITE": "composer", "MESSAGES": "messages", "CHATS": "chats"}[seen.mode]

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE):
            while self._code is None:
                self._wait()
                await self.breathe()
        return self._code

    def close(self) -> None:
        """End it, however it is."""
        self._reader.cancel()
        self._session.close()

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._session.pid

    def _wait(self) -> None:
        pid, status = os.waitpid(self._session.pid, os.WNOHANG)
        if pid:
            self._session.pid = 0
            self._code = os.waitstatus_to_exitcode(status)

    async def _read(self) -> None:
        """Take what it draws: all of it, or so many bytes a second, as a slow line carries."""
        size = 65_536 if self._rate is None else max(1, int(self._rate * PAUSE))
        while True:
            if self._session.read(0, size) < size or self._rate is not None:
                await asyncio.sleep(PAUSE)


def picture_of(emulator: Emulator) -> Picture:
    """What the emulator shows."""
    screen = emulator.screen
    cells = [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]
    rows = tuple("".join(cell.data for cell in row) for row in cells)
    return Picture(rows, (screen.cursor.x, screen.cursor.y), lambda: (map(_look, row) for row in cells))


def _look(cell: Char) -> Look:
    return Look(_colour(cell.fg), _colour(cell.bg), cell.bold, False, cell.underscore, cell.reverse)


def _colour(name: str) -> str:
    if name == "default":
        return ""
    return f"#{name}" if len(name) == 6 and set(name) <= set("0123456789abcdef") else name


@asynccontextmanager
async def in_terminal(
    paths: Paths,
    size: tuple[int, int] = (100, 30),
    *arguments: str,
    ready: bool = True,
    rate: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[TerminalDriver]:
    """The program in a pty, once it is ready; ``rate`` makes the line as slow as so many bytes a second."""
    width, height = size
    session = Session(
        columns=width, rows=height, command=(*PROGRAM, *arguments), env={"LC_ALL": "C.UTF-8", **(environment or {})}
    )
    it = TerminalDriver(paths, session, rate)
    try:
        if ready:
            await it.ready()
        yield it
    finally:
        it.close()
