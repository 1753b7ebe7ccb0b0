"""Writes requests of the Responses API.  Nothing is stored at the provider: the whole conversation goes along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.messages import Image, Message, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, JsonAnswer, Params, Tool
from routerterm.protocols.fields import SCORES, effort_word, written
from routerterm.protocols.hosted_steps import read_step
from routerterm.protocols.http import given
from routerterm.protocols.images import data_uri
from routerterm.protocols.normalize_messages import arguments_text, conversation, plain_id
from routerterm.protocols.openai_responses.decode import STEP
from routerterm.protocols.schemas import object_schema
from routerterm.protocols.signature_scope import is_step, read_scope
from routerterm.protocols.structured import chat_format
from routerterm.protocols.web_search import RESPONSES


class Dialect(Struct, frozen=True):
    """One accent."""

    family: str = "responses"
    """Whose the seals on its thoughts are: each provider opens only its own."""
    key_header: str = "Authorization"
    encrypted: bool = True
    """Whether it is asked for its sealed thoughts, since nothing is stored at the provider."""
    hosted: bool = False
    """Whether it has the tools that run at OpenAI, or its own under the same protocol."""
    summaries: bool = True
    """Whether it may be asked for summaries of its thoughts."""


PLAIN = Dialect(encrypted=False, summaries=False)
DIALECTS: Mapping[str, Dialect] = {
    "": PLAIN,
    "openai": Dialect("responses-openai", summaries=False, hosted=True),  # only verified organisations may ask for them
    "azure": Dialect("responses-azure", key_header="api-key", hosted=True),
    "xai": Dialect("responses-xai", summaries=False, hosted=True),
    "openrouter": Dialect("responses-openrouter", hosted=True),
    "local": replace(PLAIN, family="responses-local"),
}
"""By name, as in the provider table and in settings."""


def request_body(request: ChatRequest, dialect: Dialect, *, model: str, stream: bool, prefill: str) -> dict[str, Any]:
    """The JSON body of a request."""
    system, turns = conversation(request, notes=True)
    items = [item for message in turns for item in _items(message, dialect)]
    if prefill:
        items.append({"role": "assistant", "content": [{"type": "output_text", "text": prefill}]})
    body: dict[str, Any] = {"model": model, "input": items, "store": False}
    if system:
        body["instructions"] = system
    body |= _params(request.params, dialect) | written("openai-responses", request.params)
    if not request.tools:
        body.pop("parallel_tool_calls", None)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice:
            body["tool_choice"] = _choice(request.tool_choice)
    if request.hosted:
        body["tools"] = [*body.get("tools", ()), *(dict(tool.spec) for tool in request.hosted)]
    if request.params.web:
        body["tools"] = [*body.get("tools", ()), dict(RESPONSES)]
    if request.json is not None:
        body["text"] = {"format": _format(request.json)}
    if verbosity := request.params.more.get("verbosity"):
        body["text"] = body.get("text", {}) | {"verbosity": verbosity}
    if stream:
        body["stream"] = True
    return body


def _items(message: Message, dialect: Dialect) -> Iterator[dict[str, Any]]:
    """The items of one message, in the order in which they were said."""
    has_calls = any(isinstance(part, ToolCall) for part in message.parts)
    content: list[dict[str, Any]] = []
    for part in message.parts:
        match part:
            case Text(text):
                kind = "output_text" if message.role == "assistant" else "input_text"
                content.append({"type": kind, "text": text})
            case Image() if message.role != "assistant":
                content.append({"type": "input_image", "image_url": data_uri(part)} | given(detail=part.detail))
            case Reasoning(_, _, redacted) if is_step(part):
                if step := read_step(STEP, redacted):
                    yield from _spoken(message, content)
                    yield step
            case Reasoning(text, signature) if has_calls and (sealed := read_scope(dialect.family, signature)):
                summary = [{"type": "summary_text", "text": text}] if text else []
                yield {"type": "reasoning", "summary": summary, "encrypted_content": sealed}
            case ToolCall(id, name, arguments):
                yield from _spoken(message, content)
                yield {
                    "type": "function_call",
                    "call_id": plain_id(id),
                    "name": name,
                    "arguments": arguments_text(arguments),
                }
            case ToolResult(call_id, text):
                yield {"type": "function_call_output", "call_id": plain_id(call_id), "output": text}
            case _:
                pass
    yield from _spoken(message, content)


def _spoken(message: Message, content: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    if content:
        roles = {"assistant": "assistant", "system": "developer"}
        yield {"role": roles.get(message.role, "user"), "content": list(content)}
        content.clear()


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": object_schema(tool.schema),
        "strict": tool.strict or False,
    }


def _format(wanted: JsonAnswer) -> dict[str, Any]:
    made = chat_format(wanted)
    return {"type": made["type"], **made.get("json_schema", {})}


def _choice(choice: str) -> str | dict[str, Any]:
    return choice if choice in ("auto", "none", "required") else {"type": "function", "name": choice}


def _params(params: Params, dialect: Dialect) -> dict[str, Any]:
    """The Responses API knows neither a seed nor stop words."""
    out = given(temperature=params.temperature, top_p=params.top_p, max_output_tokens=params.max_output)
    if params.effort is not None:
        out["reasoning"] = {"effort": effort_word(params)}
        if dialect.summaries and params.effort != "none":
            out["reasoning"]["summary"] = "auto"
    if summary := params.more.get("reasoning_summary"):
        out["reasoning"] = out.get("reasoning", {}) | {"summary": summary}
    include = ["reasoning.encrypted_content"] if dialect.encrypted else []
    if params.more.get("logprobs") is True:
        include.append(SCORES)
    return out | given(include=include or None)
