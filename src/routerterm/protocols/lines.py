"""Cuts a stream of bytes into lines, in bounded memory, however the bytes arrive."""

from __future__ import annotations

MAX_LINE = 16 * 1024 * 1024
"""The longest line in bytes: a picture inside a chunk is a few megabytes, an attack is not a line at all."""

BOM = b"\xef\xbb\xbf"


class TooLong(Exception):
    """A line or an event grew past its limit."""


class Lines:
    r"""Splits at ``\n``, ``\r\n`` and a lone ``\r``, and at nothing else; one leading BOM is dropped."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._tail: list[bytes] = []
        self._held = 0
        self._after_cr = False
        self._start: bytes | None = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that these bytes complete.  Raises `TooLong`."""
        if self._start is not None:
            data = self._without_bom(data)
        if not data:
            return []
        if self._after_cr:
            self._after_cr = False
            if data[0] == 10:
                data = data[1:]
        if b"\r" in data:
            self._after_cr = data[-1] == 13
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in data:
            self._hold(data)
            return []
        lines = data.split(b"\n")
        if self._tail:
            self._tail.append(lines[0])
            lines[0] = b"".join(self._tail)
            self._tail, self._held = [], 0
        self._hold(lines.pop())
        return lines

    def end(self) -> bytes:
        """The unfinished last line."""
        rest = (self._start or b"") + b"".join(self._tail)
        self._start, self._tail, self._held = None, [], 0
        return rest

    def _hold(self, piece: bytes) -> None:
        if not piece:
            return
        self._held += len(piece)
        if self._held > self._limit:
            self._tail, self._held = [], 0
            raise TooLong
        self._tail.append(piece)
        if len(self._tail) > 4096:  # a line that drips in byte by byte must not cost an object per byte
            self._tail = [b"".join(self._tail)]

    def _without_bom(self, data: bytes) -> bytes:
        """Hold the first bytes back until they are seen to be a BOM or not."""
        start = (self._start or b"") + data
        if len(start) < len(BOM) and BOM.startswith(start):
            self._start = start
            return b""
        self._start = None
        return start.removeprefix(BOM)
