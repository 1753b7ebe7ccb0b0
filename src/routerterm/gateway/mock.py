"""Answers without a model, for `serve --mock`: the same ones every time, for every model name, at no cost.

An answer repeats the question; where tools are offered it calls the first one, once; where JSON is wanted it is an
example of the schema; embeddings are made of the texts' letters.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

from routerterm.core.events import (
    AttemptStarted,
    Content,
    Event,
    Finished,
    FinishReason,
    TextDelta,
    Timing,
    ToolCallDelta,
)
from routerterm.core.messages import ToolResult
from routerterm.core.money import FREE
from routerterm.core.request import ChatRequest, Embedding
from routerterm.core.targets import Target
from routerterm.core.usage import Usage
from routerterm.protocols.embeddings import packed
from routerterm.protocols.json_utils import dumps, listing, mapping, text
from routerterm.protocols.schemas import inlined, is_recursive

PROVIDER = "mock"
_DEEPEST = 8
_SIZE = 8
"""Numbers of a vector where the client does not say how many."""


async def mock_events(request: ChatRequest) -> AsyncGenerator[Event, None]:
    """All events of one answer."""
    target = Target(PROVIDER, request.model)
    yield AttemptStarted(1, target, None, "every answer is made here")
    said = list(_content(request))
    for piece in said:
        yield piece
    called = any(isinstance(piece, ToolCallDelta) for piece in said)
    reason: FinishReason = "tool_calls" if called else "stop"
    yield Finished(reason, target, _usage(request, said), cost=FREE, timing=Timing(0, 0), attempts=1, raw=reason)


def _content(request: ChatRequest) -> Iterator[Content]:
    last = request.messages[-1]
    if request.embedding is not None:
        wanted = request.embedding
        yield TextDelta(dumps([packed(_vector(message.text, wanted)) for message in request.messages]).decode())
    elif request.json is not None:
        yield TextDelta(dumps(example(request.json.schema or {"type": "object"})).decode())
    elif (
        request.tools and request.tool_choice != "none" and not any(isinstance(part, ToolResult) for part in last.parts)
    ):
        tool = next((tool for tool in request.tools if tool.name == request.tool_choice), request.tools[0])
        yield ToolCallDelta(0, "call_mock", tool.name, dumps(example(tool.schema)).decode())
    else:
        results = [part.text for part in last.parts if isinstance(part, ToolResult)]
        words = (" ".join(results) or last.text or "Nothing was asked.").split(" ")
        yield TextDelta(words[0])
        for word in words[1:]:
            yield TextDelta(f" {word}")


def _vector(words: str, wanted: Embedding) -> list[float]:
    size = wanted.dimensions or _SIZE
    return [seen / 255 for seen in hashlib.shake_128(words.encode("utf-8", "replace")).digest(size)]


def _usage(request: ChatRequest, said: list[Content]) -> Usage:
    """A token for every four letters, as a rule of thumb has it."""
    asked = sum(len(message.text) for message in request.messages) + len(request.system or "")
    answered = sum(len(piece.arguments if isinstance(piece, ToolCallDelta) else piece.text) for piece in said)
    return Usage(asked // 4 + 1, output=0 if request.embedding is not None else answered // 4 + 1)


def example(schema: Mapping[str, Any]) -> Any:
    """A value that fits a JSON Schema as tools and answers have them; an empty one where it holds itself."""
    return {} if is_recursive(schema) else _example(inlined(schema), 0)


def _example(given: Any, depth: int) -> Any:
    schema = mapping(given)
    if depth > _DEEPEST:
        return None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "examples"):
        if listing(schema.get(name)):
            return schema[name][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if listing(schema.get(name)):
            return _example(schema[name][0], depth + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        return {name: _example(each, depth + 1) for name, each in mapping(schema.get("properties")).items()}
    if kind == "array":
        return [_example(schema.get("items"), depth + 1)] if schema.get("minItems") else []
    return {"integer": 1, "number": 1.5, "boolean": True, "null": None}.get(text(kind), "mock")
