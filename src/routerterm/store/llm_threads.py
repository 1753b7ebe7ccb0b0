"""What llm's ``logs.db`` keeps in several tables: threads of messages by hash, and responses with their fragments."""

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
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def llm_responses(connection: sqlite3.Connection, rows: list[Row], has: set[str]) -> list[Row]:
    """The rows of ``responses`` with what stands in other tables: fragments, attachments, calls of tools.

    ``has`` names those of these tables that the database has.
    """
    return [row if "fragments" in row else _completed(connection, dict(row), has) for row in rows]


def _completed(connection: sqlite3.Connection, row: dict[str, Any], has: set[str]) -> Row:
    row |= {"fragments": [], "system_fragments": [], "attachments": [], "calls": []}
    id = (row["id"],)
    if "prompt_fragments" in has:
        for name in ("prompt", "system"):
            sql = (
                f"SELECT f.content FROM {name}_fragments p JOIN fragments f ON f.id = p.fragment_id"
                ' WHERE p.response_id = ? ORDER BY p."order"'
            )
            found = [each[0] for each in connection.execute(sql, id) if isinstance(each[0], str)]
            row["fragments" if name == "prompt" else "system_fragments"] = found
    if "prompt_attachments" in has:
        sql = (
            "SELECT a.type, a.path, a.url, a.content FROM prompt_attachments p JOIN attachments a"
            ' ON a.id = p.attachment_id WHERE p.response_id = ? ORDER BY p."order"'
        )
        row["attachments"] = [dict(each) for each in connection.execute(sql, id)]
    if "tool_calls" in has:
        calls = connection.execute("SELECT name, arguments FROM tool_calls WHERE response_id = ? ORDER BY id", id)
        results = connection.execute("SELECT output FROM tool_results WHERE response_id = ? ORDER BY id", id)
        row["calls"] = [*(f"{each[0]}({each[1] or ''})" for each in calls), *(str(each[0]) for each in results)]
    return row
