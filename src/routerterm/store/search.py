"""Finds messages and titles in all conversations, the fitting and the fresh first.

The index gives the newest of what matches without reading the rest, so a word that is in half of a million
messages is found as quickly as a rare one; those newest are then weighed by fit and age.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.errors import StoreError
from routerterm.core.messages import Role
from routerterm.store.query import Query, match_expression
from routerterm.store.snippet import Snippet, pattern_of, snippet_of, weigh
from routerterm.store.worker import Worker

POOL = 300
"""How many of the newest matches are weighed."""
HALF_LIFE = 30 * 86_400_000
"""Milliseconds after which freshness counts half."""
INDEXED_PREFIX = 4
"""Beginnings of up to so many letters stand in the index themselves."""
_FRESHNESS, _TITLE = 0.5, 0.4


class Hit(Struct, frozen=True):
    """A message that matches; or a conversation whose title does (then there is no message)."""

    conversation_id: str
    title: str
    message_id: str | None
    role: Role | None
    model: str | None
    created_at: int
    excerpt: Snippet
    score: float


class Results(Struct, frozen=True):
    """The best hits; ``more`` says that there are others, older or less fitting."""

    hits: tuple[Hit, ...] = ()
    more: bool = False


class _Asked:
    """One search on its way; a newer one may call it off."""

    def __init__(self) -> None:
        self.called_off = False


class Search:
    """Searches on a thread and a connection of its own."""

    def __init__(self, finder: Worker, clock: Callable[[], int]) -> None:
        self._finder, self._clock = finder, clock
        self._now_running: _Asked | None = None
        self._switch = threading.Lock()

    async def find(self, query: Query, limit: int = 50) -> Results:
        """The best hits.  Cancel it when the next key comes: what is running is broken off at once."""
        if query.is_empty:
            return Results()
        asked, now = _Asked(), self._clock()
        try:
            return await self._finder.read(lambda connection: self._run(connection, asked, query, limit, now))
        except asyncio.CancelledError:
            with self._switch:
                asked.called_off = True
                if self._now_running is asked:
                    self._finder.interrupt()
            raise

    def _run(self, connection: sqlite3.Connection, asked: _Asked, query: Query, limit: int, now: int) -> Results:
        with self._switch:
            if asked.called_off:
                return Results()
            self._now_running = asked
        try:
            return find(connection, query, limit, now)
        except sqlite3.OperationalError as error:
            if not asked.called_off:
                raise
            raise StoreError("The search was called off.") from error
        finally:
            with self._switch:
                self._now_running = None


def find(connection: sqlite3.Connection, query: Query, limit: int, now: int) -> Results:
    """See `Search.find`."""
    pattern = pattern_of(query.terms)
    rows = [*_titles(connection, query), *_messages(connection, query)]
    scored = sorted(((_score(row, weigh(row["found"], pattern), now), row) for row in rows), key=lambda s: -s[0])
    hits = tuple(
        Hit(
            row["conversation_id"], row["title"] or "", row["id"], row["role"], row["model"], row["created_at"],
            snippet_of(row["found"], pattern), score,
        )
        for score, row in scored[:limit]
    )  # fmt: skip
    return Results(hits, len(rows) > limit)


def _score(row: sqlite3.Row, fit: float, now: int) -> float:
    age = max(0, now - row["created_at"])
    freshness: float = 0.5 ** (age / HALF_LIFE)
    return fit + _FRESHNESS * freshness + (_TITLE if row["id"] is None else 0.0)


def _titles(connection: sqlite3.Connection, query: Query) -> list[sqlite3.Row]:
    """Conversations whose title matches, unless the filters ask for messages."""
    expression = match_expression(query)
    if query.role or query.provider or query.cost or query.pinned or expression is None:
        return []
    conditions, values = _conversation_conditions(query)
    conditions += _times(query, "c.updated_at", values) + _unspaced(query, "c.title", values)
    if query.model:
        conditions.append("instr(lower(coalesce(c.model, '')), lower(?)) > 0")
        values.append(query.model)
    sql = (
        "SELECT c.id AS conversation_id, c.title, NULL AS id, NULL AS role, c.model, c.updated_at AS created_at,"
        " coalesce(c.title, '') AS found FROM conversation_fts f CROSS JOIN conversation c ON c.rowid = f.rowid"
        f" WHERE conversation_fts MATCH ? AND {' AND '.join(conditions)} ORDER BY f.rowid DESC LIMIT ?"
    )
    return connection.execute(sql, [expression, *values, POOL]).fetchall()


def _messages(connection: sqlite3.Connection, query: Query) -> list[sqlite3.Row]:
    """The newest messages that match.

    The index must gather all that begins with a long beginning before it can give the newest, so a word that is
    whole already, and common, is looked for as it is.
    """
    if any(term.prefix and len(term.text) > INDEXED_PREFIX for term in query.terms):
        whole = replace(query, terms=tuple(replace(term, prefix=False) for term in query.terms))
        if len(rows := _newest(connection, whole)) == POOL:
            return rows
    return _newest(connection, query)


def _newest(connection: sqlite3.Connection, query: Query) -> list[sqlite3.Row]:
    expression = match_expression(query)
    conditions, values = _conversation_conditions(query)
    conditions += _times(query, "m.created_at", values) + _message_conditions(query, values)
    conditions += _unspaced(query, "m.text", values)
    source = "message m CROSS JOIN conversation c ON c.id = m.conversation_id"
    if expression is not None:
        source = f"message_fts f CROSS JOIN message m ON m.rowid = f.rowid {source.removeprefix('message m')}"
        conditions += ["message_fts MATCH ?", "f.rowid > 0"]
        values.append(expression)
    order = "f.rowid" if expression is not None else "m.rowid"
    sql = (
        "SELECT m.conversation_id, c.title, m.id, m.role, m.model, m.created_at, m.text AS found"
        f" FROM {source} WHERE {' AND '.join(conditions)} ORDER BY {order} DESC LIMIT ?"
    )
    return connection.execute(sql, [*values, POOL]).fetchall()


def _conversation_conditions(query: Query) -> tuple[list[str], list[object]]:
    conditions, values = ["c.deleted_at IS NULL"], list[object]()
    if query.archived:
        conditions.append("c.archived")
    if query.tag:
        conditions.append("EXISTS (SELECT 1 FROM json_each(c.tags) WHERE value = ?)")
        values.append(query.tag)
    return conditions, values


def _message_conditions(query: Query, values: list[object]) -> list[str]:
    conditions = []
    if query.role:
        conditions.append("m.role = ?")
        values.append(query.role)
    if query.pinned:
        conditions.append("m.pinned")
    if query.model:
        conditions.append("instr(lower(coalesce(m.model, c.model, '')), lower(?)) > 0")
        values.append(query.model)
    if query.provider:
        conditions.append("substr(m.model, 1, ?) = lower(?) || '/'")
        values += [len(query.provider) + 1, query.provider]
    if query.cost:
        sign, nano = query.cost
        conditions.append(f"(SELECT sum(a.cost_nanousd) FROM every_attempt a WHERE a.message_id = m.id) {sign} ?")
        values.append(nano)
    return conditions


def _times(query: Query, column: str, values: list[object]) -> list[str]:
    conditions = []
    if query.before is not None:
        conditions.append(f"{column} < ?")
        values.append(query.before)
    if query.after is not None:
        conditions.append(f"{column} >= ?")
        values.append(query.after)
    return conditions


def _unspaced(query: Query, column: str, values: list[object]) -> list[str]:
    """Scripts without spaces are looked for letter by letter."""
    conditions = []
    for term in query.terms:
        if term.unspaced:
            conditions.append(f"instr({column}, ?) {'=' if term.excluded else '>'} 0")
            values.append(term.text)
    return conditions
