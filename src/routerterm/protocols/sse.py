"""Server-sent events: bytes in, events out, as the HTML standard has it and real servers write it."""

from __future__ import annotations

from typing import NamedTuple

from routerterm.protocols.lines import MAX_LINE, Lines, TooLong

_MOST_STRAY = 64 * 1024


class ServerEvent(NamedTuple):
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
        out: list[ServerEvent] = []
        for line in self._lines.feed(data):
            if line:
                self._field(line, out)
            elif self._data:
                self._dispatch(out)
            else:
                self._name = ""
        return out

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
