"""Exports of Open WebUI and LibreChat, and bare lists of messages with a role and a content."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from routerterm.core.messages import Image, Part, Reasoning, Role, Text
from routerterm.engine.transfer.common import (
    ImportedMessage,
    Skipped,
    carry,
    fenced,
    image_of,
    milliseconds,
    text_of,
    texts,
)

if TYPE_CHECKING:
    from routerterm.store.transfer import ConversationBundle

_NO_PARENT = "00000000-0000-0000-0000-000000000000"
"""LibreChat's parent of first messages."""
_DEEPEST = 2_000
"""Levels of LibreChat's nested answers."""


def is_open_webui(body: Any) -> bool:
    """Whether a JSON object is a conversation of Open WebUI: the messages stand in ``chat.history``."""
    if not isinstance(body, dict):
        return False
    chat = body.get("chat")
    if not isinstance(chat, dict):
        return bool(_history(body))
    return isinstance(chat.get("history"), dict) or isinstance(chat.get("messages"), list)


def _history(chat: Mapping[str, Any]) -> Mapping[str, Any]:
    """The messages of a chat by id; empty where there are none."""
    history = chat.get("history")
    nodes = history.get("messages") if isinstance(history, dict) else None
    return nodes if isinstance(nodes, dict) else {}


def read_open_webui(body: Mapping[str, Any], skipped: Skipped) -> ConversationBundle | None:
    """One conversation with all its branches."""
    chat: Mapping[str, Any] = body["chat"] if isinstance(body.get("chat"), dict) else body
    history: Any = chat.get("history") if isinstance(chat.get("history"), dict) else {}
    nodes = _history(chat)
    if not nodes:
        nodes = {str(m.get("id") or n): m for n, m in enumerate(chat.get("messages") or []) if isinstance(m, dict)}
    said = [
        one
        for id, node, above in _parents_first(nodes, "parentId")
        if (one := _turn(id, above, node, skipped)) is not None
    ]
    models = chat.get("models")
    return carry(
        "open-webui",
        text_of(body.get("id")) or text_of(chat.get("id")),
        text_of(body.get("title")) or text_of(chat.get("title")),
        said,
        head=text_of(history.get("currentId")) or None,
        model=text_of(models[0]) if isinstance(models, list) and models else None,
        created=milliseconds(body.get("created_at") or chat.get("timestamp")),
        updated=milliseconds(body.get("updated_at")),
        archived=body.get("archived") is True or body.get("archived") == 1,
        pinned=body.get("pinned") is True or body.get("pinned") == 1,
        system=text_of(chat.get("system")) or None,
    )


def is_librechat(body: Any) -> bool:
    """Whether a JSON object is a conversation of LibreChat, its messages in a tree or a list."""
    return (
        isinstance(body, dict)
        and "conversationId" in body
        and (isinstance(body.get("messages"), list) or isinstance(body.get("messagesTree"), list))
    )


def read_librechat(body: Mapping[str, Any], skipped: Skipped) -> ConversationBundle | None:
    """One conversation with all its branches."""
    listed = body["messages"] if isinstance(body.get("messages"), list) else body["messagesTree"]
    nodes = {str(node.get("messageId") or n): node for n, node in enumerate(_flat(listed))}
    said = [
        one
        for id, node, above in _parents_first(nodes, "parentMessageId")
        if (one := _turn(id, above, node, skipped)) is not None
    ]
    options = body.get("options")
    about: Mapping[str, Any] = options if isinstance(options, dict) else body
    return carry(
        "librechat",
        text_of(body.get("conversationId")),
        text_of(body.get("title")),
        said,
        model=text_of(about.get("model")) or None,
        created=milliseconds(body.get("createdAt")),
        updated=milliseconds(body.get("updatedAt")),
        system=text_of(about.get("promptPrefix")) or text_of(about.get("system")) or None,
    )


def is_logged_by_llm(body: Any) -> bool:
    """Whether a JSON object is a row of what ``llm logs --json`` prints."""
    return isinstance(body, dict) and body.keys() >= {"id", "model", "prompt", "response", "datetime_utc"}


def is_plain(body: Any) -> bool:
    """Whether a JSON object is a row of a bare list of messages, as many programs write them."""
    return isinstance(body, dict) and body.get("role") in ("user", "assistant", "system", "tool") and "content" in body


def read_plain(
    rows: Sequence[Mapping[str, Any]], title: str, program: str, skipped: Skipped
) -> ConversationBundle | None:
    """One conversation from the rows of a file or a list."""
    said: list[ImportedMessage] = []
    system = None
    for n, row in enumerate(rows):
        parts = content_parts(row.get("content"), skipped)
        _note_calls(row, skipped)
        files = row.get("files")
        for file in files if isinstance(files, list) else ():
            skipped.note("attached files", file if isinstance(file, str) else "")
        if row["role"] == "system" and not said:
            system = system or "".join(part.text for part in parts if isinstance(part, Text)) or None
            continue
        if parts:
            above = said[-1].id if said else None
            role: Role = "user" if row["role"] == "user" else "assistant"
            if row["role"] in ("tool", "system"):
                parts = tuple(Text(fenced(part.text)) if isinstance(part, Text) else part for part in parts)
            at = milliseconds(row.get("timestamp") or row.get("created_at"))
            answered_by = _model(row) if role != "user" else None
            said.append(ImportedMessage(str(n), above, role, parts=parts, at=at, model=answered_by))
    model = next((model for row in rows if (model := _model(row))), None)
    return carry(program, "", title, said, model=model, system=system)


def _model(row: Mapping[str, Any]) -> str | None:
    about = row.get("metadata")
    return text_of(row.get("model")) or (text_of(about.get("model")) if isinstance(about, dict) else "") or None


def _note_calls(row: Mapping[str, Any], skipped: Skipped) -> None:
    """Calls of tools that stand beside a message's content."""
    calls = row.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        skipped.note("tool calls and results", text_of(function.get("name")) if isinstance(function, dict) else "")


def content_parts(content: Any, skipped: Skipped) -> tuple[Part, ...]:
    """A message's content as most programs write it: a text, or a list of parts with a type."""
    if isinstance(content, str):
        return _thought_and_said(content)
    parts: list[Part] = []
    if isinstance(content, dict):  # aichat: an answer that called tools
        calls = content.get("tool_results")
        for _ in calls if isinstance(calls, list) else ():
            skipped.note("tool calls and results")
        content = [content]
    for piece in content if isinstance(content, list) else ():
        if isinstance(piece, str):
            parts += texts(piece)
        elif isinstance(piece, dict):
            parts += _piece(piece, skipped)
    return tuple(parts)


_THOUGHT = re.compile(r"\s*(?:<details type=\"reasoning\"[^>]*>\s*(?:<summary>.*?</summary>)?(.*?)</details>|"
                      r"<think(?:ing)?>(.*?)</think(?:ing)?>)\s*", re.DOTALL)  # fmt: skip
_QUOTED = re.compile(r"^(?:&gt;|>) ?", re.MULTILINE)


def _thought_and_said(text: str) -> tuple[Part, ...]:
    """A text that begins with what the model thought, between marks that programs write there."""
    thoughts: list[Part] = []
    while found := _THOUGHT.match(text):
        thought = html.unescape(_QUOTED.sub("", found[1])) if found[1] is not None else found[2]
        thoughts += [Reasoning(thought.strip())] if thought.strip() else []
        text = text[found.end() :]
    return (*thoughts, *texts(text))


def _piece(piece: Mapping[str, Any], skipped: Skipped) -> Sequence[Part]:
    text = piece.get("text")
    text = text_of(text.get("value")) if isinstance(text, dict) else text_of(text)
    kind = text_of(piece.get("type"))
    if kind in ("think", "thinking", "reasoning"):
        thought = text_of(piece.get("think")) or text_of(piece.get("thinking")) or text
        return (Reasoning(thought),) if thought else ()
    if text:
        return texts(text)
    address = piece.get("image_url")
    url = text_of(address.get("url")) if isinstance(address, dict) else text_of(address)
    if url.startswith(("https://", "http://", "data:image/")):
        return _picture(url, skipped)
    if image := image_of(piece.get("source")):
        return (image,)
    if error := text_of(piece.get("error")):
        return texts(f"\n\n*[error: {error}]*")
    skipped.note("tool calls and results" if "tool" in kind else f"content of type {kind[:40]}")
    return ()


def _picture(url: str, skipped: Skipped) -> Sequence[Part]:
    if not url.startswith("data:"):
        return (Image("image/*", b"", url),)
    import base64

    head, _, body = url.partition(",")
    try:
        return (Image(head.removeprefix("data:").partition(";")[0], base64.b64decode(body, validate=True)),)
    except ValueError:
        skipped.note("images that cannot be read")
        return ()


def _turn(id: str, above: str | None, node: Mapping[str, Any], skipped: Skipped) -> ImportedMessage | None:
    """A message of Open WebUI or LibreChat."""
    asked = node.get("role") == "user" or node.get("isCreatedByUser") is True
    parts = content_parts(node.get("content"), skipped) or texts(text_of(node.get("text")))
    _note_calls(node, skipped)
    files = node.get("files")
    for file in files if isinstance(files, list) else ():
        url = text_of(file.get("url")) if isinstance(file, dict) else ""
        if url.startswith("data:image/"):
            parts = (*parts, *_picture(url, skipped))
            continue
        name = text_of(file.get("name")) or text_of(file.get("filename")) if isinstance(file, dict) else ""
        skipped.note("files that are not in the export", name)
    error = node.get("error")
    if not parts and (why := text_of(error.get("content")) if isinstance(error, dict) else text_of(error)):
        parts = texts(f"*[error: {why}]*")
    if not parts and node.get("files"):
        parts = texts("*[file, not in the export]*")
    if not parts:
        return None
    at = milliseconds(node.get("timestamp") or node.get("createdAt"))
    model = text_of(node.get("model")) or None
    return ImportedMessage(
        id, above, "user" if asked else "assistant", parts=parts, at=at, model=None if asked else model
    )


def _flat(listed: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    """Messages whose answers hang under them as ``children``, parents first."""
    stack: list[tuple[Any, Any, int]] = [(each, "", 0) for each in reversed(listed)]
    while stack:
        node, above, level = stack.pop()
        if not isinstance(node, dict):
            continue
        node.setdefault("parentMessageId", above)
        yield node
        children = node.get("children")
        if isinstance(children, list) and level < _DEEPEST:
            stack += [(child, node.get("messageId"), level + 1) for child in reversed(children)]


def _parents_first(nodes: Mapping[str, Any], key: str) -> Iterator[tuple[str, Mapping[str, Any], str | None]]:
    """Each message with its parent's id; what names no parent that is there begins the conversation."""
    children: dict[str | None, list[str]] = {}
    for id, node in nodes.items():
        if isinstance(node, dict):
            parent = node.get(key)
            parent = parent if isinstance(parent, str) and parent in nodes and parent != _NO_PARENT else None
            children.setdefault(parent, []).append(id)
    done: set[str] = set()
    for root in [*children.get(None, []), *nodes]:
        stack: list[tuple[str, str | None]] = [(root, None)]
        while stack:
            id, above = stack.pop()
            if id in done or not isinstance(nodes[id], dict):
                continue
            done.add(id)
            yield id, nodes[id], above
            stack += [(child, id) for child in reversed(children.get(id, []))]
