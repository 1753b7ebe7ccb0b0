"""Bytes into lines, and lines into server-sent events, as the HTML standard has it and real servers write it."""

from __future__ import annotations

from msgspec import Struct

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

    @property
    def is_clear(self) -> bool:
        """Whether nothing waits: what comes next begins a line."""
        return not self._tail and not self._after_cr and self._start is None

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


_MOST_STRAY = 64 * 1024


class ServerEvent(Struct, frozen=True, gc=False):
    """One event.  ``name`` is empty where the server gave none."""

    name: str
    data: bytes


class SseParser:
    """An incremental parser.  Comments and unknown fields are skipped.

    llama.cpp once sent errors as a field ``error:``: such a field comes out as an event of that name.  Others
    drop a bare JSON object into the stream: lines that are no field at all are kept in ``stray``.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._lines = Lines(limit)
        self._limit = limit
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0
        self.stray = bytearray()

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that these bytes complete.  Raises `TooLong`."""
        if (event := self.whole(data)) is not None:
            return [event]
        out: list[ServerEvent] = []
        for line in self._lines.feed(data):
            if line:
                self._field(line, out)
            elif self._data:
                self._dispatch(out)
            else:
                self._name = ""
        return out

    def whole(self, data: bytes) -> ServerEvent | None:
        """The event, if these bytes are one of one line, as most pieces are, and nothing waits before them."""
        if data[-1:] != b"\n" or self._data or self._name or not self._lines.is_clear or len(data) > self._limit:
            return None
        lines = data.splitlines()  # of bytes: at the ends of lines that server-sent events know, and at no others
        name = ""
        if len(lines) == 3 and lines[0][:7] == b"event: ":
            name = lines[0][7:].decode("utf-8", "replace")
        elif len(lines) != 2:
            return None
        if lines[-1] or lines[-2][:6] != b"data: ":
            return None
        return ServerEvent(name, lines[-2][6:])

    def end(self) -> list[ServerEvent]:
        """A last event that lacks its blank line.  It may be cut: the caller must see whether it is whole."""
        out: list[ServerEvent] = []
        if rest := self._lines.end():
            self._field(rest, out)
        if self._data:
            self._dispatch(out)
        return out

    def _field(self, line: bytes, out: list[ServerEvent]) -> None:
        if line[:6] == b"data: ":
            field, value = b"data", line[6:]
        else:
            field, _, value = line.partition(b":")
            value = value[1:] if value[:1] == b" " else value
        if field == b"data":
            self._size += len(value)
            if self._size > self._limit:
                raise TooLong
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif field == b"error":
            out.append(ServerEvent("error", value))
        elif field not in (b"", b"id", b"retry") and len(self.stray) < _MOST_STRAY:
            self.stray += line[:_MOST_STRAY] + b"\n"

    def _dispatch(self, out: list[ServerEvent]) -> None:
        out.append(ServerEvent(self._name, self._data[0] if len(self._data) == 1 else b"\n".join(self._data)))
        self._name, self._data, self._size = "", [], 0
