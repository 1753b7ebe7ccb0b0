"""What lies behind a figure: which requests a line of the table, a bar or a cell of a heat map stands for.  Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from routerterm.engine.usage.cockpit import ms_of_day
from routerterm.engine.usage.plot import binned
from routerterm.engine.usage.statistics import OTHERS
from routerterm.store.requests import Measured, RequestFilter

if TYPE_CHECKING:
    from routerterm.engine.usage.cockpit import Cockpit
    from routerterm.engine.usage.snapshot import Snapshot
    from routerterm.engine.usage.views import View

Behind: TypeAlias = tuple[str, RequestFilter]
"""A title, and what to look for."""
HOUR = 3_600_000


def behind_line(found: Cockpit, id: str, snapshot: Snapshot) -> Behind | None:
    """The requests of a line; None for the line of all others."""
    if id == OTHERS:
        return None
    since, until = found.period.since, found.period.until
    match found.look.by:
        case "time":
            return behind_bar(found, next((n for n, bar in enumerate(found.bars) if bar.name == id), 0))
        case "hour":
            return _behind_hour(found, int(id), snapshot)
        case thing:
            name = next((line.name for line in (*found.lines, *found.lines_before) if line.id == id), id)
            return name, RequestFilter(since, until, thing, id)


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
    return title, RequestFilter(found.period.since, found.period.until, measured=measured)


def behind_bar(found: Cockpit, index: int) -> Behind:
    """The requests of a part of the period."""
    bar = found.bars[index]
    return bar.name, RequestFilter(bar.since, bar.until)


def _behind_hour(found: Cockpit, index: int, snapshot: Snapshot) -> Behind:
    """Those of an hour of the week, in each week of the period."""
    spans = []
    at = found.period.since
    while at < found.period.until:
        if snapshot.hour_of_week(at) == index:
            spans.append((at, min(at + HOUR, found.period.until)))
        at += HOUR
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    name = f"{days[index // 24]} {index % 24:02}:00, {found.period.name}"
    return name, RequestFilter(found.period.since, found.period.until, spans=tuple(spans))
