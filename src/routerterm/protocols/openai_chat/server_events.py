"""routerterm's own answers, for programs that want no provider's protocol: one JSON object, or typed events.

The request is Chat Completions' (``model``, ``messages``, …).  A stream is server-sent events; each has its type in
``event`` and in ``type``: start, text, reasoning, tool_call, usage, done, error.  docs/events.md describes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from routerterm.core.errors import BadRequest, RoutertermError
from routerterm.core.events import ReasoningDelta, StreamEnd, TextDelta, ToolCallDelta, WireEvent
from routerterm.core.messages import Reasoning, ToolCall
from routerterm.core.usage import Usage
from routerterm.protocols.json_utils import dumps
from routerterm.protocols.openai_chat import server_decode
from routerterm.protocols.openai_chat.server import finish_word
from routerterm.protocols.server_base import ServerRequest, collect
from routerterm.protocols.server_errors import error_mapping, said
from routerterm.protocols.server_stream import BaseServerStream

__all__ = ["ServerStream", "decode_request", "encode_body", "encode_error"]


def decode_request(body: bytes, *, stream: bool = False) -> ServerRequest:
    """The request of a client; ``stream`` where its address says so.  Raises `BadRequest`."""
    asked = server_decode.decode_request(body)
    if asked.answers != 1:
        raise BadRequest("Only one answer per request is supported here (n must be 1).")
    return ServerRequest(asked.request, asked.stream or stream)


class ServerStream(BaseServerStream):
    """Writes one streamed answer.  ``created`` is seconds since 1970."""

    def __init__(self, *, id: str, model: str, created: int = 0, usage: bool = True) -> None:
        super().__init__(usage=usage)
        self._head = {"id": id, "model": model, "created": created}
        self._called = False

    def start(self) -> bytes:
        """Who answers."""
        return _event("start", **self._head)

    def _text(self, delta: TextDelta) -> bytes:
        return _event("text", text=delta.text)

    def _reasoning(self, delta: ReasoningDelta) -> bytes:
        return _event("reasoning", text=delta.text) if delta.text else b""

    def _call(self, delta: ToolCallDelta) -> bytes:
        self._called = True
        call = {"id": delta.id, "name": delta.name, "arguments": delta.arguments}
        return _event("tool_call", index=delta.index, **call)

    def _counted(self, usage: Usage) -> bytes:
        return _event("usage", **usage_object(usage)) if self._wants_usage else b""

    def _failure(self, error: RoutertermError) -> bytes:
        return _event("error", **_error(error))

    def _finish(self, stopped: StreamEnd) -> bytes:
        return _event("done", finish_reason=finish_word(stopped, called=self._called))


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
