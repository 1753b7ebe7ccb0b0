"""The history as a stranger reads it: from the file, beside the program that writes it."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation's own row."""

    id: str
    title: str
    model: str | None
    system: str | None
    draft: str
    pinned: bool
    archived: bool
    deleted: bool
    tags: tuple[str, ...]
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A message."""

    id: str
    role: str
    text: str
    status: str
    model: str | None
    pinned: bool
    parts: tuple[dict[str, Any], ...]
    """What it is made of: texts, files, pictures, as they are on disk."""
    siblings: int
    """How many stand in this place, itself among them."""


class History:
    """Reads ``path`` with a connection of its own for each question; an absent file is an empty history."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def conversations(self, where: str = "deleted_at IS NULL AND NOT archived") -> list[Chat]:
        """The conversations, those that are pinned first, then the newest."""
        rows = self.rows(f"SELECT * FROM conversation WHERE {where} ORDER BY pinned DESC, updated_at DESC, id DESC")
        return [_chat(row) for row in rows]

    def latest(self, title: str = "") -> Chat | None:
        """The conversation that was written to last, or the last with this title (which may end in …)."""
        found = self.rows(
            "SELECT * FROM conversation WHERE title GLOB ? AND deleted_at IS NULL"
            " ORDER BY updated_at DESC, id DESC LIMIT 1",
            (re.sub(r"([*?\[])", r"[\1]", title).replace("…", "*") or "*",),
        )
        return _chat(found[0]) if found else None

    def branch(self, title: str = "") -> list[Said]:
        """The messages from the first to the one that is open, in the last conversation or that of a title."""
        chat = self.latest(title)
        rows = self.rows(
            "WITH RECURSIVE up(id, depth) AS (SELECT head_id, 0 FROM conversation WHERE id = ? UNION ALL"
            " SELECT parent_id, depth + 1 FROM message JOIN up USING (id) WHERE parent_id IS NOT NULL)"
            " SELECT message.*, (SELECT count(*) FROM message AS other WHERE other.conversation_id ="
            " message.conversation_id AND other.parent_id IS message.parent_id) AS siblings"
            " FROM up JOIN message USING (id) ORDER BY depth DESC",
            (chat.id if chat else "",),
        )
        return [_said(row) for row in rows]

    def texts(self, title: str = "", *, role: str = "") -> list[str]:
        """The texts of every branch of a conversation, in the order in which they were written."""
        chat = self.latest(title)
        rows = self.rows(
            "SELECT text FROM message WHERE conversation_id = ? AND (? = '' OR role = ?) ORDER BY created_at, id",
            (chat.id if chat else "", role, role),
        )
        return [row["text"] for row in rows]

    def ledger(self, where: str = "1") -> list[dict[str, Any]]:
        """The rows of the requests that were made, oldest first."""
        return self.rows(f"SELECT * FROM attempt WHERE {where} ORDER BY started_at, id")

    def count(self) -> int:
        """How many messages there are, in all conversations."""
        found = self.rows("SELECT count(*) AS n FROM message")
        return int(found[0]["n"]) if found else 0

    def running(self) -> bool:
        """Whether an answer is being written."""
        return bool(self.rows("SELECT 1 FROM message WHERE status = 'streaming' LIMIT 1"))

    def rows(self, sql: str, values: tuple[object, ...] = ()) -> list[dict[str, Any]]:
        """What a question gives; nothing while there is no history."""
        if not self.path.exists():
            return []
        with closing(sqlite3.connect(self.path, timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = 1")
            try:
                return [dict(row) for row in connection.execute(sql, values)]
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):  # the program is just making it
                    return []
                raise


def _chat(row: dict[str, Any]) -> Chat:
    return Chat(
        id=row["id"],
        title=row["title"] or "",
        model=row["model"],
        system=row["system"],
        draft=row["draft"],
        pinned=bool(row["pinned"]),
        archived=bool(row["archived"]),
        deleted=row["deleted_at"] is not None,
        tags=tuple(json.loads(row["tags"])),
        params=json.loads(row["params"]),
    )


def _said(row: dict[str, Any]) -> Said:
    return Said(
        id=row["id"],
        role=row["role"],
        text=row["text"],
        status=row["status"],
        model=row["model"],
        pinned=bool(row["pinned"]),
        parts=tuple(json.loads(row["parts"])),
        siblings=row["siblings"],
    )
