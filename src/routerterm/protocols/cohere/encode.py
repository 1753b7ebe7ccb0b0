"""Writes requests of Cohere's chat, version 2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from routerterm.core.messages import Image, Message, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Params
from routerterm.protocols.fields import written
from routerterm.protocols.http import given
from routerterm.protocols.images import data_uri
from routerterm.protocols.normalize_messages import arguments_text, conversation
from routerterm.protocols.openai_chat.encode import tool_json


def request_body(request: ChatRequest, *, model: str, stream: bool, prefill: str) -> dict[str, Any]:
    """The JSON body of a request."""
    system, turns = conversation(request, notes=True)
    messages = [item for message in turns for item in _messages(message)]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    if prefill:
        messages.append({"role": "assistant", "content": prefill})
    body: dict[str, Any] = {"model": model, "messages": messages, "stream": stream} | _params(request.params)
    if request.tools and request.tool_choice != "none":
        forced = [tool for tool in request.tools if tool.name == request.tool_choice]
        body["tools"] = [tool_json(tool) for tool in forced or request.tools]
        if forced or request.tool_choice == "required":  # no word for one tool: it is the only one that is offered
            body["tool_choice"] = "REQUIRED"
        if all(tool.strict for tool in request.tools):
            body["strict_tools"] = True
    if request.json is not None:
        schema = request.json.schema
        body["response_format"] = {"type": "json_object"} | ({} if schema is None else {"json_schema": dict(schema)})
    return body


def _messages(message: Message) -> Iterator[dict[str, Any]]:
    for part in message.parts:
        if isinstance(part, ToolResult):
            yield {"role": "tool", "tool_call_id": part.call_id, "content": part.text}
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    if calls:
        out: dict[str, Any] = {"role": "assistant", "tool_calls": [_call(call) for call in calls]}
        yield out | ({"content": message.text} if message.text else {})
    elif message.images and message.role == "user":
        yield {"role": "user", "content": list(_parts(message))}
    elif message.text:
        yield {"role": message.role, "content": message.text}


def _parts(message: Message) -> Iterator[dict[str, Any]]:
    for part in message.parts:
        match part:
            case Text(text):
                yield {"type": "text", "text": text}
            case Image():
                yield {"type": "image_url", "image_url": {"url": data_uri(part)}}
            case _:
                pass


def _call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments_text(call.arguments)},
    }


def _params(params: Params) -> dict[str, Any]:
    out = given(
        temperature=params.temperature,
        p=params.top_p,
        max_tokens=params.max_output,
        stop_sequences=list(params.stop) or None,
        seed=params.seed,
    )
    out |= written("cohere-v2", params)
    if params.effort is not None:
        out["thinking"] = {"type": "disabled" if params.effort == "none" else "enabled"}
    return out
