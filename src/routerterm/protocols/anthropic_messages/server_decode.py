"""Reads requests of clients that speak Anthropic's Messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from routerterm.core.errors import BadRequest
from routerterm.core.messages import Image, Message, Part, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Effort, HostedTool, JsonAnswer, Params, Tool
from routerterm.protocols.anthropic_messages.decode import FAMILY, STEP
from routerterm.protocols.cache_marks import read_mark
from routerterm.protocols.fields import BETAS, beyond, carried, names
from routerterm.protocols.hosted_steps import write_step
from routerterm.protocols.json_utils import dumps, mapping, objects, text
from routerterm.protocols.server_base import (
    ServerRequest,
    answerable,
    document,
    effort,
    effort_of,
    file_part,
    image,
    number,
    parts_of,
    picture,
    read_object,
    required_list,
    required_text,
    whole,
    words,
)
from routerterm.protocols.signature_scope import sign_scope
from routerterm.protocols.structured import read_shape

_STEPS = re.compile(r"_tool_use$|_tool_result$|^container_upload$|^tool_reference$|^compaction$")
"""Blocks that tell what ran at Anthropic.  For others its findings stand in the text beside it."""
_BETA = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
_MOST_BETAS = 40


def decode_request(body: bytes, *, betas: str = "") -> ServerRequest:
    """The request of a client; ``betas`` stands in its header.  Raises `BadRequest` where it cannot be served."""
    payload = read_object(body)
    system, marked = _system(payload.get("system"))
    tools = objects(payload.get("tools"))
    request = ChatRequest(
        required_text(payload, "model"),
        (*marked, *(_message(item) for item in objects(required_list(payload, "messages")))),
        system=system,
        params=_params(payload, betas),
        tools=tuple(_tool(item) for item in tools if _is_ours(item)),
        hosted=tuple(HostedTool("anthropic-messages", item) for item in tools if not _is_ours(item)),
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
        raise BadRequest("The output format can only be json_schema.")
    return read_shape(given)


def _system(system: Any) -> tuple[str | None, tuple[Message, ...]]:
    """What the system says: as one text, or block by block where one is marked for the cache."""
    if isinstance(system, str):
        return system or None, ()
    blocks = [Text(text(block.get("text")), cache=read_mark(block)) for block in parts_of(system)]
    if any(block.cache for block in blocks):
        return None, tuple(Message("system", (block,)) for block in blocks if block.text)
    return "\n\n".join(block.text for block in blocks) or None, ()


def _message(item: Mapping[str, Any]) -> Message:
    role = item.get("role")
    if role not in ("user", "assistant", "system"):
        raise BadRequest(f"A message has the unknown role {str(role)[:40]!r}.")
    return Message(role, tuple(_parts(parts_of(item.get("content")))))


def _parts(blocks: list[Mapping[str, Any]]) -> Iterator[Part]:
    for block in blocks:
        match block.get("type"):
            case "text":
                yield Text(text(block.get("text")), cache=read_mark(block))
            case "image":
                yield replace(_image(block), cache=read_mark(block))
            case "thinking":
                yield Reasoning(text(block.get("thinking")), sign_scope(FAMILY, text(block.get("signature"))))
            case "redacted_thinking":
                yield Reasoning("", redacted=sign_scope(FAMILY, text(block.get("data"))))
            case "tool_use":
                arguments = dumps(mapping(block.get("input"))).decode("utf-8")
                yield ToolCall(text(block.get("id")), text(block.get("name")), arguments, cache=read_mark(block))
            case "tool_result":
                yield from _result(block)
            case "document" | "search_result":
                *earlier, last = _document(block)
                yield from (*earlier, replace(last, cache=read_mark(block)))
            case str() as kind if _STEPS.search(kind):
                yield Reasoning("", redacted=write_step(STEP, block))
            case other:
                raise BadRequest(f"Content blocks of type {str(other)[:40]!r} are not supported.")


def _result(block: Mapping[str, Any]) -> Iterator[Part]:
    """A tool's answer, and its pictures beside it."""
    parts = list(_parts(parts_of(block.get("content"))))
    spoken = "".join(part.text for part in parts if isinstance(part, Text))
    id, failed = text(block.get("tool_use_id")), block.get("is_error") is True
    yield ToolResult(id, spoken, is_error=failed, cache=read_mark(block))
    yield from (part for part in parts if isinstance(part, Image))


def _document(block: Mapping[str, Any]) -> Iterator[Text | Image]:
    """A document as text under its title; pictures in it stay pictures.  Raises `BadRequest`."""
    source = mapping(block.get("source"))
    title = text(block.get("title")) or text(block.get("source"))
    match source.get("type"):
        case "text":
            yield document(text(source.get("data")), title)
        case "base64":
            yield file_part(text(source.get("data")), title)
        case "content" | None:
            inner = source.get("content") if source else block.get("content")
            parts = list(_parts(parts_of(inner)))
            yield document("".join(part.text for part in parts if isinstance(part, Text)), title)
            yield from (part for part in parts if isinstance(part, Image))
        case other:
            raise BadRequest(f"Documents from a source of type {str(other)[:40]!r} are not supported.")


def _image(block: Mapping[str, Any]) -> Image:
    source = mapping(block.get("source"))
    match source.get("type"):
        case "url":
            return image(text(source.get("url")))
        case "base64":
            return picture(text(source.get("media_type")), text(source.get("data")))
        case other:
            raise BadRequest(f"Images from a source of type {str(other)[:40]!r} are not supported.")


def _is_ours(item: Mapping[str, Any]) -> bool:
    """Whether the client runs the tool; others run at Anthropic."""
    return text(item.get("type")) in ("", "custom")


def _tool(item: Mapping[str, Any]) -> Tool:
    strict = item.get("strict")
    return Tool(
        required_text(item, "name"),
        text(item.get("description")),
        mapping(item.get("input_schema")),
        strict=strict if isinstance(strict, bool) else None,
        cache=read_mark(item),
        more=beyond("anthropic-messages", item, _TOOL),
    )


_TOOL = names("type name description input_schema strict cache_control")


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


def _params(payload: Mapping[str, Any], betas: str) -> Params:
    named = ",".join(_BETA.findall(betas)[:_MOST_BETAS])
    return Params(
        temperature=number(payload, "temperature"),
        top_p=number(payload, "top_p"),
        max_output=whole(payload, "max_tokens"),
        effort=_effort(payload),
        stop=words(payload.get("stop_sequences")),
        more=carried("anthropic-messages", payload) | _unsaid(payload) | ({BETAS: named} if named else {}),
    )


def _unsaid(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of documents, which become text here, by name."""
    blocks = [block for item in objects(payload.get("messages")) for block in objects(item.get("content"))]
    documents = [block for block in blocks if block.get("type") in ("document", "search_result")]
    cited = any(mapping(block.get("citations")).get("enabled") is True for block in documents)
    named = {"document.citations?": cited, "document.context?": any(block.get("context") for block in documents)}
    return {name: True for name, said in named.items() if said}


def _effort(payload: Mapping[str, Any]) -> Effort | None:
    """How long to think, said in words or as a number of tokens."""
    if asked := effort(mapping(payload.get("output_config")).get("effort")):
        return asked
    thinking = mapping(payload.get("thinking"))
    match thinking.get("type"):
        case "disabled":
            return "none"
        case "enabled":
            return effort_of(max(1, whole(thinking, "budget_tokens") or 0))
        case _:
            return None
