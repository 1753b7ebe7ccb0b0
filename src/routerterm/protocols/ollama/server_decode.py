"""Reads requests of clients that speak Ollama's own chat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from routerterm.core.errors import BadRequest
from routerterm.core.messages import Image, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Effort, JsonAnswer, Params, Tool
from routerterm.protocols.fields import carried
from routerterm.protocols.images import sniffed_type
from routerterm.protocols.json_utils import dumps, listing, mapping, objects, text
from routerterm.protocols.openai_chat.server_decode import read_tool
from routerterm.protocols.pairing import paired
from routerterm.protocols.server_base import (
    NothingAsked,
    ServerRequest,
    answerable,
    effort,
    number,
    parts_of,
    picture,
    read_object,
    required_list,
    required_text,
    whole,
    words,
)

_ROLES: Mapping[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


def plain_name(name: str) -> str:
    """A name without the tag that Ollama's clients add to all: routes and aliases have none.

    A provider's model keeps its own, which may be part of its name.
    """
    return name if "/" in name else name.removesuffix(":latest")


def decode_request(body: bytes) -> ServerRequest:
    """The request of a client.  Raises `BadRequest` where it cannot be served as asked."""
    payload = read_object(body)
    if payload.get("messages") in (None, []):
        raise only_loads(payload)
    request = ChatRequest(
        plain_name(required_text(payload, "model")),
        paired(_message(item) for item in objects(required_list(payload, "messages"))),
        params=_params(mapping(payload.get("options")), payload),
        tools=_tools(payload.get("tools")),
        json=_format(payload.get("format")),
        client="gateway",
    )
    return ServerRequest(answerable(request), payload.get("stream") is not False)


def only_loads(payload: Mapping[str, Any]) -> NothingAsked:
    """What a request without a question means: the model is to be loaded, or unloaded.  Raises `BadRequest`."""
    name = plain_name(required_text(payload, "model"))
    return NothingAsked(name, "unload" if payload.get("keep_alive") in (0, "0", "0s", "0m") else "load")


def _format(given: Any) -> JsonAnswer | None:
    """``json``, or a schema.  Raises `BadRequest`."""
    if given in (None, ""):
        return None
    if given == "json":
        return JsonAnswer()
    if not isinstance(given, dict):
        raise BadRequest('`format` must be "json" or a JSON schema.')
    return JsonAnswer(given)


def _message(item: Mapping[str, Any]) -> Message:
    role = _ROLES.get(text(item.get("role")))
    if role is None:
        raise BadRequest(f"A message has the unknown role {str(item.get('role'))[:40]!r}.")
    if role == "tool":
        name = text(item.get("tool_name")) or text(item.get("name"))
        return Message(role, (ToolResult(text(item.get("tool_call_id")), _spoken(item), name),))
    return Message(role, tuple(_parts(item)))


def _parts(item: Mapping[str, Any]) -> Iterator[Part]:
    if thoughts := text(item.get("thinking")):
        yield Reasoning(thoughts)
    if spoken := _spoken(item):
        yield Text(spoken)
    for data in listing(item.get("images")):
        yield _picture(text(data))
    for call in objects(item.get("tool_calls")):
        function = mapping(call.get("function"))
        arguments = dumps(mapping(function.get("arguments"))).decode("utf-8")
        yield ToolCall(text(call.get("id")), text(function.get("name")), arguments)


def _spoken(item: Mapping[str, Any]) -> str:
    """What a message says; some clients write it in parts, as for other protocols.  Raises `BadRequest`."""
    parts = parts_of(item.get("content"))
    for part in parts:
        if not isinstance(part.get("text"), str):
            kind = str(part.get("type"))[:40]
            raise BadRequest(f"Message parts of type {kind!r} are not supported; images go in `images`.")
    return "\n".join(part["text"] for part in parts)


def _picture(data: str) -> Image:
    """A picture whose kind only its first bytes tell."""
    made = picture("image/*", data)
    if not sniffed_type(made.data):
        raise BadRequest("An image has an unsupported type.")
    return made


def _tools(given: Any) -> tuple[Tool, ...]:
    return tuple(read_tool(item) for item in objects(given))


def _params(options: Mapping[str, Any], payload: Mapping[str, Any]) -> Params:
    most = whole(options, "num_predict")
    return Params(
        temperature=number(options, "temperature"),
        top_p=number(options, "top_p"),
        max_output=most if most is not None and most > 0 else None,  # below zero: as long as it likes
        effort=_effort(payload.get("think")),
        stop=words(options.get("stop")),
        seed=whole(options, "seed"),
        more=carried("ollama-chat", options) | carried("ollama-chat request", payload),
    )


def _effort(think: Any) -> Effort | None:
    """Whether to think, or how long."""
    if isinstance(think, bool):
        return "medium" if think else "none"
    return effort(think)
