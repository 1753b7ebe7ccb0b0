"""The shell of every decoder: framing, JSON, limits.  A protocol's own reader sees only whole objects.

What a server sends is sniffed, not believed: an answer that should be a stream but is one JSON object, a
list or a web page is read as what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, TypeAlias

from routerterm.core.errors import InvalidResponse
from routerterm.core.events import StreamError, WireEvent
from routerterm.protocols.classify import classify
from routerterm.protocols.event_builder import EventBuilder
from routerterm.protocols.json_utils import NotJson, loads
from routerterm.protocols.sse import BOM, MAX_LINE, Lines, ServerEvent, SseParser, TooLong

Framing: TypeAlias = Literal["sse", "ndjson"]
MAX_BODY = 64 * 1024 * 1024
"""The longest body in bytes that is read as one piece."""


_MOST_MISSES = 3
"""Pieces in a row that are no plain text, after which but one in `_SELDOM` is tried: a try costs a microsecond."""
_SELDOM = 4


class Reader(Protocol):
    """What a protocol makes of whole JSON objects."""

    def quick(self, data: bytes, emit: EventBuilder) -> bool:
        """Take a piece of plain text, decoded by its type; false, and nothing done, where it is anything else."""
        ...

    def on(self, name: str, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """One event of a stream; ``name`` is its SSE name, if it had one."""
        ...

    def body(self, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """A whole answer."""
        ...

    def done(self, emit: EventBuilder) -> None:
        """The marker ``[DONE]``."""
        ...

    def end(self, emit: EventBuilder) -> None:
        """The end of the stream."""
        ...


class StreamDecoder:
    """Fulfils `base.Decoder` over a `Reader`."""

    def __init__(
        self,
        reader: Reader,
        *,
        framing: Framing = "sse",
        think_tags: bool = False,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """``names`` are those of tools by the ones under which they went."""
        self._reader = reader
        self._emit = EventBuilder(think_tags=think_tags, names=names)
        self._ndjson = framing == "ndjson"
        self._frames: Callable[[bytes], None] = self._sniff
        self._sse = SseParser()
        self._lines = Lines()
        self._body = bytearray()
        self._array: ArrayItems | None = None
        self._seen = False
        self._ended = False
        self._misses = 0

    @property
    def citations(self) -> tuple[str, ...]:
        """The sources that the provider named beside the text, as far as they came."""
        return self._emit.citations

    @property
    def is_finishing(self) -> bool:
        """Whether the provider gave its reason for the end: only what belongs to it may still come."""
        return self._emit.is_finishing

    def feed(self, data: bytes) -> list[WireEvent]:
        """The events that became certain with these bytes."""
        emit = self._emit
        if data and not emit.broken and not self._ended:
            try:
                self._frames(data)
            except TooLong:
                emit.fail(InvalidResponse("The provider sent an endless line.", "Its server may be broken."))
        return emit.take()

    def end(self) -> list[WireEvent]:
        """What was held back.  To be called however the stream ended."""
        if not self._ended:
            self._ended = True
            if not self._emit.broken:
                try:
                    self._finish()
                except TooLong:
                    self._emit.fail(InvalidResponse("The provider sent an endless line.", "Its server may be broken."))
            if not self._emit.broken:
                self._reader.end(self._emit)
            if self._emit.is_finishing:
                self._emit.stop()
            if not self._emit.broken:
                self._emit.flush()
        return self._emit.take()

    def _sniff(self, data: bytes) -> None:
        """Choose the framing by the first byte that says something."""
        self._body += data
        start = bytes(self._body[:3])
        if len(start) < 3 and BOM.startswith(start):
            return
        stripped = self._body.removeprefix(BOM).lstrip()
        if not stripped:
            del self._body[3:]  # blank lines keep the connection alive, and may go on for long
            return
        data, self._body = bytes(stripped), bytearray()
        first = data[0]
        if first == ord("["):
            self._array, self._frames = ArrayItems(), self._feed_array
        elif first == ord("<") or (first == ord("{") and not self._ndjson):
            self._frames = self._feed_body
        else:
            self._frames = self._feed_lines if self._ndjson else self._feed_sse
        self._frames(data)

    def _feed_sse(self, data: bytes) -> None:
        if (event := self._sse.whole(data)) is not None:
            self._event(event)
            return
        for event in self._sse.feed(data):
            self._event(event)
            if self._emit.broken:
                return

    def _feed_lines(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            if line and not line.isspace():
                self._object("", line)
            if self._emit.broken:
                return

    def _feed_array(self, data: bytes) -> None:
        assert self._array is not None
        for item in self._array.feed(data):
            self._object("", item)
            if self._emit.broken:
                return

    def _feed_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > MAX_BODY:
            self._body.clear()
            raise TooLong

    def _finish(self) -> None:
        """The last frame, which may lack its end; one that is not whole is a sign of a cut, not of bad JSON."""
        if self._frames == self._feed_body:
            read_body(self._reader, bytes(self._body), self._emit)
        elif self._frames == self._feed_lines:
            rest = self._lines.end()
            if is_json(rest):
                self._object("", rest)
            elif rest.strip() and not self._seen and not rest.startswith(b"{"):
                self._emit.fail(InvalidResponse("The provider's answer is not a stream of JSON lines."))
        elif self._frames == self._feed_sse:
            for event in self._sse.end():
                if event.data.strip() == b"[DONE]" or is_json(event.data):
                    self._event(event)
            if self._sse.stray and not self._emit.broken:
                self._stray(bytes(self._sse.stray))

    def _stray(self, lines: bytes) -> None:
        """What stood in the stream without being part of it: an error, as a rule."""
        if is_json(lines):
            self._object("", lines)
        elif not self._seen:
            self._emit.fail(InvalidResponse("The provider's answer is not a stream of events."))

    def _event(self, event: ServerEvent) -> None:
        data = event.data
        if data[:1] == b"{":
            self._object(event.name, data)
        elif data[:6] == b"[DONE]":
            self._seen = True
            self._reader.done(self._emit)
        elif data and not data.isspace():
            self._object(event.name, data)

    def _object(self, name: str, data: bytes) -> None:
        emit, self._seen = self._emit, True
        emit.origin = data
        likely = name != "error" and (self._misses < _MOST_MISSES or self._misses % _SELDOM == 0)
        if likely and self._reader.quick(data, emit):
            self._misses = 0
            return
        self._misses += 1
        try:
            payload = loads(data)
        except NotJson:
            if name == "error":
                self._emit.fail(classify(200, {}, data))
                return
            self._emit.fail(InvalidResponse("The provider sent a chunk that is not JSON."))
            return
        if isinstance(payload, list) and payload and isinstance(payload[0], dict):
            payload = payload[0]
        if isinstance(payload, dict):
            self._reader.on(name, payload, self._emit)
        elif payload is not None:
            if name == "error":
                self._emit.fail(classify(200, {}, data))
                return
            self._emit.fail(InvalidResponse("The provider sent a chunk that is not a JSON object."))


def decode_whole(decoder: StreamDecoder, body: bytes) -> list[WireEvent]:
    """The events of a body that came in one piece, be it an object or (whatever was asked) a stream."""
    if not body.removeprefix(BOM).strip():
        return [StreamError(InvalidResponse("The provider's answer is empty."))]
    return decoder.feed(body) + decoder.end()


def is_json(data: bytes) -> bool:
    """Whether the bytes are whole JSON."""
    try:
        loads(data)
    except NotJson:
        return False
    return True


def read_body(reader: Reader, body: bytes, emit: EventBuilder) -> None:
    """Read an answer that came whole.  What cannot be read becomes `StreamError`."""
    stripped = body.removeprefix(BOM).strip()
    emit.origin = stripped
    try:
        payload = loads(stripped)
    except NotJson:
        emit.fail(_unreadable(stripped))
        return
    for item in payload if isinstance(payload, list) else [payload]:
        if emit.broken:
            return
        if not isinstance(item, dict):
            emit.fail(InvalidResponse("The provider's answer is not a JSON object."))
            return
        if isinstance(payload, list):
            reader.on("", item, emit)
        else:
            reader.body(item, emit)


def _unreadable(body: bytes) -> InvalidResponse:
    if not body:
        return InvalidResponse("The provider's answer is empty.")
    if body.startswith(b"<"):
        hint = "Check base_url; there may be a proxy in between."
        return InvalidResponse("The provider answered with a web page.", hint)
    return InvalidResponse("The provider's answer is not JSON, or is truncated.")


_OUTSIDE = re.compile(rb'["\[{\]}]')
_INSIDE = re.compile(rb'["\\]')


class ArrayItems:
    """Cuts a JSON array that arrives in pieces into the bytes of its items (Gemini without ``alt=sse``)."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._item: list[bytes] = []
        self._size = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, data: bytes) -> list[bytes]:
        """The items that these bytes complete.  Raises `TooLong`."""
        out: list[bytes] = []
        start = place = 0
        if self._escaped:
            self._escaped, place = False, 1
        while (match := (_INSIDE if self._in_string else _OUTSIDE).search(data, place)) is not None:
            place = match.end()
            match match[0]:
                case b'"':
                    self._in_string = not self._in_string
                case b"\\":
                    place += 1
                    self._escaped = place > len(data)
                case b"[" | b"{":
                    self._depth += 1
                    if self._depth == 2:
                        start = place - 1
                case _:
                    self._depth -= 1
                    if self._depth == 1:
                        self._keep(data[start:place])
                        out.append(b"".join(self._item))
                        self._item, self._size = [], 0
        if self._depth >= 2:
            self._keep(data[start:])
        elif not out:
            self._grow(len(data))  # between items there are commas and blanks, and not for long
        return out

    def _keep(self, piece: bytes) -> None:
        self._grow(len(piece))
        self._item.append(piece)
        if len(self._item) > 4096:
            self._item = [b"".join(self._item)]

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._limit:
            self._item, self._size = [], 0
            raise TooLong
