"""Makes a conversation fit to be sent, whoever answered before: the common ground of all encoders.

A history may come from other providers, be cut by a failure or hold a call that was never answered; any
of these makes a strict server answer 400.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from routerterm.core.messages import Image, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest
from routerterm.protocols.json_utils import NotJson, loads


def system_text(request: ChatRequest) -> str:
    """All that is said by the system, joined."""
    spoken = [request.system or "", *(message.text for message in request.messages if message.role == "system")]
    return "\n\n".join(filter(None, spoken))


def turns(request: ChatRequest) -> list[Message]:
    """The conversation without the system: calls paired with results, ids filled in, nothing empty."""
    numbered = _with_ids([message for message in request.messages if message.role != "system"])
    called = {part.id for message in numbered for part in message.parts if isinstance(part, ToolCall)}
    answered = {part.call_id for message in numbered for part in message.parts if isinstance(part, ToolResult)}
    paired = called & answered
    out: list[Message] = []
    for message in numbered:
        parts = tuple(part for part in message.parts if _belongs(part, paired))
        if any(not isinstance(part, Reasoning) for part in parts):
            out.append(replace(message, parts=parts))
    return out


def merged(messages: Iterable[Message], roles: Mapping[Role, Role]) -> list[Message]:
    """The messages with their roles renamed, and neighbours of one role joined."""
    out: list[Message] = []
    for message in messages:
        role = roles.get(message.role, message.role)
        if out and out[-1].role == role:
            out[-1] = replace(out[-1], parts=out[-1].parts + message.parts)
        else:
            out.append(Message(role, message.parts))
    return out


def call_names(messages: Iterable[Message]) -> dict[str, str]:
    """The name of each call by its id, for protocols whose results are told by name."""
    return {part.id: part.name for message in messages for part in message.parts if isinstance(part, ToolCall)}


def arguments_object(arguments: str) -> dict[str, Any]:
    """The arguments as an object; what was cut short or is none becomes an empty one."""
    try:
        value = loads(arguments)
    except NotJson:
        return {}
    return value if isinstance(value, dict) else {}


def arguments_text(arguments: str) -> str:
    """The arguments as JSON text that a strict server takes, unchanged where they are good."""
    try:
        good = isinstance(loads(arguments), dict)
    except NotJson:
        good = False
    return arguments if good else json.dumps(arguments_object(arguments))


def data_uri(image: Image) -> str:
    """The address of a picture: its own, or its bytes as a ``data:`` URI."""
    return image.url or f"data:{image.media_type};base64,{base64.b64encode(image.data).decode('ascii')}"


def base64_data(image: Image) -> str:
    """The bytes of a picture as base64, without a prefix."""
    return base64.b64encode(image.data).decode("ascii")


def mistral_id(id: str) -> str:
    """Mistral takes only nine letters and digits: its own ids unchanged, any other as a stable digest."""
    if len(id) == 9 and id.isascii() and id.isalnum():
        return id
    digest = hashlib.sha256(id.encode("utf-8", "replace")).hexdigest()
    return digest[:9]


def _belongs(part: Part, paired: set[str]) -> bool:
    match part:
        case Text(text):
            return bool(text)
        case ToolCall():
            return part.id in paired and bool(part.name)
        case ToolResult():
            return part.call_id in paired
        case _:
            return True


def _with_ids(messages: list[Message]) -> list[Message]:
    """Calls without an id get one; results without one belong to such calls in their order."""
    return list(_number(messages))


def _number(messages: list[Message]) -> Iterator[Message]:
    count, open_ids = 0, list[str]()
    for message in messages:
        parts: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolCall) and not part.id:
                part = replace(part, id=f"call_{count}")
                count += 1
                open_ids.append(part.id)
            elif isinstance(part, ToolResult) and not part.call_id and open_ids:
                part = replace(part, call_id=open_ids.pop(0))
            parts.append(part)
        yield replace(message, parts=tuple(parts))
