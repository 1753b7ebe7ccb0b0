"""Conversations that belong to a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def projects(db: Database) -> None:
    """The path of the folder of a conversation's project; NULL for one that belongs to none."""
    db.execute("ALTER TABLE conversation ADD COLUMN project TEXT")
    db.execute("CREATE INDEX conversation_project ON conversation (project, updated_at) WHERE project IS NOT NULL")
