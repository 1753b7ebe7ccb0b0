"""`routerterm stats`: budgets, costs and usage, drawn in plain text."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from routerterm.cli.output import print_json, print_line, width, write

if TYPE_CHECKING:
    from routerterm.engine.usage.accounts import Account
    from routerterm.engine.usage.cockpit import Cockpit
    from routerterm.engine.usage.lines import Line, Percentiles
    from routerterm.engine.usage.statistics import Summary

BYS = ("hour", "day", "week", "month", "model", "provider", "route", "client", "conversation", "project", "tool", "key")
BAR = 24
"""Cells of the longest bar of the table."""
WITH_BARS = 72
"""Columns of a terminal from which on there is room for them."""
WITH_CHARTS = 40
"""Columns from which on there is room for charts."""
HEIGHT = 9
"""Rows of a chart."""


class Found:
    """What was looked up for one call."""

    def __init__(self, summary: Summary, seen: Cockpit, accounts: Sequence[Account], now: int) -> None:
        self.summary = summary
        self.seen = seen
        self.accounts = accounts
        self.now = now


@click.command("stats")
@click.option(
    "--days", type=click.IntRange(1, 36_500), default=30, show_default=True, help="The number of days, including today."
)
@click.option("--all", "everything", is_flag=True, help="Since the first request.")
@click.option(
    "--by", type=click.Choice(BYS), default="day", show_default=True, metavar="WHAT",
    help=f"How to group the figures: {', '.join(BYS)}.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for other programs.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values, for a spreadsheet.")
def command(days: int, everything: bool, by: str, as_json: bool, as_csv: bool) -> None:
    """Show budgets, usage and costs.

    Days are your own (`timezone` under [budget], or this machine's). "estimated" is the share of attempts whose tokens
    no provider reported; ? after a cost means that part of it has no known price.

    \b
      routerterm stats --days 7 --by model
      routerterm stats --all --csv > costs.csv
    """
    found = asyncio.run(_look_up(None if everything else days, by))
    if as_json:
        print_json(as_json_object(found), indent=2)
    elif as_csv:
        from routerterm.engine.usage.export import csv_of

        write(csv_of(found.summary.lines, found.summary.total))
    else:
        for line in report(found, width(otherwise=120)):
            print_line(line)


async def _look_up(days: int | None, by: str) -> Found:
    from routerterm.cli.history import open_history
    from routerterm.config.paths import Paths
    from routerterm.config.settings import load_settings
    from routerterm.engine.usage.accounts import accounts
    from routerterm.engine.usage.cockpit import Look, seen_between
    from routerterm.engine.usage.periods import bars_of, last_days
    from routerterm.engine.usage.snapshot import Snapshot
    from routerterm.engine.usage.statistics import summarise
    from routerterm.router.decide.budget import PersonalBudget
    from routerterm.store.database import milliseconds
    from routerterm.store.statistics import Book
    from routerterm.wiring.costs import budget_rules
    from routerterm.wiring.settings_mapping import shared_of

    paths = Paths.find()
    settings = load_settings(paths)
    rules, now = budget_rules(settings.budget), milliseconds()
    if not paths.database.exists():
        paths.make()

    def read(connection: Any) -> tuple[Summary, Cockpit]:
        book, snapshot = Book(connection), Snapshot(rules.zone)
        snapshot.refresh(book, now)
        period = last_days(days, now, snapshot.first, rules.zone, snapshot.last)
        seen = seen_between(book, snapshot, Look(by="time"), period=period, bars=bars_of(period, rules.zone), now=now)
        return summarise(book, days, by, now, rules.zone), seen  # type: ignore[arg-type]  # click has checked it

    async with open_history(paths.database, shared=shared_of(settings)) as store:
        summary, seen = await store.reader.read(read)
        gauges = await PersonalBudget(rules, lambda _: None, store.ledger.figures.used).gauges(now)
        found = await accounts(
            gauges, store.gateway_keys, store.ledger.figures, month=summary.month, now=now, zone=rules.zone
        )
        return Found(summary, seen, found, now)


def report(found: Found, width: int) -> Sequence[str]:
    """Budgets, figures, charts and the table, as lines."""
    if not found.summary.total.attempts:
        return [*_budgets(found, width), "No requests in this period."]
    parts = [list(_budgets(found, width)), list(_figures(found)), *_charts(found, width), list(_table(found, width))]
    lines: list[str] = []
    for part in parts:
        if part:
            lines += ["", *part] if lines else part
    return lines


def _budgets(found: Found, width: int) -> Iterator[str]:
    from routerterm.engine.usage.views import gauges, projection_words

    if found.accounts:
        yield from gauges(found.accounts, found.now, min(width, 120), 2 * len(found.accounts)).lines
    if found.summary.total.attempts:
        month, words = found.summary.month, projection_words(found.seen)
        from routerterm.core.money import with_unknown

        so_far = with_unknown(month.so_far, month.unpriced > 0)
        daily = with_unknown(month.per_day, month.unpriced_recently > 0)
        yield f"This month {so_far} so far; {words} ({daily} a day recently)."


def _figures(found: Found) -> Iterator[str]:
    from routerterm.core.counting import counted
    from routerterm.core.money import show_usd, with_unknown
    from routerterm.engine.usage.views import sample_words

    total = found.summary.total
    spent, saved = with_unknown(total.cost, total.is_unknown), show_usd(total.saved)
    yield (
        f"{found.seen.period.name}: {spent}, {counted(total.requests, 'request')}, {counted(total.tokens, 'token')}"
        f" ({total.estimated_share:.0%} estimated), {saved} saved by caches"
    )
    speed = f", {total.tokens_per_second.p50:.0f} tok/s" if total.tokens_per_second else ""
    first = total.ttft_ms
    sample = sample_words(found.seen)
    ttft = f", time to first token{sample} {seconds(first, 'p50')} (p95 {seconds(first, 'p95')})" if first else ""
    errors, failovers = counted(total.errors, "error"), counted(total.failovers, "failover")
    yield f"{errors}, {counted(total.retries, 'retry', 'retries')}, {failovers}{ttft}{speed}"
    if found.seen.under_way:
        reserved = with_unknown(found.seen.reserved, found.seen.reserved_unknown)
        yield f"Under way: {found.seen.under_way}, with {reserved} reserved."


def _charts(found: Found, width: int) -> Iterator[list[str]]:
    from routerterm.engine.usage.views import View, view_of

    if width < WITH_CHARTS:
        return
    shown: tuple[View, ...] = (
        ("cost", "week", "ttft") if found.summary.by in ("day", "hour", "week", "month") else ("cost",)
    )
    for which in shown:
        made = view_of(found.seen, which, found.now)
        drawn = made.draw(min(width, 120), HEIGHT).lines
        if drawn:
            yield [f"{made.title}  {made.right}".rstrip(), *drawn]


def _table(found: Found, width: int) -> Iterator[str]:
    summary = found.summary
    lines = [line for line in summary.lines if line.attempts or summary.by in ("day", "week", "month")]
    rows = [_cells(line) for line in lines] + [_cells(summary.total)]
    highest = max((line.cost for line in summary.lines), default=Decimal(0))
    bars = [bar_of(line.cost, highest) if width >= WITH_BARS else "" for line in lines] + [""]
    shown = _fitting(rows, width)
    yield _row(HEADS, shown, rows)
    yield from (f"{_row(row, shown, rows)}  {mark}".rstrip() for row, mark in zip(rows, bars, strict=True))


HEADS = (
    "", "cost", "requests", "in", "out", "saved", "estimated", "errors", "retries", "failovers", "TTFT", "p95", "tok/s",
)  # fmt: skip
_NEEDED = (0, 1, 2, 3, 4, 7, 9, 10, 12, 8, 5, 6, 11)
"""Columns from the most to the least important: a narrow terminal goes without the last ones."""
_NAME = 40


def _cells(line: Line) -> tuple[str, ...]:
    from routerterm.core.money import show_usd, with_unknown
    from routerterm.core.sanitise import one_line
    from routerterm.engine.usage.plot import short

    name = one_line(line.name)
    return (
        name if len(name) <= _NAME else f"{name[: _NAME - 1]}…",
        with_unknown(line.cost, line.is_unknown),
        f"{line.requests:,}",
        short(line.input_tokens),
        short(line.output_tokens),
        show_usd(line.saved) if line.saved else "",
        f"{line.estimated_share:.0%}" if line.estimated else "",
        str(line.errors or ""),
        str(line.retries or ""),
        str(line.failovers or ""),
        seconds(line.ttft_ms, "p50"),
        seconds(line.ttft_ms, "p95"),
        f"{line.tokens_per_second.p50:.0f}" if line.tokens_per_second else "",
    )


def _fitting(rows: Sequence[tuple[str, ...]], width: int) -> list[int]:
    """The columns that a terminal has room for, in their order."""
    left, shown = (width - BAR - 2 if width >= WITH_BARS else width), []
    for column in _NEEDED:
        need = max(len(row[column]) for row in (HEADS, *rows)) + 2
        if need <= left:
            shown.append(column)
            left -= need
    return sorted(shown)


def _row(row: Sequence[str], shown: Sequence[int], rows: Sequence[Sequence[str]]) -> str:
    cells = []
    for column in shown:
        width = max(len(other[column]) for other in (HEADS, *rows))
        cells.append(row[column].ljust(width) if column == 0 else row[column].rjust(width))
    return "  ".join(cells).rstrip()


def bar_of(cost: Decimal, highest: Decimal) -> str:
    """A bar as long as the cost; nothing for nothing."""
    from routerterm.engine.usage.plot import bar

    return bar(float(cost / highest), BAR) if highest > 0 else ""


def seconds(measured: Percentiles | None, which: str) -> str:
    """Milliseconds as seconds for a person."""
    return "" if measured is None else f"{getattr(measured, which) / 1000:.1f} s"


def as_json_object(found: Found) -> dict[str, Any]:
    """All that is shown; money as text in US dollars, so that no digit is lost."""
    from routerterm.engine.usage.export import cockpit_object, summary_object

    own = (
        "period", "over_time", "calendar", "week", "ttft_ms", "tokens_per_second", "sampled_since", "budgets",
    )  # fmt: skip
    return {
        **summary_object(found.summary),
        **{name: value for name, value in cockpit_object(found.seen, found.accounts).items() if name in own},
    }
