"""Stretches of a person's time that are looked at: an hour to a year, or all there is, in bars."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Literal, TypeAlias, assert_never, get_args

from msgspec import Struct

Zoom: TypeAlias = Literal["hour", "day", "week", "month", "year", "all"]
ZOOMS: tuple[Zoom, ...] = get_args(Zoom)
LENGTHS = {"day": 1, "week": 7, "month": 30, "year": 364}
"""Days, that of today included.  A year is 52 whole weeks, so that each begins on the same day of the week."""
WEEK = 7


class Bar(Struct, frozen=True):
    """A part of a period.  Times are milliseconds since the epoch."""

    name: str
    """``2026-11-21``, ``2026-11-21 14:00``, ``2026-11``."""
    tick: str
    """The same for beneath an axis, short: ``21 Nov``, ``14``, ``Nov``."""
    since: int
    until: int


class Period(Struct, frozen=True):
    """A stretch of time.  ``back`` counts such stretches before the one in which it is now."""

    zoom: Zoom
    back: int
    since: int
    until: int
    name: str
    """For a heading: ``last 30 days``, ``1–30 Oct 2026``."""


def period_of(
    zoom: Zoom, back: int, now_ms: int, first_ms: int | None, zone: tzinfo | None, last_ms: int | None = None
) -> Period:
    """The period that ends with the present hour or day, or so many before it.

    ``first_ms``, ``last_ms``: the first and the last request, which may lie ahead where a clock was put back.
    """
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if zoom == "hour":
        hour = (
            now_ms // 1000 - now.minute * 60 - now.second
        )  # counted in real hours: a clock that is put back repeats one
        since = (hour - back * 3600) * 1000
        start = datetime.fromtimestamp(since / 1000, zone)
        return Period(zoom, back, since, since + 3_600_000, f"{start:%a} {start.day} {start:%b %H:00}")
    if zoom == "all":
        first = datetime.fromtimestamp(min(now_ms, now_ms if first_ms is None else first_ms) / 1000, zone)
        start = first.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        last = datetime.fromtimestamp(max(now_ms, now_ms if last_ms is None else last_ms) / 1000, zone)
        end = last.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) + timedelta(days=1)
        return Period(zoom, 0, ms(start), ms(end), "all")
    days = LENGTHS[zoom]
    end = midnight + timedelta(days=1 - back * days)
    start = end - timedelta(days=days)
    return Period(zoom, back, ms(start), ms(end), _name(zoom, back, start, end - timedelta(days=1)))


def last_days(
    days: int | None, now_ms: int, first_ms: int | None, zone: tzinfo | None, last_ms: int | None = None
) -> Period:
    """So many days, that of today included, in parts that suit their number; None is all there are."""
    if days is None:
        return period_of("all", 0, now_ms, first_ms=first_ms, zone=zone, last_ms=last_ms)
    whole = period_of("all", 0, now_ms, first_ms, zone)
    start = datetime.fromtimestamp(whole.until / 1000, zone) - timedelta(days=days)
    zoom: Zoom
    if days <= 1:
        zoom = "day"
    elif days <= 7:
        zoom = "week"
    elif days <= 62:
        zoom = "month"
    else:
        zoom = "year"
    name = "today" if days == 1 else f"last {days} days"
    return Period(zoom if days <= 400 else "all", 0, ms(start), whole.until, name)


def a_year_before(period: Period, zone: tzinfo | None) -> Period:
    """The same stretch 52 weeks before."""
    start, end = (
        datetime.fromtimestamp(each / 1000, zone) - timedelta(days=LENGTHS["year"])
        for each in (period.since, period.until)
    )
    return Period(period.zoom, -1, ms(start), ms(end), "a year before")


def bars_of(period: Period, zone: tzinfo | None) -> tuple[Bar, ...]:
    """Its parts, side by side: 5 minutes of an hour, hours of a day, days, weeks of a year, months of all."""
    return tuple(_bars(period, zone))


def _bars(period: Period, zone: tzinfo | None) -> Iterator[Bar]:
    start = datetime.fromtimestamp(period.since / 1000, zone)
    match period.zoom:
        case "hour":
            for at in range(period.since, period.until, 300_000):
                moment = datetime.fromtimestamp(at / 1000, zone)
                yield Bar(f"{moment:%Y-%m-%d %H:%M}", f"{moment:%H:%M}", at, at + 300_000)
        case "day":
            for hour in range(24):
                moment = start.replace(hour=hour, fold=0)
                after = start.replace(hour=hour + 1) if hour < 23 else start + timedelta(days=1)
                yield Bar(f"{moment:%Y-%m-%d %H}:00", f"{hour:02}", ms(moment), ms(after.replace(fold=0)))
        case "week" | "month" | "year" as zoom:
            step = WEEK if zoom == "year" else 1
            while (at := ms(start)) < period.until:
                after = start + timedelta(days=step)
                tick = f"{start:%a} {start.day}" if zoom == "week" else f"{start.day} {start:%b}"
                yield Bar(
                    f"{start:%Y-%m-%d}", tick if zoom != "year" else f"{start:%b}", at, min(ms(after), period.until)
                )
                start = after
        case "all":
            while (at := ms(start)) < period.until:
                after = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
                yield Bar(f"{start:%Y-%m}", f"{start:%b %Y}", at, min(ms(after), period.until))
                start = after
        case _:
            assert_never(period.zoom)


def ms(moment: datetime) -> int:
    """Milliseconds since the epoch; a naive moment is on this machine's clock."""
    return round(moment.timestamp() * 1000)


def _name(zoom: Zoom, back: int, start: datetime, last: datetime) -> str:
    if not back:
        return {"day": "today", "week": "last 7 days", "month": "last 30 days", "year": "last 52 weeks"}[zoom]
    if zoom == "day":
        return f"{start:%a} {start.day} {start:%b %Y}"
    first = f"{start.day} {start:%b}" + (f" {start:%Y}" if start.year != last.year else "")
    return f"{first} – {last.day} {last:%b %Y}"
