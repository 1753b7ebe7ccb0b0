"""The ledger in memory, hour by hour and day by day, so that every way to look at it is folded without the disk.

What is read once: the sums of every hour on the person's clock, and of every day of each thing when that thing is first
looked at.  The broken days at the ends of a period come from the rows, and so does a single hour.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from datetime import tzinfo
from operator import itemgetter
from typing import Literal, TypeAlias

from routerterm.engine.usage.clock import DAY, HOUR, Clock
from routerterm.router.decide.budget import day_start
from routerterm.store.statistics import Book, Cell, Kind, Speed, Sums, added_up

Thing: TypeAlias = Literal["model", "provider", "route", "client", "conversation", "project", "tool", "key"]

_FROM: Mapping[Thing, tuple[Kind, Kind]] = {
    "model": ("model", "model"),
    "provider": ("model", "provider"),
    "route": ("route", "route"),
    "client": ("client", "client"),
    "tool": ("tool", "tool"),
    "conversation": ("conversation", "conversation"),
    "project": ("conversation", "conversation"),
    "key": ("key", "key"),
}
"""The kind of sums that a thing's whole days come from, and what its broken days are grouped by."""
NAME_OF: Mapping[Thing, Callable[[Speed], str]] = {
    "model": lambda speed: f"{speed.provider}/{speed.model}",
    "provider": lambda speed: speed.provider,
    "route": lambda speed: speed.route,
    "client": lambda speed: speed.client,
    "tool": lambda speed: speed.tool,
    "conversation": lambda speed: speed.conversation_id,
    "key": lambda speed: f"{speed.provider} {speed.key_label}",
}
"""What an answer's speed counts for; a project's come by its conversations."""
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
        self.version: int | None = None
        """Of the file, as it was looked at last."""
        self._newest: int | None = None
        self._running: int | None = None
        self._hours: list[Row] = []
        self._cells: dict[Kind, list[Cell]] = {}
        self._projects: dict[str, str] = {}
        self._things: dict[tuple[Thing, int, int], dict[str, Sums]] = {}
        self._speeds: dict[tuple[int, int], list[Speed]] = {}

    def refresh(self, book: Book, now_ms: int | None = None) -> None:
        """Read again what has changed: what was running at the last look, and what was written since."""
        now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
        if (version := book.version()) == self.version:
            return
        self.version = version
        self._things.clear()
        self._speeds.clear()
        self.first = book.first_started()
        self._projects = book.projects()
        floor, newest = self._changed_since(book), book.newest()
        if floor is not None:
            self._read_hours(book, floor, now)
            self._cells = {kind: self._renewed(book, kind, cells, floor) for kind, cells in self._cells.items()}
        self._newest, self._running = newest, book.oldest_running()

    def _changed_since(self, book: Book) -> int | None:
        """The start of the oldest row that counts otherwise than at the last look; None where none does."""
        if self._newest is None or book.newest() < self._newest or self.first is None:
            self._hours, self._cells = [], {}
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

    def by_thing(self, book: Book, thing: Thing, since: int, until: int) -> dict[str, Sums]:
        """The sums of each model, provider, …; what has none is under an empty name."""
        name = (thing, since, until)
        if name not in self._things:
            self._things[name] = self._fold(book, thing, since, until)
        return self._things[name]

    def project_of(self, conversation: str) -> str:
        """The folder that it belongs to, or nothing."""
        return self._projects.get(conversation, "")

    def speeds(self, book: Book, since: int, until: int) -> list[Speed]:
        """How quick the newest answers of a period were."""
        if (since, until) not in self._speeds:
            self._speeds[since, until] = book.speeds(since, until)
        return self._speeds[since, until]

    def _read_hours(self, book: Book, floor: int, now: int) -> None:
        floor = day_start(floor, self.zone)
        kept = self._hours[: bisect_left(self._hours, self.local_hour(floor), key=_slot)]
        later: dict[int, list[Sums]] = {}
        for start, end, offset in self.clock.spans(floor, max(now, floor) + 2 * DAY):
            for hour, sums in book.by_time(start, end, HOUR, offset).items():
                later.setdefault(hour, []).append(sums)
        self._hours = kept + [(hour, _row(added_up(later[hour]))) for hour in sorted(later)]

    def _renewed(self, book: Book, kind: Kind, cells: list[Cell], floor: int) -> list[Cell]:
        return cells[: bisect_left(cells, floor // DAY, key=_slot)] + book.cells(kind, floor)

    def _fold(self, book: Book, thing: Thing, since: int, until: int) -> dict[str, Sums]:
        kind, edge = _FROM[thing]
        if kind not in self._cells:
            self._cells[kind] = book.cells(kind, 0)
        cells = self._cells[kind]
        first, last = -(-since // DAY), until // DAY
        found: dict[str, list[tuple[int, ...]]] = {}
        for _, key, row in cells[
            bisect_left(cells, first, key=_slot) : bisect_left(cells, max(first, last), key=_slot)
        ]:
            found.setdefault(key, []).append(row)
        grouped: dict[str, list[tuple[int, ...]]] = {}
        for key, rows in found.items():
            grouped.setdefault(self._name(thing, key, whole=True), []).extend(rows)
        for key, sums in book.edges(edge, since, until):
            grouped.setdefault(self._name(thing, key, whole=False), []).append(_row(sums))
        return {key: Sums(*rows[0]) if len(rows) == 1 else summed(rows) for key, rows in grouped.items()}

    def _name(self, thing: Thing, key: str, *, whole: bool) -> str:
        """What a line is called; ``key`` names the sums of ``whole`` days, or those of a broken one."""
        match thing:
            case "provider":
                return key.partition("/")[0] if whole else key
            case "project":
                return self._projects.get(key, "")
            case _:
                return key


def summed(rows: Iterable[tuple[int, ...]]) -> Sums:
    """Rows of sums, added up column by column."""
    columns = tuple(map(sum, zip(*rows, strict=True)))
    return Sums(*columns)


def _row(sums: Sums) -> tuple[int, ...]:
    return tuple(getattr(sums, name) for name in Sums.__struct_fields__)
