"""Claude's export: ``conversations.json``, each conversation a list of messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from routerterm.core.messages import Part, Reasoning, Text
from routerterm.engine.transfer.common import ImportedMessage, Skipped, carry, milliseconds

if TYPE_CHECKING:
    from routerterm.store.transfer import ConversationBundle

PROGRAM = "claude"
_ROOT = "00000000-0000-4000-8000-000000000000"
"""The parent of first messages in exports that know of branches."""


def is_one(body: Any) -> bool:
    """Whether a JSON object looks like one of its conversations."""
    return isinstance(body, dict) and isinstance(body.get("chat_messages"), list)


def read(body: Mapping[str, Any], skipped: Skipped) -> ConversationBundle | None:
    """One conversation; with branches where the export tells of them."""
    said: list[ImportedMessage] = []
    above: str | None = None
    known: dict[str, str | None] = {}
    for n, message in enumerate(body["chat_messages"]):
        if not isinstance(message, dict) or message.get("sender") not in ("human", "assistant"):
            skipped.note("messages that are not understood")
            continue
        id = str(message.get("uuid") or n)
        if isinstance(parent := message.get("parent_message_uuid"), str):
            above = known.get(parent) if parent != _ROOT else None
        parts = _parts(message, skipped)
        if not parts:
            known[id] = above
            continue
        role = "user" if message["sender"] == "human" else "assistant"
        said.append(ImportedMessage(id, above, role, parts, milliseconds(message.get("created_at"))))  # type: ignore[arg-type]
        known[id] = above = id
    return carry(
        PROGRAM,
        str(body.get("uuid") or body.get("created_at")),
        str(body.get("name") or ""),
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
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "text" and isinstance(block.get("text"), str):
            parts += [Text(block["text"])] if block["text"] else []
        elif kind == "thinking" and isinstance(block.get("thinking"), str):
            parts += [Reasoning(block["thinking"])] if block["thinking"] else []
        elif kind in ("tool_use", "tool_result"):
            skipped.note("calls of tools and their results")
        else:
            skipped.note(f"content of the kind {str(kind)[:40]}")
    if not any(isinstance(part, Text) for part in parts) and isinstance(text := message.get("text"), str) and text:
        parts.append(Text(text))
    for attached in message.get("attachments") or ():
        inside = attached.get("extracted_content") if isinstance(attached, dict) else None
        if isinstance(inside, str) and inside:
            parts.append(Text(f"\n\n{attached.get('file_name') or 'attachment'}:\n```\n{inside}\n```"))
    for _ in message.get("files") or ():
        skipped.note("files, which the export names but does not hold")
    return tuple(parts)
