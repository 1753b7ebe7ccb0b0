"""Writes requests of Anthropic's Messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from routerterm.core.messages import Image, Message, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Effort, Params, Tool
from routerterm.protocols.anthropic_messages.decode import FAMILY
from routerterm.protocols.anthropic_messages.dialect import Dialect
from routerterm.protocols.http import given
from routerterm.protocols.normalize_messages import arguments_object, base64_data, merged, system_text, turns
from routerterm.protocols.signature_scope import read_scope

_CACHE = {"cache_control": {"type": "ephemeral"}}


def request_body(request: ChatRequest, dialect: Dialect, *, model: str, stream: bool, prefill: str) -> dict[str, Any]:
    """The JSON body of a request."""
    budgeted = re.match(dialect.budgeted, model) is not None
    thinking = _thinking(request.params, dialect) if budgeted and not prefill else None
    messages = [_message(message) for message in merged(turns(request), {"tool": "user"})]
    messages = [message for message in messages if message["content"]]
    if dialect.cache and len(messages) > 1:
        _mark(messages)
    if prefill:
        # The protocol refuses a prefill that ends in white space.
        messages.append({"role": "assistant", "content": [{"type": "text", "text": prefill.rstrip()}]})
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": _max_tokens(request.params, dialect, thinking),
    }
    if system := system_text(request):
        block = {"type": "text", "text": system}
        body["system"] = [block | _CACHE] if dialect.cache else [block]
    body |= _params(request.params, thinking)
    if request.params.effort is not None and not budgeted and not prefill:
        body |= _adaptive(request.params.effort)
    if request.json is not None and request.json.schema is not None:
        shape = {"type": "json_schema", "schema": dict(request.json.schema)}
        body["output_config"] = body.get("output_config", {}) | {"format": shape}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice:
            body["tool_choice"] = _choice(request.tool_choice)
    if stream:
        body["stream"] = True
    return body


def _message(message: Message) -> dict[str, Any]:
    # Results first: the protocol wants them at the head of the turn that answers a call.
    parts = sorted(message.parts, key=lambda part: not isinstance(part, ToolResult))
    return {"role": message.role, "content": list(_blocks(parts, message.role == "assistant"))}


def _blocks(parts: list[Any], spoken_by_model: bool) -> Iterator[dict[str, Any]]:
    for part in parts:
        match part:
            case Text(text) if text.strip():
                yield {"type": "text", "text": text}
            case Image() if not spoken_by_model:
                yield {"type": "image", "source": _source(part)}
            case Reasoning(text, signature, redacted):
                if data := read_scope(FAMILY, redacted):
                    yield {"type": "redacted_thinking", "data": data}
                elif text and (seal := read_scope(FAMILY, signature)):
                    yield {"type": "thinking", "thinking": text, "signature": seal}
            case ToolCall(id, name, arguments):
                yield {"type": "tool_use", "id": _id(id), "name": name, "input": arguments_object(arguments)}
            case ToolResult(call_id, text, _, is_error):
                block = {"type": "tool_result", "tool_use_id": _id(call_id), "content": text}
                yield block | ({"is_error": True} if is_error else {})
            case _:
                pass


def _id(id: str) -> str:
    """Ids may hold letters, digits, hyphens and underscores only."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "_" for letter in id)


def _source(image: Image) -> dict[str, str]:
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type, "data": base64_data(image)}


def _mark(messages: list[dict[str, Any]]) -> None:
    """Let the provider cache all but the newest question."""
    blocks = messages[-1]["content"]
    if blocks[-1]["type"] in ("text", "image", "tool_result"):
        blocks[-1] |= _CACHE


def _tool(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "input_schema": dict(tool.schema)}


def _choice(choice: str) -> dict[str, str]:
    match choice:
        case "auto" | "none":
            return {"type": choice}
        case "required":
            return {"type": "any"}
        case name:
            return {"type": "tool", "name": name}


def _thinking(params: Params, dialect: Dialect) -> int | None:
    """Tokens of thinking; the answer must keep some of its own."""
    budget = dialect.efforts.get(params.effort or "none")
    if budget is None:
        return None
    if params.max_output is not None:
        budget = min(budget, params.max_output - 1024)
    return budget if budget >= 1024 else None


def _adaptive(effort: Effort) -> dict[str, Any]:
    """How the later models are told to think."""
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}


def _max_tokens(params: Params, dialect: Dialect, thinking: int | None) -> int:
    return params.max_output or dialect.max_output + (thinking or 0)


def _params(params: Params, thinking: int | None) -> dict[str, Any]:
    out: dict[str, Any] = given(stop_sequences=[word for word in params.stop if word.strip()] or None)
    if thinking is not None:  # while it thinks, the model takes no other temperature than its own
        return out | {"thinking": {"type": "enabled", "budget_tokens": thinking}}
    temperature = None if params.temperature is None else min(params.temperature, 1.0)
    # The newest models refuse both at once: the temperature is the one that people set.
    return out | given(temperature=temperature, top_p=params.top_p if temperature is None else None)
