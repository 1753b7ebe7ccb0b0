"""Our own name for each batch that is handed in, so that batches of which nothing was heard are told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def batch_names(db: Database) -> None:
    """A column for it; the batches of before had the name of their first question, which is all that is known."""
    db.execute("ALTER TABLE outbox ADD COLUMN batch TEXT")
    db.execute("UPDATE outbox SET batch = id WHERE state IN ('submitting', 'unsure')")
