"""Writes requests of Chat Completions in a dialect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from routerterm.core.messages import Image, Message, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Params, Tool
from routerterm.protocols.cache_marks import is_marked, limit_marks, write_mark
from routerterm.protocols.fields import effort_word, written
from routerterm.protocols.http import given
from routerterm.protocols.images import data_uri
from routerterm.protocols.normalize_messages import (
    arguments_text,
    begun_by_person,
    conversation,
    merged,
    mistral_id,
    plain_id,
    signed,
)
from routerterm.protocols.openai_chat.dialect import Dialect
from routerterm.protocols.schemas import object_schema
from routerterm.protocols.signature_scope import read_scope
from routerterm.protocols.structured import chat_format, in_words
from routerterm.protocols.web_search import CHAT


def request_body(request: ChatRequest, dialect: Dialect, *, model: str, stream: bool, prefill: str) -> dict[str, Any]:
    """The JSON body of a request."""
    marks = bool(dialect.cached_models) and re.search(dialect.cached_models, model) is not None
    body: dict[str, Any] = {"model": model, "messages": list(_messages(request, dialect, model, marks=marks))}
    if marks and request.cache and not is_marked(request):
        _mark(body["messages"], dialect)
    body |= _params(request.params, dialect) | _more(request, dialect)
    if request.tools:
        body["tools"] = [tool_json(tool) | (write_mark(tool.cache) if marks else {}) for tool in request.tools]
        if request.tool_choice:
            body["tool_choice"] = _choice(request.tool_choice, dialect)
    if request.params.web:
        for name, value in CHAT.get(dialect.web, {}).items():
            body[name] = [*body.get(name, ()), *value] if isinstance(value, list) else value
    if request.json is not None:
        body["response_format"] = chat_format(request.json, schemas=dialect.schemas)
    if stream:
        body["stream"] = True
        if dialect.stream_usage:
            body["stream_options"] = {"include_usage": True}
    if prefill:
        _prefill(body, prefill, dialect)
    if marks:
        contents = [message["content"] for message in body["messages"]]
        parts = [part for content in contents if isinstance(content, list) for part in content]
        limit_marks([*body.get("tools", ()), *parts])
    return body | dict(dialect.extra)


def _mark(messages: list[dict[str, Any]], dialect: Dialect) -> None:
    """Let the provider behind the server cache what the system says, and all down to the newest question."""
    first = [message for message in messages[:1] if message["role"] == dialect.system_role]
    for message in (*first, *[message for message in messages if message["role"] == "user"][-1:]):
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        message["content"] = [*parts[:-1], parts[-1] | {"cache_control": {"type": "ephemeral"}}]


def tool_json(tool: Tool, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """A tool as Chat Completions describes it; ``schema`` stands for its own."""
    parameters = object_schema(tool.schema) if schema is None else schema
    function: dict[str, Any] = {"name": tool.name, "description": tool.description, "parameters": parameters}
    function |= given(strict=tool.strict)
    return {"type": "function", "function": function}


def _messages(request: ChatRequest, dialect: Dialect, model: str, *, marks: bool) -> Iterator[dict[str, Any]]:
    system, turns = conversation(request, notes=not dialect.strict_turns)
    if dialect.strict_turns:  # a question that was never answered is joined with the next one
        turns = merged(begun_by_person(turns), {}, glue="\n\n")
    if request.json is not None and not dialect.schemas:
        system = f"{system}\n\n{in_words(request.json)}".strip()
    if system:
        blocks = _marked_system(request) if marks else []
        yield {"role": dialect.system_role, "content": blocks or system}
    if dialect.stand_in_signatures:
        turns = signed(turns, model)
    for message in turns:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        for result in results:
            said: Any = result.text
            if marks and result.cache:
                said = [{"type": "text", "text": said} | write_mark(result.cache)]
            yield {"role": "tool", "tool_call_id": _tool_id(result.call_id, dialect), "content": said}
        if message.role == "assistant":
            yield _assistant(message, dialect)
        elif message.role == "system":
            yield {"role": dialect.system_role, "content": message.text}
        elif content := _content(message, dialect, marks=marks):
            yield {"role": "user", "content": content}


def _marked_system(request: ChatRequest) -> list[dict[str, Any]]:
    """What the system says first, block by block where the client marked some for the cache; else nothing."""
    first = takewhile(lambda message: message.role == "system", request.messages)
    texts = [part for message in first for part in message.parts if isinstance(part, Text) and part.text.strip()]
    if not any(part.cache for part in texts):
        return []
    own = [Text(request.system)] if request.system else []
    return [{"type": "text", "text": part.text} | write_mark(part.cache) for part in (*own, *texts)]


def _content(message: Message, dialect: Dialect, *, marks: bool) -> str | list[dict[str, Any]]:
    """Plain text where it is all text: not every server takes a list."""
    marked = marks and any(getattr(part, "cache", None) for part in message.parts)
    if not message.images and not marked:
        return message.text
    parts: list[dict[str, Any]] = []
    for part in message.parts:
        match part:
            case Text(text):
                parts.append({"type": "text", "text": text} | (write_mark(part.cache) if marks else {}))
            case Image() if part.data or dialect.image_urls:
                place = {"url": data_uri(part)} | given(detail=part.detail)
                parts.append({"type": "image_url", "image_url": place} | (write_mark(part.cache) if marks else {}))
            case Image():
                parts.append({"type": "text", "text": f"[image: {part.url}]"})
            case _:
                pass
    return parts


def _assistant(message: Message, dialect: Dialect) -> dict[str, Any]:
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    out: dict[str, Any] = {"role": "assistant", "content": message.text or (None if calls else "")}
    if calls:
        out["tool_calls"] = [_call(call, dialect) for call in calls]
    thoughts = "".join(part.text for part in message.parts if isinstance(part, Reasoning))
    if thoughts and calls and dialect.reasoning_field == "thinking_part":
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thoughts}]}
        out["content"] = [thinking, {"type": "text", "text": message.text}] if message.text else [thinking]
    elif thoughts and calls and dialect.reasoning_field:
        out[dialect.reasoning_field] = thoughts
    if dialect.details_family and (details := list(_details(message, dialect.details_family))):
        out["reasoning_details"] = details
    return out


def _details(message: Message, family: str) -> Iterator[dict[str, Any]]:
    for part in message.parts:
        if not isinstance(part, Reasoning):
            continue
        if data := read_scope(family, part.redacted):
            yield {"type": "reasoning.encrypted", "data": data}
        elif signature := read_scope(family, part.signature):
            yield {"type": "reasoning.text", "text": part.text, "signature": signature}


def _call(call: ToolCall, dialect: Dialect) -> dict[str, Any]:
    function = {"name": call.name, "arguments": arguments_text(call.arguments)}
    out: dict[str, Any] = {"id": _tool_id(call.id, dialect), "type": "function", "function": function}
    if signature := read_scope("gemini", call.signature):
        out["extra_content"] = {"google": {"thought_signature": signature}}
    return out


def _tool_id(id: str, dialect: Dialect) -> str:
    return mistral_id(id) if dialect.tool_id == "mistral" else plain_id(id, dialect.longest_id)


def _choice(choice: str, dialect: Dialect) -> str | dict[str, Any]:
    match choice:
        case "auto" | "none":
            return choice
        case "required":
            return dialect.required_word
        case name:
            return {"type": "function", "function": {"name": name}}


def _params(params: Params, dialect: Dialect) -> dict[str, Any]:
    out = given(temperature=params.temperature, top_p=params.top_p, stop=list(params.stop) or None)
    out |= given(**{dialect.max_tokens: params.max_output, dialect.seed: params.seed})
    if params.effort is None or not (word := dialect.efforts.get(params.effort, effort_word(params) or "")):
        return out
    match dialect.effort:
        case "reasoning_effort":
            out["reasoning_effort"] = word
        case "reasoning":
            out["reasoning"] = {"enabled": False} if word == "none" else {"effort": word}
        case "thinking":
            out["thinking"] = {"type": "disabled" if word == "none" else "enabled"}
        case "enable_thinking":
            out["enable_thinking"] = word != "none"
        case "":
            pass
    return out


def _more(request: ChatRequest, dialect: Dialect) -> dict[str, Any]:
    """The fields beyond our vocabulary, of those that this server takes."""
    fields = written("openai-chat", request.params)
    if not request.tools:
        fields.pop("parallel_tool_calls", None)  # refused without tools
    return {name: value for name, value in fields.items() if name in dialect.passes}


def _prefill(body: dict[str, Any], prefill: str, dialect: Dialect) -> None:
    """End on the beginning of the answer, in the way that makes this server go on from it."""
    last: dict[str, Any] = {"role": "assistant", "content": prefill}
    match dialect.prefill:
        case "prefix":
            last["prefix"] = True
        case "partial":
            last["partial"] = True
        case "continue_final_message":
            body |= {"add_generation_prompt": False, "continue_final_message": True}
        case "assistant":
            pass
    body["messages"].append(last)
