"""What the rows of other programs' databases say, as conversations of ours."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routerterm.core.errors import StoreError
from routerterm.core.messages import Image, Part, Reasoning, Role
from routerterm.engine.transfer.coding_agents import read_crush, read_opencode
from routerterm.engine.transfer.common import (
    EARLIEST,
    ImportedMessage,
    Skipped,
    carry,
    fenced,
    milliseconds,
    text_of,
    texts,
)
from routerterm.engine.transfer.problems import BadArchive
from routerterm.engine.transfer.web_chats import read_open_webui
from routerterm.store.foreign_files import Peer, Row, chats, peer_of

if TYPE_CHECKING:
    from routerterm.store.transfer import ConversationBundle

_IMAGES = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"GIF8", "image/gif"), (b"RIFF", "image/webp"))


def read(path: Path, skipped: Skipped) -> Iterator[tuple[str, ConversationBundle | BadArchive | None]]:
    """Whose it is, with every conversation in the database; None for one in which nothing was said.

    Raises `BadArchive` where the database is not one of theirs, or cannot be read.
    """
    try:
        peer = peer_of(path)
        if peer is None:
            names = "llm, elia, oterm, crush, opencode or Open WebUI"
            raise BadArchive(f"{path.name} is a database, but not of {names}.")
        for chat in chats(path, peer):
            yield peer, BadArchive(chat.message) if isinstance(chat, StoreError) else _tried(peer, *chat, skipped)
    except StoreError as error:
        raise BadArchive(error.message) from None


def _tried(peer: Peer, chat: Row, rows: list[Row], skipped: Skipped) -> ConversationBundle | BadArchive | None:
    try:
        return _carried(peer, chat, rows, skipped)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        return BadArchive(f"A conversation in the database is malformed: {type(error).__name__}.")


def _carried(peer: Peer, chat: Row, rows: list[Row], skipped: Skipped) -> ConversationBundle | None:
    match peer:
        case "llm":
            return _llm_thread(chat, rows, skipped) if "datetime_utc" in chat else _llm(chat, rows, skipped)
        case "elia":
            return _elia(chat, rows, skipped)
        case "oterm":
            return _oterm(chat, rows, skipped)
        case "crush":
            return read_crush(chat, rows, skipped)
        case "opencode":
            return read_opencode(_opencode(chat, rows), skipped)
        case "Open WebUI":
            body = json.loads(chat["chat"]) if isinstance(chat["chat"], str) else chat["chat"]
            return read_open_webui({**chat, "chat": body}, skipped) if isinstance(body, dict) else None


def _opencode(chat: Row, rows: list[Row]) -> dict[str, Any]:
    """The rows of opencode's database as its own export has them."""

    def info(row: Row) -> dict[str, Any]:
        body = json.loads(row.get("data") or "{}")
        time = {"created": row.get("time_created"), "updated": row.get("time_updated")}
        return {"time": time} | (body if isinstance(body, dict) else {}) | {"id": row["id"]}

    messages = [{"info": info(row), "parts": [json.loads(part) for part in row["parts"]]} for row in rows]
    return {"info": info(chat) | {"title": chat.get("title")}, "messages": messages}


def read_llm(id: str, rows: list[Row], skipped: Skipped) -> ConversationBundle | None:
    """One conversation from what ``llm logs --json`` prints, under the id that it has in the database."""
    said = sorted(rows, key=lambda row: text_of(row.get("datetime_utc")))
    for row in said:
        for call in row.get("tool_calls") or ():
            skipped.note("tool calls and results", text_of(call.get("name")) if isinstance(call, dict) else "")
    turns: list[Row] = [{**row, "fragments": _fragments(row, "prompt"), "system_fragments": _fragments(row, "system"),
              "attachments": [each for each in row.get("attachments") or () if isinstance(each, dict)]}
             for row in said]  # fmt: skip
    chat = {"id": id, "name": said[0].get("conversation_name"), "model": said[0].get("conversation_model")}
    return _llm(chat, turns, skipped)


def _fragments(row: Row, of: str) -> list[str]:
    listed = row.get(f"{of}_fragments")
    pieces = [each.get("content") if isinstance(each, dict) else each for each in listed or ()]
    return [piece for piece in pieces if isinstance(piece, str)]


def _llm(chat: Row, rows: list[Row], skipped: Skipped) -> ConversationBundle | None:
    said: list[ImportedMessage] = []
    system = ""
    for row in rows:
        at, above = milliseconds(row.get("datetime_utc")), said[-1].id if said else None
        model = text_of(row.get("model")) or None
        question = texts("\n".join([*row.get("fragments", ()), *filter(None, [text_of(row.get("prompt"))])]))
        question += tuple(part for each in row.get("attachments", ()) for part in _attached(each, skipped))
        calls = "\n\n".join(fenced(call) for call in row.get("calls", ()))
        answer = texts("\n\n".join(filter(None, [calls, text_of(row.get("response"))])))
        pairs: tuple[tuple[Role, str, tuple[Part, ...]], ...] = (("user", "q", question), ("assistant", "a", answer))
        for role, mark, parts in pairs:
            if parts:
                id = f"{row['id']}{mark}"
                said.append(
                    ImportedMessage(id, above, role, parts=parts, at=at, model=model if role == "assistant" else None)
                )
                above = id
        system = system or "\n".join([*row.get("system_fragments", ()), *filter(None, [text_of(row.get("system"))])])
    model = text_of(chat.get("model")) or next((one.model for one in said if one.model), None)
    return carry("llm", str(chat["id"]), text_of(chat.get("name")), said, model=model, system=system or None)


def _attached(row: Row, skipped: Skipped) -> tuple[Part, ...]:
    """A picture that the database holds, or an address; a file elsewhere on that machine is left out."""
    kind, content, url = text_of(row.get("type")), row.get("content"), text_of(row.get("url"))
    if kind.startswith("image/") and (isinstance(content, bytes) or url):
        return (Image(kind, content, None) if isinstance(content, bytes) else Image(kind, b"", url),)
    name = text_of(row.get("path")) or url or kind
    skipped.note("attachments that are not images or not in the database", name)
    return texts(f"*[attachment: {name}]*")


def _llm_thread(chat: Row, rows: list[Row], skipped: Skipped) -> ConversationBundle | None:
    """With its branches: a turn may have been asked again from an earlier message."""
    said: list[ImportedMessage] = []
    above: dict[str, str | None] = {}
    system = None
    for row in rows:
        id, parent, role = str(row["id"]), above.get(str(row["parent"])), row["role"]
        for _ in range(int(row["left_out"])):
            skipped.note("tool calls, and files that are not in the database")
        pictures = tuple(Image(kind, data) for kind, data in row["pictures"] if kind.startswith("image/"))
        for _ in range(len(row["pictures"]) - len(pictures)):
            skipped.note("attachments that are not images")
        thought = (Reasoning(row["reasoning"]),) if row["reasoning"] else ()
        parts = thought + texts(text_of(row["text"])) + pictures
        if role == "system":
            system = system or text_of(row["text"])
        if role not in ("user", "assistant") or not parts:
            above[id] = parent
            continue
        model = text_of(row["model"]) or None if role == "assistant" else None
        said.append(ImportedMessage(id, parent, role, parts=parts, at=milliseconds(row["at"]), model=model))
        above[id] = id
    created, model = milliseconds(chat.get("datetime_utc")), text_of(chat.get("model")) or None
    title = text_of(chat.get("name"))
    return carry("llm", str(chat["id"]), title, said, model=model, created=created, system=system)


def _elia(chat: Row, rows: list[Row], skipped: Skipped) -> ConversationBundle | None:
    said: list[ImportedMessage] = []
    known: set[str] = set()
    system = None
    for row in rows:
        role, text, id = row.get("role"), text_of(row.get("content")), str(row["id"])
        if role == "system":
            system = system or text
            continue
        if role not in ("user", "assistant") or not text:
            skipped.note("messages in an unknown format")
            continue
        parent = str(row["parent_id"]) if row.get("parent_id") is not None else None
        if parent in known:
            above = parent
        elif said:
            above = said[-1].id
        else:
            above = None
        model = text_of(row.get("model")) if role == "assistant" else None
        said.append(
            ImportedMessage(
                id, above, role, parts=texts(text), at=milliseconds(row.get("timestamp")), model=model or None
            )
        )
        known.add(id)
    return carry(
        "elia",
        str(chat["id"]),
        text_of(chat.get("title")),
        said,
        model=text_of(chat.get("model")) or None,
        created=milliseconds(chat.get("started_at")),
        archived=bool(chat.get("archived")),
        system=system,
    )


def _oterm(chat: Row, rows: list[Row], skipped: Skipped) -> ConversationBundle | None:
    """It keeps no times; its conversations' numbers stand in for them, and are replaced when they are stored."""
    said: list[ImportedMessage] = []
    order = chat["id"] if isinstance(chat["id"], int) and 0 <= chat["id"] < EARLIEST else 0
    for row in rows:
        author = row.get("author")
        if author not in ("user", "assistant"):
            skipped.note("messages in an unknown format")
            continue
        parts = texts(text_of(row.get("text"))) + _pictures(row.get("images"), skipped)
        if parts:
            above = said[-1].id if said else None
            said.append(ImportedMessage(str(row["id"]), above, author, parts, order))
    provider = text_of(chat.get("provider")) or "ollama"
    model = f"{provider}/{chat['model']}" if chat.get("model") else None
    return carry(
        "oterm",
        _key(chat["id"]),
        text_of(chat.get("name")),
        said,
        model=model,
        system=text_of(chat.get("system")) or None,
    )


def _key(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _pictures(column: Any, skipped: Skipped) -> tuple[Part, ...]:
    try:
        encoded = json.loads(column or "[]")
        data = [base64.b64decode(one, validate=True) for one in encoded]
    except (ValueError, TypeError, binascii.Error):
        skipped.note("images that cannot be read")
        return ()
    kinds = [(next((kind for sign, kind in _IMAGES if one.startswith(sign)), None), one) for one in data]
    if any(kind is None for kind, _ in kinds):
        skipped.note("images of an unknown type")
    return tuple(Image(kind, one) for kind, one in kinds if kind)
