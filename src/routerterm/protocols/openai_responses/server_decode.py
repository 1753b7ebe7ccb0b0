"""Reads requests of clients that speak the Responses API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from routerterm.core.errors import BadRequest
from routerterm.core.messages import Image, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, JsonAnswer, Params
from routerterm.protocols.fields import carried
from routerterm.protocols.hosted_steps import write_step
from routerterm.protocols.json_utils import dumps, mapping, objects, text
from routerterm.protocols.openai_responses.compaction import open_summary
from routerterm.protocols.openai_responses.decode import STEP
from routerterm.protocols.openai_responses.tool_kinds import ToolKinds, arguments_of
from routerterm.protocols.server_base import (
    ServerRequest,
    answerable,
    effort,
    file_part,
    image,
    number,
    parts_of,
    read_object,
    required_text,
    whole,
)
from routerterm.protocols.signature_scope import is_step, sign_scope
from routerterm.protocols.structured import read_chat_format, read_shape

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}


_ECHOED: Mapping[str, Any] = {
    "background": False,
    "frequency_penalty": 0.0,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
}
"""Fields of a request that the answer repeats, each with what holds where it is not given."""


def decode_request(body: bytes) -> ServerRequest:
    """The request of a client.  Raises `BadRequest` where it cannot be served as asked.

    What came before (``previous_response_id``, item references) must be in the input already.
    """
    payload = read_object(body)
    if payload.get("conversation"):
        raise BadRequest("Conversations are not stored here: send `previous_response_id`, or the whole `input`.")
    if payload.get("prompt"):
        raise BadRequest("Stored prompts are not supported: send their text as `instructions`.")
    if payload.get("background") is True:
        raise BadRequest("Background responses are not supported.")
    kinds = ToolKinds.of(payload.get("tools"))
    choice = _choice(payload.get("tool_choice"), kinds)
    request = ChatRequest(
        required_text(payload, "model"),
        tuple(read_input(payload.get("input"))),
        system=text(payload.get("instructions")) or None,
        params=Params(
            temperature=number(payload, "temperature"),
            top_p=number(payload, "top_p"),
            max_output=whole(payload, "max_output_tokens"),
            effort=effort(mapping(payload.get("reasoning")).get("effort")),
            more=carried("openai-responses", payload),
        ),
        tools=tuple(kinds.tools),
        hosted=tuple(kinds.hosted),
        tool_choice=choice,
        json=_format(mapping(mapping(payload.get("text")).get("format"))),
        client="gateway",
    )
    stream = payload.get("stream") is True
    return ServerRequest(answerable(request), stream, echo=_echo(payload))


def defaults() -> dict[str, Any]:
    """What an answer repeats of a request that says nothing."""
    return _echo({})


def _echo(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The request's fields as the answer repeats them."""
    found = {name: default if payload.get(name) is None else payload[name] for name, default in _ECHOED.items()}
    if isinstance(payload.get("user"), str):  # the document wants text, or nothing
        found["user"] = payload["user"]
    reasoning = mapping(payload.get("reasoning"))
    found["reasoning"] = {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")}
    found["text"] = {"format": {"type": "text"}} | dict(mapping(found["text"]))
    found["tools"] = [_repeated(tool) for tool in objects(found["tools"])]
    return found


def _repeated(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool with the fields that the answer's schema wants of a function, and without what opens an MCP server.

    An answer is kept, and shown to whoever asks for it by its id: no secret of a request may be in it.
    """
    if tool.get("type") != "function":
        return {name: value for name, value in tool.items() if name not in ("headers", "authorization")}
    inner = mapping(tool.get("function"))
    return (
        {"description": None, "parameters": None, "strict": True}
        | dict(inner)
        | {name: value for name, value in tool.items() if name != "function"}
    )


def read_input(given: Any) -> Iterator[Message]:
    """The messages of an input: items in a row by one speaker become one.  Raises `BadRequest`."""
    if isinstance(given, str) and given:
        yield Message.of("user", given)
        return
    if not isinstance(given, list) or not given or not all(isinstance(item, dict) for item in given):
        raise BadRequest("`input` must be text, or a list of items that is not empty.")
    if not any(any(not is_step(part) for part in found[1]) for item in given if (found := _item(item))):
        raise BadRequest("`input` is empty.")
    role: Role | None = None
    parts: list[Part] = []
    for item in given:
        if (found := _item(item)) is None:
            continue
        speaker, said = found
        if speaker != role and role is not None:
            yield Message(role, tuple(parts))
            parts = []
        role = speaker
        parts += said
    if role is not None:
        yield Message(role, tuple(parts))


def _item(item: Mapping[str, Any]) -> tuple[Role, list[Part]] | None:
    """Who says an item, and what; None for one that is none."""
    match item.get("type"):
        case "function_call":
            call = ToolCall(text(item.get("call_id")), text(item.get("name")), text(item.get("arguments")))
            return "assistant", [call]
        case "custom_tool_call":
            arguments = arguments_of(item.get("input"))
            return "assistant", [ToolCall(text(item.get("call_id")), text(item.get("name")), arguments)]
        case "local_shell_call":
            arguments = dumps(mapping(item.get("action"))).decode("utf-8")
            return "assistant", [ToolCall(text(item.get("call_id")), "local_shell", arguments)]
        case "function_call_output" | "custom_tool_call_output" | "local_shell_call_output":
            said = list(_content(item.get("output")))
            words = "".join(part.text for part in said if isinstance(part, Text))
            pictures = [part for part in said if isinstance(part, Image)]
            return "tool", [ToolResult(text(item.get("call_id")) or text(item.get("id")), words), *pictures]
        case "reasoning":
            words = "\n\n".join(text(part.get("text")) for part in objects(item.get("summary")))
            return "assistant", [Reasoning(words, sign_scope("responses", text(item.get("encrypted_content"))))]
        case "compaction" | "compaction_summary" if summary := open_summary(text(item.get("encrypted_content"))):
            return "user", [Text(summary)]
        case "message" | None:
            role = _ROLES.get(text(item.get("role")))
            if role is None:
                raise BadRequest(f"A message has the unknown role {str(item.get('role'))[:40]!r}.")
            return role, list(_content(item.get("content")))
        case "item_reference":
            raise BadRequest(f"There is no item {text(item.get('id'))[:80]!r} here any more.")
        case str():  # what the provider did for itself
            return "assistant", [Reasoning("", redacted=write_step(STEP, item))]
        case _:
            return None


def _content(content: Any) -> Iterator[Part]:
    for part in parts_of(content):
        match part.get("type"):
            case "input_text" | "output_text" | "text":
                yield Text(text(part.get("text")))
            case "refusal":
                yield Text(text(part.get("refusal")))
            case "input_image":
                yield replace(image(text(part.get("image_url"))), detail=text(part.get("detail")) or None)
            case "input_file":
                yield file_part(text(part.get("file_data")), text(part.get("filename")))
            case other:
                raise BadRequest(f"Message parts of type {str(other)[:40]!r} are not supported.")


def _format(given: Mapping[str, Any]) -> JsonAnswer | None:
    """The shape stands here beside its type, not within a field of its own."""
    return read_shape(given) if given.get("type") == "json_schema" else read_chat_format(given)


def _choice(choice: Any, kinds: ToolKinds) -> str | None:
    """How tools are to be chosen; a choice among tools of which none is left is none."""
    if not isinstance(choice, dict):
        return text(choice) or None
    if choice.get("type") == "allowed_tools":
        allowed = {text(tool.get("name")) for tool in objects(choice.get("tools"))}
        kinds.tools = [tool for tool in kinds.tools if tool.name in allowed]
        return text(choice.get("mode")) or None
    name = text(choice.get("name"))
    return name if not kinds.hosted or any(tool.name == name for tool in kinds.tools) else None
