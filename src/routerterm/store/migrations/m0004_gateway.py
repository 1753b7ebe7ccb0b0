"""The gateway's virtual keys, and which rows of the ledger were answered from its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def gateway(db: Database) -> None:
    """A table for the keys (hashed), a column for the ledger."""
    db.execute(
        "CREATE TABLE gateway_key (name TEXT PRIMARY KEY NOT NULL, digest TEXT NOT NULL UNIQUE,"
        " hint TEXT NOT NULL DEFAULT '', created_at INTEGER NOT NULL, allowance TEXT NOT NULL DEFAULT '{}')"
        " WITHOUT ROWID"
    )
    db.execute("ALTER TABLE attempt ADD COLUMN cached INTEGER NOT NULL DEFAULT 0")
    db.execute("CREATE INDEX attempt_client ON attempt (client, started_at)")
