"""The server's side of Gemini's API: answers out.  What comes in is read by `serve_request`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from routerterm.core.errors import RoutertermError
from routerterm.core.events import Content, HostedDelta, ReasoningDelta, StreamEnd, TextDelta, ToolCallDelta, WireEvent
from routerterm.core.messages import ToolCall
from routerterm.core.reply import ReplyBuilder
from routerterm.core.usage import Usage
from routerterm.protocols.gemini.decode import FAMILY, STEP
from routerterm.protocols.gemini.server_decode import decode_request
from routerterm.protocols.hosted_steps import read_step
from routerterm.protocols.http import given
from routerterm.protocols.json_utils import dumps, mapping
from routerterm.protocols.normalize_messages import arguments_object
from routerterm.protocols.server_base import collect_whole
from routerterm.protocols.server_errors import error_in_words, error_mapping
from routerterm.protocols.server_stream import WholeCalls
from routerterm.protocols.signature_scope import read_scope

__all__ = ["ServerStream", "decode_request", "encode_body", "encode_error", "usage_object"]

_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"}
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
}


class ServerStream(WholeCalls):
    """Writes one streamed answer as events.  This protocol tells no time, and always the usage."""

    heartbeat = b""
    """Nothing: Google's clients know no comments."""

    def __init__(self, *, id: str, model: str, created: int = 0, usage: bool = True) -> None:
        super().__init__(usage=usage)
        self._head = {"modelVersion": model, "responseId": id}

    def _text(self, delta: TextDelta) -> bytes:
        return self._chunk([{"text": delta.text}])

    def _reasoning(self, delta: ReasoningDelta) -> bytes:
        part = _part(delta)
        return self._chunk([part]) if part else b""

    def _hosted(self, step: HostedDelta) -> bytes:
        told = read_step(STEP, step.redacted)
        if grounding := told.get("groundingMetadata"):
            response = _response(self._head, [], None, None)
            response["candidates"][0]["groundingMetadata"] = grounding
            return _line(response)
        return self._chunk([told]) if told else b""

    def _failure(self, error: RoutertermError) -> bytes:
        return _line(error_object(error))

    def _finish(self, stopped: StreamEnd) -> bytes:
        """Calls, reason and usage."""
        return self._chunk(_calls(self._calls), stopped, self._usage)

    def _chunk(
        self, parts: list[dict[str, Any]], stopped: StreamEnd | None = None, usage: Usage | None = None
    ) -> bytes:
        return _line(_response(self._head, parts, stopped, usage))


def encode_body(events: Iterable[WireEvent], *, id: str, model: str, created: int = 0) -> bytes:  # noqa: ARG001
    """One whole answer.  Raises the error of a `StreamError`, and `StreamInterrupted` where no `StreamEnd` came."""
    parts: list[dict[str, Any]] = []
    calls = ReplyBuilder()

    grounding: dict[str, Any] = {}

    def take(event: Content) -> None:
        if isinstance(event, ToolCallDelta):
            calls.add(event)
        elif isinstance(event, HostedDelta):
            told = read_step(STEP, event.redacted)
            grounding.update(mapping(told.pop("groundingMetadata", None)))
            parts.extend([told] if told else [])
        else:
            _append(parts, _part(event))

    usage, stopped = collect_whole(events, take, steps=True)
    response = _response({"modelVersion": model, "responseId": id}, parts + _calls(calls), stopped, usage)
    if grounding:
        response["candidates"][0]["groundingMetadata"] = grounding
    return dumps(response)


def encode_error(error: RoutertermError) -> tuple[int, bytes]:
    """The status and the body of an answer that is an error."""
    return error_mapping(error).status, dumps(error_object(error))


def error_object(error: RoutertermError) -> dict[str, Any]:
    """An error as Google's clients read it, with the wait where there is one."""
    status = error_mapping(error).status
    body: dict[str, Any] = {
        "code": status,
        "message": error_in_words(error),
        "status": _STATUS.get(status, "INVALID_ARGUMENT" if status < 500 else "UNAVAILABLE"),
    }
    wait = getattr(error, "retry_after", None)
    if wait is not None:
        body["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{wait:g}s"}]
    return {"error": body}


def usage_object(usage: Usage) -> dict[str, Any]:
    """Token counts in Gemini's convention: the prompt with its cached part, the answer without its thoughts."""
    return given(
        promptTokenCount=usage.input,
        cachedContentTokenCount=usage.cache_read or None,
        candidatesTokenCount=usage.output - usage.reasoning,
        thoughtsTokenCount=usage.reasoning or None,
        totalTokenCount=usage.total,
    )


def _response(
    head: Mapping[str, Any], parts: list[dict[str, Any]], stopped: StreamEnd | None, usage: Usage | None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if stopped is not None:
        candidate["finishReason"] = _finish_word(stopped)
    return {"candidates": [candidate], **given(usageMetadata=usage_object(usage) if usage else None), **head}


def _finish_word(stopped: StreamEnd) -> str:
    return "OTHER" if stopped.reason == "other" else _FINISH[stopped.reason]


def _part(event: Content) -> dict[str, Any] | None:
    """One piece; seals of other families are not Gemini's to read."""
    if isinstance(event, ReasoningDelta):
        signature = read_scope(FAMILY, event.signature)
        if not event.text and signature is None:
            return None
        return {"text": event.text, "thought": True} | given(thoughtSignature=signature)
    assert isinstance(event, TextDelta)
    return {"text": event.text}


def _append(parts: list[dict[str, Any]], part: dict[str, Any] | None) -> None:
    """Put a piece behind the others; pieces of one kind become one part, up to a seal."""
    if part is None:
        return
    last = parts[-1] if parts else {}
    if "text" in last and last.get("thought") == part.get("thought") and "thoughtSignature" not in last:
        parts[-1] = last | part | {"text": last["text"] + part["text"]}
    else:
        parts.append(part)


def _calls(calls: ReplyBuilder) -> list[dict[str, Any]]:
    return [
        {"functionCall": {"name": part.name, "args": arguments_object(part.arguments)} | given(id=part.id or None)}
        | given(thoughtSignature=read_scope(FAMILY, part.signature))
        for part in calls.parts()
        if isinstance(part, ToolCall)
    ]


def _line(value: Mapping[str, Any]) -> bytes:
    return b"data: " + dumps(value) + b"\r\n\r\n"
