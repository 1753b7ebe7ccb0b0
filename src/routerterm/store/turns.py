"""Writing a turn: question and empty answer first, then the answer as it grows, then how it ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.messages import Message, Part, Reasoning, Text, parts_to_json
from routerterm.store.conversations import insert as insert_conversation
from routerterm.store.conversations import put
from routerterm.store.drafts import drop_answerer, drop_sent
from routerterm.store.values import EDITED, Conversation, Status, StoredMessage, replace_surrogates, to_json
from routerterm.store.worker import Worker


class Turn(Struct, frozen=True):
    """The ids of a turn on disk.  A regenerated answer has no question of its own."""

    conversation_id: str
    question_id: str | None
    reply_id: str


class Answer(Struct, frozen=True):
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
        self._writer = writer
        self._clock = clock
        self._new_id = new_id
        self._program = program

    def plan(self, conversation_id: str, *, asks: bool = True) -> Turn:
        """The ids of a turn that is about to be written; ``asks``: with a question of its own."""
        return Turn(conversation_id, self._new_id() if asks else None, self._new_id())

    async def begin(
        self,
        turn: Turn,
        conversation: Conversation,
        parent_id: str | None,
        question: Message | None,
        model: str,
        *,
        new: bool,
        title: str = "",
    ) -> None:
        """Write the question under ``parent_id`` and an empty answer under it, in one transaction.

        Without a question the answer stands right under ``parent_id``.  ``new`` writes the conversation too;
        ``title`` is given to an untitled one.  A draft that the question grew out of is emptied, and its files leave
        it; another stays.
        When this returns, the question survives a power cut; where the disk fails, nothing of the turn is there.
        """
        now = self._clock()
        said = replace_surrogates(question.said) if question is not None else ""
        drafted_in = None if new else turn.conversation_id

        def job(connection: sqlite3.Connection) -> None:
            if new:
                insert_conversation(connection, conversation)
                connection.execute(
                    "DELETE FROM meta WHERE name = 'draft' AND value = substr(?, 1, length(value))", (said,)
                )
            if question is not None:
                drop_sent(connection, drafted_in, question.parts)
            if question is not None and turn.question_id is not None:
                asked = Answer(question.parts, "done")
                row = message_row(
                    turn.question_id, turn.conversation_id, parent_id, role=question.role, answer=asked, created_at=now
                )
                put(connection, "message", row | {"finished_at": now})
            empty = Answer((), "streaming", model)
            above = turn.question_id or parent_id
            put(
                connection,
                "message",
                message_row(turn.reply_id, turn.conversation_id, above, role="assistant", answer=empty, created_at=now),
            )
            connection.execute("INSERT INTO streaming VALUES (?, ?)", (turn.reply_id, self._program))
            connection.execute(
                "UPDATE conversation SET head_id = ?, updated_at = ?,"
                " draft = CASE WHEN draft = substr(?, 1, length(draft)) THEN '' ELSE draft END,"
                " title = coalesce(nullif(title, ''), ?) WHERE id = ?",
                (turn.reply_id, now, said, replace_surrogates(title), turn.conversation_id),
            )
            drop_answerer(connection, drafted_in)

        await self._writer.write(job, durable=True)

    async def checkpoint(self, turn: Turn, answer: Answer, *, durable: bool = False) -> None:
        """Keep an answer as far as it has come; ``durable``: when this returns it survives a power cut."""

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE message SET parts = :parts, text = :text, model = coalesce(:model, model), params = :params"
                " WHERE id = :id AND status = 'streaming'",
                _columns(answer) | {"id": turn.reply_id},
            )

        await self._writer.write(job, durable=durable)

    async def finish(self, turn: Turn, answer: Answer) -> None:
        """Keep how an answer ended; when this returns it survives a power cut."""
        now = self._clock()

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE message SET parts = :parts, text = :text, status = :status, model = coalesce(:model, model),"
                " params = :params, finished_at = :now WHERE id = :id",
                _columns(answer) | {"now": now, "id": turn.reply_id},
            )
            connection.execute("DELETE FROM streaming WHERE message_id = ?", (turn.reply_id,))
            connection.execute("UPDATE conversation SET updated_at = ? WHERE id = ?", (now, turn.conversation_id))

        await self._writer.write(job, durable=True)

    async def set_aside(self, turn: Turn, partial: Answer) -> str:
        """Keep a partial answer as a sibling of the reply, which begins anew; the sibling's id.

        The reply keeps its id, so that the ledger's rows of both attempts stay with the answer they paid for.
        """
        id, now = self._new_id(), self._clock()

        def job(connection: sqlite3.Connection) -> None:
            reply = connection.execute("SELECT * FROM message WHERE id = ?", (turn.reply_id,)).fetchone()
            row = message_row(
                id,
                turn.conversation_id,
                reply["parent_id"],
                role=reply["role"],
                answer=partial,
                created_at=reply["created_at"],
            )
            put(connection, "message", row | {"finished_at": now})
            connection.execute("UPDATE message SET parts = '[]', text = '' WHERE id = ?", (turn.reply_id,))

        await self._writer.write(job)
        return id

    async def edited(self, answer: StoredMessage, text: str) -> str:
        """Write a sibling of an answer that says ``text`` instead; its id.  What it showed beside text is kept."""
        id, now = self._new_id(), self._clock()
        kept = tuple(part for part in answer.parts if not isinstance(part, Text | Reasoning))
        params = {"target": answer.params.get("target"), "asked": answer.params.get("asked", ""), EDITED: "edited"}
        said = Answer((Text(text), *kept), "done", answer.model, params)

        def job(connection: sqlite3.Connection) -> None:
            row = message_row(
                id, answer.conversation_id, answer.parent_id, role="assistant", answer=said, created_at=now
            )
            put(connection, "message", row | {"finished_at": now})
            sql = "UPDATE conversation SET head_id = ?, updated_at = ? WHERE id = ?"
            connection.execute(sql, (id, now, answer.conversation_id))

        await self._writer.write(job, durable=True)
        return id

    async def copy(self, source_id: str, copy: Conversation, up_to: str | None, head: str | None) -> Conversation:
        """Write ``copy`` with the messages of another conversation: all, or the branch down to ``up_to``.

        An answer that is still streaming is copied as cut.  ``head`` is the source's message to show.
        """
        now = self._clock()

        def job(connection: sqlite3.Connection) -> Conversation:
            ids = _branch_or_all(connection, source_id, up_to)
            names = {id: self._new_id() for id in ids}
            made = replace(copy, head_id=names.get(head) if head else None)
            insert_conversation(connection, made)
            for id in ids:
                row = dict(connection.execute("SELECT * FROM message WHERE id = ?", (id,)).fetchone())
                row |= {"id": names[id], "conversation_id": made.id, "parent_id": names.get(row["parent_id"])}
                if row["status"] == "streaming":
                    row |= {"status": "cut", "finished_at": now}
                put(connection, "message", row)
            return made

        return await self._writer.write(job)


def _branch_or_all(connection: sqlite3.Connection, conversation_id: str, leaf: str | None) -> list[str]:
    """Ids, parents first: of the branch down to ``leaf``, or of the whole tree."""
    if leaf is None:
        sql = "SELECT id FROM message WHERE conversation_id = ? ORDER BY rowid"
        return [row["id"] for row in connection.execute(sql, (conversation_id,))]
    sql = (
        "WITH RECURSIVE branch (id, parent_id, depth) AS ("
        " SELECT id, parent_id, 0 FROM message WHERE id = ? UNION ALL"
        " SELECT m.id, m.parent_id, depth + 1 FROM branch JOIN message m ON m.id = branch.parent_id)"
        " SELECT id FROM branch ORDER BY depth DESC"
    )
    return [row["id"] for row in connection.execute(sql, (leaf,))]


def _columns(answer: Answer) -> dict[str, object]:
    return {
        "parts": replace_surrogates(parts_to_json(answer.parts)),
        "text": replace_surrogates(answer.text),
        "status": answer.status,
        "model": answer.model,
        "params": to_json(dict(answer.params or {})),
    }


def message_row(
    id: str, conversation_id: str, parent_id: str | None, role: str, answer: Answer, created_at: int
) -> dict[str, object]:
    """The columns of a message that is written now."""
    place = {"id": id, "conversation_id": conversation_id, "parent_id": parent_id}
    return place | {"role": role, "created_at": created_at} | _columns(answer)
