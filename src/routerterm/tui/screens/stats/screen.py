"""The stats screen: what was used and what it cost, by time and by thing, down to the single request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.getters import query_one

from routerterm.core.errors import RoutertermError
from routerterm.engine.usage.statistics import Summary, Thing, days_between, requests, requests_between, summary
from routerterm.tui.clock import now_ms
from routerterm.tui.dialogs.picker import Picker, among
from routerterm.tui.screens.stats.export import Form, export
from routerterm.tui.screens.stats.requests import show_requests
from routerterm.tui.screens.stats.rows import (
    COLUMNS,
    ORDERS,
    cost_chart,
    figure_rows,
    gauge_fields,
    line_row,
    ordered,
    quality_fields,
    spent_fields,
    titled,
    token_chart,
)
from routerterm.tui.widgets.bars import ASCII_STEPS, Bars
from routerterm.tui.widgets.fields import Field, FieldLine, Span, Tone
from routerterm.tui.widgets.frame import Panes
from routerterm.tui.widgets.framed_screen import BOTTOM_FROM, NARROW_BELOW, SHORT, FramedScreen
from routerterm.tui.widgets.rows import Column, Row, RowList

if TYPE_CHECKING:
    from routerterm.store.database import Store
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.themes.values import Theme
    from routerterm.wiring import Services

PERIODS: tuple[tuple[str, str, int | None], ...] = (
    ("1", "today", 1),
    ("2", "7 days", 7),
    ("3", "30 days", 30),
    ("4", "90 days", 90),
    ("5", "all", None),
)
Kind: TypeAlias = Thing | Literal["day"]
KINDS: tuple[Kind, ...] = (*get_args(Thing), "day")
SORTS = ("cost", "asked", "tokens", "errors", "first p50", "tok/s", "name")
TWO_CHARTS_FROM = 90
"""Columns from which cost and tokens stand side by side."""
MOST_REQUESTS = 500


async def open_screen(app: AppContext) -> None:
    """Show the books."""
    assert app.services is not None
    app.push_screen(StatsScreen(app.services, app.machine))


class StatsScreen(FramedScreen):
    """Figures above, charts, a table, what can be done at the foot."""

    app: AppContext
    AUTO_FOCUS = "#table"
    DEFAULT_CSS = """
    StatsScreen { layout: vertical; overflow: hidden; }
    StatsScreen > #title { margin: 0 2; }
    StatsScreen > #figures { height: auto; margin: 0 2; }
    StatsScreen > #charts { height: 9; margin: 1 2 0 2; }
    StatsScreen > #charts > Bars { width: 1fr; height: 1fr; }
    StatsScreen > #charts > #tokens { margin-left: 3; }
    StatsScreen > #table { height: 1fr; margin: 1 1 0 1; background: $t-background; }
    StatsScreen > #bar { margin: 1 2 1 2; }
    StatsScreen.-open-box > #bar { margin-bottom: 0; }
    StatsScreen.-short > #charts { height: 5; margin: 0 2; }
    StatsScreen.-low > #charts { display: none; }
    StatsScreen.-one-chart.-cost > #charts > #tokens { display: none; }
    StatsScreen.-one-chart.-tokens > #charts > #cost { display: none; }
    StatsScreen.-one-chart > #charts > #tokens { margin-left: 0; }
    StatsScreen.-no-box > #title, StatsScreen.-no-box > #figures { margin: 0; }
    StatsScreen.-no-box > #charts { margin: 0; }
    StatsScreen.-no-box > #table, StatsScreen.-no-box > #bar { margin: 1 0 0 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"period({number})", f"Period: {name}") for number, (key, name, _) in enumerate(PERIODS)),
        Binding("tab,b", "by(1)", "Group by the next property"),
        Binding("shift+tab,B", "by(-1)", "Group by the previous property", show=False),
        Binding("s", "sort", "Sort by another column"),
        Binding("t", "turn", "Switch the chart between cost and tokens"),
        Binding("i", "figures", "All figures in one list"),
        Binding("e", "failed", "The requests that failed"),
        Binding("x", "export('csv')", "Write the table as CSV"),
        Binding("o", "export('json')", "Write the table as JSON"),
        Binding("escape,q", "app.pop_screen", "Back"),
    ]
    title_line = query_one("#title", FieldLine)
    table = query_one("#table", RowList)
    bar = query_one("#bar", FieldLine)

    def __init__(self, services: Services, machine: Theme) -> None:
        super().__init__()
        self._services, self._machine = services, machine
        self.frame = machine.frame
        self._period, self._by, self._sort = 2, 0, "cost"
        self._found: Summary | None = None
        self._times: Summary | None = None
        self.add_class("-cost")

    def compose(self) -> ComposeResult:
        """The panes, from the top."""
        self._fit(self.app.size)  # before there is anything whose style would have to be looked up again
        yield FieldLine(id="title", fill=self._machine.fill)
        with Vertical(id="figures"):
            yield FieldLine(id="spent")
            yield FieldLine(id="quality")
            yield FieldLine(id="budget")
        with Horizontal(id="charts"):
            yield Bars(id="cost")
            yield Bars(id="tokens")
        yield RowList(COLUMNS, id="table")
        yield FieldLine(id="bar", gap=2)

    def on_mount(self) -> None:
        """Be there at once; the figures follow."""
        super().on_mount()
        if self._machine.glyphs.rule.isascii():
            for chart in self.query(Bars):
                chart.steps = ASCII_STEPS
        self._show_table()
        self._reload()

    def panes(self) -> Panes:
        """Rules above the table and above the bar."""
        width, height = self.size
        rules = (self.table.region.y - 1, self.bar.region.y - 1)
        return Panes(width, height, boxed=self.boxed_at(self.size), bottom=height >= BOTTOM_FROM, rules=rules)

    def on_resize(self) -> None:
        """Leave away what has no room."""
        self._fit(self.size)
        self.bar.fields = tuple(self._actions())
        self.bar.lines = 2 if self.size.width < NARROW_BELOW and self.size.height > SHORT else 1

    def _fit(self, size: Size) -> None:
        width, height = size
        self.set_class(not self.boxed_at(size), "-no-box")
        self.set_class(height < BOTTOM_FROM, "-open-box")
        self.set_class(height < 30, "-short")
        self.set_class(height < 18, "-low")
        self.set_class(width < TWO_CHARTS_FROM, "-one-chart")

    def action_period(self, number: int) -> None:
        """Another stretch of time."""
        self._period = number
        self._reload()

    def action_by(self, step: int) -> None:
        """Sum up by another thing."""
        self._by = (self._by + step) % len(KINDS)
        self._sort = "name" if KINDS[self._by] == "day" else "cost"
        self._reload()

    def action_sort(self) -> None:
        """Sort by the next of the columns that are worth it."""
        at = SORTS.index(self._sort) if self._sort in SORTS else -1
        self._sort = SORTS[(at + 1) % len(SORTS)]
        self._show_table()

    def action_turn(self) -> None:
        """The other chart, where only one has room."""
        self.set_class(self.has_class("-cost"), "-tokens")
        self.set_class(not self.has_class("-tokens"), "-cost")

    async def action_export(self, form: Form) -> None:
        """Write the table beside the history."""
        if self._found is None:
            return
        try:
            file = await asyncio.to_thread(export, self._services.paths, self._found, form)
        except RoutertermError as error:
            self.notify(f"{error.message} {error.hint}", severity="error", markup=False)
        else:
            self.notify(f"Written to {file}", timeout=6, markup=False)

    def action_figures(self) -> None:
        """Every figure, where the lines above have no room for all."""
        if self._found is None:
            return
        fields = [field for line in self.query("#figures FieldLine").results(FieldLine) for field in line.fields]
        columns = (Column("", 0, most=22), Column("", 0, grow=True))

        async def taken(action: str | None) -> None:
            if action and not action.isdigit():
                await self.run_action(action)

        picker = Picker(f"Figures: {PERIODS[self._period][1]}", columns, among(list(figure_rows(fields))))
        self.app.push_screen(picker, taken)

    def action_failed(self) -> None:
        """The requests of this time that came to nothing."""
        if (found := self._found) is not None:
            show_requests(
                self.app, "Failed", lambda: requests_between(self._store, found.since, found.until, failed=True)
            )

    @on(FieldLine.Clicked)
    async def _clicked(self, event: FieldLine.Clicked) -> None:
        await self.run_action(event.action)

    @on(RowList.TitleClicked)
    def _title_clicked(self, event: RowList.TitleClicked) -> None:
        title = COLUMNS[event.number].title
        if title in ORDERS or not event.number:
            self._sort = title if event.number else "name"
            self._show_table()

    @on(RowList.Chosen)
    def _drill(self, event: RowList.Chosen) -> None:
        """The requests behind a line."""
        found, thing, id = self._found, KINDS[self._by], event.id.removeprefix("=")
        if found is None or event.id in ("", "none"):
            return
        if thing == "day":
            self._show_stretch(id, id)
        else:
            show_requests(self.app, id, lambda: requests(self._store, thing, id, found.since, MOST_REQUESTS))

    @on(Bars.Chosen)
    def _bar_chosen(self, event: Bars.Chosen) -> None:
        if self._times is not None and self._times.by == "day":
            self._show_stretch(self._times.lines[event.first].id, self._times.lines[event.last].id)

    def _show_stretch(self, first: str, last: str) -> None:
        """The requests of some days."""
        since, until = days_between(first, last, self._services.zone)
        name = first if first == last else f"{first} to {last}"
        show_requests(self.app, name, lambda: requests_between(self._store, since, until, MOST_REQUESTS))

    @property
    def _store(self) -> Store:
        return self._services.store

    def _reload(self) -> None:
        self.bar.fields = tuple(self._actions())
        self.run_worker(self._look_up(), exclusive=True, group="stats", exit_on_error=False)

    async def _look_up(self) -> None:
        days, zone = PERIODS[self._period][2], self._services.zone
        times = await summary(self._store, days, "hour" if days == 1 else "day", now_ms=now_ms(), zone=zone)
        self._times = times
        by = KINDS[self._by]
        self._found = times if by == times.by else await summary(self._store, days, by, now_ms=now_ms(), zone=zone)
        gauges = await self._services.money.budget.gauges(now_ms())
        self.query_one("#cost", Bars).chart = cost_chart(times)
        self.query_one("#tokens", Bars).chart = token_chart(times)
        self.query_one("#spent", FieldLine).fields = tuple(spent_fields(self._found))
        self.query_one("#quality", FieldLine).fields = tuple(quality_fields(self._found.total))
        self.query_one("#budget", FieldLine).fields = gauge_fields(gauges, self._machine.glyphs)
        self._show_table()

    def _show_table(self) -> None:
        glyphs, name = self._machine.glyphs, PERIODS[self._period][1]
        self.title_line.fields = (
            Field((Span(f"{glyphs.rule} ", "faint"), Span("STATS ", "bright")), rank=0),
            Field((Span(f" {name} by {KINDS[self._by]} ", "text"), Span(glyphs.rule, "faint")), right=True),
        )
        self.table.columns = titled(self._sort, glyphs)
        if self._found is None:
            rows = [Row("", (glyphs.ellipsis,))]
        else:
            asked = (line for line in self._found.lines if line.requests)
            rows = [line_row(line, self._found.total, glyphs) for line in ordered(list(asked), self._sort)]
        self.table.show(rows or [Row("", ("No requests in this period.",))])
        self.bar.fields = tuple(self._actions())

    def _actions(self) -> Iterator[Field]:
        yield Field((Span(" Esc ", "key"), Span(" Back")), rank=0, action="app.pop_screen")
        number = self._period
        if self.size.width >= TWO_CHARTS_FROM:
            for n, (key, name, _) in enumerate(PERIODS):
                tone: Tone = "bright" if n == number else "text"
                yield Field((Span(f" {key} ", "key"), Span(f" {name}", tone)), rank=2, action=f"screen.period({n})")
        else:
            after = (number + 1) % len(PERIODS)
            spans = (Span(" 1-5 ", "key"), Span(f" {PERIODS[number][1]}"))
            yield Field(spans, rank=2, action=f"screen.period({after})")
        yield Field((Span(" Tab ", "key"), Span(f" by {KINDS[self._by]}")), rank=1, action="screen.by(1)")
        yield Field((Span(" S ", "key"), Span(f" sort: {self._sort}")), rank=4, action="screen.sort")
        if self.has_class("-one-chart"):
            yield Field((Span(" T ", "key"), Span(" chart")), rank=3, action="screen.turn")
        yield Field((Span(" I ", "key"), Span(" figures")), rank=8, action="screen.figures")
        yield Field((Span(" E ", "key"), Span(" errors")), rank=6, action="screen.failed")
        yield Field((Span(" X ", "key"), Span(" CSV")), rank=5, action="screen.export('csv')")
        yield Field((Span(" O ", "key"), Span(" JSON")), rank=7, action="screen.export('json')")
