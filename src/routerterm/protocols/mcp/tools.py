"""Descriptions and results of tools, read from what servers say; nothing here trusts a type or a length."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from routerterm.protocols.json_utils import dumps, mapping, objects, scrub, text
from routerterm.protocols.mcp.values import (
    MAX_BLOCKS,
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_SCHEMA,
    McpInvalid,
    McpTool,
    ToolOutcome,
)

_HEADER = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}")
_NAME = re.compile(rf"[^\x00-\x20\x7f]{{1,{MAX_NAME}}}")
_PRIMITIVE = ("string", "integer", "boolean")


def tool_of(body: Mapping[str, Any]) -> McpTool | None:
    """A tool; None for one that no model can be offered: without a name, or with a schema that is none or too large."""
    name, schema = scrub(text(body.get("name"))), body.get("inputSchema", {})
    if not _NAME.fullmatch(name) or not isinstance(schema, dict) or len(dumps(schema)) > MAX_SCHEMA:
        return None
    if schema.get("type", "object") != "object":
        return None
    headers = _headers(schema)
    if headers is None:
        return None
    hints = mapping(body.get("annotations"))
    return McpTool(
        name,
        scrub(text(body.get("description")))[:MAX_DESCRIPTION],
        {**schema, "type": "object"},
        scrub(text(body.get("title")) or text(hints.get("title")))[:MAX_NAME],
        read_only=hints.get("readOnlyHint") is True,
        destructive=hints.get("destructiveHint") is not False,
        open_world=hints.get("openWorldHint") is not False,
        headers=headers,
    )


def outcome_of(result: Mapping[str, Any]) -> ToolOutcome:
    """What a call came to, as text.  Raises `McpInvalid`.

    Embedded texts and links stand among the text; pictures and sound are named and left out.  Structured content is
    taken where there is no text beside it, since servers repeat it there.
    """
    blocks = objects(result.get("content"))
    if len(blocks) > MAX_BLOCKS:
        raise McpInvalid(f"The server's result has more than {MAX_BLOCKS} pieces.")
    pieces, left_out = [], 0
    for block in blocks:
        piece = _piece(block)
        left_out += piece is None
        pieces.append(
            f"[{scrub(text(block.get('type')))[:40] or 'unknown'} content is left out]" if piece is None else piece
        )
    if not pieces and result.get("structuredContent") is not None:
        pieces = [dumps(result["structuredContent"]).decode()]
    return ToolOutcome(scrub("\n".join(pieces)), result.get("isError") is True, left_out)


def fingerprint(tool: McpTool) -> str:
    """A digest of everything that a model or a person is told of the tool: it changes when the description does."""
    said = [tool.name, tool.title, tool.description, tool.schema, tool.read_only, tool.destructive, tool.open_world]
    return hashlib.sha256(dumps(_ordered(said))).hexdigest()[:32]


def _ordered(value: Any) -> Any:
    """The same value with the fields of its objects in order: their order on the wire says nothing."""
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def _piece(block: Mapping[str, Any]) -> str | None:
    match block.get("type"):
        case "text":
            return text(block.get("text"))
        case "resource":
            said = mapping(block.get("resource")).get("text")
            return said if isinstance(said, str) else None
        case "resource_link":
            return f"{text(block.get('name'))} <{text(block.get('uri'))}>"
        case _:
            return None


def _headers(schema: Mapping[str, Any]) -> dict[str, tuple[str, ...]] | None:
    """Arguments that HTTP repeats in headers; None where the annotations are invalid: such a tool must be dropped."""
    found: dict[str, tuple[str, ...]] = {}
    for path, part in _properties(schema, ()):
        if "x-mcp-header" not in part:
            continue
        name = part["x-mcp-header"]
        if not isinstance(name, str) or not _HEADER.fullmatch(name) or part.get("type") not in _PRIMITIVE:
            return None
        if name.lower() in {known.lower() for known in found}:
            return None
        found[name] = path
    return found


def _properties(
    schema: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """The arguments that are reached through ``properties`` alone; nesting is bounded by the message's depth."""
    for name, part in mapping(schema.get("properties")).items():
        if isinstance(part, dict):
            yield (*path, name), part
            yield from _properties(part, (*path, name))
