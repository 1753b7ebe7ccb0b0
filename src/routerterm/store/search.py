"""Finds messages and titles in all conversations, the fitting and the fresh first.

The index gives the newest of what matches without reading the rest, so a word that is in half of a million
messages is found as quickly as a rare one; those newest are then weighed by fit and age.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.errors import StoreError
from routerterm.core.messages import Role
from routerterm.store.corrections import corrections
from routerterm.store.errors import Damaged, DiskTrouble
from routerterm.store.query import Query, Term, expression_of, match_expression
from routerterm.store.snippet import Snippet, pattern_of, snippet_of, weigh
from routerterm.store.words import complete, is_complete
from routerterm.store.worker import Worker

POOL = 300
"""How many of the newest matches are weighed."""
HALF_LIFE = 30 * 86_400_000
"""Milliseconds after which freshness counts half."""
INDEXED_PREFIX = 4
"""Beginnings of up to so many letters stand in the index themselves."""
IN_PASSING = 0.2
"""Seconds for which an unfinished index may hold up a search, and the other writers."""
_FRESHNESS, _TITLE = 0.5, 0.4


class Hit(Struct, frozen=True):
    """A message that matches; or a conversation whose title does (then there is no message)."""

    conversation_id: str
    title: str
    message_id: str | None
    role: Role | None
    model: str | None
    created_at: int
    snippet: Snippet
    score: float


class Results(Struct, frozen=True):
    """The best hits; ``more`` says that there are others, older or less fitting."""

    hits: tuple[Hit, ...] = ()
    more: bool = False
    instead: tuple[tuple[str, str], ...] = ()
    """Words that are nowhere, each with the one, a letter away, that was looked for in its place."""


class _Asked:
    """One search on its way; a newer one may call it off."""

    def __init__(self) -> None:
        self.called_off = False


class Search:
    """Searches on a thread and a connection of its own."""

    def __init__(self, worker: Worker, writer: Worker, clock: Callable[[], int]) -> None:
        self._worker = worker
        self._writer = writer
        self._clock = clock
        self._now_running: _Asked | None = None
        self._switch = threading.Lock()

    async def find(self, query: Query, limit: int = 50) -> Results:
        """The best hits.  Cancel it when the next key comes: what is running is broken off at once."""
        if query.is_empty:
            return Results()
        await self._complete_words(IN_PASSING)
        asked, now = _Asked(), self._clock()
        try:
            return await self._worker.read(lambda connection: self._run(connection, asked, query, limit, now))
        except asyncio.CancelledError:
            with self._switch:
                asked.called_off = True
                if self._now_running is asked:
                    self._worker.interrupt()
            raise

    async def complete_words(self, called_off: Callable[[], bool]) -> None:
        """Complete the index of words, a piece at a time, so that nobody waits.  Raises `StoreError`."""
        complete = False
        while not complete and not called_off():
            complete = await self._complete_words(IN_PASSING)
            await asyncio.sleep(0 if complete else IN_PASSING)

    async def _complete_words(self, seconds: float) -> bool:
        if await self._worker.read(is_complete):
            return True
        try:
            return await self._writer.write(lambda connection: complete(connection, seconds))
        except (DiskTrouble, Damaged):  # the search goes without the words that cannot be written
            return True

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
            raise StoreError("The search was cancelled.") from error
        finally:
            with self._switch:
                self._now_running = None


def find(connection: sqlite3.Connection, query: Query, limit: int, now: int) -> Results:
    """See `Search.find`."""
    rows = _rows(connection, query)
    instead: tuple[tuple[str, str], ...] = ()
    if not rows and (instead := corrections(connection, query.terms)):
        words = dict(instead)
        terms = tuple(replace(term, text=words.get(term.text, term.text)) for term in query.terms)
        query = replace(query, terms=terms)
        rows = _rows(connection, query)
    whole, inside = pattern_of(query.terms), pattern_of(query.terms, inside=True)
    patterns = [whole if weigh(row["found"], whole) else inside for row in rows]
    found = [(_score(row, weigh(row["found"], p), now), p, row) for row, p in zip(rows, patterns, strict=True)]
    found.sort(key=lambda each: -each[0])
    hits = tuple(
        Hit(
            row["conversation_id"], row["title"] or "", row["id"],
            role=row["role"], model=row["model"], created_at=row["created_at"],
            snippet=snippet_of(row["found"], pattern), score=score,
        )
        for score, pattern, row in found[:limit]
    )  # fmt: skip
    return Results(hits, len(rows) > limit, instead if hits else ())


def _rows(connection: sqlite3.Connection, query: Query) -> list[sqlite3.Row]:
    """Titles and messages that match, each once."""
    rows = [*_titles(connection, query), *_messages(connection, query)]
    if len(rows) < POOL and _has_more_words(connection, query):
        rows += [*_titles(connection, query, more_words=True), *_newest(connection, query, more_words=True)]
    return list({(row["conversation_id"], row["id"]): row for row in rows}.values())


def _has_more_words(connection: sqlite3.Connection, query: Query) -> bool:
    """Whether one of the words stands in the index of those that the tokenizer does not see."""
    terms = [expression_of(term) for term in query.terms if not term.excluded and not term.unspaced]
    sql = "SELECT 1 FROM word_fts WHERE word_fts MATCH ? LIMIT 1"
    return bool(terms) and connection.execute(sql, (" OR ".join(terms),)).fetchone() is not None


def _in_either(query: Query, index: str, column: str, values: list[object], sign: str = "") -> list[str]:
    """Conditions by which each word stands in ``index`` or in that of the other words."""
    conditions = []
    for term in query.terms:
        if term.unspaced:
            continue
        expression = expression_of(term)
        conditions.append(
            f"{column} {'NOT ' if term.excluded else ''}IN (SELECT rowid FROM {index} WHERE {index} MATCH ?"
            f" UNION ALL SELECT {sign}rowid FROM word_fts WHERE word_fts MATCH ?)"
        )
        values += [expression, expression]
    return conditions


def _score(row: sqlite3.Row, fit: float, now: int) -> float:
    age = max(0, now - row["created_at"])
    freshness: float = 0.5 ** (age / HALF_LIFE)
    return fit + _FRESHNESS * freshness + (_TITLE if row["id"] is None else 0.0)


def _titles(connection: sqlite3.Connection, query: Query, *, more_words: bool = False) -> list[sqlite3.Row]:
    """Conversations whose title matches, unless the filters ask for messages."""
    expression = match_expression(query)
    if query.role or query.provider or query.cost or query.pinned or expression is None:
        return []
    if more_words:
        return _titles_by_more_words(connection, query)
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


def _titles_by_more_words(connection: sqlite3.Connection, query: Query) -> list[sqlite3.Row]:
    conditions, values = _conversation_conditions(query)
    conditions += _times(query, "c.updated_at", values) + _unspaced(query, "c.title", values)
    conditions += _in_either(query, "conversation_fts", "c.rowid", values, "-")
    sql = (
        "SELECT c.id AS conversation_id, c.title, NULL AS id, NULL AS role, c.model, c.updated_at AS created_at,"
        f" coalesce(c.title, '') AS found FROM conversation c WHERE {' AND '.join(conditions)}"
        " ORDER BY c.rowid DESC LIMIT ?"
    )
    return connection.execute(sql, [*values, POOL]).fetchall()


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


def _newest(connection: sqlite3.Connection, query: Query, *, more_words: bool = False) -> list[sqlite3.Row]:
    """Messages, of conversations whose title has what is asked of titles; words of a title alone name no message."""
    titled = query.title_terms
    if titled:
        if not query.asks_for_messages:
            return []
        query = replace(query, terms=tuple(term for term in query.terms if not term.title_only))
    expression = None if more_words else match_expression(query)
    conditions, values = _conversation_conditions(query)
    conditions += _titled(titled, values)
    conditions += _times(query, "m.created_at", values) + _message_conditions(query, values)
    conditions += _unspaced(query, "m.text", values)
    if more_words:
        conditions += _in_either(query, "message_fts", "m.rowid", values)
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


def _titled(terms: Sequence[Term], values: list[object]) -> list[str]:
    """Conditions by which each term stands in the conversation's title, or not where it is excluded."""
    conditions = []
    for term in terms:
        if term.unspaced:
            conditions.append(f"instr(coalesce(c.title, ''), ?) {'=' if term.excluded else '>'} 0")
            values.append(term.text)
            continue
        conditions.append(
            f"c.rowid {'NOT ' if term.excluded else ''}IN (SELECT rowid FROM conversation_fts WHERE"
            " conversation_fts MATCH ? UNION ALL SELECT -rowid FROM word_fts WHERE word_fts MATCH ? AND rowid < 0)"
        )
        values += [expression_of(term)] * 2
    return conditions


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
