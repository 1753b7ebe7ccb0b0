"""The server's half of Ollama's own chat: answers out.  What comes in is read by `serve_request`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
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
from routerterm.core.reply import ReplyBuilder
from routerterm.core.usage import Usage
from routerterm.protocols.http import given
from routerterm.protocols.json_utils import dumps
from routerterm.protocols.normalize_messages import arguments_object
from routerterm.protocols.ollama.server_decode import decode_request
from routerterm.protocols.server_base import collect, error_in_words, error_mapping

__all__ = ["ServerStream", "decode_request", "encode_body", "encode_error", "encode_models", "usage_object"]


class ServerStream:
    """Writes one streamed answer, a line for each piece.  ``created`` is seconds since 1970."""

    def __init__(self, *, id: str, model: str, created: int = 0, usage: bool = True) -> None:
        self._head = _head(model, created)
        self._calls = ReplyBuilder()
        self._usage: Usage | None = None
        self._stopped: StreamEnd | None = None
        self._broken = False

    def start(self) -> bytes:
        """Nothing: the first line is the first content."""
        return b""

    def event(self, event: WireEvent) -> bytes:
        """The bytes of one event; none for what waits for the end, as calls do, which this protocol tells whole."""
        match event:
            case ToolCallDelta():
                self._calls.add(event)
                return b""
            case TextDelta(words):
                return self._message({"content": words})
            case ReasoningDelta(words):
                return self._message({"content": "", "thinking": words}) if words else b""
            case UsageReported(usage):
                self._usage = usage
                return b""
            case StreamEnd():
                self._stopped = event
                return b""
            case StreamError(error):
                return self.error(error)
            case _:
                assert_never(event)

    def ping(self) -> bytes:
        """A line without words."""
        return self._message({"content": ""})

    def error(self, error: RoutertermError) -> bytes:
        """An error in the middle of the stream, which ends it."""
        self._broken = True
        return dumps({"error": error_in_words(error)}) + b"\n"

    def end(self) -> bytes:
        """The calls and the last line; nothing where the answer was cut, so that no client takes it for whole."""
        if self._broken or self._stopped is None:
            return b""
        calls = _calls(self._calls)
        out = self._message({"content": "", "tool_calls": calls}) if calls else b""
        last = {"message": {"role": "assistant", "content": ""}} | _end(self._stopped, self._usage)
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
