"""The conversations: listing them, changing what stands at their head, deleting with a way back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from routerterm.store.values import Conversation, Filter, conversation_of, replace_surrogates, to_json
from routerterm.store.worker import Worker

KEPT_AFTER_DELETE = 7 * 86_400_000
"""Milliseconds for which a deleted conversation can be brought back."""
_CHANGEABLE = frozenset(
    {"title", "model", "system", "params", "head_id", "pinned", "archived", "private", "draft", "tags"}
)


class Conversations:
    """The table ``conversation``."""

    def __init__(self, writer: Worker, reader: Worker, clock: Callable[[], int], new_id: Callable[[], str]) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._new_id = new_id

    async def page(
        self, limit: int = 50, after: Conversation | None = None, which: Filter | None = None
    ) -> tuple[Conversation, ...]:
        """Pinned ones first, then by last change, newest first; ``after`` is the last one of the page before."""
        sql, values = _listing(which or Filter(), after, limit)
        rows = await self._reader.read(lambda connection: connection.execute(sql, values).fetchall())
        return tuple(map(conversation_of, rows))

    async def count(self) -> int:
        """How many there are, archived ones included, deleted ones not."""
        sql = "SELECT count(*) FROM conversation WHERE deleted_at IS NULL"
        return int(await self._reader.read(lambda connection: connection.execute(sql).fetchone()[0]))

    async def get(self, id: str) -> Conversation | None:
        """The conversation of that id, deleted or not."""
        sql = "SELECT * FROM conversation WHERE id = ?"
        row = await self._reader.read(lambda connection: connection.execute(sql, (id,)).fetchone())
        return conversation_of(row) if row else None

    async def latest(self, project: str | None = None) -> Conversation | None:
        """The one that was changed last; of those of a ``project`` where one is given."""
        sql, values = f"{_newest(1)} ORDER BY updated_at DESC, id DESC LIMIT 1", tuple[str, ...]()
        if project is not None:
            sql = (
                "SELECT * FROM conversation WHERE project = ? AND deleted_at IS NULL ORDER BY updated_at DESC, id DESC"
                " LIMIT 1"
            )
            values = (project,)
        row = await self._reader.read(lambda connection: connection.execute(sql, values).fetchone())
        return conversation_of(row) if row else None

    async def beginning(self, prefix: str, limit: int = 10) -> tuple[Conversation, ...]:
        """Those whose id begins so, for a person who types only a part of it."""
        sql = "SELECT * FROM conversation WHERE substr(id, 1, ?) = ? AND deleted_at IS NULL ORDER BY id DESC LIMIT ?"
        values = (len(prefix), prefix.upper(), limit)
        rows = await self._reader.read(lambda connection: connection.execute(sql, values).fetchall())
        return tuple(map(conversation_of, rows))

    async def recent_models(self, limit: int = 6) -> tuple[str, ...]:
        """The models and routes of the conversations that were changed last, without repetition."""
        sql = (
            f"SELECT model FROM ({_newest(200)}) WHERE model <> '' GROUP BY model ORDER BY max(updated_at) DESC LIMIT ?"
        )
        rows = await self._reader.read(lambda connection: connection.execute(sql, (limit,)).fetchall())
        return tuple(row["model"] for row in rows)

    async def costs(self, ids: Sequence[str]) -> Mapping[str, int]:
        """What these have cost so far, in nano-dollars, as far as it is known; one that asked nobody is not named."""
        marks = ",".join("?" * len(ids))
        sql = (
            "SELECT conversation_id, sum(cost_nanousd) AS cost FROM every_attempt"
            f" WHERE conversation_id IN ({marks}) AND cost_nanousd IS NOT NULL GROUP BY conversation_id"
        )
        rows = await self._reader.read(lambda connection: connection.execute(sql, tuple(ids)).fetchall())
        return {row["conversation_id"]: row["cost"] for row in rows}

    async def tags(self) -> tuple[tuple[str, int], ...]:
        """Every tag with the number of its conversations, by name."""
        sql = (
            "SELECT j.value AS tag, count(*) AS n FROM conversation c, json_each(c.tags) j"
            " WHERE c.deleted_at IS NULL AND c.tags <> '[]' GROUP BY j.value ORDER BY j.value"
        )
        rows = await self._reader.read(lambda connection: connection.execute(sql).fetchall())
        return tuple((row["tag"], row["n"]) for row in rows)

    async def projects(self) -> tuple[tuple[str, int], ...]:
        """The folder of every project with the number of its conversations, the newest first."""
        sql = (
            "SELECT project, count(*) AS n FROM conversation WHERE project IS NOT NULL AND deleted_at IS NULL"
            " GROUP BY project ORDER BY max(updated_at) DESC"
        )
        rows = await self._reader.read(lambda connection: connection.execute(sql).fetchall())
        return tuple((row["project"], row["n"]) for row in rows)

    def new(self, **fields: Any) -> Conversation:
        """A conversation that is not yet on disk: it is written with its first message, or by `add`."""
        now = self._clock()
        return replace(Conversation(self._new_id(), "", None, now, now), **fields)

    async def add(self, conversation: Conversation) -> Conversation:
        """Write a conversation that has no message yet."""
        await self._writer.write(lambda connection: insert(connection, conversation))
        return conversation

    async def change(self, id: str, **fields: Any) -> Conversation | None:
        """Set fields of a conversation (rename, pin, archive, tags, system prompt, parameters, draft …)."""
        if wrong := fields.keys() - _CHANGEABLE:
            raise TypeError(f"a conversation's {', '.join(sorted(wrong))} cannot be set")
        columns = ", ".join(f"{name} = ?" for name in fields)
        values = [*map(_column, fields.values()), id]

        def job(connection: sqlite3.Connection) -> sqlite3.Row | None:
            if fields:
                connection.execute(f"UPDATE conversation SET {columns} WHERE id = ?", values)
            row: sqlite3.Row | None = connection.execute("SELECT * FROM conversation WHERE id = ?", (id,)).fetchone()
            return row

        row = await self._writer.write(job)
        return conversation_of(row) if row else None

    async def delete(self, *ids: str) -> None:
        """Take conversations away; `restore` brings them back until `purge` comes round."""
        await self._set_deleted(ids, self._clock())

    async def restore(self, *ids: str) -> None:
        """Bring deleted conversations back."""
        await self._set_deleted(ids, None)

    async def purge(self, kept: int = KEPT_AFTER_DELETE) -> int:
        """Erase for good what was deleted more than ``kept`` milliseconds ago, one at a time; how many."""
        gone, latest = 0, self._clock() - kept

        def job(connection: sqlite3.Connection) -> int:
            return connection.execute(
                "DELETE FROM conversation WHERE id IN"
                " (SELECT id FROM conversation WHERE deleted_at IS NOT NULL AND deleted_at <= ? LIMIT 1)",
                (latest,),
            ).rowcount

        while await self._writer.write(job):
            gone += 1
        return gone

    async def _set_deleted(self, ids: Iterable[str], at: int | None) -> None:
        pairs = [(at, id) for id in ids]
        sql = "UPDATE conversation SET deleted_at = ? WHERE id = ?"
        await self._writer.write(lambda connection: connection.executemany(sql, pairs) and None)


def insert(connection: sqlite3.Connection, conversation: Conversation) -> None:
    """Write the row."""
    row = {name: _column(getattr(conversation, name)) for name in conversation.__struct_fields__}
    put(connection, "conversation", row)


def put(connection: sqlite3.Connection, table: str, row: Mapping[str, object]) -> None:
    """Insert a row given by its columns' names."""
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)


def _newest(limit: int) -> str:
    """The query for at least the ``limit`` that were changed last: each part of the index gives its own at once."""
    return " UNION ALL ".join(
        "SELECT * FROM (SELECT * FROM conversation WHERE deleted_at IS NULL"
        f" AND archived = {archived} AND pinned = {pinned} ORDER BY updated_at DESC, id DESC LIMIT {limit})"
        for archived in (0, 1)
        for pinned in (0, 1)
    )


def _listing(which: Filter, after: Conversation | None, limit: int) -> tuple[str, list[object]]:
    conditions, values = ["deleted_at IS NOT NULL" if which.deleted else "deleted_at IS NULL"], list[object]()
    if not which.deleted:
        conditions.append("archived = ?")
        values.append(int(which.archived))
    if which.tag is not None:
        conditions.append("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)")
        values.append(which.tag)
    if which.project is not None:
        conditions.append("project = ?")
        values.append(which.project)
    if which.title:
        conditions.append("instr(lower(coalesce(title, '')), lower(?)) > 0")
        values.append(which.title)
    if after is not None:
        conditions.append("(pinned, updated_at, id) < (?, ?, ?)")
        values += [int(after.pinned), after.updated_at, after.id]
    order = "pinned DESC, updated_at DESC, id DESC"
    return f"SELECT * FROM conversation WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?", [*values, limit]


def _column(value: object) -> object:
    match value:
        case bool():
            return int(value)
        case str():
            return replace_surrogates(value)
        case tuple() | list():
            return to_json(list(value))
        case Mapping():
            return to_json(dict(value))
        case _:
            return value
