"""Pictures, drawn in a thread of their own: decoding one takes longer than a key may wait.

Whoever lays out an entry asks for a picture's lines.  They are there, or there are none yet; in that case the entry
is told of once they are, and laid out anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeAlias
from zlib import crc32

if TYPE_CHECKING:
    from routerterm.tui.markdown.lines import Line
    from routerterm.tui.markdown.pictures import Draw

Key: TypeAlias = tuple[int, int, int, int, str]
"""Length and sums of the bytes, width and the sign to draw with."""
PER_ENTRY = 16
"""Pictures that are drawn of one entry."""
KEPT = 4 * PER_ENTRY


class ImageCache:
    """The pictures of a transcript."""

    def __init__(self, tell: Callable[[set[str]], object]) -> None:
        self.spare = False
        """Whether the line is too slow for pictures: one takes as many bytes as an answer."""
        self._tell = tell
        self._lines: dict[Key, tuple[Line, ...]] = {}
        self._waiting: dict[Key, set[str]] = {}
        self._queue: SimpleQueue[tuple[Key, bytes, asyncio.AbstractEventLoop] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def drawer(self, id: str, half: str) -> Draw | None:
        """What draws the pictures of one entry; ``half`` is the upper half block, where the terminal has it."""
        from routerterm.tui.markdown.pictures import can_draw

        if not half or self.spare or not can_draw():
            return None
        asked = 0

        def draw(data: bytes, width: int) -> Sequence[Line]:
            nonlocal asked
            asked += 1
            return self._ask(id, data, width, half) if asked <= PER_ENTRY else ()

        return draw

    def close(self) -> None:
        """No more pictures."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread = None

    def _ask(self, id: str, data: bytes, width: int, half: str) -> Sequence[Line]:
        key: Key = (len(data), crc32(data[:65_536]), crc32(data[-65_536:]), width, half)
        if (known := self._lines.get(key)) is not None:
            return known
        if key in self._waiting:
            self._waiting[key].add(id)
            return ()
        self._waiting[key] = {id}
        if self._thread is None:
            # A daemon: the program ends without waiting for a picture.
            self._thread = threading.Thread(target=self._work, name="routerterm-pictures", daemon=True)
            self._thread.start()
        self._queue.put((key, data, asyncio.get_running_loop()))
        return ()

    def _work(self) -> None:
        while (task := self._queue.get()) is not None:
            key, data, loop = task
            from routerterm.tui.markdown.pictures import picture_lines

            lines = picture_lines(data, key[3], key[4])
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._drawn, key, lines)

    def _drawn(self, key: Key, lines: tuple[Line, ...]) -> None:
        while len(self._lines) >= KEPT:
            del self._lines[next(iter(self._lines))]
        self._lines[key] = lines
        ids = self._waiting.pop(key, set())
        if lines and ids:
            self._tell(ids)
