"""`routerterm stats`: what was used, and what it cost."""

from __future__ import annotations

import asyncio
import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from routerterm.cli.output import print_json, print_line, width, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routerterm.engine.usage.statistics import Line, Percentiles, Summary

BYS = ("hour", "day", "week", "month", "model", "provider", "route", "conversation", "key")
BAR = 24
"""Cells of the longest bar of the plot."""
WITH_BARS = 72
"""Columns of a terminal from which on there is room for them."""
_EIGHTHS = " ▏▎▍▌▋▊▉"


@click.command("stats")
@click.option(
    "--days", type=click.IntRange(1, 36_500), default=30, show_default=True, help="The number of days, including today."
)
@click.option("--all", "everything", is_flag=True, help="Since the first request.")
@click.option("--by", type=click.Choice(BYS), default="day", show_default=True, help="How to group the figures.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for other programs.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values, for a spreadsheet.")
def command(days: int, everything: bool, by: str, as_json: bool, as_csv: bool) -> None:
    """Show usage and costs.

    Days are your own (`timezone` under [budget], or this machine's). EST is the share of requests with estimated
    tokens; ? after a cost means that part of it has no known price.

    \b
      routerterm stats --days 7 --by model
      routerterm stats --all --csv > costs.csv
    """
    found = asyncio.run(_summary(None if everything else days, by))
    if as_json:
        print_json(as_json_object(found), indent=2)
    elif as_csv:
        write_csv(found)
    else:
        for line in report(found, width(otherwise=120)):
            print_line(line)


async def _summary(days: int | None, by: str) -> Summary:
    from routerterm.cli.history import open_history
    from routerterm.config.paths import Paths
    from routerterm.config.settings import load_settings
    from routerterm.engine.usage.clock import zone_of
    from routerterm.engine.usage.statistics import summary

    paths = Paths.find()
    zone = zone_of(load_settings(paths).budget.timezone)
    if not paths.database.exists():
        paths.make()
    async with open_history(paths.database) as store:
        return await summary(store, days, by, zone=zone)  # type: ignore[arg-type]  # click has checked it


def report(found: Summary, width: int) -> Sequence[str]:
    """The table with its plot, and the words below it, as lines."""
    from routerterm.core.money import show_usd

    lines = [line for line in found.lines if line.requests or found.by in ("day", "week", "month")]
    if not found.total.requests:
        return ["No requests in this period."]
    rows = [_cells(line) for line in lines] + [_cells(found.total)]
    highest = max((line.cost for line in found.lines), default=Decimal(0))
    bars = [bar(line.cost, highest) if width >= WITH_BARS else "" for line in lines] + [""]
    shown = _fitting(rows, width)
    table = [_row(HEADS, shown, rows)]
    table += [f"{_row(row, shown, rows)}  {mark}".rstrip() for row, mark in zip(rows, bars, strict=True)]
    month = found.month
    table += [
        "",
        f"This month {show_usd(month.so_far)} so far, projected ~{show_usd(month.expected)}"
        f" ({show_usd(month.per_day)} a day recently).",
    ]
    if found.under_way:
        table.append(f"Under way: {found.under_way}, with {show_usd(found.reserved)} reserved.")
    return table


HEADS = ("", "cost", "req", "in", "out", "saved", "EST", "err", "over", "ttft", "p95", "tok/s")
_NEEDED = (0, 1, 2, 3, 4, 6, 7, 9, 11, 5, 8, 10)
"""Columns from the most to the least important: a narrow terminal goes without the last ones."""
_NAME = 40


def _cells(line: Line) -> tuple[str, ...]:
    from routerterm.core.money import show_usd, with_unknown
    from routerterm.core.sanitise import one_line

    name = one_line(line.name)
    return (
        name if len(name) <= _NAME else f"{name[: _NAME - 1]}…",
        with_unknown(line.cost, bool(line.unpriced)),
        f"{line.requests:,}",
        short(line.input_tokens),
        short(line.output_tokens),
        show_usd(line.saved) if line.saved else "",
        f"{line.estimated_share:.0%}" if line.estimated else "",
        str(line.errors or ""),
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


def bar(cost: Decimal, highest: Decimal) -> str:
    """A bar as long as the cost, in eighths of a cell; nothing for nothing."""
    if cost <= 0 or highest <= 0:
        return ""
    eighths = max(1, round(float(cost / highest) * BAR * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def short(number: int) -> str:
    """``950``, ``12.3k``, ``4.56M``."""
    if number < 1_000:
        return str(number)
    for unit, size in (("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)):
        if number < size * 999.5:
            scaled = number / size
            return f"{scaled:.{2 if scaled < 9.995 else 1 if scaled < 99.95 else 0}f}{unit}"
    return f"{number:.2e}"


def seconds(measured: Percentiles | None, which: str) -> str:
    """Milliseconds as seconds for a person."""
    return "" if measured is None else f"{getattr(measured, which) / 1000:.1f}s"


def as_json_object(found: Summary) -> dict[str, Any]:
    """The whole summary; money as text in US dollars, so that no digit is lost."""
    month = {name: _plain(getattr(found.month, name)) for name in found.month.__struct_fields__}
    return {
        "by": found.by,
        "since": found.since,
        "until": found.until,
        "lines": [_line_object(line) for line in found.lines],
        "total": _line_object(found.total),
        "month": month,
        "reserved": _plain(found.reserved),
        "under_way": found.under_way,
    }


def write_csv(found: Summary) -> None:
    """A line of names, then a line each."""
    rows = [_flat(_line_object(line)) for line in found.lines]
    names = list(_flat(_line_object(found.total)))
    written = io.StringIO()
    writer = csv.DictWriter(written, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write(written.getvalue())


def _line_object(line: Line) -> dict[str, Any]:
    return {name: _plain(getattr(line, name)) for name in line.__struct_fields__}


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Percentiles as columns of their own; a text that a spreadsheet would take for a formula is marked as text."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name in ("ttft_ms", "tokens_per_second"):
            for part in ("p50", "p95"):
                flat[f"{name}_{part}"] = "" if value is None else round(value[part], 1)
        else:
            flat[name] = f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
    return flat


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if hasattr(value, "p50"):
        return {"p50": value.p50, "p95": value.p95}
    return value
