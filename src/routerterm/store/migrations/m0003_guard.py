"""What the guard found: which rule, when and how often, never the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def guard(db: Database) -> None:
    """Make the table."""
    db.execute(
        "CREATE TABLE guard_hit (at INTEGER NOT NULL, rule TEXT NOT NULL, action TEXT NOT NULL, role TEXT NOT NULL,"
        " count INTEGER NOT NULL DEFAULT 1, timed_out INTEGER NOT NULL DEFAULT 0, conversation_id TEXT)"
    )
    db.execute("CREATE INDEX guard_hit_at ON guard_hit (at)")
