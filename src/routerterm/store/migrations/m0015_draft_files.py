"""What is attached to a draft, and who is to answer it: a draft is more than its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def draft_files(db: Database) -> None:
    """Two tables beside ``conversation.draft``; the draft of the next new conversation has the empty id."""
    db.execute(
        "CREATE TABLE draft_file (number INTEGER PRIMARY KEY, conversation_id TEXT NOT NULL, place INTEGER NOT NULL,"
        " digest TEXT NOT NULL, facts TEXT NOT NULL, part TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX draft_file_conversation ON draft_file (conversation_id, place)")
    db.execute("CREATE TABLE draft_for (conversation_id TEXT PRIMARY KEY NOT NULL, model TEXT NOT NULL, params TEXT)")
    db.execute(
        "CREATE TRIGGER draft_gone AFTER DELETE ON conversation BEGIN"
        " DELETE FROM draft_file WHERE conversation_id = old.id; DELETE FROM draft_for WHERE conversation_id = old.id;"
        " END"
    )
