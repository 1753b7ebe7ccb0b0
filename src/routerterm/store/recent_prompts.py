"""What the person asked lately, in any conversation: the lines that the composer can walk back to."""

from __future__ import annotations

import sqlite3

from routerterm.core.messages import Message, parts_from_json

LONGEST = 20_000
"""Bytes of a message beyond which it holds pictures or whole files, and is not brought back."""


def recent_prompts(connection: sqlite3.Connection, limit: int) -> list[str]:
    """The last questions, oldest first, each once."""
    rows = connection.execute(
        "SELECT parts FROM message WHERE role = 'user' AND length(parts) <= ? ORDER BY id DESC LIMIT ?",
        (LONGEST, limit),
    )
    lines: dict[str, None] = {}
    for row in rows:
        try:
            said = Message("user", parts_from_json(row[0])).said.strip()
        except ValueError:
            continue
        if said:
            lines.setdefault(said)
    return list(reversed(lines))
