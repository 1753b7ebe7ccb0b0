"""The stats screen: what was used and what it cost, by time and by thing, down to the single request."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, get_args

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.getters import query_one

from routerterm.config.paths import Paths
from routerterm.core.errors import StoreError
from routerterm.core.ledger import AttemptRecord
from routerterm.core.money import from_nano, show_usd
from routerterm.engine.statistics import Line, Summary, Thing, requests, summary
from routerterm.router.budget import Gauge
from routerterm.tui.clock import local, now_ms
from routerterm.tui.entries import seconds, words
from routerterm.tui.frame import Panes
from routerterm.tui.sanitise import one_line
from routerterm.tui.screens.chat import BOTTOM_FROM, BOX_FROM
from routerterm.tui.screens.framed import FramedScreen
from routerterm.tui.screens.picker import Picker, among
from routerterm.tui.themes.values import Theme
from routerterm.tui.widgets.bars import ASCII_STEPS, Bars
from routerterm.tui.widgets.fields import Field, FieldLine, Span, Tone
from routerterm.tui.widgets.rows import Column, Row, RowList
from routerterm.tui.widgets.status import meter, tone_of_share

if TYPE_CHECKING:
    from routerterm.tui.app import RoutertermApp
    from routerterm.wiring import Services

PERIODS: tuple[tuple[str, str, int | None], ...] = (
    ("1", "today", 1),
    ("2", "7 days", 7),
    ("3", "30 days", 30),
    ("4", "90 days", 90),
    ("5", "all", None),
)
THINGS: tuple[Thing, ...] = get_args(Thing)
COLUMNS = (
    Column("", 0, grow=True),
    Column("cost", 0, right=True),
    Column("asked", 1, right=True),
    Column("tokens", 1, right=True),
    Column("EST", 4, right=True),
    Column("errors", 2, right=True),
    Column("failovers", 5, right=True),
    Column("saved", 6, right=True),
    Column("first p50", 3, right=True),
    Column("p95", 5, right=True),
    Column("tok/s", 3, right=True),
)
SORTS = ("cost", "asked", "tokens", "errors")
REQUESTS = (
    Column("when", 0),
    Column("model", 0, grow=True),
    Column("outcome", 1),
    Column("tokens", 2, right=True),
    Column("cost", 1, right=True),
    Column("first", 4, right=True),
    Column("took", 3, right=True),
)


async def open_screen(app: RoutertermApp) -> None:
    """Show the books."""
    assert app.services is not None
    app.push_screen(StatsScreen(app.services, app.machine))


class StatsScreen(FramedScreen):
    """Figures above, a chart, a table, what can be done at the foot."""

    AUTO_FOCUS = "#table"
    DEFAULT_CSS = """
    StatsScreen { layout: vertical; overflow: hidden; }
    StatsScreen > #title { margin: 0 2; }
    StatsScreen > #figures { height: auto; margin: 0 2; }
    StatsScreen > #chart { height: 6; margin: 0 2; }
    StatsScreen > #table { height: 1fr; margin: 1 1 0 1; background: $t-background; }
    StatsScreen > #bar { margin: 1 2 1 2; }
    StatsScreen.-open-box > #bar { margin-bottom: 0; }
    StatsScreen.-low > #chart { display: none; }
    StatsScreen.-no-box > #title, StatsScreen.-no-box > #figures, StatsScreen.-no-box > #chart { margin: 0; }
    StatsScreen.-no-box > #table, StatsScreen.-no-box > #bar { margin: 1 0 0 0; }
    Bars > .bars--bar { color: $t-text; background: $t-background; }
    Bars > .bars--label { color: $t-dim; background: $t-background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"period({number})", name) for number, (key, name, _) in enumerate(PERIODS)),
        Binding("tab,b", "by(1)", "By"),
        Binding("shift+tab", "by(-1)", show=False),
        Binding("s", "sort", "Sort"),
        Binding("x", "export", "CSV"),
        Binding("escape,q,f4", "app.pop_screen", "Back"),
    ]
    title_line = query_one("#title", FieldLine)
    chart = query_one("#chart", Bars)
    table = query_one("#table", RowList)
    bar = query_one("#bar", FieldLine)

    def __init__(self, services: Services, machine: Theme) -> None:
        super().__init__()
        self._services, self._machine = services, machine
        self.frame = machine.frame
        self._period, self._by, self._sort = 2, 0, 0
        self._found: Summary | None = None

    def compose(self) -> ComposeResult:
        """The panes, from the top."""
        yield FieldLine(id="title", fill=self._machine.glyphs.rule)
        with Vertical(id="figures"):
            yield FieldLine(id="spent")
            yield FieldLine(id="quality")
            yield FieldLine(id="budget")
        yield Bars(id="chart")
        yield RowList(COLUMNS, id="table")
        yield FieldLine(id="bar", gap=2)

    def on_mount(self) -> None:
        """Look everything up."""
        super().on_mount()
        if self._machine.glyphs.rule.isascii():
            self.chart.steps = ASCII_STEPS
        self._reload()

    def panes(self) -> Panes:
        """Rules above the table and above the bar."""
        width, height = self.size
        rules = (self.table.region.y - 1, self.bar.region.y - 1)
        boxed = width >= BOX_FROM and self.frame not in ("rules", "none")
        return Panes(width, height, boxed=boxed, bottom=height >= BOTTOM_FROM, rules=rules)

    def on_resize(self) -> None:
        """Leave the chart away where rows are few."""
        width, height = self.size
        self.set_class(not (width >= BOX_FROM and self.frame not in ("rules", "none")), "-no-box")
        self.set_class(height < BOTTOM_FROM, "-open-box")
        self.set_class(height < 20, "-low")

    def action_period(self, number: int) -> None:
        """Another stretch of time."""
        self._period = number
        self._reload()

    def action_by(self, step: int) -> None:
        """Sum up by another thing."""
        self._by = (self._by + step) % len(THINGS)
        self._reload()

    def action_sort(self) -> None:
        """Sort by another column."""
        self._sort = (self._sort + 1) % len(SORTS)
        self._show_table()

    def action_export(self) -> None:
        """Write the table beside the history, as CSV."""
        if self._found is not None:
            file = write_csv(self._services.paths, self._found)
            self.notify(f"Written to {file}", timeout=6, markup=False)

    @on(FieldLine.Clicked)
    async def _clicked(self, event: FieldLine.Clicked) -> None:
        await self.run_action(event.action)

    @on(RowList.Chosen)
    async def _drill(self, event: RowList.Chosen) -> None:
        """The requests behind a line; from there to the message."""
        assert self._found is not None
        thing = THINGS[self._by]
        found = await requests(self._services.store, thing, event.id.removeprefix("="), self._found.since)
        app: RoutertermApp = self.app  # type: ignore[assignment]  # there is no other

        async def taken(id: str | None) -> None:
            row = next((row for row in found if row.id == id), None)
            if row is not None and row.conversation_id and row.message_id:
                self.app.pop_screen()
                await app.chat.stage.open(row.conversation_id, row.message_id)

        rows = [request_row(row) for row in found]
        self.app.push_screen(Picker("Requests behind it", REQUESTS, among(rows), hint="Enter shows the message"), taken)

    def _reload(self) -> None:
        self.run_worker(self._look_up(), exclusive=True, group="stats", exit_on_error=False)

    async def _look_up(self) -> None:
        days, zone = PERIODS[self._period][2], self._services.zone
        by_time = await summary(self._services.store, days, "hour" if days == 1 else "day", zone=zone)
        self._found = await summary(self._services.store, days, THINGS[self._by], zone=zone)
        gauges = await self._services.money.budget.gauges(now_ms())
        self._show_chart(by_time)
        self._show_figures(self._found, gauges)
        self._show_table()

    def _show_chart(self, found: Summary) -> None:
        values = tuple(float(line.cost) for line in found.lines)
        by_cost = any(values)
        if not by_cost:
            values = tuple(float(line.tokens) for line in found.lines)
        most = max(found.lines, key=lambda line: line.cost if by_cost else line.tokens, default=None)
        self.chart.values = values
        self.chart.top = "" if most is None else show_usd(most.cost) if by_cost else f"{most.tokens:,} tok"
        self.chart.ends = (found.lines[0].name, found.lines[-1].name) if found.lines else ("", "")

    def _show_figures(self, found: Summary, gauges: Sequence[Gauge]) -> None:
        glyphs = self._machine.glyphs
        self.query_one("#spent", FieldLine).fields = tuple(spent_fields(found))
        self.query_one("#quality", FieldLine).fields = tuple(quality_fields(found.total))
        self.query_one("#budget", FieldLine).fields = tuple(
            Field(
                (
                    Span(f"{meter(gauge.share, glyphs, 10)} ", tone_of_share(gauge.share)),
                    Span(gauge.words, "text"),
                ),
                rank=number,
            )
            for number, gauge in enumerate(gauges)
        ) or (Field((Span("no budget is set: [budget] day = 2.00 in config.toml sets one", "dim"),)),)

    def _show_table(self) -> None:
        name = PERIODS[self._period][1]
        glyphs = self._machine.glyphs
        self.title_line.fields = (
            Field((Span(f"{glyphs.rule} ", "faint"), Span("STATS ", "bright")), rank=0),
            Field((Span(f" {name} by {THINGS[self._by]} ", "text"), Span(glyphs.rule, "faint")), right=True),
        )
        lines = sorted(self._found.lines, key=self._rank, reverse=True) if self._found else []
        rows = [line_row(line) for line in lines] or [Row("", ("Nothing was asked in this time.",))]
        self.table.show(rows)
        self.bar.fields = tuple(self._actions())

    def _rank(self, line: Line) -> tuple[object, ...]:
        figures = {"cost": line.cost, "asked": line.requests, "tokens": line.tokens, "errors": line.errors}
        return (figures[SORTS[self._sort]], line.requests)

    def _actions(self) -> Iterator[Field]:
        for number, (key, name, _) in enumerate(PERIODS):
            tone: Tone = "bright" if number == self._period else "text"
            yield Field((Span(f" {key} ", "key"), Span(f" {name}", tone)), rank=2, action=f"screen.period({number})")
        yield Field((Span(" Tab ", "key"), Span(f" by {THINGS[self._by]}")), rank=1, action="screen.by(1)")
        yield Field((Span(" S ", "key"), Span(f" sort: {SORTS[self._sort]}")), rank=3, action="screen.sort")
        yield Field((Span(" X ", "key"), Span(" CSV")), rank=4, action="screen.export")
        yield Field((Span(" Esc ", "key"), Span(" Back")), rank=0, action="app.pop_screen")


def spent_fields(found: Summary) -> Iterator[Field]:
    """What it came to, and what the month will."""
    total = found.total
    unknown = f" + {total.unpriced} at unknown prices" if total.unpriced else ""
    yield Field((Span("spent ", "dim"), Span(show_usd(total.cost), "bright"), Span(unknown, "warning")), rank=0)
    yield Field((Span("asked ", "dim"), Span(f"{total.requests:,}")), rank=1)
    yield Field((Span("tokens ", "dim"), Span(f"{total.tokens:,}")), rank=2)
    yield Field((Span("this month ", "dim"), Span(f"{show_usd(found.month.so_far)}")), rank=3)
    yield Field((Span("will be about ", "dim"), Span(show_usd(found.month.expected))), rank=4)
    if found.under_way:
        yield Field((Span("held back ", "dim"), Span(show_usd(found.reserved))), rank=5)


def quality_fields(total: Line) -> Iterator[Field]:
    """How it went."""
    if total.ttft_ms:
        p50, p95 = seconds(round(total.ttft_ms.p50)), seconds(round(total.ttft_ms.p95))
        yield Field((Span("first token ", "dim"), Span(f"{p50} (p95 {p95})")), rank=1)
    if total.tokens_per_second:
        yield Field((Span("speed ", "dim"), Span(f"{total.tokens_per_second.p50:.0f} tok/s")), rank=2)
    yield Field((Span("errors ", "dim"), Span(f"{total.errors:,}", "warning" if total.errors else "text")), rank=0)
    yield Field((Span("failovers ", "dim"), Span(f"{total.failovers:,}")), rank=3)
    yield Field((Span("cache saved ", "dim"), Span(show_usd(total.saved))), rank=4)
    yield Field((Span("EST ", "dim"), Span(f"{total.estimated_share:.0%}")), rank=5)


def line_row(line: Line) -> Row:
    """One line of the summary."""
    first, speed = line.ttft_ms, line.tokens_per_second
    return Row(
        f"={line.id}",
        (
            one_line(line.name),
            show_usd(line.cost) + ("+?" if line.unpriced else ""),
            f"{line.requests:,}",
            f"{line.tokens:,}",
            f"{line.estimated_share:.0%}",
            f"{line.errors:,}" if line.errors else "",
            f"{line.failovers:,}" if line.failovers else "",
            show_usd(line.saved) if line.saved else "",
            seconds(round(first.p50)) if first else "",
            seconds(round(first.p95)) if first else "",
            f"{speed.p50:.0f}" if speed else "",
        ),
        tone="text",
    )


def request_row(row: AttemptRecord) -> Row:
    """One attempt: metadata only."""
    tokens = sum(n or 0 for n in (row.input_tokens, row.cache_read_tokens, row.cache_write_tokens, row.output_tokens))
    cost = None if row.cost_nanousd is None else from_nano(row.cost_nanousd)
    return Row(
        row.id,
        (
            local(row.started_at).strftime("%m-%d %H:%M"),
            f"{row.provider}/{row.model}",
            words(row.error_class or row.outcome),
            f"{tokens:,}",
            show_usd(cost),
            seconds(row.ttft_ms),
            seconds(row.duration_ms),
        ),
        tone="text" if row.outcome == "done" else "warning",
    )


def write_csv(paths: Paths, found: Summary) -> str:
    """Write the lines into a file in the data folder; its name.  Raises `StoreError`."""
    file = paths.data / f"stats-by-{found.by}-{local(now_ms()).strftime('%Y%m%d-%H%M%S')}.csv"
    names = (
        "name requests input_tokens output_tokens reasoning_tokens cached_tokens cost unpriced saved errors failovers"
    )
    try:
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(names.split())
            writer.writerows([getattr(line, name) for name in names.split()] for line in found.lines)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.", "Is the disk full?") from error
    return str(file)
