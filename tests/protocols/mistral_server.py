"""What Mistral's own server says, for our decoder: thoughts are parts of the content, calls come whole at the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from routerterm.core.events import ReasoningDelta, StreamEnd, ToolCallDelta, WireEvent
from routerterm.core.messages import Reasoning, ToolCall
from routerterm.core.reply import ReplyBuilder
from routerterm.core.usage import Usage
from routerterm.protocols.json_utils import dumps
from routerterm.protocols.openai_chat import server as chat
from routerterm.protocols.openai_chat.server import decode_request, encode_error, encode_models
from routerterm.protocols.server_base import collect

__all__ = ["ServerStream", "decode_request", "encode_body", "encode_error", "encode_models"]


class ServerStream(chat.ServerStream):
    """Writes one streamed answer.  ``created`` is seconds since 1970."""

    def __init__(self, *, id: str, model: str, created: int = 0, usage: bool = True) -> None:
        super().__init__(id=id, model=model, created=created, usage=usage)
        self._calls = ReplyBuilder()

    def _call(self, delta: ToolCallDelta) -> bytes:
        self._calls.add(delta)
        return b""

    def _reasoning(self, delta: ReasoningDelta) -> bytes:
        return self._delta({"content": [_thinking(delta.text)]}) if delta.text else b""

    def _reason(self, stopped: StreamEnd) -> bytes:
        calls = _calls(self._calls)
        delta = {"content": ""} | ({"tool_calls": calls} if calls else {})
        return self._delta(delta, finish=chat.finish_word(stopped, called=bool(calls)))


def encode_body(events: Iterable[WireEvent], *, id: str, model: str, created: int = 0) -> bytes:
    """One whole answer.  Raises the error of a `StreamError`, and `StreamInterrupted` where no `StreamEnd` came."""
    builder, usage, stopped = collect(events)
    thoughts = "".join(part.text for part in builder.parts() if isinstance(part, Reasoning))
    parts = [_thinking(thoughts), *([{"type": "text", "text": builder.text}] if builder.text else [])]
    calls = _calls(builder)
    message: dict[str, Any] = {"role": "assistant", "content": parts if thoughts else builder.text}
    message |= {"tool_calls": calls or None}
    choice = {"index": 0, "message": message, "finish_reason": chat.finish_word(stopped, called=bool(calls))}
    head = {"id": id, "object": "chat.completion", "created": created, "model": model}
    return dumps(head | {"choices": [choice], "usage": chat.usage_object(usage or Usage())})


def _thinking(words: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": words}]}


def _calls(builder: ReplyBuilder) -> list[dict[str, Any]]:
    calls = [part for part in builder.parts() if isinstance(part, ToolCall)]
    return [
        {"index": index, "id": call.id, "function": {"name": call.name, "arguments": call.arguments}}
        for index, call in enumerate(calls)
    ]
