"""What the rows of llm, elia and oterm say, as conversations of ours."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routerterm.core.messages import Image, Part, Reasoning, Role
from routerterm.engine.transfer.common import ImportedMessage, Skipped, carry, milliseconds, texts
from routerterm.store.foreign_files import Peer, Row, chats

if TYPE_CHECKING:
    from routerterm.store.transfer import ConversationBundle

_IMAGES = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"GIF8", "image/gif"), (b"RIFF", "image/webp"))


def read(path: Path, peer: Peer, skipped: Skipped) -> Iterator[ConversationBundle | None]:
    """Every conversation in the database; None for one in which nothing was said."""
    for chat, rows in chats(path, peer):
        match peer:
            case "llm":
                yield _llm_thread(chat, rows, skipped) if "datetime_utc" in chat else _llm(chat, rows)
            case "elia":
                yield _elia(chat, rows, skipped)
            case "oterm":
                yield _oterm(chat, rows, skipped)


def _llm(chat: Row, rows: list[Row]) -> ConversationBundle | None:
    said: list[ImportedMessage] = []
    for row in rows:
        at, above = milliseconds(row.get("datetime_utc")), said[-1].id if said else None
        pairs: tuple[tuple[Role, str, str], ...] = (
            ("user", "q", _text(row.get("prompt"))),
            ("assistant", "a", _text(row.get("response"))),
        )
        for role, mark, text in pairs:
            if text:
                id = f"{row['id']}{mark}"
                model = _text(row.get("model")) or None
                said.append(ImportedMessage(id, above, role, texts(text), at, model if role == "assistant" else None))
                above = id
    system = next((_text(row.get("system")) for row in rows if row.get("system")), None)
    model = _text(chat.get("model")) or None
    return carry("llm", str(chat["id"]), _text(chat.get("name")), said, model=model, system=system)


def _llm_thread(chat: Row, rows: list[Row], skipped: Skipped) -> ConversationBundle | None:
    """With its branches: a turn may have been asked again from an earlier message."""
    said: list[ImportedMessage] = []
    above: dict[str, str | None] = {}
    system = None
    for row in rows:
        id, parent, role = str(row["id"]), above.get(str(row["parent"])), row["role"]
        for _ in range(int(row["left_out"])):
            skipped.note("calls of tools, and files that are not in the database")
        pictures = tuple(Image(kind, data) for kind, data in row["pictures"] if kind.startswith("image/"))
        for _ in range(len(row["pictures"]) - len(pictures)):
            skipped.note("attachments that are no pictures")
        thought = (Reasoning(row["reasoning"]),) if row["reasoning"] else ()
        parts = thought + texts(_text(row["text"])) + pictures
        if role == "system":
            system = system or _text(row["text"])
        if role not in ("user", "assistant") or not parts:
            above[id] = parent
            continue
        model = _text(row["model"]) or None if role == "assistant" else None
        said.append(ImportedMessage(id, parent, role, parts, milliseconds(row["at"]), model))
        above[id] = id
    created, model = milliseconds(chat.get("datetime_utc")), _text(chat.get("model")) or None
    title = _text(chat.get("name"))
    return carry("llm", str(chat["id"]), title, said, model=model, created=created, system=system)


def _elia(chat: Row, rows: list[Row], skipped: Skipped) -> ConversationBundle | None:
    said: list[ImportedMessage] = []
    known: set[str] = set()
    system = None
    for row in rows:
        role, text, id = row.get("role"), _text(row.get("content")), str(row["id"])
        if role == "system":
            system = system or text
            continue
        if role not in ("user", "assistant") or not text:
            skipped.note("messages that are not understood")
            continue
        parent = str(row["parent_id"]) if row.get("parent_id") is not None else None
        above = parent if parent in known else (said[-1].id if said else None)
        model = _text(row.get("model")) if role == "assistant" else None
        said.append(ImportedMessage(id, above, role, texts(text), milliseconds(row.get("timestamp")), model or None))
        known.add(id)
    return carry(
        "elia",
        str(chat["id"]),
        _text(chat.get("title")),
        said,
        model=_text(chat.get("model")) or None,
        created=milliseconds(chat.get("started_at")),
        archived=bool(chat.get("archived")),
        system=system,
    )


def _oterm(chat: Row, rows: list[Row], skipped: Skipped) -> ConversationBundle | None:
    """It keeps no times: its conversations stand at the beginning of time, in their order."""
    said: list[ImportedMessage] = []
    for row in rows:
        author = row.get("author")
        if author not in ("user", "assistant"):
            skipped.note("messages that are not understood")
            continue
        parts = texts(_text(row.get("text"))) + _pictures(row.get("images"), skipped)
        if parts:
            above = said[-1].id if said else None
            said.append(ImportedMessage(str(row["id"]), above, author, parts, int(chat["id"])))
    provider = _text(chat.get("provider")) or "ollama"
    model = f"{provider}/{chat['model']}" if chat.get("model") else None
    return carry(
        "oterm", str(chat["id"]), _text(chat.get("name")), said, model=model, system=chat.get("system") or None
    )


def _pictures(column: Any, skipped: Skipped) -> tuple[Part, ...]:
    try:
        encoded = json.loads(column or "[]")
        data = [base64.b64decode(one, validate=True) for one in encoded]
    except (ValueError, TypeError, binascii.Error):
        skipped.note("pictures that cannot be read")
        return ()
    kinds = [(next((kind for sign, kind in _IMAGES if one.startswith(sign)), None), one) for one in data]
    if any(kind is None for kind, _ in kinds):
        skipped.note("pictures of an unknown kind")
    return tuple(Image(kind, one) for kind, one in kinds if kind)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
