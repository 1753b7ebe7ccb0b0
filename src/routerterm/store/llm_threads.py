"""Reads the threads in llm's ``logs.db`` as its later versions write them: messages by hash, each with its parent."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]


def llm_threads(connection: sqlite3.Connection) -> Iterator[tuple[Row, list[Row]]]:
    """Each thread with its messages, parents first: ``id parent role text reasoning pictures model at left_out``."""
    for thread in connection.execute("SELECT * FROM threads ORDER BY id"):
        turns = connection.execute("SELECT * FROM turns WHERE thread_id = ? ORDER BY datetime_utc, id", (thread["id"],))
        messages: dict[str, Row] = {}
        model = None
        for turn in turns.fetchall():
            model = turn["model"]
            for row in reversed(_upwards(connection, turn["tip_message_hash"], messages)):
                messages[row["hash"]] = _message(connection, row, turn)
        about = {"id": thread["id"], "name": thread["name"], "model": model, "datetime_utc": thread["datetime_utc"]}
        yield about, list(messages.values())


def _upwards(connection: sqlite3.Connection, tip: str | None, known: Mapping[str, Row]) -> list[sqlite3.Row]:
    """The messages from ``tip`` up to the first that is known."""
    found: list[sqlite3.Row] = []
    seen: set[str] = set()
    at = tip
    while at is not None and at not in known and at not in seen:
        seen.add(at)
        row = connection.execute("SELECT * FROM messages WHERE hash = ?", (at,)).fetchone()
        if row is None:
            break
        found.append(row)
        at = row["parent_hash"]
    return found


def _message(connection: sqlite3.Connection, row: sqlite3.Row, turn: sqlite3.Row) -> Row:
    texts, thoughts, pictures, left_out = [], [], [], 0
    parts = connection.execute("SELECT * FROM parts WHERE message_hash = ? ORDER BY position", (row["hash"],))
    for part in parts.fetchall():
        match part["type"]:
            case "text":
                texts.append(_text(connection, part))
            case "reasoning":
                thoughts.append(_text(connection, part))
            case "attachment":
                kind, data = _attachment(connection, part)
                if data:
                    pictures.append((kind, data))
                else:
                    left_out += 1
            case _:
                left_out += 1
    return {
        "id": row["hash"],
        "parent": row["parent_hash"],
        "role": row["role"],
        "text": "".join(texts),
        "reasoning": "".join(thoughts),
        "pictures": pictures,
        "model": turn["model"],
        "at": turn["datetime_utc"],
        "left_out": left_out,
    }


def _text(connection: sqlite3.Connection, part: sqlite3.Row) -> str:
    """What a part says; long pieces that are used again stand in a table of their own."""
    if isinstance(part["text"], str):
        return part["text"]
    pieces = _payload(part).get("text_ref")
    said = []
    for piece in pieces if isinstance(pieces, list) else ():
        if not isinstance(piece, dict):
            continue
        if isinstance(piece.get("literal"), str):
            said.append(piece["literal"])
        elif isinstance(piece.get("fragment"), int):
            row = connection.execute("SELECT content FROM fragments WHERE id = ?", (piece["fragment"],)).fetchone()
            said.append(row["content"] if row and isinstance(row["content"], str) else "")
    return "".join(said)


def _attachment(connection: sqlite3.Connection, part: sqlite3.Row) -> tuple[str, bytes]:
    sql = (
        "SELECT a.type, a.content FROM part_attachments p JOIN attachments a ON a.id = p.attachment_id"
        ' WHERE p.part_id = ? ORDER BY p."order" LIMIT 1'
    )
    row = connection.execute(sql, (part["id"],)).fetchone()
    return (str(row["type"] or ""), row["content"]) if row and isinstance(row["content"], bytes) else ("", b"")


def _payload(part: sqlite3.Row) -> Mapping[str, Any]:
    try:
        body = json.loads(part["payload"] or "{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
