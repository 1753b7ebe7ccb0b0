"""What the stats screen says: figures, lines of the table, single requests.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from routerterm.core.money import from_nano, show_usd, with_unknown
from routerterm.core.sanitise import one_line
from routerterm.engine.usage.plot import Pens, rod
from routerterm.engine.usage.views import change_words, projection_words, sample_words
from routerterm.tui.chat.entries import seconds, words
from routerterm.tui.clock import local
from routerterm.tui.widgets.fields import Field, Span, Tone
from routerterm.tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from routerterm.core.ledger import AttemptRecord
    from routerterm.engine.usage.accounts import Account
    from routerterm.engine.usage.cockpit import Cockpit
    from routerterm.engine.usage.lines import Line, Percentiles

COLUMNS = (
    Column("", 0, grow=True),
    Column("cost", 0, right=True),
    Column("requests", 1, right=True),
    Column("tokens", 1, right=True),
    Column("estimated", 7, right=True),
    Column("errors", 2, right=True),
    Column("retries", 7, right=True),
    Column("failovers", 6, right=True),
    Column("cache saved", 9, right=True),
    Column("TTFT", 4, right=True),
    Column("p95", 9, right=True),
    Column("tok/s", 4, right=True),
    Column("share", 5),
)
COMPARED = (
    Column("", 0, grow=True),
    Column("cost", 0, right=True),
    Column("before", 1, right=True),
    Column("change", 0, right=True),
    Column("requests", 2, right=True),
    Column("before", 3, right=True),
    Column("tokens", 4, right=True),
    Column("before", 5, right=True),
    Column("errors", 6, right=True),
    Column("before", 7, right=True),
)
SHARE = 10
"""Cells of the little bar that shows a line's share of the cost."""
REQUESTS = (
    Column("when", 0),
    Column("model", 0, grow=True),
    Column("outcome", 1),
    Column("tokens", 2, right=True),
    Column("cost", 1, right=True),
    Column("TTFT", 4, right=True),
    Column("took", 3, right=True),
    Column("client", 5, most=20),
)


def _middle(values: Percentiles | None) -> float:
    return values.p50 if values else 0.0


ORDERS: Mapping[str, Callable[[Line], float]] = {
    "cost": lambda line: float(line.cost),
    "requests": lambda line: line.requests,
    "tokens": lambda line: line.tokens,
    "estimated": lambda line: line.estimated_share,
    "errors": lambda line: line.errors,
    "retries": lambda line: line.retries,
    "failovers": lambda line: line.failovers,
    "cache saved": lambda line: float(line.saved),
    "TTFT": lambda line: _middle(line.ttft_ms),
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


def titled(columns: Sequence[Column], by: str, *, ascii_only: bool) -> tuple[Column, ...]:
    """The columns, with a sign at the first one that they are sorted by."""
    sign = " v" if ascii_only else "▾"  # a "v" right behind it would be read with the word
    at = next((n for n, column in enumerate(columns) if column.title == by), None)
    return tuple(
        Column(f"{column.title}{sign}" if n == at else column.title, column.rank, column.right, column.grow)
        for n, column in enumerate(columns)
    )


def spent_fields(found: Cockpit) -> Iterator[Field]:
    """What it came to, and what the month will."""
    total = found.total
    tone: Tone = "warning" if total.unpriced else "bright"
    cost = with_unknown(total.cost, total.is_unknown)
    action = "log('unpriced')" if total.unpriced else "log('all')"
    yield Field((Span("cost ", "dim"), Span(cost, tone)), rank=0, action=action)
    if total.unpriced:
        yield Field((Span(f"{total.unpriced:,} at unknown prices", "warning"),), rank=4, action="log('unpriced')")
    yield Field((Span("requests ", "dim"), Span(f"{total.requests:,}")), rank=1, action="log('requests')")
    yield Field((Span("tokens ", "dim"), Span(f"{total.tokens:,}")), rank=3, action="log('all')")
    share = f"{total.estimated_share:.0%} estimated"
    yield Field((Span(share, "dim"),), rank=6, action="log('estimated')")
    yield Field((Span("cache saved ", "dim"), Span(show_usd(total.saved))), rank=4, action="log('cached')")
    label, _, amount = projection_words(found).partition("month")
    yield Field((Span(f"{label}month", "dim"), Span(amount)), rank=2, action="projected")
    if found.under_way:
        reserved = with_unknown(found.reserved, found.reserved_unknown)
        yield Field((Span("reserved ", "dim"), Span(reserved)), rank=5, action="log('running')")


def quality_fields(found: Cockpit) -> Iterator[Field]:
    """How it went."""
    total = found.total
    tone: Tone = "warning" if total.errors else "text"
    yield Field((Span("errors ", "dim"), Span(f"{total.errors:,}", tone)), rank=0, action="log('errors')")
    yield Field((Span("retries ", "dim"), Span(f"{total.retries:,}")), rank=1, action="log('retries')")
    yield Field((Span("failovers ", "dim"), Span(f"{total.failovers:,}")), rank=1, action="log('failovers')")
    if total.hedges:
        yield Field((Span("hedges ", "dim"), Span(f"{total.hedges:,}")), rank=6, action="log('hedges')")
    if total.cancelled:
        yield Field((Span("cancelled ", "dim"), Span(f"{total.cancelled:,}")), rank=6, action="log('cancelled')")
    if total.ttft_ms:
        p50, p95 = seconds(round(total.ttft_ms.p50)), seconds(round(total.ttft_ms.p95))
        label = Span(f"time to first token{sample_words(found)} ", "dim")
        yield Field((label, Span(f"{p50} (p95 {p95})")), rank=2, action="show('ttft')")
    if total.tokens_per_second:
        speed = Span(f"{total.tokens_per_second.p50:.0f} tok/s")
        yield Field((Span(f"speed{sample_words(found)} ", "dim"), speed), rank=3, action="show('speed')")


def compared_fields(found: Cockpit) -> Iterator[Field]:
    """The period before, beside this one."""
    before = found.before
    if before is None:
        return
    name = {"before": "the period before", "year": "a year before"}[found.look.against]
    cost = with_unknown(before.cost, before.is_unknown)
    change = Span(f" {change_words(found.total, before)}", "bright")
    yield Field((Span(f"{name}: ", "dim"), Span(cost), change), rank=0, action="log('all', True)")
    requests = (Span("requests ", "dim"), Span(f"{before.requests:,}"))
    yield Field(requests, rank=1, action="log('requests', True)")
    yield Field((Span("tokens ", "dim"), Span(f"{before.tokens:,}")), rank=2, action="log('all', True)")
    yield Field((Span("errors ", "dim"), Span(f"{before.errors:,}")), rank=3, action="log('errors', True)")


def line_row(line: Line, total: Line, pens: Pens) -> Row:
    """One line of the summary."""
    first, speed = line.ttft_ms, line.tokens_per_second
    share = float(line.cost / total.cost) if total.cost else 0.0
    return Row(
        f"={line.id}",
        (
            one_line(line.name),
            with_unknown(line.cost, line.is_unknown),
            f"{line.requests:,}",
            f"{line.tokens:,}",
            f"{line.estimated_share:.0%}" if line.estimated else "",
            f"{line.errors:,}" if line.errors else "",
            f"{line.retries:,}" if line.retries else "",
            f"{line.failovers:,}" if line.failovers else "",
            show_usd(line.saved) if line.saved else "",
            seconds(round(first.p50)) if first else "",
            seconds(round(first.p95)) if first else "",
            f"{speed.p50:.0f}" if speed else "",
            f"{share:4.0%} {rod(share, SHARE, pens)}" if total.cost else "",
        ),
        tone="text",
    )


def compared_row(line: Line, before: Line | None) -> Row:
    """One line beside what it was before."""
    return Row(
        f"={line.id}",
        (
            one_line(line.name),
            with_unknown(line.cost, line.is_unknown),
            with_unknown(before.cost, before.is_unknown) if before else "",
            (Span(change_words(line, before), "bright"),),
            f"{line.requests:,}",
            f"{before.requests:,}" if before else "",
            f"{line.tokens:,}",
            f"{before.tokens:,}" if before else "",
            f"{line.errors:,}" if line.errors else "",
            f"{before.errors:,}" if before and before.errors else "",
        ),
        tone="text",
    )


def table_rows(found: Cockpit, sort: str, pens: Pens) -> list[Row]:
    """The table; what was only there before stands at its end."""
    lines = ordered([line for line in found.lines if line.attempts], sort)
    if found.before is None:
        return [line_row(line, found.total, pens) for line in lines]
    if found.look.by == "time":  # the first part beside the first part, whatever their dates
        pairs = dict(zip((line.id for line in found.lines), found.lines_before, strict=False))
        return [compared_row(line, pairs.get(line.id)) for line in lines]
    was = {line.id: line for line in found.lines_before}
    gone = [line for line in found.lines_before if line.attempts and line.id not in {each.id for each in lines}]
    return [
        *(compared_row(line, was.get(line.id)) for line in lines),
        *(compared_row(_nothing(line), line) for line in gone),
    ]


def _nothing(line: Line) -> Line:
    from routerterm.engine.usage.lines import line_of
    from routerterm.store.statistics import Sums

    return line_of(line.name, line.id, Sums())


def request_row(row: AttemptRecord) -> Row:
    """One attempt: metadata only."""
    tokens = sum(n or 0 for n in (row.input_tokens, row.cache_read_tokens, row.cache_write_tokens, row.output_tokens))
    cost = None if row.cost_nanousd is None else from_nano(row.cost_nanousd)
    target = f"{row.provider}/{row.model}"
    outcome = "from cache" if row.cached else words(row.error_class or row.outcome)
    key = f", key {one_line(row.key_label)}" if row.key_label else ""
    status = f", HTTP {row.http_status}" if row.http_status else ""
    cause = f" ({row.cause})" if row.cause and row.cause != "first" else ""
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
            one_line(row.client),
        ),
        tone="text" if row.outcome in ("done", "running") else "warning",
        detail=f"{show_usd(cost)}, {tokens:,} tokens ({row.usage_source}), {seconds(row.duration_ms)}: "
        f"{outcome}{status}, route {one_line(row.route)}, attempt {row.n}{cause}{key}, client {one_line(row.client)}",
    )


def figure_rows(found: Cockpit, accounts: Iterable[Account]) -> list[Row]:
    """Every limit and figure, one below the other, for where the lines have no room for all of them."""
    fields = [
        Field((Span(account.name, "dim"), Span(f"{account.used}, {account.left} left")), action=f"gauge({number})")
        for number, account in enumerate(accounts)
    ]
    fields += [*spent_fields(found), *quality_fields(found), *compared_fields(found)]
    return [
        Row(field.action or f"{number}", ((Span(field.spans[0].text, "dim"),), field.spans[1:]))
        for number, field in enumerate(fields)
        if field.spans[1:]
    ]
