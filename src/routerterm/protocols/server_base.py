"""What the servers' sides share: the value of a request that came in, and how our errors are told to clients.

A server side is a module of a protocol's room, found by `server_codec`; all are made alike
(`ServerCodec`).  Requests come in by ``decode_request``; answers go out as one body, or piece by piece
through a ``ServerStream``: ``start()``, ``event(e)`` for each of a decoder's events, then ``end()``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, assert_never
from urllib.parse import unquote

from msgspec import Struct, field

from routerterm.core.errors import (
    BadRequest,
    RoutertermError,
    StreamInterrupted,
)
from routerterm.core.events import (
    Content,
    HostedDelta,
    ReasoningDelta,
    StreamEnd,
    StreamError,
    TextDelta,
    ToolCallDelta,
    UsageReported,
    WireEvent,
)
from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.messages import Image, Text
from routerterm.core.reply import ReplyBuilder
from routerterm.core.request import ChatRequest, Effort
from routerterm.core.usage import Usage
from routerterm.protocols.images import from_base64, sniffed_type
from routerterm.protocols.json_utils import NotJson, loads
from routerterm.protocols.normalize_messages import conversation

_DATA_URI = LazyPattern(r"(?i)data:([\w.+-]+/[\w.+*-]+)?(?:;[\w=.-]+)*;base64,(.*)", re.DOTALL)


class ServerRequest(Struct, frozen=True):
    """A request as a client sent it."""

    request: ChatRequest
    stream: bool = False
    usage: bool = True
    """Whether a stream should tell its usage."""
    answers: int = 1
    """How many answers to the one question are wanted."""
    echo: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the request that the protocol repeats in its answer."""


class NothingAsked(BadRequest):
    """A client asks nothing yet: it wants a model to be made ready, or to be put away."""

    def __init__(self, model: str, done: str) -> None:
        """``done`` is the protocol's word for the reason why its answer ends."""
        super().__init__("There is nothing to answer: neither `messages` nor a `prompt`.")
        self.wanted = model
        self.done = done


class AnswerStream(Protocol):
    """Writes one streamed answer, for a client that waits for it."""

    def start(self) -> bytes:
        """What a client gets first, before there is content."""
        ...

    def event(self, event: WireEvent) -> bytes:
        """The bytes of one event; none for what waits for the end.  A `StreamError` ends the answer."""
        ...

    def ping(self) -> bytes:
        """What a client may get at any time while it waits; none where the protocol has nothing that is skipped."""
        ...

    def error(self, error: RoutertermError) -> bytes:
        """An error in the middle of the stream, which ends it."""
        ...

    def end(self) -> bytes:
        """What ends the stream.  Without a `StreamEnd` so far the client can tell that the answer was cut."""
        ...


class ServerCodec(Protocol):
    """What the module ``server`` of a protocol offers."""

    def decode_request(self, body: bytes, **address: Any) -> ServerRequest:
        """The request of a client; ``address`` is what stands in the path (Gemini's: ``model``, ``stream``).

        Raises `BadRequest` where it cannot be served as asked.
        """
        ...

    def ServerStream(  # noqa: N802
        self, *, id: str, model: str, created: int = 0, usage: bool = True, **more: Any
    ) -> AnswerStream:
        """A fresh answer.  ``created`` is seconds since 1970; ``usage`` is `ServerRequest.usage`.

        ``more`` is what one protocol alone tells: ``echo`` (Responses), ``prompt_tokens`` (Messages).
        """
        ...

    def encode_body(self, events: Iterable[WireEvent], *, id: str, model: str, created: int = 0, **more: Any) -> bytes:
        """One whole answer.  Raises the error of a `StreamError`, and `StreamInterrupted` where no `StreamEnd` came."""
        ...

    def encode_error(self, error: RoutertermError) -> tuple[int, bytes]:
        """The status and the body of an answer that is an error."""
        ...


def cut() -> StreamInterrupted:
    """What is raised where an answer without an end would pass for a whole one."""
    return StreamInterrupted("The answer was cut off.")


def collect(events: Iterable[WireEvent], *, steps: bool = False) -> tuple[ReplyBuilder, Usage | None, StreamEnd]:
    """A whole answer, its usage and its end; with ``steps`` also those that the provider took by itself.

    Raises as `collect_whole` does.
    """
    builder = ReplyBuilder()
    usage, stopped = collect_whole(events, builder.add, steps=steps)
    return builder, usage, stopped


def collect_whole(
    events: Iterable[WireEvent], take: Callable[[Content], object], *, steps: bool = False
) -> tuple[Usage | None, StreamEnd]:
    """Hand on each piece of a whole answer; its usage and its end.

    Raises the error of a `StreamError`, and `StreamInterrupted` where no `StreamEnd` came.
    """
    usage, stopped = None, None
    for event in events:
        match event:
            case HostedDelta() if not steps:
                pass
            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                take(event)
            case UsageReported():
                usage = event.usage
            case StreamEnd():
                stopped = event
            case StreamError(error):
                raise error
            case _:
                assert_never(event)
    if stopped is None:
        raise cut()
    return usage, stopped


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a request.  Raises `BadRequest`."""
    try:
        payload = loads(body)
    except NotJson:
        raise BadRequest("The request is not JSON.") from None
    if not isinstance(payload, dict):
        raise BadRequest("The request must be a JSON object.")
    return payload


def answerable(request: ChatRequest) -> ChatRequest:
    """The request, of which something is left to be answered.  Raises `BadRequest`."""
    conversation(request)
    return request


def required_text(payload: Mapping[str, Any], field: str) -> str:
    """A field that must hold text.  Raises `BadRequest`."""
    value = payload.get(field)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"`{field}` is missing.")
    return value


def required_list(payload: Mapping[str, Any], field: str) -> list[Any]:
    """A field that must hold a list of objects.  Raises `BadRequest`."""
    value = payload.get(field)
    if not isinstance(value, list) or not value:
        raise BadRequest(f"`{field}` must be a list that is not empty.")
    if not all(isinstance(item, dict) for item in value):
        raise BadRequest(f"`{field}` must hold objects only.")
    return value


def parts_of(content: Any) -> list[Mapping[str, Any]]:
    """What a message holds, given as text, as one part or as a list of them.  Raises `BadRequest` for anything else.

    What is not understood must not vanish from a question.
    """
    if isinstance(content, list):
        items = content
    elif content is None:
        items = []
    else:
        items = [content]
    parts = [{"type": "text", "text": item} if isinstance(item, str) else item for item in items]
    if not all(isinstance(part, dict) for part in parts):
        raise BadRequest("What a message says must be text or a list of parts.")
    return parts


def number(payload: Mapping[str, Any], field: str) -> float | None:
    """A number, where it is given.  Raises `BadRequest`."""
    value = payload.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f"`{field}` must be a number.")
    if not abs(value) < 10**15:
        raise BadRequest(f"`{field}` is too large a number.")
    return float(value)


def whole(payload: Mapping[str, Any], field: str) -> int | None:
    """A whole number, where it is given.  Raises `BadRequest`."""
    value = number(payload, field)
    if value is not None and not value.is_integer():
        raise BadRequest(f"`{field}` must be a whole number.")
    return None if value is None else int(value)


def words(value: Any) -> tuple[str, ...]:
    """Stop words, given as one or as a list."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


_EFFORTS: Mapping[str, Effort] = {
    "none": "none",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}


def effort(value: Any) -> Effort | None:
    """An effort in any provider's words."""
    return _EFFORTS.get(value) if isinstance(value, str) else None


def effort_of(tokens: int) -> Effort:
    """The effort that so many tokens of reasoning come to."""
    if tokens <= 0:
        return "none"
    if tokens < 4096:
        return "low"
    if tokens < 16384:
        return "medium"
    return "high"


def image(address: str) -> Image:
    """A picture from a ``data:`` URI or an address.  Raises `BadRequest`."""
    if address.startswith(("https://", "http://")):
        return Image("image/*", url=address)
    if not address[:5].lower() == "data:":
        raise BadRequest("An image must be a data URI or an https:// URL.")
    match = _DATA_URI.fullmatch(unquote(address) if "%" in address else address)
    if match is None:
        raise BadRequest("An image's data URI must be base64.")
    return picture(match[1] or "", match[2])


def file_part(data: str, name: str) -> Image | Text:
    """A file given as a data URI or as base64: a picture, or its text under its name.  Raises `BadRequest`."""
    match = _DATA_URI.fullmatch(data)
    media_type, packed = (match[1], match[2]) if match is not None else ("", data)
    if media_type.startswith("image/"):
        return picture(media_type, packed)
    try:
        raw = from_base64(packed)
    except ValueError:
        raise BadRequest("A file's base64 is invalid.") from None
    if raw.startswith(b"%PDF"):
        raise BadRequest("PDF files are not supported here: send their text, or their pages as images.")
    try:
        return document(raw.decode("utf-8-sig"), name)
    except UnicodeDecodeError:
        raise BadRequest(f"The file {name[:80]!r} is neither text nor an image.") from None


def document(words: str, title: str) -> Text:
    """A document as text under its title, for protocols that know no documents."""
    heading = " ".join(title.split())[:200] or "document"
    return Text(f"[{heading}]\n{words}\n[end of {heading}]\n")


def picture(media_type: str, data: str) -> Image:
    """A picture from its base64.  Raises `BadRequest`."""
    if not data.strip():
        raise BadRequest("An image must have base64 data.")
    try:
        raw = from_base64(data)
    except ValueError:
        raise BadRequest("An image's base64 is invalid.") from None
    if not (kind := sniffed_type(raw) or media_type):
        raise BadRequest("An image must have a media type.")
    return Image(kind, raw)
