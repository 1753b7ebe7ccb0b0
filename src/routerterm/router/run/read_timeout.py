"""A limit on how long a read may take, cheap enough to be set for every piece of a stream.

`asyncio.timeout` makes a timer for each use.  Here one timer serves a whole stream: it is moved when it goes
off too early, or when the next limit is earlier, not with every piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class ReadTimeout:
    """Reads one thing at a time, each until its own moment."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._reader: asyncio.Task[object] | None = None
        self._due = 0.0
        self._fired = False

    async def until(self, due: float, reading: Awaitable[T]) -> T:
        """What is awaited, if it comes before the event loop's time ``due``.  Raises `TimeoutError`."""
        reader = asyncio.current_task()
        assert reader is not None
        cancelling = reader.cancelling()
        self._due, self._reader, self._fired = due, reader, False
        if self._timer is None or due < self._timer.when():
            self._set(due)
        try:
            return await reading
        except asyncio.CancelledError:
            if self._fired and reader.cancelling() <= cancelling + 1:
                raise TimeoutError from None
            raise
        finally:
            self._reader = None
            if self._fired:
                reader.uncancel()

    def close(self) -> None:
        """Leave no timer behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, due: float) -> None:
        self.close()
        self._timer = asyncio.get_running_loop().call_at(due, self._gone_off)

    def _gone_off(self) -> None:
        self._timer = None
        if self._reader is None:
            return  # nobody reads now; the next one who does sets it again
        if asyncio.get_running_loop().time() < self._due:
            self._set(self._due)
            return
        self._fired = True
        self._reader.cancel()
