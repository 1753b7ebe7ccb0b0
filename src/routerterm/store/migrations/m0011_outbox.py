"""Questions that wait to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def outbox(db: Database) -> None:
    """A row per question: what it waits for, who is sending it, and the row of the ledger that holds its cost back.

    What is still waiting has no answer among the messages.  Rows leave with their question.
    """
    db.execute(
        "CREATE TABLE outbox (id TEXT PRIMARY KEY NOT NULL,"
        " conversation_id TEXT NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,"
        " question_id TEXT NOT NULL UNIQUE REFERENCES message(id) ON DELETE CASCADE,"
        " model TEXT NOT NULL, mode TEXT NOT NULL, due_at INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',"
        " program TEXT, provider TEXT, target TEXT, key_label TEXT, job TEXT, polled_at INTEGER NOT NULL DEFAULT 0,"
        " attempt_id TEXT, note TEXT NOT NULL DEFAULT '', source TEXT, unread INTEGER NOT NULL DEFAULT 0,"
        " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL)"
    )
    db.execute("CREATE INDEX outbox_open ON outbox (state, due_at) WHERE state NOT IN ('done', 'failed')")
    db.execute("CREATE INDEX outbox_unread ON outbox (conversation_id) WHERE unread")
    db.execute("CREATE UNIQUE INDEX outbox_source ON outbox (source) WHERE source IS NOT NULL")
