"""Reads requests of clients that speak Anthropic's Messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from routerterm.core.errors import BadRequest
from routerterm.core.messages import Image, Message, Part, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Effort, JsonAnswer, Params, Tool
from routerterm.protocols.anthropic_messages.decode import FAMILY
from routerterm.protocols.json_utils import dumps, mapping, objects, text
from routerterm.protocols.server_base import (
    ServerRequest,
    answerable,
    effort,
    image,
    number,
    picture,
    read_object,
    required_list,
    required_text,
    whole,
    words,
)
from routerterm.protocols.signature_scope import sign_scope
from routerterm.protocols.structured import read_shape


def decode_request(body: bytes) -> ServerRequest:
    """The request of a client.  Raises `BadRequest` where it cannot be served as asked."""
    payload = read_object(body)
    request = ChatRequest(
        required_text(payload, "model"),
        tuple(_message(item) for item in objects(required_list(payload, "messages"))),
        system=_system(payload.get("system")),
        params=_params(payload),
        tools=tuple(_tool(item) for item in objects(payload.get("tools"))),
        tool_choice=_choice(mapping(payload.get("tool_choice"))),
        json=_format(mapping(mapping(payload.get("output_config")).get("format"))),
        client="gateway",
    )
    return ServerRequest(answerable(request), payload.get("stream") is True)


def _format(given: Mapping[str, Any]) -> JsonAnswer | None:
    """Anthropic's clients name a schema, or nothing."""
    if not given:
        return None
    if given.get("type") != "json_schema":
        raise BadRequest("An answer's format can only be json_schema.")
    return read_shape(given)


def _system(system: Any) -> str | None:
    if isinstance(system, str):
        return system or None
    return "\n\n".join(text(block.get("text")) for block in objects(system)) or None


def _message(item: Mapping[str, Any]) -> Message:
    role = item.get("role")
    if role not in ("user", "assistant", "system"):
        raise BadRequest(f"A message has the unknown role {str(role)[:40]!r}.")
    content = item.get("content")
    parts = (Text(content),) if isinstance(content, str) else tuple(_parts(objects(content)))
    return Message(role, parts)


def _parts(blocks: list[Mapping[str, Any]]) -> Iterator[Part]:
    for block in blocks:
        match block.get("type"):
            case "text":
                yield Text(text(block.get("text")))
            case "image":
                yield _image(block)
            case "thinking":
                yield Reasoning(text(block.get("thinking")), sign_scope(FAMILY, text(block.get("signature"))))
            case "redacted_thinking":
                yield Reasoning("", redacted=sign_scope(FAMILY, text(block.get("data"))))
            case "tool_use":
                arguments = dumps(mapping(block.get("input"))).decode("utf-8")
                yield ToolCall(text(block.get("id")), text(block.get("name")), arguments)
            case "tool_result":
                yield from _result(block)
            case other:
                raise BadRequest(f"Content blocks of type {str(other)[:40]!r} are not supported.")


def _result(block: Mapping[str, Any]) -> Iterator[Part]:
    """A tool's answer, and its pictures beside it."""
    content = block.get("content")
    parts: list[Part] = [Text(content)] if isinstance(content, str) else list(_parts(objects(content)))
    spoken = "".join(part.text for part in parts if isinstance(part, Text))
    yield ToolResult(text(block.get("tool_use_id")), spoken, is_error=block.get("is_error") is True)
    yield from (part for part in parts if isinstance(part, Image))


def _image(block: Mapping[str, Any]) -> Image:
    source = mapping(block.get("source"))
    match source.get("type"):
        case "url":
            return image(text(source.get("url")))
        case "base64":
            return picture(text(source.get("media_type")), text(source.get("data")))
        case other:
            raise BadRequest(f"Pictures from a source of type {str(other)[:40]!r} are not supported.")


def _tool(item: Mapping[str, Any]) -> Tool:
    if text(item.get("type")) not in ("", "custom"):
        raise BadRequest("Tools that run at Anthropic are not supported.")
    return Tool(required_text(item, "name"), text(item.get("description")), mapping(item.get("input_schema")))


def _choice(choice: Mapping[str, Any]) -> str | None:
    match choice.get("type"):
        case "any":
            return "required"
        case "tool":
            return text(choice.get("name")) or None
        case "auto" | "none" as word:
            return str(word)
        case _:
            return None


def _params(payload: Mapping[str, Any]) -> Params:
    return Params(
        temperature=number(payload, "temperature"),
        top_p=number(payload, "top_p"),
        max_output=whole(payload, "max_tokens"),
        effort=_effort(payload),
        stop=words(payload.get("stop_sequences")),
    )


def _effort(payload: Mapping[str, Any]) -> Effort | None:
    """How long to think, said in words or as a number of tokens."""
    if asked := effort(mapping(payload.get("output_config")).get("effort")):
        return asked
    thinking = mapping(payload.get("thinking"))
    match thinking.get("type"):
        case "disabled":
            return "none"
        case "enabled":
            budget = whole(thinking, "budget_tokens") or 0
            return "low" if budget < 4096 else "medium" if budget < 16384 else "high"
        case _:
            return None
