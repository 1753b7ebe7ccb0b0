"""ChatGPT's export: conversations as maps of nodes with their parents, in ``conversations.json`` or numbered files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from routerterm.core.messages import Image, Part, Reasoning, Role, Text
from routerterm.engine.transfer.common import ImportedMessage, Skipped, carry, fenced, milliseconds, text_of, texts
from routerterm.engine.transfer.export_files import MOST_BYTES, NO_FILES, ExportFiles

if TYPE_CHECKING:
    from routerterm.store.transfer import ConversationBundle

PROGRAM = "chatgpt"
_MARKS = re.compile("\ue200[^\ue201]*\ue201")
"""Places of citations, between private-use letters."""
_NAMED = re.compile("\ue200entity\ue202([^\ue201]*)\ue201")
"""A name in the text of which ChatGPT's page knows more: a JSON list of its kind, itself, and words about it."""
_PICTURES = frozenset({"image_asset_pointer", "image_url"})


def is_one(body: Any) -> bool:
    """Whether a JSON object looks like one of its conversations."""
    return isinstance(body, dict) and isinstance(body.get("mapping"), dict)


def read(body: Mapping[str, Any], skipped: Skipped, files: ExportFiles = NO_FILES) -> ConversationBundle | None:
    """One conversation with all its branches, and its pictures as far as they are in the export."""
    pictures = _Pictures(files)
    nodes = body["mapping"]
    order, cut = _order(nodes)
    kept: dict[str, str | None] = {}  # a node, or the nearest one above it that says something
    said: list[ImportedMessage] = []
    system = None
    for id in order:
        node = nodes[id]
        above = kept.get(_parent(node) or "")
        message = node.get("message")
        one = _said(id, above, message, skipped, pictures) if isinstance(message, dict) else None
        if one is not None and one.role == "system":
            system, one = "".join(part.text for part in one.parts if isinstance(part, Text)), None
        if one is not None:
            said.append(one)
        kept[id] = id if one is not None else above
    for _ in range(cut):
        skipped.note("circular parent links")
    return carry(
        PROGRAM,
        text_of(body.get("conversation_id")) or text_of(body.get("id")) or _number(body.get("create_time")),
        text_of(body.get("title")),
        said,
        head=kept.get(str(body.get("current_node"))),
        model=_openai(body.get("default_model_slug")),
        created=milliseconds(body.get("create_time")),
        updated=milliseconds(body.get("update_time")),
        archived=body.get("is_archived") is True,
        system=system,
    )


def _number(value: Any) -> str:
    return str(value) if isinstance(value, int | float) else ""


def _parent(node: Mapping[str, Any]) -> str | None:
    parent = node.get("parent")
    return parent if isinstance(parent, str) else None


def _order(nodes: Mapping[str, Any]) -> tuple[list[str], int]:
    """Parents before children, siblings as they stand; a circle is cut before its first node.  How many were cut."""
    children: dict[str | None, list[str]] = {}
    for id, node in nodes.items():
        if isinstance(node, dict):
            parent = _parent(node)
            children.setdefault(parent if parent in nodes else None, []).append(id)
    order: dict[str, None] = {}
    cut = 0
    for root in [*children.get(None, []), *(id for id in nodes if isinstance(nodes[id], dict))]:
        if root in order:
            continue
        cut += root not in children.get(None, [])
        stack = [root]
        while stack:
            id = stack.pop()
            if id not in order:
                order[id] = None
                stack += children.get(id, [])[::-1]
    return list(order), cut


class _Pictures:
    """The pictures of one conversation, as many as may be held at once."""

    def __init__(self, files: ExportFiles) -> None:
        self._files = files
        self._left = MOST_BYTES

    def found(self, piece: Mapping[str, Any]) -> Image | None:
        """The picture that a part of a message points to."""
        image = self._files.picture(text_of(piece.get("asset_pointer")))
        if image is None or len(image.data) > self._left:
            return None
        self._left -= len(image.data)
        return image


def _said(
    id: str, above: str | None, message: Mapping[str, Any], skipped: Skipped, pictures: _Pictures
) -> ImportedMessage | None:
    author, content, about = (message.get(name) or {} for name in ("author", "content", "metadata"))
    role = author.get("role") if isinstance(author, dict) else None
    if (
        not isinstance(content, dict)
        or not isinstance(about, dict)
        or role not in ("user", "assistant", "system", "tool")
    ):
        skipped.note("messages in an unknown format")
        return None
    if about.get("is_visually_hidden_from_conversation") and role != "system":
        skipped.note("ChatGPT's own hidden messages")
        return None
    recipient = text_of(message.get("recipient"))
    tool = text_of(author.get("name")) if role == "tool" else ""
    if tool.startswith("canmore."):
        skipped.note("confirmations of changes to a canvas")
        return None
    parts = _canvas(content) if recipient.startswith("canmore.") else _parts(content, skipped, role, pictures)
    if not parts:
        return None
    attached = about.get("attachments")
    for each in attached if isinstance(attached, list) else ():
        if isinstance(each, dict) and not text_of(each.get("mimeType") or each.get("mime_type")).startswith("image/"):
            skipped.note("attached files", text_of(each.get("name")))
    parts = tuple(Text(_cited(part.text, about)) if isinstance(part, Text) else part for part in parts)
    ours: Role = "assistant" if role == "tool" else role
    model = _openai(about.get("model_slug")) if ours == "assistant" else None
    return ImportedMessage(id, above, ours, parts=parts, at=milliseconds(message.get("create_time")), model=model)


def _parts(content: Mapping[str, Any], skipped: Skipped, role: str, pictures: _Pictures) -> tuple[Part, ...]:
    text = text_of(content.get("text"))
    match content.get("content_type"):
        case "text" | "multimodal_text":
            pieces, shown = _pieces(content.get("parts"), skipped, pictures)
            said = pieces or text
            return (*texts(fenced(said) if said and role == "tool" else said), *shown)
        case "code":
            return texts(fenced(text, _language(content)) if text else "")
        case "execution_output" | "citable_code_output":
            output = text or text_of(content.get("output_str"))
            return texts(fenced(output) if output else "")
        case "thoughts":
            thoughts = [t.get("content") for t in content.get("thoughts") or [] if isinstance(t, dict)]
            said = "\n\n".join(thought for thought in thoughts if isinstance(thought, str))
            return (Reasoning(said),) if said else ()
        case "tether_quote" | "sonic_webpage":
            source = text_of(content.get("title")) or text_of(content.get("url"))
            return texts(f"{source}\n{fenced(text)}" if text else source)
        case "tether_browsing_display":
            found = text_of(content.get("result")) or text_of(content.get("summary"))
            return texts(fenced(found) if found else "")
        case "reasoning_recap":
            return ()
        case "user_editable_context" | "model_editable_context":
            skipped.note("custom instructions and memories of ChatGPT")
            return ()
        case other:
            pieces, shown = _pieces(content.get("parts"), skipped, pictures)
            said = "\n".join(filter(None, [text, pieces]))
            if not said:
                skipped.note(f"content of type {str(other)[:40]}")
            return (*texts(said), *shown)


def _language(content: Mapping[str, Any]) -> str:
    language = text_of(content.get("language"))
    return language if language.isalnum() and language != "unknown" else ""


def _pieces(pieces: Any, skipped: Skipped, pictures: _Pictures) -> tuple[str, list[Image]]:
    """The words in a message's parts, what was spoken among them, and its pictures; one that lacks leaves a word."""
    said: list[str] = []
    shown: list[Image] = []
    missing = ""
    for piece in [pieces] if isinstance(pieces, str | dict) else pieces or []:
        if isinstance(piece, str):
            said.append(piece)
        elif isinstance(piece, dict) and isinstance(piece.get("text"), str):
            said.append(piece["text"])
        elif isinstance(piece, dict) and (image := pictures.found(piece)) is not None:
            shown.append(image)
        else:
            kind = piece.get("content_type") if isinstance(piece, dict) else None
            missing = missing or ("picture" if kind in _PICTURES else "recording")
            skipped.note("images and recordings that are not in the export")
    text = "\n".join(said)
    return (text if text.strip() or not missing else f"*[{missing}, not in the export]*"), shown


def _canvas(content: Mapping[str, Any]) -> tuple[Part, ...]:
    """A document that ChatGPT wrote beside the conversation, or its changes to one."""
    pieces = content.get("parts")
    raw = text_of(content.get("text")) or (text_of(pieces[0]) if isinstance(pieces, list) and pieces else "")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        return texts(fenced(raw) if raw else "")
    written = text_of(body.get("content"))
    if not written:
        changes = body.get("updates")
        texts_of = [text_of(each.get("replacement")) for each in changes or [] if isinstance(each, dict)]
        return texts(*(fenced(each) for each in texts_of if each)) or texts(fenced(raw, "json"))
    name, kind = text_of(body.get("name")), text_of(body.get("type"))
    head = f"**{name}**\n\n" if name else ""
    language = kind.removeprefix("code/") if kind.startswith("code/") else ""
    return texts(head + (fenced(written, language) if language else written))


def _cited(text: str, about: Mapping[str, Any]) -> str:
    """The text with links where it has marks of citations, which mean something to ChatGPT's page alone."""
    if "\ue200" not in text:
        return text
    references = about.get("content_references")
    for reference in references if isinstance(references, list) else ():
        if isinstance(reference, dict) and "\ue200" in (mark := text_of(reference.get("matched_text"))):
            text = text.replace(mark, text_of(reference.get("alt")) or _links(reference))
    return _MARKS.sub("", _NAMED.sub(_name, text))


def _name(mark: re.Match[str]) -> str:
    try:
        listed = json.loads(mark[1])
    except (ValueError, RecursionError):
        return ""
    return text_of(listed[1]) if isinstance(listed, list) and len(listed) > 1 else ""


def _links(reference: Mapping[str, Any]) -> str:
    items = reference.get("items")
    found = [
        f"[{text_of(item.get('title')) or item['url']}]({item['url']})"
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, dict) and text_of(item.get("url")).startswith(("http://", "https://"))
    ]
    return f" ({', '.join(found)})" if found else ""


def _openai(slug: Any) -> str | None:
    return f"openai/{slug}" if isinstance(slug, str) and slug else None
