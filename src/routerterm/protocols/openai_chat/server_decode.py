"""Reads requests of clients that speak Chat Completions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from routerterm.core.errors import BadRequest
from routerterm.core.messages import Image, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Effort, HostedTool, Params, Tool
from routerterm.protocols.cache_marks import read_mark
from routerterm.protocols.fields import carried
from routerterm.protocols.json_utils import listing, mapping, objects, text
from routerterm.protocols.server_base import (
    ServerRequest,
    answerable,
    effort,
    effort_of,
    file_part,
    image,
    number,
    parts_of,
    read_object,
    required_list,
    required_text,
    whole,
    words,
)
from routerterm.protocols.structured import read_chat_format

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


MOST_ANSWERS = 16
"""To one question: each is asked for, and paid, by itself."""


def decode_request(body: bytes) -> ServerRequest:
    """The request of a client.  Raises `BadRequest` where it cannot be served as asked."""
    payload = read_object(body)
    _refuse(payload)
    options = mapping(payload.get("stream_options"))
    request = ChatRequest(
        required_text(payload, "model"),
        tuple(_message(item) for item in objects(required_list(payload, "messages"))),
        params=read_params(payload),
        tools=_tools(payload),
        hosted=tuple(HostedTool("openai-chat", item) for item in objects(payload.get("tools")) if _is_mcp(item)),
        tool_choice=_choice(payload.get("tool_choice")),
        json=read_chat_format(payload.get("response_format")),
        client="gateway",
    )
    answers = 1 if payload.get("n") is None else whole(payload, "n") or 0
    if not 1 <= answers <= MOST_ANSWERS:
        raise BadRequest(f"`n` must be from 1 to {MOST_ANSWERS}.")
    return ServerRequest(
        answerable(request), payload.get("stream") is True, options.get("include_usage") is True, answers
    )


def _refuse(payload: Mapping[str, Any]) -> None:
    """What we cannot do is said, not silently left out."""
    if payload.get("audio") is not None or any(word != "text" for word in listing(payload.get("modalities"))):
        raise BadRequest("Audio output is not supported.")
    if payload.get("functions"):
        raise BadRequest("`functions` are not supported: use `tools`.")


def _message(item: Mapping[str, Any]) -> Message:
    role = _ROLES.get(text(item.get("role")))
    if role is None:
        raise BadRequest(f"A message has the unknown role {str(item.get('role'))[:40]!r}.")
    if role == "tool":
        said = [part for part in _content(item.get("content")) if not isinstance(part, Reasoning)]
        words = "".join(part.text for part in said if isinstance(part, Text))
        mark = next((part.cache for part in reversed(said) if part.cache), None)
        result = ToolResult(text(item.get("tool_call_id")), words, text(item.get("name")), cache=mark)
        return Message("tool", (result, *(part for part in said if isinstance(part, Image))))
    parts: list[Part] = []
    if thoughts := text(item.get("reasoning_content")) or text(item.get("reasoning")):
        parts.append(Reasoning(thoughts))
    parts += _content(item.get("content"))
    if refusal := text(item.get("refusal")):
        parts.append(Text(refusal))
    for call in objects(item.get("tool_calls")):
        function = mapping(call.get("function"))
        google = mapping(mapping(call.get("extra_content")).get("google"))
        signature = text(google.get("thought_signature")) or None
        parts.append(
            ToolCall(text(call.get("id")), text(function.get("name")), text(function.get("arguments")), signature)
        )
    return Message(role, tuple(parts))


def _content(content: Any) -> Iterator[Text | Image | Reasoning]:
    if content == "":
        return
    for part in parts_of(content):
        match part.get("type"):
            case "text" | "input_text" | "output_text":
                yield Text(text(part.get("text")), cache=read_mark(part))
            case "refusal":
                yield Text(text(part.get("refusal")))
            case "thinking":  # Mistral's
                inner = part.get("thinking")
                yield Reasoning(
                    inner if isinstance(inner, str) else "".join(text(each.get("text")) for each in objects(inner))
                )
            case "image_url":
                place = part.get("image_url")
                made = image(text(place if isinstance(place, str) else mapping(place).get("url")))
                yield replace(made, detail=text(mapping(place).get("detail")) or None, cache=read_mark(part))
            case "file":
                file = mapping(part.get("file"))
                document = file_part(text(file.get("file_data")), text(file.get("filename")))
                yield replace(document, cache=read_mark(part))
            case other:
                raise BadRequest(f"Message parts of type {str(other)[:40]!r} are not supported.")


def read_tool(item: Mapping[str, Any]) -> Tool:
    """A tool as Chat Completions describes it.  Raises `BadRequest`."""
    function = mapping(item.get("function"))
    if text(item.get("type")) not in ("", "function") or not function:
        raise BadRequest("Only tools of type function are supported.")
    strict = function.get("strict")
    return Tool(
        required_text(function, "name"),
        text(function.get("description")),
        mapping(function.get("parameters")),
        strict if isinstance(strict, bool) else None,
        read_mark(item),
    )


def _tools(payload: Mapping[str, Any]) -> tuple[Tool, ...]:
    """The tools, of those that the choice allows: a model that does not see the others cannot call them."""
    tools = tuple(read_tool(item) for item in objects(payload.get("tools")) if not _is_mcp(item))
    choice = mapping(payload.get("tool_choice"))
    if choice.get("type") != "allowed_tools":
        return tools
    allowed = objects(mapping(choice.get("allowed_tools")).get("tools"))
    names = {text(mapping(item.get("function")).get("name")) for item in allowed}
    return tuple(tool for tool in tools if tool.name in names)


def _is_mcp(item: Mapping[str, Any]) -> bool:
    """Whether it stands for the tools of an MCP server, which a gateway may run, in the form of the Responses API."""
    return item.get("type") == "mcp"


def _choice(choice: Any) -> str | None:
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return text(mapping(choice.get("allowed_tools")).get("mode")) or "auto"
    if isinstance(choice, dict):
        return text(mapping(choice.get("function")).get("name")) or None
    return text(choice) or None


def read_params(payload: Mapping[str, Any]) -> Params:
    """How to answer.  Raises `BadRequest`."""
    return Params(
        temperature=number(payload, "temperature"),
        top_p=number(payload, "top_p"),
        max_output=_first_of(payload, "max_completion_tokens", "max_tokens"),
        effort=_effort(payload),
        stop=words(payload.get("stop")),
        seed=_first_of(payload, "seed", "random_seed"),
        more=carried("openai-chat", payload) | _unsaid(payload),
    )


def _unsaid(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What stands within messages and has no place in ours, by name."""
    messages = objects(payload.get("messages"))
    named = any(item.get("name") and item.get("role") not in ("tool", "function") for item in messages)
    return {"messages.name?": True} if named else {}


def _effort(payload: Mapping[str, Any]) -> Effort | None:
    """How long to reason, in the words of OpenAI, OpenRouter, DeepSeek, Z.ai and Alibaba.  Raises `BadRequest`."""
    reasoning, thinking = mapping(payload.get("reasoning")), mapping(payload.get("thinking"))
    if asked := effort(payload.get("reasoning_effort")) or effort(reasoning.get("effort")):
        return asked
    switches = (payload.get("enable_thinking"), reasoning.get("enabled"), _SWITCHES.get(text(thinking.get("type"))))
    if False in switches:
        return "none"
    budgets = (
        whole(reasoning, "max_tokens"),
        whole(thinking, "budget_tokens"),
        whole(payload, "thinking_budget"),
    )
    tokens = next((budget for budget in budgets if budget is not None), None)
    if tokens is not None and tokens < 0:
        raise BadRequest("Tokens of reasoning cannot be fewer than none.")
    if tokens is not None:
        return effort_of(tokens)
    return "medium" if True in switches else None


_SWITCHES = {"enabled": True, "disabled": False}


def _first_of(payload: Mapping[str, Any], *names: str) -> int | None:
    """The first of these that is given; nought is given too."""
    return next((found for name in names if (found := whole(payload, name)) is not None), None)
