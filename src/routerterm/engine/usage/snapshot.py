"""The ledger in memory, hour by hour, so that every way to look at it is folded without the disk.

What is read once: the sums of every hour on the person's clock.  What is asked of models, conversations and the like is
kept until the ledger changes; a single hour comes from its rows.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable
from datetime import tzinfo
from operator import itemgetter
from typing import TypeAlias

from routerterm.engine.usage.clock import DAY, HOUR, Clock
from routerterm.router.decide.budget import day_start
from routerterm.store.statistics import Book, Kind, Speed, Sums, added_up

MOST_LINES = 500
"""Things that get a line of their own; the rest share one."""
THURSDAY = 3
"""The day of the week of the epoch, counted from Monday."""
Row: TypeAlias = tuple[int, tuple[int, ...]]
_slot = itemgetter(0)


class Snapshot:
    """What the ledger adds up to; `refresh` it before each look, on the thread that reads."""

    def __init__(self, zone: tzinfo | None) -> None:
        self.zone = zone
        self.clock = Clock(zone)
        self.first: int | None = None
        """When the oldest request began."""
        self.last: int | None = None
        """When the newest did."""
        self.version: int | None = None
        """Of the file, as it was looked at last."""
        self._newest: int | None = None
        self._running: int | None = None
        self._hours: list[Row] = []
        self._things: dict[tuple[Kind, int, int], dict[str, Sums]] = {}
        self._speeds: dict[tuple[Kind | None, int, int], list[Speed]] = {}
        self._weeks: dict[tuple[int, int], dict[int, Sums]] = {}
        self._days: dict[tuple[int, int], dict[int, Sums]] = {}

    def refresh(self, book: Book, now_ms: int | None = None) -> None:
        """Read again what has changed: what was running at the last look, and what was written since."""
        now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
        if (version := book.version()) == self.version:
            return
        self.version = version
        for known in (self._things, self._speeds, self._weeks, self._days):
            known.clear()
        self.first, self.last = book.first_started(), book.last_started()
        floor, newest = self._changed_since(book), book.newest()
        if floor is not None:
            self._read_hours(book, floor, now)
        self._newest, self._running = newest, book.oldest_running()

    def _changed_since(self, book: Book) -> int | None:
        """The start of the oldest row that counts otherwise than at the last look; None where none does."""
        if self._newest is None or book.newest() < self._newest or self.first is None:
            self._hours = []
            return self.first
        starts = (book.first_started_after(self._newest), self._running)
        return min((start for start in starts if start is not None), default=None)

    def local_hour(self, ms: int) -> int:
        """The hour on the person's clock, since that clock's epoch."""
        return (ms + self.clock.offset(ms)) // HOUR

    def hour_of_week(self, ms: int) -> int:
        """The hour of the week on that clock, from Monday's first."""
        return (self.local_hour(ms) + THURSDAY * 24) % (24 * 7)

    def hours(self, since: int, until: int) -> list[Row]:
        """Every hour in which something was, of a period that begins and ends with whole hours of the clock."""
        first = bisect_left(self._hours, self.local_hour(since), key=_slot)
        return self._hours[first : bisect_left(self._hours, self.local_hour(until), key=_slot)]

    def total(self, since: int, until: int) -> Sums:
        """All of such a period."""
        return summed(row for _, row in self.hours(since, until))

    def hours_of_week(self, since: int, until: int) -> dict[int, Sums]:
        """Such a period by hours of the week, from Monday's first."""
        if (since, until) not in self._weeks:
            found: dict[int, list[tuple[int, ...]]] = {}
            for hour, row in self.hours(since, until):
                found.setdefault((hour + THURSDAY * 24) % (24 * 7), []).append(row)
            self._weeks[since, until] = {at: summed(found[at]) for at in sorted(found)}
        return self._weeks[since, until]

    def days(self, since: int, until: int) -> dict[int, Sums]:
        """Such a period by days on the person's clock, since that clock's epoch."""
        if (since, until) not in self._days:
            found: dict[int, list[tuple[int, ...]]] = {}
            for hour, row in self.hours(since, until):
                found.setdefault(hour // 24, []).append(row)
            self._days[since, until] = {day: summed(rows) for day, rows in found.items()}
        return self._days[since, until]

    def by_thing(self, book: Book, thing: Kind, since: int, until: int) -> dict[str, Sums]:
        """The sums of the dearest models, providers, …; what has none is under an empty name."""
        name = (thing, since, until)
        if name not in self._things:
            self._things[name] = book.by_kind(thing, since, until, MOST_LINES)
        return self._things[name]

    def speeds(self, book: Book, thing: Kind | None, since: int, until: int) -> list[Speed]:
        """How quick the newest answers of a period were, with the names of such things."""
        name = (thing, since, until)
        if name not in self._speeds:
            self._speeds[name] = book.speeds(thing, since, until)
        return self._speeds[name]

    def _read_hours(self, book: Book, floor: int, now: int) -> None:
        floor = day_start(floor, self.zone)
        kept = self._hours[: bisect_left(self._hours, self.local_hour(floor), key=_slot)]
        later: dict[int, list[Sums]] = {}
        for start, end, offset in self.clock.spans(floor, max(now, floor, self.last or 0) + 2 * DAY):
            for hour, sums in book.by_time(start, end, HOUR, offset).items():
                later.setdefault(hour, []).append(sums)
        self._hours = kept + [(hour, _row(added_up(later[hour]))) for hour in sorted(later)]


def summed(rows: Iterable[tuple[int, ...]]) -> Sums:
    """Rows of sums, added up column by column."""
    columns = tuple(map(sum, zip(*rows, strict=True)))
    return Sums(*columns)


def _row(sums: Sums) -> tuple[int, ...]:
    return tuple(getattr(sums, name) for name in Sums.__struct_fields__)
