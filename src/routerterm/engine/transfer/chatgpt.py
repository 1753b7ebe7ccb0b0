"""ChatGPT's export: ``conversations.json``, each conversation a map of nodes with their parents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from routerterm.core.messages import Part, Reasoning, Role, Text
from routerterm.engine.transfer.common import ImportedMessage, Skipped, carry, milliseconds, texts

if TYPE_CHECKING:
    from routerterm.store.transfer import ConversationBundle

PROGRAM = "chatgpt"


def is_one(body: Any) -> bool:
    """Whether a JSON object looks like one of its conversations."""
    return isinstance(body, dict) and isinstance(body.get("mapping"), dict)


def read(body: Mapping[str, Any], skipped: Skipped) -> ConversationBundle | None:
    """One conversation with all its branches."""
    nodes = body["mapping"]
    order = _order(nodes)
    kept: dict[str, str | None] = {}  # a node, or the nearest one above it that says something
    said: list[ImportedMessage] = []
    system = None
    for id in order:
        node = nodes[id]
        above = kept.get(_parent(node) or "")
        message = node.get("message")
        one = _said(id, above, message, skipped) if isinstance(message, dict) else None
        if one is not None and one.role == "system":
            system, one = "".join(part.text for part in one.parts if isinstance(part, Text)), None
        if one is not None:
            said.append(one)
        kept[id] = id if one is not None else above
    return carry(
        PROGRAM,
        str(body.get("conversation_id") or body.get("id") or body.get("create_time")),
        str(body.get("title") or ""),
        said,
        head=kept.get(str(body.get("current_node"))),
        model=_openai(body.get("default_model_slug")),
        created=milliseconds(body.get("create_time")),
        updated=milliseconds(body.get("update_time")),
        archived=body.get("is_archived") is True,
        system=system,
    )


def _parent(node: Mapping[str, Any]) -> str | None:
    parent = node.get("parent")
    return parent if isinstance(parent, str) else None


def _order(nodes: Mapping[str, Any]) -> list[str]:
    """Parents before children, siblings as they stand; what hangs in a circle is left out."""
    children: dict[str | None, list[str]] = {}
    for id, node in nodes.items():
        if isinstance(node, dict):
            parent = _parent(node)
            children.setdefault(parent if parent in nodes else None, []).append(id)
    order: list[str] = []
    stack = children.get(None, [])[::-1]
    while stack:
        id = stack.pop()
        order.append(id)
        stack += children.get(id, [])[::-1]
    return order


def _said(id: str, above: str | None, message: Mapping[str, Any], skipped: Skipped) -> ImportedMessage | None:
    author, content, about = (message.get(name) or {} for name in ("author", "content", "metadata"))
    role = author.get("role") if isinstance(author, dict) else None
    if (
        not isinstance(content, dict)
        or not isinstance(about, dict)
        or role not in ("user", "assistant", "system", "tool")
    ):
        skipped.note("messages that are not understood")
        return None
    if about.get("is_visually_hidden_from_conversation") and role != "system":
        return None
    parts = _parts(content, skipped)
    if not parts:
        return None
    if role == "tool":
        parts = tuple(Text(f"```\n{part.text}\n```") if isinstance(part, Text) else part for part in parts)
    ours: Role = "assistant" if role == "tool" else role
    model = _openai(about.get("model_slug")) if ours == "assistant" else None
    return ImportedMessage(id, above, ours, parts, milliseconds(message.get("create_time")), model)


def _parts(content: Mapping[str, Any], skipped: Skipped) -> tuple[Part, ...]:
    match content.get("content_type"):
        case "text" | "multimodal_text":
            pieces = content.get("parts") or []
            for piece in pieces:
                if not isinstance(piece, str):
                    skipped.note("pictures and recordings, which the export names but does not hold")
            return texts("\n".join(piece for piece in pieces if isinstance(piece, str)))
        case "code" | "execution_output":
            text = content.get("text")
            return texts(f"```\n{text}\n```" if isinstance(text, str) and text else "")
        case "thoughts":
            thoughts = [t.get("content") for t in content.get("thoughts") or [] if isinstance(t, dict)]
            said = "\n\n".join(thought for thought in thoughts if isinstance(thought, str))
            return (Reasoning(said),) if said else ()
        case "reasoning_recap" | "user_editable_context" | "model_editable_context":
            return ()
        case other:
            text = content.get("text")
            if isinstance(text, str) and text:
                return texts(text)
            skipped.note(f"content of the kind {str(other)[:40]}")
            return ()


def _openai(slug: Any) -> str | None:
    return f"openai/{slug}" if isinstance(slug, str) and slug else None
