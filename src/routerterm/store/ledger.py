"""The book of spending: a row per attempt, held against the caps in the transaction that writes it.

A row's life: reserved with the high end of its forecast, then settled with what was reported, or estimated where
nothing was.  Until it is settled its high end counts, so two programs at once cannot break a cap together.  A row
is never priced again: what was written stays, whatever prices do later.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import assert_never

from routerterm.core.ledger import AttemptRecord, Cap, CapReached, CapScope, CapUnit
from routerterm.store.errors import DiskTrouble
from routerterm.store.statistics import DAY, QUARTER
from routerterm.store.values import to_json
from routerterm.store.worker import Worker

_COLUMNS = AttemptRecord.__struct_fields__
_INSERT = (
    f"INSERT INTO attempt ({', '.join(_COLUMNS)}, program) VALUES ({', '.join('?' * len(_COLUMNS))}, ?)"
    f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS if name != 'id')}"
)
TOKENS = (
    "coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)"
    " + coalesce(output_tokens, 0)"
)
"""The tokens of a row: each stands in exactly one of these columns (thinking is part of the answer)."""


class StoredLedger:
    """Fulfils `routerterm.core.ports.Ledger`."""

    def __init__(self, writer: Worker, reader: Worker, program: str) -> None:
        self._writer = writer
        self._reader = reader
        self._program = program
        self._unwritten: dict[str, AttemptRecord] = {}

    @property
    def unwritten(self) -> int:
        """How many rows only this program's memory has, as the disk cannot be written."""
        return len(self._unwritten)

    async def reserve(self, record: AttemptRecord, caps: Sequence[Cap]) -> CapReached | None:
        """Write the row with its reserved high end if no cap breaks, in one transaction; else the cap in the way.

        Where the disk cannot be written the row is kept in memory, and counts there.
        """
        late = dict(self._unwritten)

        def job(connection: sqlite3.Connection) -> CapReached | None:
            found = self._broken_cap(connection, record, caps, late)
            if found is None:
                self._write(connection, record, late)
            return found

        try:
            found = await self._writer.write(job)
        except DiskTrouble:
            found = await self._reader.read(lambda connection: self._broken_cap(connection, record, caps, late))
            if found is None:
                self._unwritten[record.id] = record
        else:
            self._forget(late if found is None else {})
        return found

    async def reached(self, record: AttemptRecord, caps: Sequence[Cap]) -> CapReached | None:
        """The cap that `reserve` would name; nothing is written."""
        late = dict(self._unwritten)
        return await self._reader.read(lambda connection: self._broken_cap(connection, record, caps, late))

    async def settle(self, record: AttemptRecord) -> None:
        """Replace the row by how it ended; a row that nobody reserved is written now."""
        late = dict(self._unwritten)
        try:
            await self._writer.write(lambda connection: self._write(connection, record, late))
        except DiskTrouble:
            self._unwritten[record.id] = record
        else:
            self._forget(late)

    def _write(self, connection: sqlite3.Connection, record: AttemptRecord, late: Mapping[str, AttemptRecord]) -> None:
        """Write a row, and those before it that the disk had no room for."""
        for row in (*late.values(), record):
            write_row(connection, row, self._program)

    def _forget(self, written: Mapping[str, AttemptRecord]) -> None:
        for id in written:
            self._unwritten.pop(id, None)

    def _broken_cap(
        self,
        connection: sqlite3.Connection,
        record: AttemptRecord,
        caps: Sequence[Cap],
        late: Mapping[str, AttemptRecord],
    ) -> CapReached | None:
        for cap in caps:
            wants = wanted(record, cap.unit)
            only_here = sum(wanted(row, cap.unit) for row in late.values() if row.started_at >= cap.since)
            so_far = used(connection, cap) + only_here
            if so_far + wants > cap.limit:
                return CapReached(cap, so_far, wants)
        return None

    @property
    def figures(self) -> StoredLedger:
        """For figures on a screen, which need not stop anybody: this history's where others cannot be asked."""
        return self

    async def share(self, record: AttemptRecord) -> None:
        """Tell other gateways how a row ended that is in the history already."""

    async def tell(self) -> None:
        """Tell other gateways what they have not heard; a history that stands alone has none to tell."""

    async def recover(self, living: Collection[str]) -> int:
        """Settle the rows of programs that died during an attempt; ``living`` names the others.  How many."""
        return await self._writer.write(lambda connection: recover(connection, living))

    async def used(self, caps: Sequence[Cap]) -> tuple[int, ...]:
        """What is used of each cap, reservations included, in the cap's unit."""
        return await self._reader.read(lambda connection: tuple(used(connection, cap) for cap in caps))

    async def unpriced(self, caps: Sequence[Cap]) -> tuple[bool, ...]:
        """Whether there is a row among those of each cap whose cost is unknown, and so in no sum."""
        return await self._reader.read(lambda connection: tuple(_spent(connection, cap)[1] > 0 for cap in caps))

    async def last_used(self, provider: str, key: str) -> float | None:
        """When a key was last used, in seconds since the epoch; None for one that never was."""

        def job(connection: sqlite3.Connection) -> int | None:
            # The sums tell the day, the index on times the rest: a million rows of other keys are not looked through.
            day = connection.execute(
                "SELECT max(slot) FROM tally WHERE kind = 'key' AND key = ?", (f"{provider} {key}",)
            ).fetchone()[0]
            if day is None:
                return None
            row = connection.execute(
                "SELECT max(started_at) FROM attempt WHERE started_at >= ? AND provider = ? AND key_label = ?",
                (day * 86_400_000, provider, key),
            ).fetchone()
            return None if row[0] is None else int(row[0])

        found = await self._reader.read(job)
        return None if found is None else found / 1000

    async def rows(self, message_id: str) -> tuple[AttemptRecord, ...]:
        """The attempts behind a message, in order."""
        return await self._reader.read(lambda connection: rows_of(connection, message_id))


def write_row(connection: sqlite3.Connection, record: AttemptRecord, program: str) -> None:
    """Insert or replace one row."""
    connection.execute(_INSERT, (*(getattr(record, name) for name in _COLUMNS), program))


def wanted(record: AttemptRecord, unit: CapUnit) -> int:
    """What a row takes of a cap: its cost, or what was held back for it where nobody knows the cost.

    Without either it takes nothing here: the budget refuses it before, or lets it pass.
    """
    match unit:
        case "usd":
            return record.cost_nanousd if record.cost_nanousd is not None else record.held_nanousd or 0
        case "requests":
            return 1
        case "tokens":
            columns = (record.input_tokens, record.cache_read_tokens, record.cache_write_tokens, record.output_tokens)
            return sum(column or 0 for column in columns)
        case _:
            assert_never(unit)


def used(connection: sqlite3.Connection, cap: Cap) -> int:
    """What the rows so far add up to in a cap's unit, from its ``since`` on."""
    if cap.scope == "request":
        return 0
    if cap.unit == "usd":
        return _spent(connection, cap)[0]
    condition = _condition(cap.scope)
    where = "started_at >= ?" + (f" AND {condition}" if condition else "")
    where += " AND cost_source IS NOT 'declared'"  # what runs on the person's own machine is never counted against them
    values = (cap.since, cap.value) if condition else (cap.since,)
    amount = "count(*)" if cap.unit == "requests" else f"sum({TOKENS})"
    row = connection.execute(f"SELECT {amount} FROM attempt WHERE {where}", values).fetchone()
    return int(row[0] or 0)


_TALLIED: Mapping[CapScope, tuple[int, str]] = {
    "day": (QUARTER, "kind = 'time' AND key = ''"),
    "month": (QUARTER, "kind = 'time' AND key = ''"),
    "provider": (DAY, "kind = 'model' AND substr(key, 1, instr(key, '/') - 1) = ?"),
    "model": (DAY, "kind = 'model' AND key = ?"),
    "route": (DAY, "kind = 'route' AND key = ?"),
    "client": (DAY, "kind = 'client' AND key = ?"),
}
"""The sums beside the ledger that a scope's dollars are read from, and how long each of their slots is."""


def _spent(connection: sqlite3.Connection, cap: Cap) -> tuple[int, int]:
    """Nano-dollars in a cap, what is held back for unknown costs included, and the rows whose cost is unknown.

    Whole slots come from the sums, so that a month of a million rows is not read row by row for each request; what
    began before the first of them, what still runs, and what stays held back for unknown costs, from the rows.
    """
    condition = _condition(cap.scope)
    of, value = (f" AND {condition}", (cap.value,)) if condition else ("", ())

    def rows(where: str = "", index: str = "") -> tuple[int, int]:
        sums = "sum(coalesce(cost_nanousd, held_nanousd)), sum(cost_nanousd IS NULL)"
        sql = f"SELECT {sums} FROM attempt{index} WHERE started_at >= ?{of}{where}"
        found = connection.execute(sql, (cap.since, *value)).fetchone()
        return found[0] or 0, found[1] or 0

    if cap.scope not in _TALLIED:
        return rows()
    unit, whose = _TALLIED[cap.scope]
    first = -(-cap.since // unit)
    tallied = f"SELECT sum(cost), sum(unpriced) FROM tally WHERE {whose} AND slot >= ?"
    known, unpriced = (amount or 0 for amount in connection.execute(tallied, (*value, first)).fetchone())
    after = f" AND outcome <> 'running' AND started_at >= {first * unit} AND cost_nanousd IS NULL"
    parts = [
        (known, unpriced),
        (rows(after)[0], 0) if unpriced else (0, 0),
        rows(f" AND outcome <> 'running' AND started_at < {first * unit}"),
        rows(" AND outcome = 'running'", " INDEXED BY attempt_running"),
    ]
    return sum(part[0] for part in parts), sum(part[1] for part in parts)


def _condition(scope: CapScope) -> str | None:
    """Which rows are of the cap's ``value``; None where all of them count."""
    match scope:
        case "request" | "day" | "month":
            return None
        case "route" | "provider" | "client":
            return f"{scope} = ?"
        case "model":
            return "provider || '/' || model = ?"
        case "conversation":
            return "conversation_id = ?"
        case "project":  # deleted conversations too: they have cost what they have cost
            return "conversation_id IN (SELECT id FROM conversation WHERE project = ?)"
        case _:
            assert_never(scope)


_GUESS = """
UPDATE attempt SET
    outcome = 'lost', usage_source = 'estimated', output_tokens = :output,
    duration_ms = coalesce(duration_ms, 0),
    cost_nanousd = CASE
        WHEN cost_nanousd IS NULL THEN NULL
        WHEN coalesce(input_tokens, 0) + 4 * coalesce(output_tokens, 0) = 0 THEN cost_nanousd
        ELSE min(cost_nanousd, cast(round(1.0 * cost_nanousd * (coalesce(input_tokens, 0) + 4 * :output)
            / (coalesce(input_tokens, 0) + 4 * coalesce(output_tokens, 0))) AS INTEGER))
    END
WHERE id = :id
"""


OUTBOX = "outbox"
"""Instead of a program: the row holds back what a question costs that waits in the outbox, and nothing was sent."""
_UNHELD = (
    f"DELETE FROM attempt WHERE outcome = 'running' AND program = '{OUTBOX}'"
    " AND id NOT IN (SELECT attempt_id FROM outbox WHERE attempt_id IS NOT NULL)"
)


def recover(connection: sqlite3.Connection, living: Collection[str]) -> int:
    """Give back what dead programs still hold, but no money that may have been spent.

    The provider was asked and will charge: for the prompt, and for the answer as far as it came.  How far is known
    from the text on disk (with a margin for the last second); the reserved cost is scaled down to it, an answer's
    token taken at four times a prompt's, which is about what providers ask.  The row says that it is an estimate.
    """
    marks = ",".join("?" * len(living))
    connection.execute(_UNHELD)
    held = connection.execute(
        "SELECT a.id, a.output_tokens, length(m.text) AS letters"
        " FROM attempt a LEFT JOIN message m ON m.id = a.message_id"
        f" WHERE (a.outcome = 'running' AND a.program IS NOT ? AND (a.program IS NULL OR a.program NOT IN ({marks})))"
        " OR (a.outcome = 'lost' AND a.usage_source = 'reserved')",
        [OUTBOX, *living],
    ).fetchall()
    for row in held:
        reserved = row["output_tokens"] or 0
        said = reserved if row["letters"] is None else min(reserved, row["letters"] // 3 + 100)
        connection.execute(_GUESS, {"id": row["id"], "output": said})
    return len(held)


def ended_since(connection: sqlite3.Connection, since: int, ids: Sequence[str]) -> tuple[AttemptRecord, ...]:
    """The rows of programs that died during an attempt since then, and those of ``ids`` that are over."""
    found = connection.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM attempt WHERE outcome <> 'running' AND"
        " ((started_at >= ? AND outcome = 'lost') OR id IN (SELECT value FROM json_each(?)))",
        (since, to_json(ids)),
    )
    return tuple(AttemptRecord(**dict(zip(_COLUMNS, row, strict=True))) for row in found)


def rows_of(connection: sqlite3.Connection, message_id: str) -> tuple[AttemptRecord, ...]:
    """The attempts behind a message, in order; those that were imported with it included."""
    found = connection.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM every_attempt WHERE message_id = ? ORDER BY n, started_at", (message_id,)
    )
    return tuple(AttemptRecord(**dict(zip(_COLUMNS, row, strict=True))) for row in found)
