"""Writing a turn: question and empty answer first, then the answer as it grows, then how it ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from routerterm.core.messages import Message, Part, parts_to_json
from routerterm.store.conversations import insert as insert_conversation
from routerterm.store.values import Conversation, Status, to_json
from routerterm.store.worker import Worker


@dataclass(frozen=True, slots=True)
class Turn:
    """The ids of a turn on disk.  A regenerated answer has no question of its own."""

    conversation_id: str
    question_id: str | None
    reply_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as far as it goes."""

    parts: tuple[Part, ...]
    status: Status
    model: str | None = None
    params: Mapping[str, Any] | None = None

    @property
    def text(self) -> str:
        """What is searched and shown."""
        return Message("assistant", self.parts).text


class Turns:
    """Writes the tables ``message`` and ``streaming``."""

    def __init__(self, writer: Worker, clock: Callable[[], int], new_id: Callable[[], str], program: str) -> None:
        self._writer, self._clock, self._new_id, self._program = writer, clock, new_id, program

    async def begin(
        self, conversation: Conversation, parent_id: str | None, question: Message | None, model: str, *, new: bool
    ) -> Turn:
        """Write the question under ``parent_id`` and an empty answer under it, in one transaction.

        Without a question the answer stands right under ``parent_id``.  ``new`` writes the conversation too.
        The draft is emptied: what was typed is the question now.
        """
        turn = Turn(conversation.id, self._new_id() if question else None, self._new_id())
        now = self._clock()

        def job(connection: sqlite3.Connection) -> None:
            if new:
                insert_conversation(connection, conversation)
                connection.execute("DELETE FROM meta WHERE name = 'draft'")
            if question is not None:
                row = (turn.question_id, turn.conversation_id, parent_id, question.role)
                row += (parts_to_json(question.parts), question.text, "done", None, now, now)
                connection.execute(_INSERT, row)
            above = turn.question_id or parent_id
            row = (turn.reply_id, turn.conversation_id, above, "assistant", "[]", "", "streaming", model, now, None)
            connection.execute(_INSERT, row)
            connection.execute("INSERT INTO streaming VALUES (?, ?)", (turn.reply_id, self._program))
            connection.execute(
                "UPDATE conversation SET head_id = ?, updated_at = ?, draft = CASE WHEN ? THEN '' ELSE draft END"
                " WHERE id = ?",
                (turn.reply_id, now, question is not None, turn.conversation_id),
            )

        await self._writer.write(job)
        return turn

    async def settle_disk(self) -> None:
        """Wait until all that was written is safe from a power cut too."""
        await self._writer.write(_touch, durable=True)

    async def checkpoint(self, reply_id: str, parts: tuple[Part, ...]) -> None:
        """Keep an answer as far as it has come."""
        values = (parts_to_json(parts), Message("assistant", parts).text, reply_id)
        sql = "UPDATE message SET parts = ?, text = ? WHERE id = ? AND status = 'streaming'"
        await self._writer.write(lambda connection: connection.execute(sql, values) and None)

    async def finish(self, turn: Turn, answer: Answer, title: str | None = None) -> None:
        """Keep how an answer ended; it survives a power cut.  A title is given only to an untitled conversation."""
        now = self._clock()

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE message SET parts = ?, text = ?, status = ?, model = coalesce(?, model), params = ?,"
                " finished_at = ? WHERE id = ?",
                (parts_to_json(answer.parts), answer.text, answer.status, answer.model)
                + (to_json(dict(answer.params or {})), now, turn.reply_id),
            )
            connection.execute("DELETE FROM streaming WHERE message_id = ?", (turn.reply_id,))
            connection.execute("UPDATE conversation SET updated_at = ? WHERE id = ?", (now, turn.conversation_id))
            if title:
                sql = "UPDATE conversation SET title = ? WHERE id = ? AND coalesce(title, '') = ''"
                connection.execute(sql, (title, turn.conversation_id))

        await self._writer.write(job, durable=True)

    async def set_aside(self, turn: Turn, partial: Answer) -> str:
        """Keep a partial answer as a sibling of the reply, which begins anew; the sibling's id.

        The reply keeps its id, so that the ledger's rows of both legs stay with the answer they paid for.
        """
        id, now = self._new_id(), self._clock()

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO message (id, conversation_id, parent_id, role, parts, text, status, model, params,"
                " created_at, finished_at)"
                " SELECT ?, conversation_id, parent_id, role, ?, ?, ?, ?, ?, created_at, ? FROM message WHERE id = ?",
                (id, parts_to_json(partial.parts), partial.text, partial.status, partial.model)
                + (to_json(dict(partial.params or {})), now, turn.reply_id),
            )
            connection.execute("UPDATE message SET parts = '[]', text = '' WHERE id = ?", (turn.reply_id,))

        await self._writer.write(job)
        return id


_INSERT = (
    "INSERT INTO message (id, conversation_id, parent_id, role, parts, text, status, model, created_at, finished_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _touch(connection: sqlite3.Connection) -> None:
    """The smallest write there is: a transaction that writes nothing would not wait for the disk."""
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('settled', hex(randomblob(4)))")
