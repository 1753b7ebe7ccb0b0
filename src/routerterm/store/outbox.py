"""Questions that wait to be sent, and who is sending them.

At most once: a row is claimed in a transaction before anything leaves, by the name of the program that claims it.  If
that program dies, the row says whether anything can have left: an answer among the messages shows it, since that is
written before the request leaves; a batch that may have been handed in is never handed in again by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence

from routerterm.core.ledger import AttemptRecord, CapReached
from routerterm.store.conversations import insert as insert_conversation
from routerterm.store.conversations import put
from routerterm.store.ledger import OUTBOX, used, wanted, write_row
from routerterm.store.outbox_rows import OPEN, SELECT, NewQuestion, OutboxState, Waiting, waiting_of
from routerterm.store.turns import Answer, message_row
from routerterm.store.values import replace_surrogates
from routerterm.store.worker import Worker

_UNANSWERED = (
    " NOT EXISTS (SELECT 1 FROM message a WHERE a.parent_id = outbox.question_id AND a.role = 'assistant'"
    " AND a.status <> 'error')"
)
_ALIVE = " EXISTS (SELECT 1 FROM conversation c WHERE c.id = outbox.conversation_id AND c.deleted_at IS NULL)"


class StoredOutbox:
    """The table ``outbox``."""

    def __init__(self, writer: Worker, reader: Worker, clock: Callable[[], int], program: str) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._program = program

    async def add(self, questions: Sequence[NewQuestion]) -> CapReached | int:
        """Write the questions and hold their costs back, all or none, safe from a power cut.

        How many are new; the cap in the way where one would break.
        """
        now = self._clock()

        def job(connection: sqlite3.Connection) -> CapReached | int:
            added = 0
            connection.execute("SAVEPOINT questions")
            for one in questions:
                known = "SELECT 1 FROM outbox WHERE source = ? AND source IS NOT NULL"
                if connection.execute(known, (one.source,)).fetchone():
                    continue
                for cap in one.caps:
                    so_far, wants = used(connection, cap), wanted(one.hold, cap.unit)
                    if so_far + wants > cap.limit:
                        connection.execute("ROLLBACK TO questions")
                        return CapReached(cap, so_far, wants)
                _add(connection, one, now)
                added += 1
            connection.execute("RELEASE questions")
            return added

        return await self._writer.write(job, durable=True)

    async def rows(self, *, every: bool = False) -> tuple[Waiting, ...]:
        """What waits or is under way, by when it is due; with ``every`` also what is over and not read yet."""
        where = f" WHERE o.state IN {OPEN}" + (" OR o.unread OR o.state = 'failed'" if every else "")
        sql = f"{SELECT}{where} ORDER BY o.due_at, o.id"
        found = await self._reader.read(lambda connection: connection.execute(sql).fetchall())
        return tuple(waiting_of(row) for row in found)

    async def claim(self, ids: Collection[str], batch: str | None = None) -> frozenset[str]:
        """Take those that wait, before anything leaves; not those that another program has, or that are answered.

        What was held back for one that is sent by itself is given free: who sends it holds the cost back anew.  What
        goes into a ``batch`` (our name for it) keeps it held.
        """
        now, me = self._clock(), self._program
        state = "sending" if batch is None else "submitting"
        sql = (
            "UPDATE outbox SET state = ?, program = ?, batch = ?, updated_at = ? WHERE id = ? AND state = 'waiting'"
            f" AND {_UNANSWERED} AND {_ALIVE}"
        )

        def job(connection: sqlite3.Connection) -> frozenset[str]:
            taken = {id for id in ids if connection.execute(sql, (state, me, batch, now, id)).rowcount}
            if batch is None:
                for id in taken:
                    _let_go(connection, id)
            return frozenset(taken)

        return await self._writer.write(job, durable=True)

    async def change(
        self, ids: Collection[str], state: OutboxState, *, note: str = "", due_at: int | None = None
    ) -> None:
        """What became of those that this program had claimed, all at once."""
        now = self._clock()
        over = state in ("done", "failed")

        def job(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "UPDATE outbox SET state = ?, note = ?, due_at = coalesce(?, due_at), program = NULL, updated_at = ?,"
                " unread = CASE WHEN ? THEN 1 ELSE unread END,"
                " source = CASE WHEN ? THEN NULL ELSE source END WHERE id = ?",
                [(state, note, due_at, now, over, over, id) for id in ids],
            )
            for id in ids if over else ():
                _let_go(connection, id)

        await self._writer.write(job, durable=True)

    async def submitted(self, ids: Collection[str], job_name: str, key_label: str | None) -> None:
        """They are at the provider, under its name for the batch."""
        now = self._clock()
        values = [(job_name, key_label, now, now, id) for id in ids]
        sql = (
            "UPDATE outbox SET state = 'submitted', job = ?, key_label = ?, polled_at = ?, program = NULL, note = '',"
            " updated_at = ? WHERE id = ? AND state IN ('submitting', 'unsure')"
        )
        await self._writer.write(lambda connection: connection.executemany(sql, values) and None, durable=True)

    async def polled(self, job_name: str) -> bool:
        """Note that this program looks after a batch now; False where another one did meanwhile."""
        now = self._clock()
        sql = "UPDATE outbox SET polled_at = ? WHERE job = ? AND state = 'submitted'"
        return bool(await self._writer.write(lambda connection: connection.execute(sql, (now, job_name)).rowcount))

    async def answered(self, id: str, reply_id: str, answer: Answer, row: AttemptRecord) -> bool:
        """The answer of a batch, once: among the messages and in the ledger; False where it was there already."""
        now, me = self._clock(), self._program

        def job(connection: sqlite3.Connection) -> bool:
            found = connection.execute(
                "SELECT question_id, conversation_id, attempt_id FROM outbox WHERE id = ? AND state = 'submitted'",
                (id,),
            ).fetchone()
            if found is None:
                return False
            question, conversation = found["question_id"], found["conversation_id"]
            message = message_row(reply_id, conversation, question, role="assistant", answer=answer, created_at=now)
            put(connection, "message", message | {"finished_at": now})
            connection.execute(
                "UPDATE conversation SET updated_at = ?, head_id = CASE WHEN head_id IS ? THEN ? ELSE head_id END"
                " WHERE id = ?",
                (now, question, reply_id, conversation),
            )
            became = "state = 'done', unread = 1, attempt_id = NULL, source = NULL"
            sql = f"UPDATE outbox SET {became}, updated_at = ? WHERE id = ?"
            connection.execute(sql, (now, id))
            write_row(connection, row, me)
            return True

        return await self._writer.write(job, durable=True)

    async def recover(self, living: Collection[str]) -> int:
        """Take back what programs had claimed that are dead now; how many.  See the module for what becomes of it.

        What waits and can never be sent is over: it was answered meanwhile, or its conversation is deleted.
        """
        marks = ",".join("?" * len(living))
        now = self._clock()
        dead = f"program IS NOT NULL AND program NOT IN ({marks})"

        def job(connection: sqlite3.Connection) -> int:
            changed = 0
            for state, then, more in (
                ("sending", "waiting", f" AND {_UNANSWERED}"),
                ("sending", "done", ""),
                ("submitting", "unsure", ""),
            ):
                sql = (
                    f"UPDATE outbox SET state = ?, program = NULL, updated_at = ?, unread = ? OR unread"
                    f" WHERE state = ? AND {dead}{more}"
                )
                changed += connection.execute(sql, (then, now, then == "done", state, *living)).rowcount
            over = f"state = 'waiting' AND NOT ({_UNANSWERED} AND {_ALIVE})"
            for (id,) in connection.execute(f"SELECT id FROM outbox WHERE {over}").fetchall():
                _let_go(connection, id)
                connection.execute(
                    f"UPDATE outbox SET state = CASE WHEN {_ALIVE} THEN 'done' ELSE 'failed' END, source = NULL,"
                    f" note = CASE WHEN {_ALIVE} THEN '' ELSE 'its conversation was deleted' END, updated_at = ?"
                    " WHERE id = ?",
                    (now, id),
                )
                changed += 1
            return changed

        return await self._writer.write(job, durable=True)

    async def drop(self, id: str) -> bool:
        """Take one back that was not sent yet: the question stays in its conversation.  False where it is too late."""

        def job(connection: sqlite3.Connection) -> bool:
            _let_go(connection, id, "('waiting', 'unsure')")
            sql = "DELETE FROM outbox WHERE id = ? AND state IN ('waiting', 'unsure', 'failed')"
            return bool(connection.execute(sql, (id,)).rowcount)

        return await self._writer.write(job, durable=True)

    async def hurry(self, id: str) -> bool:
        """Send one now that waits, or one of which nobody knows whether it was sent; False where there is none.

        A batch that failed holds nothing back any more: it is asked as an ordinary question, whose cost is held anew
        against the caps.
        """
        now = self._clock()
        sql = (
            "UPDATE outbox SET state = 'waiting', due_at = ?, updated_at = ?, note = '',"
            " mode = CASE WHEN mode = 'batch' AND attempt_id IS NOT NULL THEN 'batch' ELSE 'online' END WHERE id = ?"
            " AND state IN ('waiting', 'unsure', 'failed')"
        )
        changed = await self._writer.write(lambda connection: connection.execute(sql, (now, now, id)).rowcount)
        return bool(changed)

    async def unread(self) -> frozenset[str]:
        """The conversations with an answer that came by itself and was not looked at."""
        sql = "SELECT DISTINCT conversation_id FROM outbox WHERE unread"
        found = await self._reader.read(lambda connection: connection.execute(sql).fetchall())
        return frozenset(row[0] for row in found)

    async def read(self, conversation_id: str) -> bool:
        """A conversation is looked at; whether anything in it was unread."""
        sql = "UPDATE outbox SET unread = 0 WHERE conversation_id = ? AND unread AND state IN ('done', 'failed')"
        if conversation_id not in await self.unread():
            return False
        return bool(await self._writer.write(lambda c: c.execute(sql, (conversation_id,)).rowcount))


def _add(connection: sqlite3.Connection, one: NewQuestion, now: int) -> None:
    conversation = one.conversation
    if one.new:
        insert_conversation(connection, conversation)
    asked = Answer(one.question.parts, "done")
    row = message_row(one.question_id, conversation.id, one.parent_id, role="user", answer=asked, created_at=now)
    put(connection, "message", row | {"finished_at": now})
    connection.execute(
        "UPDATE conversation SET head_id = ?, updated_at = ?, draft = '', title = coalesce(nullif(title, ''), ?)"
        " WHERE id = ?",
        (one.question_id, now, replace_surrogates(conversation.title), conversation.id),
    )
    write_row(connection, one.hold, OUTBOX)
    values = {
        "id": one.id,
        "conversation_id": conversation.id,
        "question_id": one.question_id,
        "model": one.model,
        "mode": one.mode,
        "due_at": one.due_at,
        "provider": one.provider,
        "target": one.target,
        "attempt_id": one.hold.id,
        "source": one.source,
        "created_at": now,
        "updated_at": now,
    }
    put(connection, "outbox", values)


def _let_go(connection: sqlite3.Connection, id: str, states: str = "") -> None:
    """Give free what is held back for one."""
    only = f" AND state IN {states}" if states else ""
    connection.execute(
        f"DELETE FROM attempt WHERE outcome = 'running' AND program = '{OUTBOX}'"
        f" AND id = (SELECT attempt_id FROM outbox WHERE id = ?{only})",
        (id,),
    )
    connection.execute(f"UPDATE outbox SET attempt_id = NULL WHERE id = ?{only}", (id,))
