"""The server's side of Anthropic's Messages: answers out.  What comes in is read by `serve_request`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from routerterm.core.errors import RoutertermError
from routerterm.core.events import HostedDelta, ReasoningDelta, StreamEnd, TextDelta, ToolCallDelta, WireEvent
from routerterm.core.messages import Part, Reasoning, Text, ToolCall
from routerterm.core.usage import Usage
from routerterm.protocols.anthropic_messages.decode import FAMILY, STEP
from routerterm.protocols.anthropic_messages.server_decode import decode_request
from routerterm.protocols.event_builder import PAUSED
from routerterm.protocols.hosted_steps import read_step
from routerterm.protocols.json_utils import dumps
from routerterm.protocols.normalize_messages import arguments_object
from routerterm.protocols.server_base import collect
from routerterm.protocols.server_errors import error_in_words, error_mapping
from routerterm.protocols.server_stream import BaseServerStream
from routerterm.protocols.signature_scope import is_step, read_scope

__all__ = ["ServerStream", "decode_request", "encode_body", "encode_error", "usage_object"]

_FINISH = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_DIRECT = {"type": "direct"}
"""Who calls a tool: the model itself, not code that it runs at the provider."""


def _event(name: str, fields: Mapping[str, Any]) -> bytes:
    return b"event: " + name.encode("ascii") + b"\ndata: " + dumps({"type": name} | dict(fields)) + b"\n\n"


class ServerStream(BaseServerStream):
    """Writes one streamed answer.  This protocol tells no time, and always the usage."""

    heartbeat = _event("ping", {})

    def __init__(self, *, id: str, model: str, created: int = 0, usage: bool = True, prompt_tokens: int = 0) -> None:
        """``prompt_tokens`` is an estimate of the prompt: this protocol tells it before anybody knows."""
        super().__init__(usage=usage)
        self._id = id
        self._model = model
        self._next = 0
        self._open: dict[Any, int] = {}
        """Blocks that have begun: by kind, a tool's by the number of its call."""
        self._calls: dict[int, int] = {}
        self._estimate = Usage(fresh=prompt_tokens, source="estimated")

    def start(self) -> bytes:
        """The first event."""
        message = _message_object(self._id, self._model, [], None, self._estimate)
        return _event("message_start", {"message": message})

    def _text(self, delta: TextDelta) -> bytes:
        return self._grow("text", _text_block(""), {"type": "text_delta", "text": delta.text})

    def _failure(self, error: RoutertermError) -> bytes:
        return _event("error", {"error": _error_object(error)})

    def _finish(self, stopped: StreamEnd) -> bytes:
        """The reason, the usage, and the end."""
        reason = _stop_word(stopped, called=bool(self._calls))
        delta = {"stop_reason": reason, "stop_sequence": stopped.sequence} | _unknown(reason)
        usage = usage_object(self._usage or self._estimate)
        return _event("message_delta", {"delta": delta, "usage": usage}) + _event("message_stop", {})

    def _reasoning(self, delta: ReasoningDelta) -> bytes:
        if delta.redacted:
            data = read_scope(FAMILY, delta.redacted) or delta.redacted
            return self._close() + self._begin("redacted", {"type": "redacted_thinking", "data": data}) + self._close()
        if not delta.text and not delta.signature:
            return b""
        block = {"type": "thinking", "thinking": "", "signature": ""}
        out = self._grow("thinking", block, {"type": "thinking_delta", "thinking": delta.text})
        if delta.signature:
            raw = read_scope(FAMILY, delta.signature) or delta.signature
            out += self._piece(self._open["thinking"], {"type": "signature_delta", "signature": raw}) + self._close()
        return out

    def _hosted(self, step: HostedDelta) -> bytes:
        """Clients read the input of a step, as a call's, from pieces."""
        if not (block := read_step(STEP, step.redacted)):
            return b""
        given = block.get("input")
        if not isinstance(given, dict):
            return self._close() + self._begin("step", block) + self._close()
        out = self._close() + self._begin("step", block | {"input": {}})
        piece = {"type": "input_json_delta", "partial_json": dumps(given).decode()}
        return out + self._piece(self._open["step"], piece) + self._close()

    def _call(self, delta: ToolCallDelta) -> bytes:
        """Pieces of several calls may come mixed: their blocks stay open side by side."""
        out = b""
        if delta.index not in self._calls:
            if any(isinstance(kind, str) for kind in self._open):
                out = self._close()
            out += self._begin(delta.index, _tool_block(delta.id, delta.name, {}))
            self._calls[delta.index] = self._open[delta.index]
        if delta.arguments:
            piece = {"type": "input_json_delta", "partial_json": delta.arguments}
            out += self._piece(self._calls[delta.index], piece)
        return out

    def _grow(self, kind: str, block: dict[str, Any], delta: dict[str, Any]) -> bytes:
        out = b""
        if kind not in self._open:
            out = self._close() + self._begin(kind, block)
        return out + self._piece(self._open[kind], delta)

    def _begin(self, kind: Any, block: dict[str, Any]) -> bytes:
        self._open[kind] = self._next
        self._next += 1
        return _event("content_block_start", {"index": self._open[kind], "content_block": block})

    def _piece(self, index: int, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", {"index": index, "delta": delta})

    def _close(self) -> bytes:
        out = b"".join(_event("content_block_stop", {"index": index}) for index in self._open.values())
        self._open.clear()
        return out


def encode_body(
    events: Iterable[WireEvent],
    *,
    id: str,
    model: str,
    created: int = 0,  # noqa: ARG001 - this protocol tells no time
    prompt_tokens: int = 0,
) -> bytes:
    """One whole answer.  Raises the error of a `StreamError`, and `StreamInterrupted` where no `StreamEnd` came."""
    builder, usage, stopped = collect(events, steps=True)
    content = [block for part in builder.parts() for block in _blocks(part)]
    reason = _stop_word(stopped, called=builder.has_tool_calls)
    message = _message_object(id, model, content, reason, usage or Usage(fresh=prompt_tokens))
    return dumps(message | {"stop_sequence": stopped.sequence})


def encode_error(error: RoutertermError) -> tuple[int, bytes]:
    """The status and the body of an answer that is an error."""
    how = error_mapping(error)
    return 529 if how.anthropic == "overloaded_error" else how.status, dumps(
        {"type": "error", "error": _error_object(error), "request_id": None}
    )


def usage_object(usage: Usage) -> dict[str, Any]:
    """Token counts in Anthropic's convention: the input without what was cached; null is what nobody told."""
    written = usage.cache_write + usage.cache_write_1h
    split = {"ephemeral_5m_input_tokens": usage.cache_write, "ephemeral_1h_input_tokens": usage.cache_write_1h}
    return {
        "input_tokens": usage.fresh,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": split,
        "output_tokens": usage.output,
        "output_tokens_details": {"thinking_tokens": usage.reasoning} if usage.reasoning else None,
        "server_tool_use": {"web_search_requests": usage.searches, "web_fetch_requests": 0} if usage.searches else None,
        "service_tier": None,
        "inference_geo": None,
    }


def _message_object(id: str, model: str, content: list[Any], reason: str | None, usage: Usage) -> dict[str, Any]:
    head = {"id": id, "type": "message", "role": "assistant", "model": model, "content": content}
    return head | {"stop_reason": reason, "stop_sequence": None, "usage": usage_object(usage)} | _unknown(reason)


def _unknown(reason: str | None) -> dict[str, Any]:
    """What the document wants in every message, and in the delta that ends one."""
    refused = {"type": "refusal", "category": None, "explanation": None}
    return {"stop_details": refused if reason == "refusal" else None, "container": None}


def _text_block(spoken: str) -> dict[str, Any]:
    """Without citations: the document lets null stand for that too, but the AI SDK refuses null."""
    return {"type": "text", "text": spoken, "citations": []}


def _tool_block(id: str, name: str, given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": given, "caller": _DIRECT}


def _blocks(part: Part) -> Iterator[dict[str, Any]]:
    match part:
        case Text(spoken):
            yield _text_block(spoken)
        case Reasoning(_, _, redacted) if is_step(part):
            if step := read_step(STEP, redacted):
                yield step
        case Reasoning(_, _, str() as redacted):
            yield {"type": "redacted_thinking", "data": read_scope(FAMILY, redacted) or redacted}
        case Reasoning(thoughts, signature):
            seal_text = read_scope(FAMILY, signature) or signature or ""
            yield {"type": "thinking", "thinking": thoughts, "signature": seal_text}
        case ToolCall(id, name, arguments):
            yield _tool_block(id, name, arguments_object(arguments))
        case _:
            pass


def _stop_word(stopped: StreamEnd, *, called: bool) -> str:
    if stopped.sequence is not None:
        return "stop_sequence"
    if stopped.reason == "other":
        return PAUSED if stopped.raw == PAUSED else "end_turn"
    return "tool_use" if called and stopped.reason == "stop" else _FINISH[stopped.reason]


def _error_object(error: RoutertermError) -> dict[str, str]:
    return {"type": error_mapping(error).anthropic, "message": error_in_words(error)}
