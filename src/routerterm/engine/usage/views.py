"""What a cockpit is drawn as: one drawing for each way to look at it, the same on the screen and in plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Literal, TypeAlias, assert_never, get_args

from msgspec import Struct

from routerterm.core.counting import alarm
from routerterm.core.money import show_range, show_usd, with_unknown
from routerterm.engine.usage.accounts import Account, until_words
from routerterm.engine.usage.cockpit import Cockpit
from routerterm.engine.usage.lines import Line
from routerterm.engine.usage.plot import (
    UNICODE_PENS,
    Drawing,
    Pens,
    Run,
    Spot,
    Tone,
    binned,
    calendar_map,
    chart,
    meter,
    short,
    week_map,
)
from routerterm.store.statistics import SPEED_SAMPLE

View: TypeAlias = Literal["cost", "tokens", "week", "calendar", "ttft", "speed"]
VIEWS: tuple[View, ...] = get_args(View)
BESIDE: dict[View, View] = {"cost": "week", "tokens": "cost", "week": "cost", "ttft": "speed", "speed": "ttft"}
"""What is drawn next to it where there is room for two; the calendar takes all of it."""
UNITS = {"hour": "5 minutes", "day": "hour", "week": "day", "month": "day", "year": "week", "all": "month"}


class Titled(Struct, frozen=True):
    """A drawing to be made, with words above it."""

    title: str
    right: str
    draw: Callable[[int, int], Drawing]


def view_of(found: Cockpit, which: View, now: int, pens: Pens = UNICODE_PENS) -> Titled:
    """One way to look at it."""
    match which:
        case "cost" | "tokens":
            return _over_time(found, which, now, pens)
        case "week":
            return _week(found, pens)
        case "calendar":
            return _calendar(found, pens)
        case "ttft" | "speed":
            return _distribution(found, which, pens)
        case _:
            assert_never(which)


def _over_time(found: Cockpit, which: View, now: int, pens: Pens) -> Titled:
    costs = which == "cost"
    values = [float(line.cost) if costs else float(line.tokens) for line in found.parts]
    here = next((n for n, bar in enumerate(found.bars) if bar.since <= now < bar.until), None)
    marks = {} if here is None else {here: "now" if found.period.zoom in ("hour", "day") else "today"}
    words = _dollars if costs else short
    each = UNITS.get(found.period.zoom, "day")
    total = with_unknown(found.total.cost, found.total.is_unknown) if costs else f"{found.total.tokens:,}"
    return Titled(
        f"{which} by {each}",
        f"{found.period.name}: {total}",
        lambda width, height: chart(
            values, [bar.tick for bar in found.bars], width, height, words=words, marks=marks, pens=pens
        ),
    )


def _dollars(amount: float) -> str:
    return show_usd(Decimal(str(amount)))


def _week(found: Cockpit, pens: Pens) -> Titled:
    most = max(found.week, key=lambda cell: cell.cost, default=None)
    peak = (
        f"most on {most.name}: {with_unknown(most.cost, most.unpriced > 0)}" if most is not None and most.cost else ""
    )
    values = [float(cell.cost) for cell in found.week]
    return Titled("cost by hour of the week", peak, lambda width, _: week_map(values, width, pens=pens))


def _calendar(found: Cockpit, pens: Pens) -> Titled:
    most = max(found.calendar, key=lambda cell: cell.cost, default=None)
    peak = (
        f"most on {most.name}: {with_unknown(most.cost, most.unpriced > 0)}" if most is not None and most.cost else ""
    )
    values = [float(cell.cost) for cell in found.calendar]
    names = [cell.name for cell in found.calendar]
    last = len(values) - 1 if not found.period.back else None
    return Titled(
        "cost by day of the last year",
        peak,
        lambda width, _: calendar_map(values, names, width, today=last, pens=pens),
    )


def _distribution(found: Cockpit, which: View, pens: Pens) -> Titled:
    ttft = which == "ttft"
    values = [value / 1000 for value in found.ttft_ms] if ttft else list(found.tokens_per_second)
    floors, counts = binned(values)
    measured = found.total.ttft_ms if ttft else found.total.tokens_per_second
    unit = "s" if ttft else "tok/s"
    right = ""
    marks: dict[int, str] = {}
    if measured is not None:
        scale = 1000 if ttft else 1
        p50, p95 = measured.p50 / scale, measured.p95 / scale
        right = f"p50 {p50:.3g} {unit}, p95 {p95:.3g} {unit}"
        for name, value in (("p95", p95), ("p50", p50)):
            marks[max(n for n, floor in enumerate(floors) if floor <= value or n == 0)] = name
    title = "time to first token, answers" if ttft else "speed in tok/s, answers"
    return Titled(
        title + sample_words(found),
        right,
        lambda width, height: chart(
            counts, [f"{floor:g}" for floor in floors], width, height, words=short, marks=marks, pens=pens
        ),
    )


def sample_words(found: Cockpit) -> str:
    """Of which answers percentiles and distributions are, where those are not all of the period's."""
    return f" (newest {SPEED_SAMPLE:,})" if found.sampled_since else ""


def gauges(found: Sequence[Account], now: int, width: int, height: int, pens: Pens = UNICODE_PENS) -> Drawing:
    """Budgets, largest of all: what is used and left of each, when it begins again, and where it is going."""
    if not found:
        spot = Spot(0, 0, width, 0, height)
        return Drawing(((Run("No budget is set. Press m to set one.", "dim"),),), (spot,))
    large = height >= 2 * len(found) and width >= 60
    room = height // 2 if large else height
    shown = list(found[:room])
    more = f" +{len(found) - len(shown)} more" if len(shown) < len(found) else ""
    rows: list[tuple[Run, ...]] = []
    spots = []
    for number, account in enumerate(shown):
        first = len(rows)
        room = width - len(more) if account is shown[-1] else width
        rows += _large(account, now, room, pens) if large else _small(account, now, room, pens)
        spots.append(Spot(number, 0, width, first, len(rows)))
    if more:
        rows[-1] = (*rows[-1], Run(more, "dim"))
    return Drawing(tuple(rows), tuple(spots))


def _large(account: Account, now: int, width: int, pens: Pens) -> list[tuple[Run, ...]]:
    share = account.gauge.share
    percent = f"{share:.0%}{alarm(share)}"
    right = f"{account.left} left{_reset(account, now)}"
    left = f"{account.name}  "
    used = f"{account.used}  {percent}"
    gap = " " * max(2, width - len(left) - len(used) - len(right))
    tone: Tone = "bright"
    bar = meter(share, width, then=account.projected, pens=pens)
    return [
        (Run(left, "dim"), Run(used, tone), Run(gap), Run(right, "text")),
        tuple(_meter_runs(bar, pens)),
    ]


def _small(account: Account, now: int, width: int, pens: Pens) -> list[tuple[Run, ...]]:
    share = account.gauge.share
    name = account.name.removeprefix("this ")
    words = f" {account.used}{alarm(share)}"
    long = f"{words}, {account.left} left{_reset(account, now)}"
    if len(name) + 1 + 10 + len(long) <= width:
        words = long
    size = max(4, min(width - len(name) - 1 - len(words), 60))
    bar = meter(share, size, then=account.projected, pens=pens)
    return [(Run(f"{name} ", "dim"), *_meter_runs(bar, pens), Run(words, "text"))]


def _meter_runs(bar: str, pens: Pens) -> list[Run]:
    empty = bar.count(pens.shades[1])
    filled = bar[: len(bar) - empty] if empty else bar
    return [Run(filled, "text"), Run(bar[len(filled) :], "faint")]


def _reset(account: Account, now: int) -> str:
    if account.resets_at is None:
        return ""
    return f", resets in {until_words(account.resets_at - now)}"


def projection_words(found: Cockpit) -> str:
    """``projected this month ~$24.30 ($19.80–28.80)``, or why nothing can be said yet."""
    month = found.month
    if month.expected is None or month.low is None or month.high is None:
        return "projected this month: after 3 days with requests"
    unknown = month.unpriced + month.unpriced_recently > 0
    between = show_range(month.low, month.high, unknown=unknown)
    return f"projected this month ~{with_unknown(month.expected, unknown)} ({between})"


def change_words(line: Line, before: Line | None) -> str:
    """``+12 %``, ``new``, ``?`` where a price is unknown."""
    if before is None or not before.attempts:
        return "new" if line.attempts else ""
    if line.is_unknown or before.is_unknown:
        return "?"
    if not before.cost:
        return "" if not line.cost else "new cost"
    return f"{float((line.cost - before.cost) / before.cost):+.0%}"
