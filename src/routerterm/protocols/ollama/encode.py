"""Writes requests of Ollama's own chat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from routerterm.core.messages import Message, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Params
from routerterm.protocols.fields import written
from routerterm.protocols.http import given
from routerterm.protocols.images import to_base64
from routerterm.protocols.normalize_messages import (
    arguments_object,
    begun_by_person,
    call_names,
    conversation,
    merged,
)
from routerterm.protocols.openai_chat.encode import tool_json
from routerterm.protocols.schemas import inlined

_STEP = 2048
_SMALLEST = 4096
_LARGEST = 131_072


def request_body(request: ChatRequest, *, model: str, stream: bool, prefill: str) -> dict[str, Any]:
    """The JSON body of a request."""
    system, turns = conversation(request)
    history = merged(begun_by_person(turns), {}, glue="\n\n")
    names = call_names(history)
    messages = [item for message in history for item in _messages(message, names)]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    if prefill:
        messages.append({"role": "assistant", "content": prefill})
    options = {"num_ctx": _context(messages, request.params)} | _options(request.params)
    body: dict[str, Any] = {"model": model, "messages": messages, "stream": stream, "options": options}
    body |= written("ollama-chat request", request.params)
    if request.tools and request.tool_choice != "none":
        body["tools"] = [tool_json(tool, inlined(tool.schema)) for tool in request.tools]
    if request.json is not None:
        body["format"] = "json" if request.json.schema is None else dict(request.json.schema)
    if request.params.effort is not None:
        body["think"] = request.params.effort != "none"
    return body


def _messages(message: Message, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for part in message.parts:
        if isinstance(part, ToolResult):
            name = part.name or names.get(part.call_id, "")
            yield {"role": "tool", "content": part.text, "tool_name": name, "tool_call_id": part.call_id}
    # The server takes bytes only: an address is said in words, so that the model can tell that it sees nothing.
    content = message.text + "".join(f"\n[image: {image.url}]" for image in message.images if not image.data)
    out: dict[str, Any] = {"role": message.role, "content": content}
    if images := [to_base64(image) for image in message.images if image.data]:
        out["images"] = images
    if calls := [part for part in message.parts if isinstance(part, ToolCall)]:
        out["tool_calls"] = [
            {"id": call.id, "function": {"name": call.name, "arguments": arguments_object(call.arguments)}}
            for call in calls
        ]
    if len(out) > 2 or content:
        yield out


def _options(params: Params) -> dict[str, Any]:
    return given(
        temperature=params.temperature,
        top_p=params.top_p,
        num_predict=params.max_output,
        seed=params.seed,
        stop=list(params.stop) or None,
    ) | written("ollama-chat", params)


def _context(messages: list[dict[str, Any]], params: Params) -> int:
    """A window that holds the prompt: the server cuts a longer one in silence, at 4096 tokens as a rule.

    Two letters a token is on the safe side for every script; whole steps spare it from loading the model
    anew for every question.
    """
    letters = sum(len(message["content"].encode("utf-8", "replace")) for message in messages)
    pictures = sum(len(message.get("images", ())) for message in messages)
    wanted = letters // 2 + 1024 * pictures + (params.max_output or _STEP)
    return min(max(_SMALLEST, -(-wanted // _STEP) * _STEP), _LARGEST)
