"""Reads answers of Ollama's own chat: one JSON object a line, the last one with the counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from routerterm.core.errors import InvalidResponse
from routerterm.core.usage import Usage
from routerterm.protocols.classify import classify
from routerterm.protocols.event_builder import EventBuilder, finish
from routerterm.protocols.json_utils import count, mapping, objects, text


class _QuickMessage(Struct):
    content: str
    thinking: str | None = None
    tool_calls: None = None


class _QuickLine(Struct):
    """A piece of text or thoughts, which nearly all lines are."""

    message: _QuickMessage
    done: bool = False
    error: None = None
    logprobs: None = None


_quick = msgspec.json.Decoder(_QuickLine).decode


class OllamaDecoder:
    """Fulfils `stream.Reader` for one answer."""

    def __init__(self) -> None:
        self._calls = 0

    def quick(self, data: bytes, emit: EventBuilder) -> bool:
        """Take a line that is text or thoughts alone."""
        try:
            line = _quick(data)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return False
        if line.done:
            return False
        if line.message.thinking:
            emit.reasoning(line.message.thinking)
        emit.text(line.message.content)
        return True

    def on(self, name: str, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """One line."""
        if payload.get("error"):
            emit.fail(classify(200, {}, payload))
            return
        message = mapping(payload.get("message"))
        emit.reasoning(text(message.get("thinking")))
        emit.text(text(message.get("content")))
        emit.scores(objects(payload.get("logprobs")))
        for call in objects(message.get("tool_calls")):
            self._call(text(call.get("id")), mapping(call.get("function")), emit)
        if payload.get("done") is True:
            emit.usage(_usage(payload))
            raw = text(payload.get("done_reason"))
            if raw:
                finish(raw, emit)
            emit.stop("stop")  # versions before 0.3 give no reason

    def body(self, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """A whole answer is a line like any other."""
        if not payload.get("error") and not isinstance(payload.get("message"), dict):
            emit.fail(InvalidResponse("The provider's answer has no message."))
            return
        self.on("", payload, emit)

    def done(self, emit: EventBuilder) -> None:
        """``[DONE]`` is not of this protocol."""

    def end(self, emit: EventBuilder) -> None:
        """Nothing is held back here."""

    def _call(self, id: str, function: Mapping[str, Any], emit: EventBuilder) -> None:
        """A tool call always comes whole, and its arguments are an object."""
        given = function.get("arguments")
        arguments = given if isinstance(given, str) else json.dumps(given or {}, ensure_ascii=False)
        emit.call(self._calls, id, text(function.get("name")), arguments)
        self._calls += 1


def _usage(payload: Mapping[str, Any]) -> Usage:
    names = (
        "prompt_eval_count",
        "eval_count",
        "prompt_eval_duration",
        "eval_duration",
        "load_duration",
        "total_duration",
    )
    raw = {name: payload[name] for name in names if name in payload}
    return Usage(fresh=count(payload.get("prompt_eval_count")), output=count(payload.get("eval_count")), raw=raw)
