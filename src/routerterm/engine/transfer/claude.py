"""Claude's export: each conversation a list of messages, whose work may stand in artifacts and created files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from routerterm.core.messages import Part, Reasoning, Role, Text
from routerterm.engine.transfer.common import ImportedMessage, Skipped, carry, fenced, image_of, milliseconds, text_of

if TYPE_CHECKING:
    from routerterm.store.transfer import ConversationBundle

PROGRAM = "claude"
_ROOT = "00000000-0000-4000-8000-000000000000"
"""The parent of first messages in exports that know of branches."""
_UNSUPPORTED = re.compile(r"\n?```\nThis block is not supported on your current device yet\.\n```\n?")
_PROSE = frozenset({"text/markdown", "text/plain"})
_LANGUAGES = {"text/html": "html", "image/svg+xml": "svg", "application/vnd.ant.react": "jsx"}


def is_one(body: Any) -> bool:
    """Whether a JSON object looks like one of its conversations."""
    return isinstance(body, dict) and isinstance(body.get("chat_messages"), list)


def files_to_fetch(body: Any) -> list[str]:
    """The archives that an export's index names; empty where the object is no such index."""
    listed = body.get("data_files") if isinstance(body, dict) else None
    return [
        name
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, dict) and (name := text_of(each.get("filename")))
    ]


def read(body: Mapping[str, Any], skipped: Skipped) -> ConversationBundle | None:
    """One conversation; with branches where the export tells of them."""
    said: list[ImportedMessage] = []
    above: str | None = None
    known: dict[str, str | None] = {}
    for n, message in enumerate(body["chat_messages"]):
        if not isinstance(message, dict) or message.get("sender") not in ("human", "assistant"):
            skipped.note("messages in an unknown format")
            continue
        id = str(message.get("uuid") or n)
        if isinstance(parent := message.get("parent_message_uuid"), str):
            above = known.get(parent) if parent != _ROOT else None
        parts = _parts(message, skipped)
        if not parts:
            known[id] = above
            continue
        role: Role = "user" if message["sender"] == "human" else "assistant"
        said.append(ImportedMessage(id, above, role, parts, milliseconds(message.get("created_at"))))
        known[id] = above = id
    return carry(
        PROGRAM,
        text_of(body.get("uuid")) or text_of(body.get("created_at")),
        text_of(body.get("name")),
        said,
        head=known.get(str(body.get("current_leaf_message_uuid"))),
        model=f"anthropic/{body['model']}" if isinstance(body.get("model"), str) else None,
        created=milliseconds(body.get("created_at")),
        updated=milliseconds(body.get("updated_at")),
    )


def _parts(message: Mapping[str, Any], skipped: Skipped) -> tuple[Part, ...]:
    parts: list[Part] = []
    content = message.get("content")
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict):
            new = _block(block, skipped)
            if new and parts and isinstance(last := parts[-1], Text) and last.text.endswith("```"):
                parts.append(Text("\n\n"))  # a fence ends with its line
            parts += new
        else:
            skipped.note("content in an unknown format")
    whole = _UNSUPPORTED.sub("", text_of(message.get("text"))).strip()
    if whole and not any(isinstance(part, Text) for part in parts):
        parts.append(Text(whole))
    for attached in _list(message.get("attachments")):
        inside = text_of(attached.get("extracted_content"))
        name = text_of(attached.get("file_name")) or "attachment"
        if inside:
            parts.append(Text(f"\n\n{name}:\n{fenced(inside)}"))
        else:
            skipped.note("attachments without their text", name)
    names = [text_of(file.get("file_name")) or "file" for file in _list(message.get("files"))]
    for name in names:
        skipped.note("files that are not in the export", name)
    if names and not parts:
        parts.append(Text(f"*[{', '.join(names)}: not in the export]*"))
    return tuple(parts)


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _block(block: Mapping[str, Any], skipped: Skipped) -> list[Part]:
    kind, text = block.get("type"), text_of(block.get("text"))
    match kind:
        case "thinking":
            thought = text_of(block.get("thinking"))
            return [Reasoning(thought)] if thought else []
        case "text" | "voice_note":
            text = _UNSUPPORTED.sub("", text)
            return [Text(text + _sources(block))] if text else []
        case "tool_use":
            made = _made(block.get("input"))
            if not made:
                skipped.note("tool calls and results", text_of(block.get("name")))
            return [Text(made)] if made else []
        case "tool_result":
            if text_of(block.get("name")) not in ("artifacts", "create_file", "str_replace"):
                skipped.note("tool calls and results", text_of(block.get("name")))
            return []
        case "image" if image := image_of(block.get("source")):
            return [image]
        case "token_budget" | "flag":
            return []
        case _:
            if not text:
                skipped.note(f"content of type {str(kind)[:40]}")
            return [Text(text)] if text else []


def _made(given: Any) -> str:
    """What a call wrote: an artifact, a file, or a change to one; empty for any other call."""
    if not isinstance(given, dict):
        return ""
    written = text_of(given.get("content")) or text_of(given.get("file_text"))
    name = text_of(given.get("title")) or text_of(given.get("path")) or text_of(given.get("description"))
    head = f"\n\n**{name}**\n\n" if name else "\n\n"
    if written:
        kind = text_of(given.get("type"))
        prose = kind in _PROSE or name.endswith((".md", ".txt"))
        return head + (written if prose else fenced(written, _LANGUAGES.get(kind) or _word(given.get("language"))))
    new = text_of(given.get("new_str"))
    if not new and not given.get("old_str"):
        return ""
    lines = [f"- {line}" for line in text_of(given.get("old_str")).splitlines()]
    return head + fenced("\n".join([*lines, *(f"+ {line}" for line in new.splitlines())]), "diff")


def _word(value: Any) -> str:
    return value if isinstance(value, str) and value.isalnum() else ""


def _sources(block: Mapping[str, Any]) -> str:
    """The pages that a text cites."""
    urls: dict[str, None] = {}
    for citation in _list(block.get("citations")):
        details = citation.get("details")
        url = text_of((details if isinstance(details, dict) else citation).get("url"))
        if url.startswith(("http://", "https://")):
            urls[url] = None
    return "\n\nSources: " + ", ".join(f"<{url}>" for url in urls) if urls else ""
