"""Bytes to the terminal without ever waiting for it.

The tty is opened a second time: non-blocking is a property of the open file description, which the shell and
our own standard input share.  Where it cannot be opened again, a thread does the blocking writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Protocol


class Sink(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes) -> int:
        """Take as much as can be taken without waiting; ``OSError`` where the line is gone."""

    def watch(self, ready: Callable[[], None]) -> None:
        """Call ``ready`` once, in the event loop, when it may take more."""

    def drain(self, data: bytes, seconds: float) -> bool:
        """Write the last bytes, waiting no longer than this; were they written?"""

    def close(self) -> None:
        """Give up what is held open."""


def open_sink(fd: int, loop: asyncio.AbstractEventLoop) -> Sink:
    """A sink on the terminal behind ``fd``."""
    for name in _names(fd):
        with contextlib.suppress(OSError):
            own = os.open(name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            if os.fstat(own).st_rdev == os.fstat(fd).st_rdev or name == "/dev/tty":
                return LoopSink(own, loop)
            os.close(own)
    return ThreadSink(fd, loop)


def _names(fd: int) -> list[str]:
    names = []
    with contextlib.suppress(OSError):
        names.append(os.ttyname(fd))
    names.append(f"/proc/self/fd/{fd}")
    return names


class LoopSink:
    """Non-blocking writes from the event loop."""

    def __init__(self, fd: int, loop: asyncio.AbstractEventLoop) -> None:
        self._fd = fd
        self._loop = loop
        self._watching = False

    def write(self, data: bytes) -> int:
        """Take what fits."""
        try:
            return os.write(self._fd, data)
        except (BlockingIOError, InterruptedError):
            return 0

    def watch(self, ready: Callable[[], None]) -> None:
        """Wait for room."""
        if self._watching:
            return
        self._watching = True

        def room() -> None:
            self._watching = False
            with contextlib.suppress(OSError, ValueError):
                self._loop.remove_writer(self._fd)
            ready()

        try:
            self._loop.add_writer(self._fd, room)
        except (OSError, NotImplementedError):  # an event loop that cannot watch terminals
            self._loop.call_later(0.02, room)

    def drain(self, data: bytes, seconds: float) -> bool:
        """Write the last bytes."""
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        while data:
            try:
                data = data[self.write(data) :]
            except OSError:
                return False
            left = deadline - time.monotonic()
            if data and (left <= 0 or not poll.poll(left * 1000)):
                return False
        return True

    def close(self) -> None:
        """Close our own description."""
        if self._watching:
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                self._loop.remove_writer(self._fd)
        os.close(self._fd)


class ThreadSink:
    """Blocking writes, one at a time, in a thread."""

    def __init__(self, fd: int, loop: asyncio.AbstractEventLoop) -> None:
        self._fd = fd
        self._loop = loop
        self._data: bytes | None = None
        self._ready: Callable[[], None] | None = None
        self._error: OSError | None = None
        self._closed = False
        self._change = threading.Condition()
        threading.Thread(target=self._run, name="routerterm-output", daemon=True).start()

    def write(self, data: bytes) -> int:
        """Hand over one piece, unless the last is still on its way."""
        with self._change:
            if self._error is not None:
                raise self._error
            if self._data is not None:
                return 0
            self._data = data[:4096]
            self._change.notify_all()
            return len(self._data)

    def watch(self, ready: Callable[[], None]) -> None:
        """Wait for the thread."""
        with self._change:
            if self._data is not None:
                self._ready = ready
                return
        self._loop.call_soon(ready)

    def drain(self, data: bytes, seconds: float) -> bool:
        """Write the last bytes."""
        deadline = time.monotonic() + seconds
        while True:
            with self._change:
                if not self._change.wait_for(lambda: self._data is None, max(0.0, deadline - time.monotonic())):
                    return False
            if not data:
                return True
            try:
                data = data[self.write(data) :]
            except OSError:
                return False

    def close(self) -> None:
        """End the thread once its write returns."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._data is not None or self._closed)
                data = self._data
            if data is None:
                return
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError as error:
                self._error = error
            with self._change:
                self._data = None
                ready, self._ready = self._ready, None
                self._change.notify_all()
            if ready is not None:
                with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                    self._loop.call_soon_threadsafe(ready)
