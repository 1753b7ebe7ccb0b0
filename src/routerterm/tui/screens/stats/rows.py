"""What the stats screen says: figures, lines of the table, single requests.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from routerterm.core.money import from_nano, show_usd, with_unknown
from routerterm.core.sanitise import one_line
from routerterm.tui.chat.entries import seconds, words
from routerterm.tui.clock import local
from routerterm.tui.widgets.bars import Chart
from routerterm.tui.widgets.fields import Field, Span, Tone
from routerterm.tui.widgets.rows import Column, Row
from routerterm.tui.widgets.status import alarm, meter, tone_of_share

if TYPE_CHECKING:
    from routerterm.core.ledger import AttemptRecord
    from routerterm.engine.usage.statistics import Line, Percentiles, Summary
    from routerterm.router.decide.budget import Gauge
    from routerterm.tui.themes.values import Glyphs

COLUMNS = (
    Column("", 0, grow=True),
    Column("cost", 0, right=True),
    Column("asked", 1, right=True),
    Column("tokens", 1, right=True),
    Column("EST", 6, right=True),
    Column("errors", 2, right=True),
    Column("failovers", 7, right=True),
    Column("saved", 8, right=True),
    Column("first p50", 4, right=True),
    Column("p95", 9, right=True),
    Column("tok/s", 4, right=True),
    Column("share", 5),
)
SHARE = 12
"""Cells of the little bar that shows a line's share of the cost."""
REQUESTS = (
    Column("when", 0),
    Column("model", 0, grow=True),
    Column("outcome", 1),
    Column("tokens", 2, right=True),
    Column("cost", 1, right=True),
    Column("first", 4, right=True),
    Column("took", 3, right=True),
)


def _middle(values: Percentiles | None) -> float:
    return values.p50 if values else 0.0


ORDERS: Mapping[str, Callable[[Line], float]] = {
    "cost": lambda line: float(line.cost),
    "asked": lambda line: line.requests,
    "tokens": lambda line: line.tokens,
    "EST": lambda line: line.estimated_share,
    "errors": lambda line: line.errors,
    "failovers": lambda line: line.failovers,
    "saved": lambda line: float(line.saved),
    "first p50": lambda line: _middle(line.ttft_ms),
    "p95": lambda line: line.ttft_ms.p95 if line.ttft_ms else 0.0,
    "tok/s": lambda line: _middle(line.tokens_per_second),
}
"""What the table can be sorted by, by the title of the column; the largest first."""


def ordered(lines: Sequence[Line], by: str) -> list[Line]:
    """The lines by a column, the largest first; by their names (the newest day first) where it is ``name``."""
    if by == "name":
        days = bool(lines) and lines[0].name[:4].isdigit()
        return sorted(lines, key=lambda line: line.name.casefold(), reverse=days)
    return sorted(lines, key=lambda line: (ORDERS[by](line), line.requests), reverse=True)


def titled(by: str, glyphs: Glyphs) -> tuple[Column, ...]:
    """The columns, with a sign at the one that they are sorted by."""
    sign = "v" if glyphs.rule.isascii() else "▾"
    return tuple(
        Column(f"{column.title}{sign}" if column.title == by else column.title, column.rank, column.right, column.grow)
        for column in COLUMNS
    )


def spent_fields(found: Summary) -> Iterator[Field]:
    """What it came to, and what the month will."""
    total = found.total
    unknown = f" + {total.unpriced} at unknown prices" if total.unpriced else ""
    yield Field((Span("spent ", "dim"), Span(show_usd(total.cost), "bright"), Span(unknown, "warning")), rank=0)
    yield Field((Span("asked ", "dim"), Span(f"{total.requests:,}")), rank=1)
    yield Field((Span("tokens ", "dim"), Span(f"{total.tokens:,}")), rank=3)
    yield Field((Span("this month ", "dim"), Span(f"{show_usd(found.month.so_far)}")), rank=4)
    yield Field((Span("projected this month ", "dim"), Span(f"~{show_usd(found.month.expected)}")), rank=2)
    if found.under_way:
        yield Field((Span("reserved ", "dim"), Span(show_usd(found.reserved))), rank=5)


def quality_fields(total: Line) -> Iterator[Field]:
    """How it went."""
    errors = "screen.failed" if total.errors else ""
    tone: Tone = "warning" if total.errors else "text"
    if total.ttft_ms:
        p50, p95 = seconds(round(total.ttft_ms.p50)), seconds(round(total.ttft_ms.p95))
        yield Field((Span("time to first token ", "dim"), Span(f"{p50} (p95 {p95})")), rank=1)
    if total.tokens_per_second:
        yield Field((Span("speed ", "dim"), Span(f"{total.tokens_per_second.p50:.0f} tok/s")), rank=3)
    yield Field((Span("errors ", "dim"), Span(f"{total.errors:,}", tone)), rank=0, action=errors)
    yield Field((Span("failovers ", "dim"), Span(f"{total.failovers:,}")), rank=2)
    yield Field((Span("cache saved ", "dim"), Span(show_usd(total.saved))), rank=4)
    yield Field((Span("EST ", "dim"), Span(f"{total.estimated_share:.0%}")), rank=5)


def gauge_fields(gauges: Sequence[Gauge], glyphs: Glyphs) -> tuple[Field, ...]:
    """How much of each budget is used."""
    return tuple(
        Field(
            (
                Span(f"{meter(gauge.share, glyphs, 10)} ", tone_of_share(gauge.share)),
                Span(f"{gauge.words}{alarm(gauge.share)}", "text"),
            ),
            rank=number,
        )
        for number, gauge in enumerate(gauges)
    ) or (Field((Span("no budget is set; /settings: budget.day", "dim"),), action="app.open('settings')"),)


def cost_chart(found: Summary) -> Chart:
    """What each stretch of the time has cost."""
    most = max((line.cost for line in found.lines), default=None)
    values = tuple(float(line.cost) for line in found.lines)
    return Chart(values, f"cost by {_unit(found)}", "" if most is None else show_usd(most), _ends(found))


def token_chart(found: Summary) -> Chart:
    """How many tokens went through in each."""
    most = max((line.tokens for line in found.lines), default=0)
    return Chart(
        tuple(float(line.tokens) for line in found.lines), f"tokens by {_unit(found)}", f"{most:,}", _ends(found)
    )


def _unit(found: Summary) -> str:
    return "hour" if found.by == "hour" else "day"


def _ends(found: Summary) -> tuple[str, str]:
    return (found.lines[0].name, found.lines[-1].name) if found.lines else ("", "")


def line_row(line: Line, total: Line, glyphs: Glyphs) -> Row:
    """One line of the summary."""
    first, speed = line.ttft_ms, line.tokens_per_second
    share = float(line.cost / total.cost) if total.cost else 0.0
    return Row(
        f"={line.id}",
        (
            one_line(line.name),
            with_unknown(line.cost, bool(line.unpriced)),
            f"{line.requests:,}",
            f"{line.tokens:,}",
            f"{line.estimated_share:.0%}",
            f"{line.errors:,}" if line.errors else "",
            f"{line.failovers:,}" if line.failovers else "",
            show_usd(line.saved) if line.saved else "",
            seconds(round(first.p50)) if first else "",
            seconds(round(first.p95)) if first else "",
            f"{speed.p50:.0f}" if speed else "",
            f"{meter(share, glyphs, SHARE)} {share:4.0%}" if total.cost else "",
        ),
        tone="text",
    )


def request_row(row: AttemptRecord) -> Row:
    """One attempt: metadata only."""
    tokens = sum(n or 0 for n in (row.input_tokens, row.cache_read_tokens, row.cache_write_tokens, row.output_tokens))
    cost = None if row.cost_nanousd is None else from_nano(row.cost_nanousd)
    target = f"{row.provider}/{row.model}"
    outcome = "from cache" if row.cached else words(row.error_class or row.outcome)
    key = f", key {one_line(row.key_label)}" if row.key_label else ""
    status = f", HTTP {row.http_status}" if row.http_status else ""
    basis = {"reported": "reported", "estimated": "EST", "reserved": "reserved"}[row.usage_source]
    return Row(
        row.id,
        (
            local(row.started_at).strftime("%m-%d %H:%M"),
            target,
            outcome,
            f"{tokens:,}",
            show_usd(cost),
            seconds(row.ttft_ms),
            seconds(row.duration_ms),
        ),
        tone="text" if row.outcome == "done" else "warning",
        search=f"{target} {outcome} {row.route} {row.key_label} {row.client} {local(row.started_at):%Y-%m-%d %H:%M}",
        detail=f"{show_usd(cost)}, {tokens:,} tokens ({basis}), {seconds(row.duration_ms)}: {outcome}{status},"
        f" route {one_line(row.route)}, attempt {row.n}{key}, client {one_line(row.client)}",
    )


def figure_rows(fields: Iterable[Field]) -> Iterator[Row]:
    """The figures one below the other, for where a line has no room for all of them."""
    for number, field in enumerate(fields):
        label, *values = field.spans
        if values:
            yield Row(field.action or f"{number}", ((Span(label.text, "dim"),), tuple(values)))
