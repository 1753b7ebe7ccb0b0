"""Answers of the gateway's Responses API that a client may go on from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def responses(db: Database) -> None:
    """A table for them: the input that was new, and the response as it went out, both as JSON."""
    db.execute(
        "CREATE TABLE gateway_response (id TEXT PRIMARY KEY NOT NULL, client TEXT NOT NULL, previous TEXT,"
        " created_at INTEGER NOT NULL, size INTEGER NOT NULL, input TEXT NOT NULL, response TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX gateway_response_client ON gateway_response (client, created_at)")
