"""What lies behind a figure: which requests a line of the table, a bar or a cell of a heat map stands for.  Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec.structs import replace

from routerterm.engine.usage.cockpit import DAY_NAMES, ms_of_day
from routerterm.engine.usage.periods import bars_of
from routerterm.engine.usage.plot import binned
from routerterm.engine.usage.statistics import OTHERS
from routerterm.store.requests import Measured, RequestFilter, Which

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routerterm.engine.usage.accounts import Account
    from routerterm.engine.usage.cockpit import Cockpit
    from routerterm.engine.usage.periods import Period
    from routerterm.engine.usage.snapshot import Snapshot
    from routerterm.engine.usage.views import View

Behind: TypeAlias = tuple[str, RequestFilter]
"""A title, and what to look for."""
HOUR = 3_600_000


def behind_line(found: Cockpit, id: str, snapshot: Snapshot) -> Behind:
    """The requests of a line; compared with another period, those of both."""
    before, by = found.period_before, found.look.by
    if by == "time":
        number = next((n for n, bar in enumerate(found.bars) if bar.name == id), 0)
        title, wanted = behind_bar(found, number)
        bars = bars_of(before, snapshot.zone) if before is not None else ()
        return title, _both(wanted, [(bar.since, bar.until) for bar in bars[number : number + 1]])
    if by == "hour":
        title, wanted = _behind_hour(found, int(id), snapshot)
        return title, _both(wanted, _hours(before, int(id), snapshot) if before is not None else [])
    name = next((line.name for line in (*found.lines, *found.lines_before) if line.id == id), id)
    wanted = RequestFilter(found.period.since, found.period.until, by, id)
    if id == OTHERS:
        wanted = replace(wanted, value="", others=tuple(line.id for line in found.lines if line.id != OTHERS))
    return name, _both(wanted, [(before.since, before.until)] if before is not None else [])


def behind_gauge(account: Account) -> Behind:
    """What a limit is held against: what runs now included, and never what is free by declaration."""
    cap = account.gauge.cap
    wanted = RequestFilter(cap.since, which="held" if cap.unit == "usd" else "charged")
    match cap.scope:
        case "day" | "month" | "request":
            return account.name, wanted
        case scope:
            return account.name, replace(wanted, thing=scope, value=cap.value or "")


def behind_projection(found: Cockpit) -> Behind:
    """The days that the month's projection continues with, and what of the month was before them."""
    return "what the projection rests on", RequestFilter(found.month.since)


def behind_figure(found: Cockpit, which: Which, *, before: bool = False) -> Behind:
    """What a figure of the period, or of the one that it is compared with, counts."""
    period = found.period_before if before and found.period_before is not None else found.period
    title = f"{which}, {period.name}" if which != "all" else period.name
    since, until = (0, 2**62) if which == "running" else (period.since, period.until)
    return title, RequestFilter(since, until, which=which)


def _both(wanted: RequestFilter, before: Sequence[tuple[int, int]]) -> RequestFilter:
    """The requests of a period and of what it is compared with."""
    if not before:
        return wanted
    spans = (*before, *(wanted.spans or ((wanted.since, wanted.until),)))
    return replace(wanted, since=min(span[0] for span in spans), until=max(span[1] for span in spans), spans=spans)


def behind_spot(found: Cockpit, which: View, index: int, snapshot: Snapshot) -> Behind:
    """The requests of a bar or a cell."""
    match which:
        case "cost" | "tokens":
            return behind_bar(found, index)
        case "week":
            return _behind_hour(found, index, snapshot)
        case "calendar":
            day = date.fromisoformat(found.calendar[index].name)
            number = (day - date(1970, 1, 1)) // timedelta(days=1)
            return found.calendar[index].name, RequestFilter(
                ms_of_day(number, snapshot), ms_of_day(number + 1, snapshot)
            )
        case "ttft" | "speed":
            return _behind_class(found, which, index)


def _behind_class(found: Cockpit, which: Literal["ttft", "speed"], index: int) -> Behind:
    """Those of a class of a distribution: the outer ones hold what lies beyond them too."""
    ttft = which == "ttft"
    floors, _ = binned([value / 1000 for value in found.ttft_ms] if ttft else found.tokens_per_second)
    scale = 1000 if ttft else 1
    low = floors[index] * scale if index else 0.0
    high = floors[index + 1] * scale if index + 1 < len(floors) else float("inf")
    unit = "s" if ttft else "tok/s"
    title = f"{floors[index]:g} {unit} and more, {found.period.name}"
    measured: tuple[Measured, float, float] = ("ttft_ms" if ttft else "tokens_per_second", low, high)
    since = max(found.period.since, found.sampled_since)
    return title, RequestFilter(since, found.period.until, measured=measured)


def behind_bar(found: Cockpit, index: int) -> Behind:
    """The requests of a part of the period."""
    bar = found.bars[index]
    return bar.name, RequestFilter(bar.since, bar.until)


def _behind_hour(found: Cockpit, index: int, snapshot: Snapshot) -> Behind:
    """Those of an hour of the week, in each week of the period."""
    name = f"{DAY_NAMES[index // 24]} {index % 24:02}:00, {found.period.name}"
    spans = tuple(_hours(found.period, index, snapshot))
    return name, RequestFilter(found.period.since, found.period.until, spans=spans)


def _hours(period: Period, index: int, snapshot: Snapshot) -> list[tuple[int, int]]:
    """When it was that hour of the week."""
    found = []
    for start, end, _ in snapshot.clock.spans(period.since, period.until):
        ahead = (index - snapshot.hour_of_week(start)) % (24 * 7) * HOUR
        first = start + ahead - (start + snapshot.clock.offset(start)) % HOUR
        found += [(max(at, start), min(at + HOUR, end)) for at in range(first, end, 24 * 7 * HOUR)]
    return found
