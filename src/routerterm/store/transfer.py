"""Whole conversations out of the store and into it: for export and import."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from routerterm.core.errors import StoreError
from routerterm.core.ledger import AttemptRecord
from routerterm.core.messages import Message, parts_to_json
from routerterm.store.conversations import insert, put
from routerterm.store.values import (
    Conversation,
    StoredMessage,
    conversation_of,
    message_of,
    replace_surrogates,
    to_json,
)
from routerterm.store.worker import Worker

Imported: TypeAlias = Literal["new", "grown", "known"]
"""``grown``: it was there, and has got messages that it lacked."""


class ConversationBundle(Struct, frozen=True):
    """A conversation with its whole tree (parents before children) and what its answers cost."""

    conversation: Conversation
    messages: tuple[StoredMessage, ...]
    attempts: tuple[AttemptRecord, ...] = ()
    foreign: bool = False
    """Whether another program's export held it."""


class ImportOutcome(Struct, frozen=True):
    """What became of a conversation that was carried in; ``messages`` is how many were written."""

    how: Imported
    messages: int


class Transfer:
    """Carries conversations out and in, one at a time."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def ids(self) -> tuple[str, ...]:
        """Every conversation that is not deleted, in the order in which they began."""
        sql = "SELECT id FROM conversation WHERE deleted_at IS NULL ORDER BY created_at, id"
        rows = await self._reader.read(lambda connection: connection.execute(sql).fetchall())
        return tuple(row["id"] for row in rows)

    async def carry_out(self, id: str) -> ConversationBundle | None:
        """A conversation with all that belongs to it."""
        return await self._reader.read(lambda connection: export_conversation(connection, id))

    async def first_message(self, id: str) -> StoredMessage | None:
        """The message with which a conversation begins."""
        sql = "SELECT * FROM message WHERE conversation_id = ? ORDER BY rowid LIMIT 1"
        row = await self._reader.read(lambda connection: connection.execute(sql, (id,)).fetchone())
        return message_of(row) if row else None

    async def import_conversation(self, carried: ConversationBundle, *, dry: bool = False) -> ImportOutcome:
        """Write what is not there yet, in one transaction; what is there stays as it is.  ``dry`` only looks."""
        if dry:
            return await self._reader.read(lambda connection: _landing(connection, carried))
        return await self._writer.write(lambda connection: import_conversation(connection, carried))


def export_conversation(connection: sqlite3.Connection, id: str) -> ConversationBundle | None:
    """See `Transfer.carry_out`."""
    row = connection.execute("SELECT * FROM conversation WHERE id = ?", (id,)).fetchone()
    if row is None:
        return None
    messages = connection.execute("SELECT * FROM message WHERE conversation_id = ? ORDER BY rowid", (id,))
    attempts = connection.execute(
        "SELECT * FROM every_attempt WHERE conversation_id = ? AND outcome <> 'running' ORDER BY started_at, id", (id,)
    )
    names = list(AttemptRecord.__struct_fields__)
    return ConversationBundle(
        conversation_of(row),
        tuple(map(message_of, messages)),
        tuple(AttemptRecord(**_attempt_values(attempt, names)) for attempt in attempts),  # type: ignore[arg-type]
    )


def _attempt_values(row: sqlite3.Row, names: list[str]) -> Mapping[str, object]:
    known = row.keys()
    values = {name: row[name] for name in names if name in known}
    return values | {"route": values.get("route") or ""}


def import_conversation(connection: sqlite3.Connection, carried: ConversationBundle) -> ImportOutcome:
    """See `Transfer.import_conversation`."""
    landing = _landing(connection, carried)
    conversation = carried.conversation
    if landing.how == "new":
        insert(connection, conversation)
    else:
        connection.execute("UPDATE conversation SET deleted_at = NULL WHERE id = ?", (conversation.id,))
    known = _known(connection, carried)
    for message in carried.messages:
        if message.id not in known:
            put(connection, "message", _row(message))
    if landing.how == "grown":
        _show_what_is_new(connection, conversation)
    _keep_attempts(connection, carried)
    return landing


def _show_what_is_new(connection: sqlite3.Connection, conversation: Conversation) -> None:
    """Show the export's own branch, unless the person went on here: then theirs stays in sight."""
    connection.execute(
        """
        WITH RECURSIVE above (id, parent_id) AS (
            SELECT id, parent_id FROM message WHERE id = :head
            UNION
            SELECT m.id, m.parent_id FROM above JOIN message m ON m.id = above.parent_id
        )
        UPDATE conversation SET head_id = :head, updated_at = max(updated_at, :updated)
        WHERE id = :id AND (head_id IN (SELECT id FROM above) OR head_id IS NULL)
        """,
        {"head": conversation.head_id, "id": conversation.id, "updated": conversation.updated_at},
    )


def _keep_attempts(connection: sqlite3.Connection, carried: ConversationBundle) -> None:
    """What answers cost elsewhere stands apart from the ledger: reading a file neither spends nor pays back."""
    for attempt in carried.attempts:
        if not connection.execute("SELECT 1 FROM every_attempt WHERE id = ?", (attempt.id,)).fetchone():
            put(connection, "imported_attempt", {name: getattr(attempt, name) for name in attempt.__struct_fields__})


def _landing(connection: sqlite3.Connection, carried: ConversationBundle) -> ImportOutcome:
    there = connection.execute("SELECT 1 FROM conversation WHERE id = ?", (carried.conversation.id,)).fetchone()
    new = len({message.id for message in carried.messages} - _known(connection, carried))
    if not there:
        return ImportOutcome("new", new)
    return ImportOutcome("grown" if new else "known", new)


def _known(connection: sqlite3.Connection, carried: ConversationBundle) -> set[str]:
    """Which of the messages are there already.  Raises `StoreError` where one belongs to another conversation."""
    known = set()
    for message in carried.messages:
        row = connection.execute("SELECT conversation_id FROM message WHERE id = ?", (message.id,)).fetchone()
        if row is not None and row["conversation_id"] != carried.conversation.id:
            raise StoreError(f"Message {message.id[:40]} already exists in another conversation.")
        if row is not None:
            known.add(message.id)
    return known


def _row(message: StoredMessage) -> dict[str, object]:
    status = "interrupted" if message.status == "streaming" else message.status
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "parent_id": message.parent_id,
        "role": message.role,
        "parts": replace_surrogates(parts_to_json(message.parts)),
        "text": replace_surrogates(Message(message.role, message.parts).text),
        "status": status,
        "model": None if message.model is None else replace_surrogates(message.model),
        "params": to_json(dict(message.params)),
        "created_at": message.created_at,
        "finished_at": message.finished_at,
        "pinned": int(message.pinned),
    }
