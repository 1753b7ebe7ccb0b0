"""What a prompt is made of, counted: text, messages, tools and their schemas, calls and their results, pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, assert_never

from msgspec import Struct

from routerterm.core.messages import Image, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Tool

Counter: TypeAlias = Callable[[str], int]
"""Tokens of a text."""


class Shape(Struct, frozen=True):
    """The countable parts of a prompt.  ``text``, ``schema`` and ``called`` are tokens of one counter."""

    messages: int
    """The system prompt is one."""
    text: int
    tools: int = 0
    schema: int = 0
    calls: int = 0
    called: int = 0
    """Arguments of calls, and what the tools answered."""
    thought: int = 0
    """Thinking since the last question: providers keep it while tools are being called, and drop it after."""
    sealed: int = 0
    """Characters of the seals on calls since the last question, in which some providers carry the thinking along."""
    thinks: bool = False
    """Whether the request asks for thinking."""
    images: tuple[Image, ...] = ()


def shape_of(request: ChatRequest, count: Counter) -> Shape:
    """Measure a request."""
    text, calls, called, thought, sealed, messages = 0, 0, 0, 0, 0, len(request.messages)
    images: list[Image] = []
    if request.system:
        text, messages = count(request.system), messages + 1
    for message in request.messages:
        if message.role == "user" and message.text:
            thought = sealed = 0
        for part in message.parts:
            match part:
                case Text(piece):
                    text += count(piece)
                case ToolCall(name=name, arguments=arguments, signature=signature):
                    calls += 1
                    sealed += len(signature or "")
                    called += count(name) + count(arguments)
                case ToolResult(text=piece):
                    called += count(piece)
                case Image():
                    images.append(part)
                case Reasoning(piece):
                    thought += count(piece)
                case _:
                    assert_never(part)
    schema = sum(count(piece) for piece in map(tool_text, request.tools))
    if request.json is not None and request.json.schema is not None:
        schema += count(_type(request.json.schema))
    thinks = request.params.effort not in (None, "none")
    return Shape(
        messages,
        text,
        len(request.tools),
        schema=schema,
        calls=calls,
        called=called,
        thought=thought,
        sealed=sealed,
        thinks=thinks,
        images=tuple(images),
    )


def tool_text(tool: Tool) -> str:
    """A tool about as providers put it before the model: a type declaration with its descriptions as comments."""
    lines = [f"// {tool.description}"] if tool.description else []
    lines.append(f"type {tool.name} = (_: {_type(tool.schema)}) => any;")
    return "\n".join(lines)


def _type(schema: Any) -> str:
    """A JSON Schema as a type; what is not understood is counted as the JSON that it is."""
    if not isinstance(schema, Mapping):
        return "any"
    if isinstance(values := schema.get("enum"), list):
        return _union(json.dumps(value, ensure_ascii=False) for value in values)
    for word in ("anyOf", "oneOf"):
        if isinstance(options := schema.get(word), list):
            return _union(_type(option) for option in options)
    match schema.get("type"):
        case "object":
            return _object(schema)
        case "array":
            return f"{_type(schema.get('items'))}[]"
        case "integer" | "number":
            return "number"
        case str(name):
            return name
        case list(names):  # each once: a type that is repeated at every level would double with each of them
            once = dict.fromkeys(name for name in names if isinstance(name, str))
            return _union(_type({**schema, "type": name}) for name in once)
        case _:
            return json.dumps(schema, ensure_ascii=False, default=str)


def _object(schema: Mapping[str, Any]) -> str:
    required = schema.get("required")
    required = required if isinstance(required, list) else ()
    lines = ["{"]
    for name, inner in _named(schema, "properties"):
        if isinstance(inner, Mapping) and inner.get("description"):
            lines.append(f"// {inner['description']}")
        lines.append(f"{name}{'' if name in required else '?'}: {_type(inner)},")
    for word in ("$defs", "definitions"):
        lines += (f"{name}: {_type(inner)}" for name, inner in _named(schema, word))
    return "\n".join([*lines, "}"])


def _named(schema: Mapping[str, Any], word: str) -> Iterable[tuple[str, Any]]:
    """The schemas under a word that holds them by name; clients write anything."""
    inner = schema.get(word)
    return inner.items() if isinstance(inner, Mapping) else ()


def _union(options: Iterable[str]) -> str:
    return " | ".join(options)
