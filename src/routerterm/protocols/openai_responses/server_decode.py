"""Reads requests of clients that speak the Responses API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from routerterm.core.errors import BadRequest
from routerterm.core.messages import Image, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, JsonAnswer, Params, Tool
from routerterm.protocols.fields import carried
from routerterm.protocols.json_utils import mapping, objects, text
from routerterm.protocols.server_base import (
    ServerRequest,
    answerable,
    effort,
    image,
    number,
    read_object,
    required_text,
    whole,
)
from routerterm.protocols.signature_scope import sign_scope
from routerterm.protocols.structured import read_chat_format, read_shape

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}


def decode_request(body: bytes) -> ServerRequest:
    """The request of a client.  Raises `BadRequest` where it cannot be served as asked."""
    payload = read_object(body)
    if payload.get("previous_response_id") or payload.get("conversation"):
        raise BadRequest("Nothing is stored here: send the whole conversation as `input`.")
    if payload.get("background") is True:
        raise BadRequest("Answers in the background are not supported.")
    request = ChatRequest(
        required_text(payload, "model"),
        tuple(_messages(payload.get("input"))),
        system=text(payload.get("instructions")) or None,
        params=Params(
            temperature=number(payload, "temperature"),
            top_p=number(payload, "top_p"),
            max_output=whole(payload, "max_output_tokens"),
            effort=effort(mapping(payload.get("reasoning")).get("effort")),
            more=carried("openai-responses", payload),
        ),
        tools=tuple(_tool(item) for item in objects(payload.get("tools"))),
        tool_choice=_choice(payload.get("tool_choice")),
        json=_format(mapping(mapping(payload.get("text")).get("format"))),
        client="gateway",
    )
    return ServerRequest(answerable(request), payload.get("stream") is True)


def _messages(given: Any) -> Iterator[Message]:
    """Items in a row by one speaker become one message."""
    if isinstance(given, str) and given:
        yield Message.of("user", given)
        return
    if not isinstance(given, list) or not given or not all(isinstance(item, dict) for item in given):
        raise BadRequest("`input` must be text, or a list of items that is not empty.")
    role: Role | None = None
    parts: list[Part] = []
    for item in given:
        speaker, said = _item(item)
        if speaker != role and role is not None:
            yield Message(role, tuple(parts))
            parts = []
        role = speaker
        parts += said
    if role is not None:
        yield Message(role, tuple(parts))


def _item(item: Mapping[str, Any]) -> tuple[Role, list[Part]]:
    match item.get("type"):
        case "function_call":
            call = ToolCall(text(item.get("call_id")), text(item.get("name")), text(item.get("arguments")))
            return "assistant", [call]
        case "function_call_output":
            said = list(_content(item.get("output")))
            words = "".join(part.text for part in said if isinstance(part, Text))
            return "tool", [ToolResult(text(item.get("call_id")), words), *(p for p in said if isinstance(p, Image))]
        case "reasoning":
            words = "\n\n".join(text(part.get("text")) for part in objects(item.get("summary")))
            return "assistant", [Reasoning(words, sign_scope("responses", text(item.get("encrypted_content"))))]
        case "message" | None:
            role = _ROLES.get(text(item.get("role")))
            if role is None:
                raise BadRequest(f"A message has the unknown role {str(item.get('role'))[:40]!r}.")
            return role, list(_content(item.get("content")))
        case other:
            raise BadRequest(f"Input items of type {str(other)[:40]!r} are not supported.")


def _content(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(content)
        return
    for part in objects(content):
        match part.get("type"):
            case "input_text" | "output_text" | "text":
                yield Text(text(part.get("text")))
            case "refusal":
                yield Text(text(part.get("refusal")))
            case "input_image":
                yield replace(image(text(part.get("image_url"))), detail=text(part.get("detail")) or None)
            case other:
                raise BadRequest(f"Message parts of type {str(other)[:40]!r} are not supported.")


def _format(given: Mapping[str, Any]) -> JsonAnswer | None:
    """The shape stands here beside its type, not within a field of its own."""
    return read_shape(given) if given.get("type") == "json_schema" else read_chat_format(given)


def _tool(item: Mapping[str, Any]) -> Tool:
    if item.get("type") != "function":
        raise BadRequest("Only tools of type function are supported.")
    strict = item.get("strict")
    return Tool(
        required_text(item, "name"),
        text(item.get("description")),
        mapping(item.get("parameters")),
        strict if isinstance(strict, bool) else None,
    )


def _choice(choice: Any) -> str | None:
    return text(mapping(choice).get("name")) or None if isinstance(choice, dict) else text(choice) or None
