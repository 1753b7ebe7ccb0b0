"""What was used and what it cost: the ledger summed up by day, model and the like."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol, TypeAlias, get_args

from msgspec import Struct

from routerterm.core.money import from_nano
from routerterm.engine.usage.clock import DAY, HOUR, Clock, TimeUnit, label_of
from routerterm.engine.usage.lines import Line, line_of
from routerterm.engine.usage.projection import RECENT_DAYS, MonthForecast, project
from routerterm.engine.usage.snapshot import MOST_LINES
from routerterm.router.decide.budget import day_start, month_start
from routerterm.store.statistics import Book, Kind, Speed, Sums, added_up

if TYPE_CHECKING:
    from routerterm.store.worker import Worker

By: TypeAlias = TimeUnit | Kind
BYS: tuple[str, ...] = (*get_args(TimeUnit), *get_args(Kind))
"""What can be summed up by.  ``hour`` is the hour of the day: when money is spent."""
OTHERS = "(all others)"
"""The id of that one."""


class HasReader(Protocol):
    """What is needed of a `routerterm.store.database.Store`."""

    @property
    def reader(self) -> Worker:
        """The thread that reads."""
        ...


class Summary(Struct, frozen=True):
    """A period of the ledger, summed up.  Times are milliseconds since the epoch."""

    by: By
    since: int
    until: int
    lines: tuple[Line, ...]
    """Times in order, an empty one included; things by cost."""
    total: Line
    month: MonthForecast
    reserved: Decimal
    """Held back for what is under way now, and in no line."""
    under_way: int


async def summary(
    store: HasReader,
    days: int | None = 30,
    by: By = "day",
    *,
    now_ms: int | None = None,
    zone: tzinfo | None = None,
) -> Summary:
    """The last ``days`` days (today is one; None is all there are) by time or by thing.

    Days are the person's: ``zone``, or this machine's.  Its sums equal the sums of the ledger's rows.
    """
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    return await store.reader.read(lambda connection: summarise(Book(connection), days, by, now, zone))


def summarise(book: Book, days: int | None, by: By, now: int, zone: tzinfo | None) -> Summary:
    """See `summary`."""
    last = now if days is not None else max(now, book.last_started() or now)
    until = day_start(day_start(last, zone) + DAY + 4 * HOUR, zone)  # the next midnight, also of a day of 25 hours
    since = _since(book, days, now, zone)
    timed = by in get_args(TimeUnit)
    quick = book.speeds(None if timed else by, since, until)  # type: ignore[arg-type]  # just seen what it is
    total = sum(book.by_time(since, until, HOUR, 0).values(), Sums())
    if timed:
        clock = Clock(zone)
        label = clock.labels(by)  # type: ignore[arg-type]  # just seen to be a unit of time
        sums = _by_label(book, clock, by, since, until)
        names = dict.fromkeys(clock.all_labels(by, since, min(until, now + 1)), Sums()) | sums  # type: ignore[arg-type]
        groups = _grouped(quick, lambda speed: label(speed.started_at))
        lines = tuple(line_of(name, name, names[name], groups.get(name, ())) for name in sorted(names))
    else:
        found = book.by_kind(by, since, until, MOST_LINES)  # type: ignore[arg-type]
        lines = lines_of(book, by, found, quick, total)  # type: ignore[arg-type]
    held = book.running(since, until)
    return Summary(
        by,
        since,
        until,
        lines=lines,
        total=line_of("total", "", total, quick),
        month=month_forecast(book, now, zone),
        reserved=from_nano(held.cost),
        under_way=held.attempts,
    )


def month_forecast(book: Book, now: int, zone: tzinfo | None) -> MonthForecast:
    """What this calendar month will come to."""
    clock = Clock(zone)
    since = min(month_start(now, zone), day_start(now - RECENT_DAYS * DAY, zone))
    days = _by_label(book, clock, "day", since, now + 1)
    return project({date.fromisoformat(name): sums for name, sums in days.items()}, now, zone)


def _since(book: Book, days: int | None, now: int, zone: tzinfo | None) -> int:
    if days is None:
        first = book.first_started()
        return day_start(now if first is None else min(first, now), zone)
    today = datetime.fromtimestamp(day_start(now, zone) / 1000, zone)
    return day_start(round((today - timedelta(days=max(1, days) - 1)).timestamp() * 1000), zone)


def _by_label(book: Book, clock: Clock, by: By, since: int, until: int) -> dict[str, Sums]:
    unit, cycle = (HOUR, 24) if by == "hour" else (DAY, None)
    found: dict[str, Sums] = {}
    for start, end, offset in clock.spans(since, until):
        for stretch, sums in book.by_time(start, end, unit, offset, cycle).items():
            name = label_of(by, stretch * unit)  # type: ignore[arg-type]
            found[name] = found.get(name, Sums()) + sums
    return found


def lines_of(book: Book, by: Kind, found: Mapping[str, Sums], quick: Iterable[Speed], total: Sums) -> tuple[Line, ...]:
    """A line for each thing that was ``found``, and one for the others; ``total`` is of all of them."""
    names = book.titles(list(found)) if by == "conversation" else {}
    if by == "project":
        names = {id: PurePath(id).name for id in found}
    groups = _grouped(quick, lambda speed: speed.name)
    lines = [line_of(names.get(id) or id.strip() or "(none)", id, found[id], groups.get(id, ())) for id in found]
    others = total - added_up(found.values()) if found else total
    if others.attempts:
        rest = [speed for name, some in groups.items() if name not in found for speed in some]
        lines.append(line_of("(all others)", OTHERS, others, rest))
    return tuple(lines)


def _grouped(quick: Iterable[Speed], key: Callable[[Speed], str]) -> dict[str, list[Speed]]:
    groups: dict[str, list[Speed]] = {}
    for speed in quick:
        groups.setdefault(key(speed), []).append(speed)
    return groups
