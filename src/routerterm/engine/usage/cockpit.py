"""Everything that the stats screen shows of one period, as values: figures, bars, heat maps, distributions, lines."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from routerterm.core.money import from_nano
from routerterm.engine.usage.clock import DAY, HOUR
from routerterm.engine.usage.lines import Line, line_of
from routerterm.engine.usage.periods import WEEK, Bar, Period, Zoom, a_year_before, bars_of, ms, period_of
from routerterm.engine.usage.projection import RECENT_DAYS, MonthForecast, project
from routerterm.engine.usage.snapshot import THURSDAY, Snapshot
from routerterm.engine.usage.statistics import HasReader, lines_of
from routerterm.router.decide.budget import month_start
from routerterm.store.statistics import SPEED_SAMPLE, Book, Kind, Speed, Sums, added_up

Grouping: TypeAlias = Kind | Literal["time", "hour"]
GROUPINGS: tuple[Grouping, ...] = (*get_args(Kind), "time", "hour")
"""``time``: the parts of the period; ``hour``: the hours of the week."""
Against: TypeAlias = Literal["", "before", "year"]
"""What a period is compared with: nothing, the stretch before it, the same one 52 weeks before."""
CALENDAR_WEEKS = 53
DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EPOCH = date(1970, 1, 1)
_ALWAYS = 2**62  # milliseconds: what runs is under way also where the clock was set back since


class Look(Struct, frozen=True):
    """What a person wants to see."""

    zoom: Zoom = "month"
    back: int = 0
    by: Grouping = "model"
    against: Against = ""


class Cell(Struct, frozen=True):
    """A part of a heat map."""

    name: str
    cost: Decimal
    requests: int
    unpriced: int = 0


class Cockpit(Struct, frozen=True):
    """A period of the ledger.  Times are milliseconds since the epoch."""

    look: Look
    period: Period
    total: Line
    bars: tuple[Bar, ...]
    parts: tuple[Line, ...]
    """What each of the bars adds up to."""
    lines: tuple[Line, ...]
    """What was asked for by `Look.by`."""
    period_before: Period | None
    """What it is compared with."""
    before: Line | None
    """The total of that."""
    lines_before: tuple[Line, ...]
    calendar: tuple[Cell, ...]
    """Whole weeks of days from a Monday to the day that the period ends with."""
    week: tuple[Cell, ...]
    """The period by hours of the week: Monday 00:00, 01:00, …"""
    ttft_ms: tuple[float, ...]
    """Times to the first token of the newest answers, the shortest first."""
    tokens_per_second: tuple[float, ...]
    sampled_since: int
    """Where there were more answers than these and all percentiles are of: when the oldest of them began.  Else 0."""
    month: MonthForecast
    reserved: Decimal
    """Held back for what is under way now, and in no line."""
    reserved_unknown: bool
    """Whether the price of a part of it is not known."""
    under_way: int


async def cockpit(store: HasReader, snapshot: Snapshot, look: Look, now_ms: int | None = None) -> Cockpit:
    """Look at the ledger of a store."""
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    return await store.reader.read(lambda connection: seen(Book(connection), snapshot, look, now))


def seen(book: Book, snapshot: Snapshot, look: Look, now: int) -> Cockpit:
    """See `cockpit`."""
    with book.at_one_moment():
        snapshot.refresh(book, now)
        period = period_of(
            look.zoom, look.back, now, first_ms=snapshot.first, zone=snapshot.zone, last_ms=snapshot.last
        )
        return seen_between(book, snapshot, look, period=period, bars=bars_of(period, snapshot.zone), now=now)


def seen_between(
    book: Book, snapshot: Snapshot, look: Look, period: Period, bars: tuple[Bar, ...], now: int
) -> Cockpit:
    """The same of any period, in bars of whole hours of the clock."""
    thing = None if look.by == "time" or look.by == "hour" else look.by
    quick = snapshot.speeds(book, thing, period.since, period.until)
    sums = _part_sums(book, snapshot, period, bars)
    total, parts = added_up(sums), _parts(sums, bars, quick)
    before = _compared(look, period, snapshot, now)
    total_before = _total(book, snapshot, before) if before else Sums()
    held = book.running(0, _ALWAYS)
    return Cockpit(
        look,
        period,
        line_of("total", "", total, quick),
        bars=bars,
        parts=parts,
        lines=parts
        if look.by == "time"
        else _lines(book, snapshot, look.by, period=period, bars=bars, quick=quick, total=total),
        period_before=before,
        before=line_of("total", "", total_before) if before else None,
        lines_before=_lines(
            book, snapshot, look.by, period=before, bars=bars_of(before, snapshot.zone), quick=(), total=total_before
        )
        if before
        else (),
        calendar=tuple(_calendar(snapshot, min(period.until, now + 1))),
        week=tuple(_week(snapshot, period)) if period.zoom != "hour" else (),
        ttft_ms=tuple(sorted(speed.ttft_ms for speed in quick if speed.ttft_ms is not None)),
        tokens_per_second=tuple(
            sorted(speed.tokens_per_second for speed in quick if speed.tokens_per_second is not None)
        ),
        sampled_since=quick[-1].started_at if len(quick) >= SPEED_SAMPLE else 0,
        month=_month(snapshot, now),
        reserved=from_nano(held.cost),
        reserved_unknown=held.unpriced > 0,
        under_way=held.attempts,
    )


def _compared(look: Look, period: Period, snapshot: Snapshot, now: int) -> Period | None:
    if not look.against or look.zoom == "all":
        return None
    if look.against == "year":
        return a_year_before(period, snapshot.zone)
    return period_of(look.zoom, look.back + 1, now, snapshot.first, snapshot.zone)


def _total(book: Book, snapshot: Snapshot, period: Period) -> Sums:
    if period.zoom == "hour":  # which need not be an hour of its own on a clock that was put back
        return sum(book.by_minutes(period.since, period.until, HOUR).values(), Sums())
    return snapshot.total(period.since, period.until)


def _part_sums(book: Book, snapshot: Snapshot, period: Period, bars: Sequence[Bar]) -> list[Sums]:
    if period.zoom == "hour":
        minutes = book.by_minutes(period.since, period.until, bars[0].until - bars[0].since)
        return [minutes.get(n, Sums()) for n in range(len(bars))]
    return [snapshot.total(bar.since, bar.until) for bar in bars]


def _parts(sums: Sequence[Sums], bars: Sequence[Bar], quick: Sequence[Speed]) -> tuple[Line, ...]:
    groups: dict[int, list[Speed]] = {}
    at = len(bars) - 1
    for speed in quick:  # the newest first
        while at > 0 and speed.started_at < bars[at].since:
            at -= 1
        groups.setdefault(at, []).append(speed)
    return tuple(line_of(bar.name, bar.name, sums[n], groups.get(n, ())) for n, bar in enumerate(bars))


def _lines(
    book: Book,
    snapshot: Snapshot,
    by: Grouping,
    period: Period,
    bars: Sequence[Bar],
    quick: Sequence[Speed],
    total: Sums,
) -> tuple[Line, ...]:
    if by == "time":
        return _parts(_part_sums(book, snapshot, period, bars), bars, quick)
    if by == "hour":
        alone = {snapshot.hour_of_week(period.since): total} if total.attempts else {}
        return tuple(
            _hour_lines(alone if period.zoom == "hour" else snapshot.hours_of_week(period.since, period.until))
        )
    return lines_of(book, by, snapshot.by_thing(book, by, period.since, period.until), quick, total)


def _hour_lines(found: Mapping[int, Sums]) -> Iterable[Line]:
    for at, sums in found.items():
        yield line_of(f"{DAY_NAMES[at // 24]} {at % 24:02}:00", str(at), sums)


def _week(snapshot: Snapshot, period: Period) -> Iterable[Cell]:
    found = snapshot.hours_of_week(period.since, period.until)
    for at in range(24 * WEEK):
        yield _cell(f"{DAY_NAMES[at // 24]} {at % 24:02}:00", found.get(at, Sums()))


def _calendar(snapshot: Snapshot, until: int) -> Iterable[Cell]:
    """Every day of so many weeks, the last of which may be a part of one."""
    last = snapshot.local_hour(until - 1) // 24
    first = last - (last + THURSDAY) % WEEK - (CALENDAR_WEEKS - 1) * WEEK
    found = snapshot.days(ms_of_day(first, snapshot), ms_of_day(last + 1, snapshot))
    for day in range(first, last + 1):
        yield _cell((_EPOCH + timedelta(days=day)).isoformat(), found.get(day, Sums()))


def _month(snapshot: Snapshot, now: int) -> MonthForecast:
    hour = now // HOUR * HOUR
    since = min(month_start(now, snapshot.zone), hour - (RECENT_DAYS + 1) * DAY)
    days = snapshot.days(since, hour + HOUR)
    return project({_EPOCH + timedelta(days=day): sums for day, sums in days.items()}, now, snapshot.zone)


def ms_of_day(day: int, snapshot: Snapshot) -> int:
    """Midnight of a day since the epoch of the person's clock."""
    from datetime import datetime

    moment = datetime.fromordinal(_EPOCH.toordinal() + day).replace(tzinfo=snapshot.zone)
    return ms(moment)


def _cell(name: str, sums: Sums) -> Cell:
    return Cell(name, from_nano(sums.cost), sums.requests, sums.unpriced)
