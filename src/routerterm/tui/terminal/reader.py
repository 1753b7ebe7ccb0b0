"""Reads the terminal in a thread of its own, until it is told to stop or the terminal has hung up."""

from __future__ import annotations

import os
import select
import threading
import time
import weakref
from collections.abc import Callable

from textual.message import Message

from routerterm.tui.terminal.input import InputParser

AHEAD = 0.1
"""Seconds after the start in which the first that is read was typed before it."""


class EndOfReading(threading.Event):
    """Set where keys are to be read no more; it can be waited for beside a terminal, so that nothing looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen_in, self._said_to = os.pipe()
        weakref.finalize(self, _close_both, self.seen_in, self._said_to)

    def set(self) -> None:
        """Wake whoever selects on `seen_in`."""
        if not self.is_set():
            super().set()
            os.write(self._said_to, b".")

    def clear(self) -> None:
        """Keys may be read again."""
        if self.is_set():
            os.read(self.seen_in, 1)
            super().clear()


def _close_both(one: int, other: int) -> None:
    os.close(one)
    os.close(other)


def _nothing() -> None:
    pass


def read_keys(
    fd: int,
    stop: EndOfReading,
    new_parser: Callable[[], InputParser],
    *,
    on_message: Callable[[Message], None],
    on_looked: Callable[[], object],
    on_error: Callable[[Exception], object],
    on_hang_up: Callable[[], None],
) -> None:
    """Read until told to stop; a terminal that has hung up ends it too.

    ``on_looked``: called once what was there at the beginning, if anything, has been handed to ``on_message``.
    """
    parser = new_parser()
    ahead_until = time.monotonic() + AHEAD
    if not select.select([fd], [], [], 0)[0]:
        on_looked()
        on_looked = _nothing
    while not stop.is_set():
        data = None
        ready = select.select([fd, stop.seen_in], [], [], 0.02 if parser.undecided else None)[0]
        if fd in ready:
            try:
                data = os.read(fd, 65536)
            except OSError:
                data = b""
            if not data:
                on_hang_up()
                return
        elif ready:
            return
        now = time.monotonic()
        try:
            if data is None:
                heard = parser.tick(now)
            elif now < ahead_until:
                # Typed before the terminal was ours: it made a line feed of Enter.
                heard, ahead_until = parser.feed(data.replace(b"\n", b"\r"), now, typed=True), 0.0
            else:
                heard = parser.feed(data, now)
        except Exception as error:  # noqa: BLE001 - no bytes from outside may end the reading of keys
            on_error(error)
            parser, heard = new_parser(), []
        for event in heard:
            on_message(event)
        on_looked()
        on_looked = _nothing
