"""routerterm's own answers, for programs that want no provider's protocol: one JSON object, or typed events.

The request is Chat Completions' (``model``, ``messages``, …).  A stream is server-sent events; each has its type in
``event`` and in ``type``: start, text, reasoning, tool_call, usage, done, error.  docs/events.md describes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

from routerterm.core.errors import RoutertermError
from routerterm.core.events import (
    ReasoningDelta,
    StreamEnd,
    StreamError,
    TextDelta,
    ToolCallDelta,
    UsageReported,
    WireEvent,
)
from routerterm.core.messages import Reasoning, ToolCall
from routerterm.core.usage import Usage
from routerterm.protocols.json_utils import dumps
from routerterm.protocols.openai_chat import server_decode
from routerterm.protocols.openai_chat.server import finish_word
from routerterm.protocols.server_base import ServerRequest, collect, error_mapping, said

__all__ = ["ServerStream", "decode_request", "encode_body", "encode_error"]


def decode_request(body: bytes, *, stream: bool = False) -> ServerRequest:
    """The request of a client; ``stream`` where its address says so.  Raises `BadRequest`."""
    asked = server_decode.decode_request(body)
    return ServerRequest(asked.request, asked.stream or stream, left_out=asked.left_out)


class ServerStream:
    """Writes one streamed answer.  ``created`` is seconds since 1970."""

    def __init__(self, *, id: str, model: str, created: int = 0, usage: bool = True) -> None:
        self._head = {"id": id, "model": model, "created": created}
        self._wants_usage = usage
        self._called = False
        self._stopped: StreamEnd | None = None
        self._broken = False

    def start(self) -> bytes:
        """Who answers."""
        return _event("start", **self._head)

    def event(self, event: WireEvent) -> bytes:
        """The bytes of one event; the end waits for `end`."""
        match event:
            case TextDelta(words):
                return _event("text", text=words)
            case ReasoningDelta(words):
                return _event("reasoning", text=words) if words else b""
            case ToolCallDelta():
                self._called = True
                call = {"id": event.id, "name": event.name, "arguments": event.arguments}
                return _event("tool_call", index=event.index, **call)
            case UsageReported(usage):
                return _event("usage", **usage_object(usage)) if self._wants_usage else b""
            case StreamEnd():
                self._stopped = event
                return b""
            case StreamError(error):
                return self.error(error)
            case _:
                assert_never(event)

    def ping(self) -> bytes:
        """A comment, which clients skip."""
        return b": waiting\n\n"

    def error(self, error: RoutertermError) -> bytes:
        """An error in the middle of the stream, which ends it."""
        self._broken = True
        return _event("error", **_error(error))

    def end(self) -> bytes:
        """The reason: nothing where the answer was cut, so that no client takes it for whole."""
        if self._broken or self._stopped is None:
            return b""
        return _event("done", finish_reason=finish_word(self._stopped, called=self._called))


def encode_body(events: Iterable[WireEvent], *, id: str, model: str, created: int = 0) -> bytes:
    """One whole answer.  Raises the error of a `StreamError`, and `StreamInterrupted` where no `StreamEnd` came."""
    builder, usage, stopped = collect(events)
    parts = builder.parts()
    calls = [
        {"id": part.id, "name": part.name, "arguments": part.arguments} for part in parts if isinstance(part, ToolCall)
    ]
    answer = {
        "text": builder.text,
        "reasoning": "".join(part.text for part in parts if isinstance(part, Reasoning)),
        "tool_calls": calls,
        "finish_reason": finish_word(stopped, called=bool(calls)),
        "usage": usage_object(usage or Usage()),
    }
    return dumps({"id": id, "model": model, "created": created} | answer)


def encode_error(error: RoutertermError) -> tuple[int, bytes]:
    """The status and the body of an answer that is an error."""
    return error_mapping(error).status, dumps({"error": _error(error)})


def usage_object(usage: Usage) -> dict[str, Any]:
    """Token counts in plain words."""
    counts = {"input_tokens": usage.input, "output_tokens": usage.output, "reasoning_tokens": usage.reasoning}
    return counts | {"estimated": usage.source == "estimated"}


def _error(error: RoutertermError) -> dict[str, Any]:
    how = error_mapping(error)
    return {"code": how.code or how.type, "message": said(error), "status": how.status}


def _event(kind: str, **fields: Any) -> bytes:
    return b"event: " + kind.encode("ascii") + b"\ndata: " + dumps({"type": kind} | fields) + b"\n\n"
