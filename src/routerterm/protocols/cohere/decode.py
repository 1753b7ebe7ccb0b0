"""Reads answers of Cohere's chat, version 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from routerterm.core.errors import InvalidResponse
from routerterm.core.usage import Usage
from routerterm.protocols.classify import classify
from routerterm.protocols.event_builder import EventBuilder, finish
from routerterm.protocols.json_utils import count, mapping, objects, text


class _QuickContent(Struct):
    text: str | None = None
    thinking: str | None = None


class _QuickMessage(Struct):
    content: _QuickContent


class _QuickDelta(Struct):
    message: _QuickMessage


class _QuickEvent(Struct):
    """A piece of text or thoughts, which nearly all events are."""

    type: Literal["content-delta"]
    delta: _QuickDelta


_quick = msgspec.json.Decoder(_QuickEvent).decode


class CohereDecoder:
    """Fulfils `stream.Reader` for one answer."""

    def __init__(self) -> None:
        self._calls: dict[Any, int] = {}

    def quick(self, data: bytes, emit: EventBuilder) -> bool:
        """Take an event that is a piece of text or thoughts."""
        try:
            content = _quick(data).delta.message.content
        except (msgspec.DecodeError, ValueError, RecursionError):
            return False
        if content.thinking:
            emit.reasoning(content.thinking)
        if content.text:
            emit.text(content.text)
        return True

    def on(self, name: str, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """One event."""
        delta = mapping(payload.get("delta"))
        message = mapping(delta.get("message"))
        match text(payload.get("type")) or name:
            case "content-start" | "content-delta":
                _content(mapping(message.get("content")), emit)
            case "tool-plan-delta":
                emit.plan(text(message.get("tool_plan")))
            case "tool-call-start" | "tool-call-delta":
                index = payload.get("index")
                number = self._calls.setdefault(index if isinstance(index, int) else 0, len(self._calls))
                _call(number, mapping(message.get("tool_calls")), emit)
            case "citation-start":
                _cite(mapping(message.get("citations")), emit)
            case "message-end":
                _count(delta, emit)
                _finish(text(delta.get("finish_reason")), text(delta.get("error")), emit)
            case "message-start" | "content-end" | "tool-call-end" | "citation-end" | "debug":
                pass
            case _ if payload.get("error") or "message" in payload:
                emit.fail(classify(200, {}, payload))
            case _:
                pass

    def body(self, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """A whole answer."""
        message = payload.get("message")
        if not isinstance(message, dict):
            if message or payload.get("error"):
                emit.fail(classify(200, {}, payload))
            else:
                emit.fail(InvalidResponse("The provider's answer has no message."))
            return
        emit.plan(text(message.get("tool_plan")))
        for part in objects(message.get("content")):
            _content(part, emit)
        for number, call in enumerate(objects(message.get("tool_calls"))):
            _call(number, call, emit)
        for citation in objects(message.get("citations")):
            _cite(citation, emit)
        _count(payload, emit)
        _finish(text(payload.get("finish_reason")), "", emit)

    def done(self, emit: EventBuilder) -> None:
        """``[DONE]`` is not of this protocol."""

    def end(self, emit: EventBuilder) -> None:
        """Nothing is held back here."""


def _content(content: Mapping[str, Any], emit: EventBuilder) -> None:
    emit.reasoning(text(content.get("thinking")))
    emit.text(text(content.get("text")))


def _call(number: int, call: Mapping[str, Any], emit: EventBuilder) -> None:
    function = mapping(call.get("function"))
    emit.call(number, text(call.get("id")), text(function.get("name")), text(function.get("arguments")))


def _cite(citation: Mapping[str, Any], emit: EventBuilder) -> None:
    for source in objects(citation.get("sources")):
        document = mapping(source.get("document"))
        emit.cite(text(document.get("title")) or text(source.get("id")), text(document.get("url")))


def _finish(raw: str, error: str, emit: EventBuilder) -> None:
    if error:
        emit.fail(classify(200, {}, {"message": error}))
    elif raw:
        finish(raw, emit)


def _count(place: Mapping[str, Any], emit: EventBuilder) -> None:
    """``tokens`` is what the model read and wrote; ``billed_units``, kept in ``raw``, is what is charged."""
    usage = mapping(place.get("usage"))
    if not usage:
        return
    tokens = mapping(usage.get("tokens")) or mapping(usage.get("billed_units"))
    prompt = count(tokens.get("input_tokens"))
    read = min(count(usage.get("cached_tokens")), prompt)
    emit.usage(Usage(fresh=prompt - read, cache_read=read, output=count(tokens.get("output_tokens")), raw=usage))
