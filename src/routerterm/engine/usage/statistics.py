"""What was used and what it cost: the ledger summed up by day, model and the like."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args

from msgspec import Struct

from routerterm.core.money import from_nano
from routerterm.engine.usage.clock import DAY, HOUR, Clock, TimeUnit, label_of
from routerterm.router.decide.budget import day_start, month_start, next_month_start
from routerterm.store.ledger import rows_behind, rows_between
from routerterm.store.statistics import Book, Speed, Sums, added_up

if TYPE_CHECKING:
    from routerterm.core.ledger import AttemptRecord
    from routerterm.store.worker import Worker

Thing: TypeAlias = Literal["model", "provider", "route", "conversation", "key"]
By: TypeAlias = TimeUnit | Thing
BYS: tuple[str, ...] = (*get_args(TimeUnit), *get_args(Thing))
"""What can be summed up by.  ``hour`` is the hour of the day: when money is spent."""
MOST_LINES = 500
"""Things that get a line of their own; the rest share one."""
RECENT_DAYS = 14
"""Days whose average the month's forecast goes on with."""


class HasReader(Protocol):
    """What is needed of a `routerterm.store.database.Store`."""

    @property
    def reader(self) -> Worker:
        """The thread that reads."""
        ...


class Percentiles(Struct, frozen=True):
    """The middle one of some measurements, and the one that 95 of 100 do not pass."""

    p50: float
    p95: float


class Line(Struct, frozen=True):
    """One line of a summary.  Money is US dollars."""

    name: str
    """``2026-11-21``, ``2026-W47``, ``2026-11``, ``09`` (an hour of the day), ``provider/model``, a route, a title…"""
    id: str
    """What the name stands for: the same, or the id of a conversation."""
    requests: int
    """Attempts: failed, cancelled and hedges too."""
    input_tokens: int
    """The whole prompts, cached tokens included."""
    output_tokens: int
    reasoning_tokens: int
    cached_tokens: int
    cost: Decimal
    unpriced: int
    """Requests whose cost is unknown: they are not in ``cost``."""
    saved: Decimal
    """By providers' prompt caches."""
    estimated: int
    """Requests whose tokens nobody reported."""
    errors: int
    failovers: int
    cancelled: int
    ttft_ms: Percentiles | None = None
    tokens_per_second: Percentiles | None = None

    @property
    def tokens(self) -> int:
        """Prompts and answers."""
        return self.input_tokens + self.output_tokens

    @property
    def estimated_share(self) -> float:
        """How much of it rests on our own counting, 0 to 1."""
        return self.estimated / self.requests if self.requests else 0.0


class MonthForecast(Struct, frozen=True):
    """This month so far, and what it will come to if the rest goes on as the last days did."""

    so_far: Decimal
    expected: Decimal
    per_day: Decimal
    days_left: float


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


async def requests(store: HasReader, thing: Thing, id: str, since: int, limit: int = 500) -> tuple[AttemptRecord, ...]:
    """The newest requests behind a line of a summary by a thing, newest first: metadata only."""
    return await store.reader.read(lambda connection: rows_behind(connection, thing, id, since, limit))


async def requests_between(
    store: HasReader, since: int, until: int, limit: int = 500, *, failed: bool = False
) -> tuple[AttemptRecord, ...]:
    """The newest requests of a time, newest first; ``failed``: only those that came to nothing."""
    return await store.reader.read(lambda connection: rows_between(connection, since, until, limit, failed=failed))


def days_between(first: str, last: str, zone: tzinfo | None) -> tuple[int, int]:
    """From the midnight before one day to the midnight after another, as ``2026-11-21``, in milliseconds."""
    start, end = (datetime.fromisoformat(day).replace(tzinfo=zone) for day in (first, last))
    end += timedelta(days=1)
    return round(start.timestamp() * 1000), round(end.timestamp() * 1000)


def summarise(book: Book, days: int | None, by: By, now: int, zone: tzinfo | None) -> Summary:
    """See `summary`."""
    until = day_start(day_start(now, zone) + DAY + 4 * HOUR, zone)  # the next midnight, also of a day of 25 hours
    since = _since(book, days, now, zone)
    quick = book.speeds(since, until)
    if by in get_args(TimeUnit):
        clock = Clock(zone)
        label = clock.labels(by)  # type: ignore[arg-type]  # just seen to be a unit of time
        sums = _by_label(book, clock, by, since, until)
        names = dict.fromkeys(clock.all_labels(by, since, min(until, now + 1)), Sums()) | sums  # type: ignore[arg-type]
        groups = _grouped(quick, lambda speed: label(speed.started_at))
        lines = tuple(_line(name, name, names[name], groups.get(name, ())) for name in sorted(names))
    else:
        lines = _things(book, by, since, until, quick)  # type: ignore[arg-type]
    total = sum(book.by_kind("model", since, until).values(), Sums())
    held = book.running(since, until)
    return Summary(
        by,
        since,
        until,
        lines,
        _line("total", "", total, quick),
        month_forecast(book, now, zone),
        from_nano(held.cost),
        held.attempts,
    )


def month_forecast(book: Book, now: int, zone: tzinfo | None) -> MonthForecast:
    """What this calendar month will come to."""
    start, end = month_start(now, zone), next_month_start(now, zone)
    so_far = sum(book.by_kind("provider", start, now + 1).values(), Sums()).cost
    first = book.first_started()
    begun = max(now - RECENT_DAYS * DAY, now if first is None else first)
    recent = sum(book.by_kind("provider", begun, now + 1).values(), Sums()).cost
    span = max((now - begun) / DAY, 1.0)
    per_day = from_nano(recent) / Decimal(str(round(span, 6)))
    left = max(0.0, (end - now) / DAY)
    expected = from_nano(so_far) + per_day * Decimal(str(round(left, 6)))
    return MonthForecast(from_nano(so_far), expected, per_day, left)


def percentiles(values: Iterable[float | None]) -> Percentiles | None:
    """Of the values that there are."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    return Percentiles(known[(len(known) - 1) // 2], known[min(len(known) - 1, len(known) * 95 // 100)])


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


_THINGS: Mapping[Thing, Callable[[Speed], str]] = {
    "model": lambda speed: f"{speed.provider}/{speed.model}",
    "provider": lambda speed: speed.provider,
    "route": lambda speed: speed.route,
    "key": lambda speed: f"{speed.provider} {speed.key_label}",
    "conversation": lambda speed: speed.conversation_id,
}


def _things(book: Book, by: Thing, since: int, until: int, quick: Iterable[Speed]) -> tuple[Line, ...]:
    found = book.by_kind(by, since, until)
    groups = _grouped(quick, _THINGS[by])
    ranked = sorted(found, key=lambda name: (-found[name].cost, -found[name].attempts, name))
    shown, rest = ranked[:MOST_LINES], ranked[MOST_LINES:]
    names = book.titles(shown) if by == "conversation" else {}
    lines = [_line(names.get(id) or id.strip() or "(none)", id, found[id], groups.get(id, ())) for id in shown]
    if rest:
        lines.append(_line("(all others)", "", added_up(found[id] for id in rest), ()))
    return tuple(lines)


def _grouped(quick: Iterable[Speed], key: Callable[[Speed], str]) -> dict[str, list[Speed]]:
    groups: dict[str, list[Speed]] = {}
    for speed in quick:
        groups.setdefault(key(speed), []).append(speed)
    return groups


def _line(name: str, id: str, sums: Sums, quick: Iterable[Speed]) -> Line:
    quick = list(quick)
    return Line(
        name,
        id,
        requests=sums.attempts,
        input_tokens=sums.input + sums.cache_read + sums.cache_write,
        output_tokens=sums.output,
        reasoning_tokens=sums.reasoning,
        cached_tokens=sums.cache_read,
        cost=from_nano(sums.cost),
        unpriced=sums.unpriced,
        saved=from_nano(sums.saved),
        estimated=sums.estimated,
        errors=sums.errors,
        failovers=sums.failovers,
        cancelled=sums.cancelled,
        ttft_ms=percentiles(speed.ttft_ms for speed in quick),
        tokens_per_second=percentiles(speed.tokens_per_second for speed in quick),
    )
