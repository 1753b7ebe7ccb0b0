"""The messages: trees in which nothing is overwritten, read by the page from the end of a branch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from routerterm.store.values import Node, Page, StoredMessage, message_of, replace_surrogates
from routerterm.store.worker import Worker

_WITHOUT_END = 1 << 31
_BRANCH = """
    WITH RECURSIVE branch (id, parent_id, depth) AS (
        SELECT id, parent_id, 0 FROM message WHERE id = ?
        UNION ALL
        SELECT m.id, m.parent_id, depth + 1 FROM branch JOIN message m ON m.id = branch.parent_id WHERE depth < ?
    )
"""
_LEAF = """
    WITH RECURSIVE way (id) AS (
        SELECT ?
        UNION ALL
        SELECT (SELECT id FROM message WHERE parent_id = way.id ORDER BY rowid DESC LIMIT 1) FROM way
        WHERE EXISTS (SELECT 1 FROM message WHERE parent_id = way.id)
    )
    SELECT id FROM way
"""


class Messages:
    """The table ``message``, for reading and for marks; a turn is written by `routerterm.store.turns.Turns`."""

    def __init__(self, writer: Worker, reader: Worker, clock: Callable[[], int]) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock

    async def get(self, id: str) -> StoredMessage | None:
        """The message of that id."""
        found = await self._reader.read(lambda connection: load(connection, [id]))
        return found[0] if found else None

    async def branch(self, leaf: str | None, limit: int = 200, before: str | None = None) -> Page:
        """The last ``limit`` messages down to ``leaf``, or those above the message ``before`` (it excluded)."""
        start = before or leaf
        if start is None:
            return Page((), False)
        skip = 1 if before else 0

        def job(connection: sqlite3.Connection) -> Page:
            rows = connection.execute(
                _BRANCH + "SELECT id FROM branch ORDER BY depth", (start, limit + skip)
            ).fetchall()
            ids = [row["id"] for row in rows[skip:]]
            return Page(load(connection, ids[:limit][::-1]), len(ids) > limit)

        return await self._reader.read(job)

    async def page(self, conversation_id: str, limit: int = 200) -> Page:
        """The end of the branch that the conversation shows."""
        return await self.branch(await self.head(conversation_id), limit)

    async def head(self, conversation_id: str) -> str | None:
        """The leaf that the conversation shows; its newest message where ``head_id`` leads nowhere.

        An empty ``head_id`` (all turns undone) is the place before the first message: None.
        """
        sql = (
            "SELECT c.head_id = '' AS before_all, coalesce((SELECT id FROM message WHERE id = c.head_id),"
            " (SELECT id FROM message WHERE conversation_id = c.id ORDER BY rowid DESC LIMIT 1)) AS head"
            " FROM conversation c WHERE c.id = ?"
        )
        row = await self._reader.read(lambda connection: connection.execute(sql, (conversation_id,)).fetchone())
        if row is None or row["before_all"]:
            return None
        head: str | None = row["head"]
        return head

    async def siblings(self, id: str) -> tuple[str, ...]:
        """The ids of the messages with the same parent, it included, oldest first."""
        return await self._reader.read(lambda connection: tuple(_siblings(connection, id)))

    async def children(self, id: str) -> tuple[str, ...]:
        """The ids of the messages right under it, oldest first."""
        sql = "SELECT id FROM message WHERE parent_id = ? ORDER BY rowid"
        rows = await self._reader.read(lambda connection: connection.execute(sql, (id,)).fetchall())
        return tuple(row["id"] for row in rows)

    async def depth(self, id: str) -> int:
        """How many messages the branch down to this one has, itself included."""
        sql = _BRANCH + "SELECT count(*) AS n FROM branch"
        row = await self._reader.read(lambda connection: connection.execute(sql, (id, _WITHOUT_END)).fetchone())
        return int(row["n"])

    async def leaf(self, id: str) -> str:
        """The end of the newest branch under a message, itself if nothing follows it."""
        rows = await self._reader.read(lambda connection: connection.execute(_LEAF, (id,)).fetchall())
        return str(rows[-1]["id"])

    async def pinned(self, leaf: str) -> tuple[StoredMessage, ...]:
        """The pinned messages on the branch that ends at ``leaf``, oldest first."""
        any_pinned = (
            "SELECT 1 FROM message WHERE pinned AND"
            " conversation_id = (SELECT conversation_id FROM message WHERE id = ?) LIMIT 1"
        )
        sql = _BRANCH + "SELECT m.id FROM branch b JOIN message m ON m.id = b.id WHERE m.pinned ORDER BY b.depth DESC"

        def job(connection: sqlite3.Connection) -> tuple[StoredMessage, ...]:
            if not connection.execute(any_pinned, (leaf,)).fetchone():
                return ()
            rows = connection.execute(sql, (leaf, _WITHOUT_END)).fetchall()
            return load(connection, [row["id"] for row in rows])

        return await self._reader.read(job)

    async def tree(self, conversation_id: str, words: int = 80) -> tuple[Node, ...]:
        """The whole tree in outline, parents before children, with the cost of each message's attempts."""
        sql = """
            SELECT m.id, m.parent_id, m.role, m.status, m.model, m.created_at, substr(m.text, 1, ?1), a.cost, a.unknown
            FROM message m LEFT JOIN (
                SELECT message_id, sum(cost_nanousd) AS cost, max(cost_nanousd IS NULL) AS unknown
                FROM every_attempt WHERE conversation_id = ?2 GROUP BY message_id
            ) a ON a.message_id = m.id
            WHERE m.conversation_id = ?2 ORDER BY m.rowid
        """

        def job(connection: sqlite3.Connection) -> tuple[Node, ...]:
            rows = connection.execute(sql, (words, conversation_id))
            return tuple(
                Node(
                    id,
                    parent_id,
                    role,
                    status=status,
                    model=model,
                    created_at=created_at,
                    preview=preview,
                    cost_nanousd=cost,
                    cost_unknown=bool(unknown),
                )
                for id, parent_id, role, status, model, created_at, preview, cost, unknown in rows
            )

        return await self._reader.read(job)

    async def note(self, id: str, name: str, value: str | None) -> None:
        """Keep a text under ``name`` in a message's ``params``; None takes it away."""
        sql = "UPDATE message SET params = json_set(params, '$.' || ?, ?) WHERE id = ?"
        values: tuple[object, ...] = (name, replace_surrogates(value or ""), id)
        if value is None:
            sql, values = "UPDATE message SET params = json_remove(params, '$.' || ?) WHERE id = ?", (name, id)
        await self._writer.write(lambda connection: connection.execute(sql, values) and None)

    async def pin(self, id: str, pinned: bool = True) -> None:
        """Mark a message that always goes to the model, however long the conversation."""
        sql = "UPDATE message SET pinned = ? WHERE id = ?"
        await self._writer.write(lambda connection: connection.execute(sql, (int(pinned), id)) and None)


def load(connection: sqlite3.Connection, ids: Sequence[str]) -> tuple[StoredMessage, ...]:
    """The messages of these ids in this order, each with its place among its siblings."""
    marks = ",".join("?" * len(ids))
    rows = {row["id"]: row for row in connection.execute(f"SELECT * FROM message WHERE id IN ({marks})", list(ids))}
    parents = {row["parent_id"] for row in rows.values() if row["parent_id"] is not None}
    places = _places(connection, parents)
    messages = []
    for row in (rows[id] for id in ids if id in rows):
        family = places.get(row["parent_id"]) if row["parent_id"] else _siblings(connection, row["id"])
        family = family or [row["id"]]
        messages.append(message_of(row, family.index(row["id"]) + 1, len(family)))
    return tuple(messages)


def _places(connection: sqlite3.Connection, parents: set[str]) -> dict[str, list[str]]:
    """The children of each parent, oldest first."""
    marks = ",".join("?" * len(parents))
    sql = f"SELECT parent_id, id FROM message WHERE parent_id IN ({marks}) ORDER BY parent_id, rowid"
    places: dict[str, list[str]] = {}
    for row in connection.execute(sql, list(parents)):
        places.setdefault(row["parent_id"], []).append(row["id"])
    return places


def _siblings(connection: sqlite3.Connection, id: str) -> list[str]:
    row = connection.execute("SELECT conversation_id, parent_id FROM message WHERE id = ?", (id,)).fetchone()
    if row is None:
        return []
    sql = "SELECT id FROM message WHERE conversation_id = ? AND parent_id IS ? ORDER BY rowid"
    return [row["id"] for row in connection.execute(sql, (row["conversation_id"], row["parent_id"]))]
