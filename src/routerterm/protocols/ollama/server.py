"""The server's side of Ollama's own chat: answers out.  What comes in is read by `serve_request`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from routerterm.core.errors import RoutertermError
from routerterm.core.events import ReasoningDelta, StreamEnd, TextDelta, WireEvent
from routerterm.core.messages import Reasoning, ToolCall
from routerterm.core.reply import ReplyBuilder
from routerterm.core.usage import Usage
from routerterm.protocols.http import given
from routerterm.protocols.json_utils import dumps
from routerterm.protocols.normalize_messages import arguments_object
from routerterm.protocols.ollama.server_decode import decode_request
from routerterm.protocols.server_base import collect
from routerterm.protocols.server_errors import error_in_words, error_mapping
from routerterm.protocols.server_stream import WholeCalls

__all__ = ["ServerStream", "decode_request", "encode_body", "encode_error", "encode_models", "usage_object"]


class ServerStream(WholeCalls):
    """Writes one streamed answer, a line for each piece.  ``created`` is seconds since 1970."""

    def __init__(self, *, id: str, model: str, created: int = 0, usage: bool = True) -> None:
        super().__init__(usage=usage)
        self._head = _head(model, created)

    def ping(self) -> bytes:
        """A line without words."""
        return self._message({"content": ""})

    def _text(self, delta: TextDelta) -> bytes:
        return self._message({"content": delta.text})

    def _reasoning(self, delta: ReasoningDelta) -> bytes:
        return self._message({"content": "", "thinking": delta.text}) if delta.text else b""

    def _failure(self, error: RoutertermError) -> bytes:
        return dumps({"error": error_in_words(error)}) + b"\n"

    def _finish(self, stopped: StreamEnd) -> bytes:
        """The calls and the last line."""
        calls = _calls(self._calls)
        out = self._message({"content": "", "tool_calls": calls}) if calls else b""
        last = {"message": {"role": "assistant", "content": ""}} | _end(stopped, self._usage)
        return out + dumps(self._head | last) + b"\n"

    def _message(self, said: Mapping[str, Any]) -> bytes:
        return dumps(self._head | {"message": {"role": "assistant", **said}, "done": False}) + b"\n"


def encode_body(events: Iterable[WireEvent], *, id: str, model: str, created: int = 0) -> bytes:  # noqa: ARG001
    """One whole answer.  Raises the error of a `StreamError`, and `StreamInterrupted` where no `StreamEnd` came."""
    builder, usage, stopped = collect(events)
    thoughts = "".join(part.text for part in builder.parts() if isinstance(part, Reasoning))
    message = {"role": "assistant", "content": builder.text}
    message |= given(thinking=thoughts or None, tool_calls=_calls(builder) or None)
    return dumps(_head(model, created) | {"message": message} | _end(stopped, usage))


def encode_error(error: RoutertermError) -> tuple[int, bytes]:
    """The status and the body of an answer that is an error."""
    return error_mapping(error).status, dumps({"error": error_in_words(error)})


def encode_models(ids: Sequence[str], *, created: int) -> bytes:
    """A list of models, as ``/api/tags`` gives it."""
    return dumps({"models": [{"name": id, "model": id, "modified_at": _time(created)} for id in ids]})


def usage_object(usage: Usage) -> dict[str, int]:
    """Token counts in Ollama's convention: the whole prompt, and the answer with its thoughts."""
    return {"prompt_eval_count": usage.input, "eval_count": usage.output}


def _head(model: str, created: int) -> dict[str, Any]:
    return {"model": model, "created_at": _time(created)}


def _time(created: int) -> str:
    return datetime.fromtimestamp(created, UTC).isoformat().replace("+00:00", "Z")


def _end(stopped: StreamEnd, usage: Usage | None) -> dict[str, Any]:
    reason = (stopped.raw or "stop") if stopped.reason == "other" else stopped.reason
    reason = "stop" if reason == "tool_calls" else reason
    return {"done": True, "done_reason": reason} | (usage_object(usage) if usage is not None else {})


def _calls(builder: ReplyBuilder) -> list[dict[str, Any]]:
    return [
        given(id=part.id or None) | {"function": {"name": part.name, "arguments": arguments_object(part.arguments)}}
        for part in builder.parts()
        if isinstance(part, ToolCall)
    ]
