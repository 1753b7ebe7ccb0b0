"""Writes requests of Anthropic's Messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from routerterm.core.messages import Image, Message, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Params, Tool
from routerterm.protocols.anthropic_messages.decode import FAMILY, STEP
from routerterm.protocols.cache_marks import FIELD, is_marked, limit_marks, write_mark
from routerterm.protocols.fields import effort_word, written, written_of
from routerterm.protocols.hosted_steps import read_step
from routerterm.protocols.http import given
from routerterm.protocols.images import to_base64, true_type
from routerterm.protocols.json_utils import count, mapping
from routerterm.protocols.normalize_messages import (
    arguments_object,
    begun_by_person,
    call_names,
    conversation,
    merged,
    plain_id,
)
from routerterm.protocols.schemas import object_schema
from routerterm.protocols.signature_scope import read_scope
from routerterm.protocols.structured import in_words
from routerterm.protocols.web_search import ANTHROPIC

_CACHE = {"cache_control": {"type": "ephemeral"}}


class Dialect(Struct, frozen=True):
    """One accent."""

    key_header: str = "x-api-key"
    version: str = "2023-06-01"
    max_output: int = 8192
    """What is asked for where the request sets no limit: the protocol wants one."""
    cache: bool = True
    """Whether the prompt's steady beginning is marked for the provider's cache."""
    budgeted: str = r"claude-(2|3|opus-4(-[015])?(-2025\d+)?$|sonnet-4(-[05])?(-2025\d+)?$|haiku-4)"
    """Models (as a pattern) that are told how many tokens to think; later ones are told an effort."""
    hosted: bool = False
    """Whether it has the tools that run at Anthropic, and its betas."""
    efforts: Mapping[str, int] = field(default_factory=lambda: {"low": 2048, "medium": 8192, "high": 24576})
    """Tokens of thinking by effort."""


DIALECTS: Mapping[str, Dialect] = {
    "": Dialect(),
    "anthropic": Dialect(hosted=True),
    "bearer": Dialect(key_header="Authorization", cache=False),
}
"""By name, as in the provider table and in settings."""


def request_body(request: ChatRequest, dialect: Dialect, *, model: str, stream: bool, prefill: str) -> dict[str, Any]:
    """The JSON body of a request."""
    if request.json is not None and request.json.schema is None:  # the protocol itself knows JSON by a schema only
        request = replace(request, system=f"{request.system or ''}\n\n{in_words(request.json)}".strip())
    system, turns = conversation(request)
    turns = begun_by_person(merged(turns, {"tool": "user"}))
    messages = [message for message in map(_message, turns) if message["content"]]
    _trim_prefill(messages)
    may_think = not prefill and request.tool_choice in (None, "auto", "none")
    budgeted = re.match(dialect.budgeted, model) is not None
    budget = budgeted and may_think and not _in_foreign_tool_turn(messages)
    thinking = _thinking(request.params, dialect) if budget else None
    own_marks = dialect.cache and request.cache is not False and not is_marked(request)
    if own_marks and (request.cache or len(messages) > 1):
        _mark(messages)
    if prefill:
        # The protocol refuses a prefill that ends in white space.
        messages.append({"role": "assistant", "content": [{"type": "text", "text": prefill.rstrip()}]})
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": _max_tokens(request.params, dialect, thinking),
    }
    if system:
        body["system"] = _system(request, system) if not own_marks else [{"type": "text", "text": system} | _CACHE]
    asked = _as_asked(request.params, body["max_tokens"], may_think=may_think, may_budget=bool(budget))
    if asked is not None:
        body |= asked
    elif thinking is not None:
        body["thinking"] = {"type": "enabled", "budget_tokens": thinking}
    elif request.params.effort is not None and not budgeted and not prefill:
        body |= _adaptive(effort_word(request.params) or "none" if may_think else "none")
    thinks = mapping(body.get("thinking")).get("type") in ("enabled", "adaptive")
    body |= _params(request.params, thinks=thinks)
    if request.json is not None and request.json.schema is not None:
        shape = {"type": "json_schema", "schema": dict(request.json.schema)}
        body["output_config"] = body.get("output_config", {}) | {"format": shape}
    if request.tools or request.hosted:
        body["tools"] = [*map(_tool, request.tools), *(dict(tool.spec) for tool in request.hosted)]
        if request.tool_choice:
            body["tool_choice"] = _choice(request.tool_choice)
    if request.params.web:
        body["tools"] = [*body.get("tools", ()), dict(ANTHROPIC)]
    if "tools" not in body and (names := call_names(turns)):
        body |= {"tools": _once_offered(names.values()), "tool_choice": {"type": "none"}}
    _carry(body, request, thinks=thinks)
    if stream:
        body["stream"] = True
    blocks = [block for message in body["messages"] for block in message["content"]]
    limit_marks([*body.get("tools", ()), *body.get("system", ()), *blocks], besides=FIELD in body)
    return body


def _carry(body: dict[str, Any], request: ChatRequest, *, thinks: bool) -> None:
    """The fields beyond our vocabulary that this protocol knows."""
    more = request.params.more
    fields = written("anthropic-messages", request.params)
    fields.pop("thinking", None)  # decided with all that excludes it
    if thinks:
        fields.pop("top_k", None)
    body |= fields
    if isinstance(user := more.get("user"), str):
        body["metadata"] = {"user_id": user}
    if more.get("parallel_tool_calls") is False and request.tools and request.tool_choice != "none":
        body["tool_choice"] = body.get("tool_choice", {"type": "auto"}) | {"disable_parallel_tool_use": True}


def _as_asked(params: Params, most: int, *, may_think: bool, may_budget: bool) -> dict[str, Any] | None:
    """How a client of this very protocol asked to think, where nothing forbids it."""
    asked = mapping(params.more.get("thinking"))
    word = params.more.get("effort_word") or (params.effort if params.effort != "none" else None)
    effort = {"output_config": {"effort": word}} if word and asked.get("type") == "adaptive" else {}
    match asked.get("type"):
        case "adaptive" if may_think:
            return {"thinking": dict(asked)} | effort
        case "enabled" if may_think and may_budget and 1024 <= count(asked.get("budget_tokens")) < most:
            return {"thinking": dict(asked)}
        case _:
            return None


def _system(request: ChatRequest, system: str) -> list[dict[str, Any]]:
    """The system's words, block by block where the client marked some."""
    parts = [part for message in request.messages if message.role == "system" for part in message.parts]
    texts = [part for part in parts if isinstance(part, Text) and part.text.strip()]
    if not any(part.cache for part in texts):
        return [{"type": "text", "text": system}]
    own = [{"type": "text", "text": request.system}] if request.system else []
    return own + [{"type": "text", "text": part.text} | write_mark(part.cache) for part in texts]


def _message(message: Message) -> dict[str, Any]:
    # Results first: the protocol wants them at the head of the turn that answers a call.
    parts = sorted(message.parts, key=lambda part: not isinstance(part, ToolResult))
    return {"role": message.role, "content": list(_blocks(parts, message.role == "assistant"))}


def _blocks(parts: list[Any], spoken_by_model: bool) -> Iterator[dict[str, Any]]:
    for part in parts:
        match part:
            case Text(text) if text.strip():
                yield {"type": "text", "text": text} | write_mark(part.cache)
            case Image() if not spoken_by_model:
                yield {"type": "image", "source": _source(part)} | write_mark(part.cache)
            case Reasoning(text, signature, redacted):
                if step := read_step(STEP, redacted):
                    yield step
                elif data := read_scope(FAMILY, redacted):
                    yield {"type": "redacted_thinking", "data": data}
                elif text and (seal := read_scope(FAMILY, signature)):
                    yield {"type": "thinking", "thinking": text, "signature": seal}
            case ToolCall(id, name, arguments):
                call = {"type": "tool_use", "id": plain_id(id), "name": name, "input": arguments_object(arguments)}
                yield call | write_mark(part.cache)
            case ToolResult(call_id, text, _, is_error):
                block = {"type": "tool_result", "tool_use_id": plain_id(call_id), "content": text}
                yield block | ({"is_error": True} if is_error else {}) | write_mark(part.cache)
            case _:
                pass


def _trim_prefill(messages: list[dict[str, Any]]) -> None:
    """Words of the model at the end are to be continued: the protocol refuses blanks behind them."""
    if len(messages) > 1 and messages[-1]["role"] == "assistant" and messages[-1]["content"][-1]["type"] == "text":
        block = messages[-1]["content"][-1]
        block["text"] = block["text"].rstrip()


def _in_foreign_tool_turn(messages: list[dict[str, Any]]) -> bool:
    """Whether the turn that goes on began with a call that was not thought about: then no budget may be set."""
    if len(messages) < 2 or messages[-1]["content"][0]["type"] != "tool_result":
        return False
    return messages[-2]["content"][0]["type"] not in ("thinking", "redacted_thinking")


def _source(image: Image) -> dict[str, str]:
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": true_type(image), "data": to_base64(image)}


def _mark(messages: list[dict[str, Any]]) -> None:
    """Let the provider cache all but the newest question."""
    blocks = messages[-1]["content"]
    if blocks[-1]["type"] in ("text", "image", "tool_result"):
        blocks[-1] |= _CACHE


def _tool(tool: Tool) -> dict[str, Any]:
    made = {"name": tool.name, "description": tool.description, "input_schema": object_schema(tool.schema)}
    return made | given(strict=tool.strict) | write_mark(tool.cache) | written_of("anthropic-messages", tool)


def _once_offered(names: Iterable[str]) -> list[dict[str, Any]]:
    """Stands for tools that were called and are not offered now: calls without any tool are refused.

    "Requests which include `tool_use` or `tool_result` blocks must define tools": Anthropic's own servers until
    February 2025, those behind Bedrock and others that speak this protocol to this day.
    """
    return [_tool(Tool(name, "Not offered any more.", {})) for name in dict.fromkeys(names)]


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


def _adaptive(effort: str) -> dict[str, Any]:
    """How the later models are told to think."""
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}


def _max_tokens(params: Params, dialect: Dialect, thinking: int | None) -> int:
    return params.max_output or dialect.max_output + (thinking or 0)


def _params(params: Params, *, thinks: bool) -> dict[str, Any]:
    out: dict[str, Any] = given(stop_sequences=list(params.stop) or None)
    if thinks:  # then the model takes no other temperature than its own
        return out
    temperature = None if params.temperature is None else min(params.temperature, 1.0)
    # The newest models refuse both at once: the temperature is the one that people set.
    return out | given(temperature=temperature, top_p=params.top_p if temperature is None else None)
