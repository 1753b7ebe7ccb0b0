"""Questions about the ledger, answered from the sums beside it (`tally`), at the edges and for running rows from it.

Every answer equals what adding up the rows would give: whole days come from the sums, the broken days at both ends
of a period from the rows themselves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, Literal, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal["model", "provider", "route", "client", "conversation", "project", "tool", "key"]
QUARTER, DAY = 900_000, 86_400_000
"""Milliseconds in a slot of kind ``time``, and of the others."""
SPEED_SAMPLE = 5_000
"""At most so many of a period's newest answers are looked at for percentiles of speed."""

_RAW = (
    "count(*), sum(n > 1), sum(outcome IN ('failed', 'cut', 'lost')), sum(outcome = 'cancelled'),"
    " sum(usage_source <> 'reported'), sum(cost_nanousd IS NULL), sum(coalesce(input_tokens, 0)),"
    " sum(coalesce(cache_read_tokens, 0)), sum(coalesce(cache_write_tokens, 0)), sum(coalesce(output_tokens, 0)),"
    " sum(coalesce(reasoning_tokens, 0)), sum(coalesce(cost_nanousd, 0)), sum(coalesce(saved_nanousd, 0)),"
    " sum(coalesce(cause = 'retry', 0)), sum(coalesce(cause = 'hedge', 0))"
)
KEYS = {
    "model": "provider || '/' || model",
    "provider": "provider",
    "route": "coalesce(route, '')",
    "key": "provider || ' ' || coalesce(key_label, '')",
    "conversation": "coalesce(conversation_id, '')",
    "client": "client",
    "tool": "coalesce(tool, '')",
    "project": "coalesce((SELECT project FROM conversation c WHERE c.id = attempt.conversation_id), '')",
}
"""What names a row for each kind of thing, as SQL."""
_KEPT: Mapping[Kind, tuple[Kind, str]] = {
    "provider": ("model", "substr(key, 1, instr(key, '/') - 1)"),
    "project": ("conversation", "coalesce((SELECT project FROM conversation c WHERE c.id = tally.key), '')"),
}
"""Of what the sums of whole days are kept where not of the kind itself, and its name among them."""


class Sums(Struct, frozen=True):
    """What some rows of the ledger add up to.  Money is nano-dollars; ``input`` is without cached tokens."""

    attempts: int = 0
    further: int = 0
    """Attempts after the first of their request: retries, failovers and hedges."""
    errors: int = 0
    cancelled: int = 0
    estimated: int = 0
    """Attempts whose tokens nobody reported."""
    unpriced: int = 0
    """Attempts whose cost is unknown: they are not in ``cost``."""
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    cost: int = 0
    saved: int = 0
    """What prompt caches saved."""
    retries: int = 0
    """Attempts at the model that had just failed."""
    hedges: int = 0
    """Attempts beside one that was slow to begin."""

    @property
    def requests(self) -> int:
        """What somebody asked for, however many attempts it took."""
        return self.attempts - self.further

    @property
    def failovers(self) -> int:
        """Attempts at another model after a failure; of old rows those included whose cause is not known."""
        return self.further - self.retries - self.hedges

    @property
    def tokens(self) -> int:
        """All tokens, of prompts and answers."""
        return self.input + self.cache_read + self.cache_write + self.output

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, name) + getattr(other, name) for name in _SUMS))

    def __sub__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, name) - getattr(other, name) for name in _SUMS))


_SUMS = Sums.__struct_fields__
_columns = attrgetter(*_SUMS)
_TALLIED = ", ".join(f"sum({name})" for name in _SUMS)


def added_up(many: Iterable[Sums]) -> Sums:
    """All of them together, column by column: there may be as many as there are conversations."""
    return Sums(*map(sum, zip(*map(_columns, many), strict=True)))


class Speed(Struct, frozen=True):
    """How quick one answer was: milliseconds to its first token, and tokens a second after it."""

    started_at: int
    name: str
    """Of the thing that was asked for."""
    ttft_ms: int | None
    tokens_per_second: float | None


class Book:
    """The ledger as rooms without SQL see it, for the length of one job of a `routerterm.store.worker.Worker`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Everything that is asked within is answered as of the same moment, whatever others write meanwhile."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def by_time(self, since: int, until: int, unit: int, offset: int, cycle: int | None = None) -> dict[int, Sums]:
        """See the function of that name."""
        return by_time(self._connection, since, until, unit=unit, offset=offset, cycle=cycle)

    def by_minutes(self, since: int, until: int, unit: int) -> dict[int, Sums]:
        """Sums by stretch of ``unit`` milliseconds since ``since``, however short: for an hour or so."""
        rows = self._connection.execute(
            f"SELECT (started_at - ?) / ?, {_RAW} FROM attempt"
            " WHERE started_at >= ? AND started_at < ? AND outcome <> 'running' GROUP BY 1",
            (since, unit, since, until),
        )
        return {row[0]: Sums(*row[1:]) for row in rows}

    def by_kind(self, kind: Kind, since: int, until: int, most: int) -> dict[str, Sums]:
        """See the function of that name."""
        return by_kind(self._connection, kind, since, until, most)

    def running(self, since: int, until: int) -> Sums:
        """See the function of that name."""
        return running(self._connection, since, until)

    def first_started(self) -> int | None:
        """When the oldest row began."""
        return _least_start(self._connection, "")

    def last_started(self) -> int | None:
        """When the newest row began: in the future, where the clock was put back since."""
        row = self._connection.execute("SELECT max(started_at) FROM attempt").fetchone()
        return None if row[0] is None else int(row[0])

    def oldest_running(self) -> int | None:
        """When the oldest row began that is not settled yet."""
        return _least_start(self._connection, " WHERE outcome = 'running'")

    def newest(self) -> int:
        """The number of the row that was written last: later ones have higher numbers."""
        return int(self._connection.execute("SELECT coalesce(max(rowid), 0) FROM attempt").fetchone()[0])

    def first_started_after(self, number: int) -> int | None:
        """When the oldest of the rows began that were written after that number."""
        return _least_start(self._connection, f" WHERE rowid > {int(number)}")

    def version(self) -> int:
        """A number that changes whenever anybody else has written to the file."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def speeds(self, kind: Kind | None, since: int, until: int) -> list[Speed]:
        """See the function of that name."""
        return speeds(self._connection, kind, since, until)

    def titles(self, ids: Sequence[str]) -> dict[str, str]:
        """The titles of conversations that still exist."""
        marks = ",".join("?" * len(ids))
        rows = self._connection.execute(f"SELECT id, title FROM conversation WHERE id IN ({marks})", ids)
        return {row[0]: row[1] for row in rows}


def by_time(
    connection: sqlite3.Connection, since: int, until: int, unit: int, offset: int, cycle: int | None = None
) -> dict[int, Sums]:
    """Sums by stretch of ``unit`` milliseconds, in a clock that is ``offset`` milliseconds ahead of UTC.

    The keys count such stretches since that clock's epoch, or up to ``cycle`` and from 0 again: the hour of the day.
    Unit and offset are whole quarters of an hour.
    """
    first, last = -(-since // QUARTER), until // QUARTER
    wrap = f" % {int(cycle)}" if cycle else ""
    rows = connection.execute(
        f"SELECT (slot * {QUARTER} + ?) / ?{wrap}, {_TALLIED} FROM tally"
        " WHERE kind = 'time' AND slot >= ? AND slot < ? GROUP BY 1 HAVING sum(attempts) > 0",
        (offset, unit, first, last),
    )
    found = {row[0]: Sums(*row[1:]) for row in rows}
    raw = f"SELECT (started_at + {int(offset)}) / {int(unit)}{wrap}, {_RAW} FROM attempt"
    for stretch, sums in _edges(connection, raw, since, until=until, first=first * QUARTER, last=last * QUARTER):
        found[stretch] = found.get(stretch, Sums()) + sums
    return found


def by_kind(connection: sqlite3.Connection, kind: Kind, since: int, until: int, most: int) -> dict[str, Sums]:
    """Sums by model, provider, …, of a period in milliseconds: of those that cost most, the dearest first."""
    first, last = -(-since // DAY), until // DAY
    kept, key = _KEPT.get(kind, (kind, "key"))
    spans = list(_broken(since, until, first * DAY, last * DAY))

    def dearest(whole: str, raw: str, sums: str, known: Sequence[str]) -> Iterable[Sequence[Any]]:
        of, of_row = (f" AND {name} IN ({', '.join('?' * len(known))})" if known else "" for name in (key, KEYS[kind]))
        settled = f"FROM attempt WHERE started_at >= ? AND started_at < ? AND outcome <> 'running'{of_row} GROUP BY 1"
        days = f"SELECT {key} AS name, {whole} FROM tally WHERE kind = '{kept}' AND slot >= ? AND slot < ?{of}"
        parts = " UNION ALL ".join([days, *(f"SELECT {KEYS[kind]}, {raw} {settled}" for _ in spans)])
        values = [value for span in ((first, last), *spans) for value in (*span, *known)]
        return connection.execute(
            f"SELECT name, {sums} FROM ({parts}) GROUP BY name HAVING sum(attempts) > 0"
            " ORDER BY sum(cost) DESC, sum(attempts) DESC, name LIMIT ?",
            (*values, most),
        )

    names: list[str] = []
    if kind == "conversation":  # of which there are so many that they are ranked first, and only then added up
        names = [row[0] for row in dearest("cost, attempts", "sum(coalesce(cost_nanousd, 0)), count(*)", "1", ())]
    return {row[0]: Sums(*row[1:]) for row in dearest(", ".join(_SUMS), _RAW, _TALLIED, names)}


def running(connection: sqlite3.Connection, since: int, until: int) -> Sums:
    """Attempts that are under way now, with what is reserved for them."""
    row = connection.execute(
        f"SELECT {_RAW} FROM attempt WHERE outcome = 'running' AND started_at >= ? AND started_at < ?", (since, until)
    ).fetchone()
    return Sums(*(value or 0 for value in row))


def _least_start(connection: sqlite3.Connection, where: str) -> int | None:
    row = connection.execute(f"SELECT min(started_at) FROM attempt{where}").fetchone()
    return None if row[0] is None else int(row[0])


_NO_NAME = "''"


def speeds(connection: sqlite3.Connection, kind: Kind | None, since: int, until: int) -> list[Speed]:
    """How quick the newest answers of a period were, at most `SPEED_SAMPLE`, with the name of that kind of thing."""
    rows = connection.execute(
        f"SELECT started_at, {KEYS[kind] if kind else _NO_NAME}, ttft_ms, output_tokens, duration_ms"
        " FROM attempt INDEXED BY attempt_speed"
        " WHERE outcome = 'done' AND duration_ms IS NOT NULL AND started_at >= ? AND started_at < ?"
        " ORDER BY started_at DESC LIMIT ?",
        (since, until, SPEED_SAMPLE),
    )
    return [Speed(at, name, ttft, _rate(output, duration, ttft)) for at, name, ttft, output, duration in rows]


def answer_lengths(connection: sqlite3.Connection, newest: int = 4_000) -> dict[tuple[str, str], list[int]]:
    """Output tokens of the newest whole answers by provider and model, newest first: for a session's start."""
    rows = connection.execute(
        "SELECT provider, model, output_tokens FROM attempt INDEXED BY attempt_speed"
        " WHERE outcome = 'done' AND duration_ms IS NOT NULL ORDER BY started_at DESC LIMIT ?",
        (newest,),
    )
    found: dict[tuple[str, str], list[int]] = {}
    for provider, model, tokens in rows:
        if tokens:
            found.setdefault((provider, model), []).append(tokens)
    return found


def _broken(since: int, until: int, first: int, last: int) -> Iterator[tuple[int, int]]:
    """What of a period lies outside of the whole slots from ``first`` to ``last``."""
    spans = ((since, min(first, until)), (max(last, first), until)) if first <= last else ((since, until),)
    return ((start, end) for start, end in spans if start < end)


def _edges(
    connection: sqlite3.Connection, select: str, since: int, until: int, first: int, last: int
) -> Iterable[tuple[Any, Sums]]:
    """Settled rows of a period outside of the whole slots from ``first`` to ``last``."""
    for span in _broken(since, until, first, last):
        rows = connection.execute(
            f"{select} WHERE started_at >= ? AND started_at < ? AND outcome <> 'running' GROUP BY 1", span
        )
        for row in rows:
            yield row[0], Sums(*row[1:])


def _rate(tokens: int | None, duration_ms: int, ttft_ms: int | None) -> float | None:
    spent = duration_ms - (ttft_ms or 0)
    return tokens * 1000 / spent if tokens and tokens > 1 and spent > 0 else None
