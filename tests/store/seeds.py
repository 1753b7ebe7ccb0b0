"""Rows written by hand, as another program would: only what they must say."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from routerterm.store.maintenance import INDEXES

NOW = 1_795_262_400_000
DAY = 86_400_000


def seed(path: Path, title: str, texts: Sequence[str], at: int = NOW, model: str = "demo/echo") -> str:
    """A conversation of alternating questions and answers; its id."""
    id = f"C{title[:20]:_<25}".replace(" ", "_").upper()
    connection = sqlite3.connect(path)
    with connection:
        head = f"{id[:20]}M{len(texts) - 1:05d}" if texts else None
        connection.execute(
            "INSERT INTO conversation (id, title, model, created_at, updated_at, head_id) VALUES (?, ?, ?, ?, ?, ?)",
            (id, title, model, at, at, head),
        )
        for n, text in enumerate(texts):
            role = "assistant" if n % 2 else "user"
            connection.execute(
                "INSERT INTO message (id, conversation_id, parent_id, role, parts, text, status, model, created_at,"
                " finished_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (f"{id[:20]}M{n:05d}", id, f"{id[:20]}M{n - 1:05d}" if n else None, role)
                + (
                    json.dumps([{"type": "text", "text": text}]),
                    text,
                    "done",
                    model if n % 2 else None,
                    at + n,
                    at + n,
                ),
            )
    connection.close()
    return id


def sound(path: Path) -> None:
    """The file passes SQLite's own checks, and the search index agrees with the messages."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    for index in INDEXES:
        connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")
    connection.close()
