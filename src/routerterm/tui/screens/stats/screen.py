"""The stats screen: budgets, figures, charts and a table of one period, down to the single request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import ScreenResume
from textual.geometry import Size
from textual.getters import query_one

from routerterm.engine.usage.accounts import Account, accounts
from routerterm.engine.usage.cockpit import GROUPINGS, Against, Cockpit, Look, cockpit
from routerterm.engine.usage.periods import ZOOMS, Zoom
from routerterm.engine.usage.plot import ASCII_PENS, UNICODE_PENS
from routerterm.engine.usage.snapshot import Snapshot
from routerterm.engine.usage.views import BESIDE, VIEWS, View, gauges, view_of
from routerterm.store.requests import Which
from routerterm.store.statistics import Book
from routerterm.tui.actions import bindings_of
from routerterm.tui.clock import now_ms
from routerterm.tui.screens.stats.actions import ACTIONS, AGAINST, PERIODS, SORTS
from routerterm.tui.screens.stats.behind import behind_figure, behind_gauge, behind_line, behind_projection, behind_spot
from routerterm.tui.screens.stats.budgets import show_budgets
from routerterm.tui.screens.stats.export import Form, export
from routerterm.tui.screens.stats.requests import show_figures, show_guard_hits, show_requests
from routerterm.tui.screens.stats.rows import (
    COLUMNS,
    COMPARED,
    ORDERS,
    compared_fields,
    figure_rows,
    quality_fields,
    spent_fields,
    table_rows,
    titled,
)
from routerterm.tui.widgets.fields import Field, FieldLine, Span
from routerterm.tui.widgets.frame import Panes
from routerterm.tui.widgets.framed_screen import BOTTOM_FROM, NARROW_BELOW, SHORT, FramedScreen, title_line
from routerterm.tui.widgets.keybar import key_fields, key_spans
from routerterm.tui.widgets.plot import Plot
from routerterm.tui.widgets.rows import Column, Row, RowList

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.themes.values import Theme
    from routerterm.wiring import Services

TWO_CHARTS_FROM = 110
"""Columns from which two charts stand side by side."""
EVERY = 1.0
"""Seconds between two looks at whether anything was spent."""
MOST_GAUGES = 4


async def open_screen(app: AppContext) -> None:
    """Show it."""
    app.push_screen(StatsScreen(app.ready_services, app.active_theme))


class StatsScreen(FramedScreen):
    """Told by keys what to look at; looks it up and draws it."""

    app: AppContext
    AUTO_FOCUS = "#table"
    DEFAULT_CSS = """
    StatsScreen { layout: vertical; overflow: hidden; }
    StatsScreen > #title { margin: 0 2; }
    StatsScreen > #budgets { height: 1; margin: 0 2; }
    StatsScreen > #figures { height: auto; margin: 1 2 0 2; }
    StatsScreen > #charts { height: 12; margin: 1 2 0 2; }
    StatsScreen > #charts > Plot { width: 1fr; height: 1fr; }
    StatsScreen > #charts > #right { width: 54; margin-left: 3; }
    StatsScreen > #table { height: 1fr; margin: 1 1 0 1; background: $t-background; }
    StatsScreen > #bar { margin: 1 2 1 2; }
    StatsScreen.-open-box > #bar { margin-bottom: 0; }
    StatsScreen.-short > #charts { height: 7; margin: 0 2; }
    StatsScreen.-short > #figures { margin: 0 2; }
    StatsScreen.-map.-short > #charts { height: 9; }
    StatsScreen.-low > #charts { display: none; }
    StatsScreen.-one-chart > #charts > #right { display: none; }
    StatsScreen.-no-box > #title, StatsScreen.-no-box > #figures, StatsScreen.-no-box > #budgets { margin: 0; }
    StatsScreen.-no-box > #charts { margin: 0; }
    StatsScreen.-no-box > #table, StatsScreen.-no-box > #bar { margin: 1 0 0 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(ACTIONS)
    title_line = query_one("#title", FieldLine)
    table = query_one("#table", RowList)
    bar = query_one("#bar", FieldLine)

    def __init__(self, services: Services, theme: Theme) -> None:
        super().__init__()
        self._services = services
        self._theme = theme
        self.frame = theme.frame
        self._pens = ASCII_PENS if theme.glyphs.rule.isascii() else UNICODE_PENS
        self._snapshot = Snapshot(services.zone)
        self._look = Look()
        self._view: View = "cost"
        self._sort = "cost"
        self._found: Cockpit | None = None
        self._accounts: tuple[Account, ...] = ()
        self._seen: int | None = None

    def compose(self) -> ComposeResult:
        """The panes, from the top."""
        self._fit(self.app.size)  # before there is anything whose style would have to be looked up again
        yield title_line(self._theme)
        yield Plot(titled=False, id="budgets")
        with Vertical(id="figures"):
            yield FieldLine(id="spent")
            yield FieldLine(id="quality")
        with Horizontal(id="charts"):
            yield Plot(id="left")
            yield Plot(id="right")
        yield RowList(COLUMNS, id="table")
        yield FieldLine(id="bar", gap=2, more=self.app.active_theme.glyphs.ellipsis)

    def on_mount(self) -> None:
        """Be there at once; the figures follow."""
        super().on_mount()
        self._show_table()
        self._reload()
        self.set_interval(EVERY, self._follow)

    async def on_screen_resume(self, event: ScreenResume) -> None:
        """What lay over it may have changed a limit; `FastScreen` has a handler of its own besides."""
        if self._found is not None:
            self._reload()

    def panes(self) -> Panes:
        """Rules above the table and above the bar."""
        width, height = self.size
        rules = (self.table.region.y - 1, self.bar.region.y - 1)
        return Panes(width, height, boxed=self.boxed_at(self.size), bottom=height >= BOTTOM_FROM, rules=rules)

    def on_resize(self) -> None:
        """Leave away what has no room."""
        self._fit(self.size)
        self.bar.lines = 2 if self.size.width < NARROW_BELOW and self.size.height > SHORT else 1
        self._show()

    def _fit(self, size: Size) -> None:
        width, height = size
        self.set_class(not self.boxed_at(size), "-no-box")
        self.set_class(height < BOTTOM_FROM, "-open-box")
        self.set_class(height < 34, "-short")
        self.set_class(height < 18, "-low")
        self.set_class(self._view in ("week", "calendar"), "-map")
        self.set_class(width < TWO_CHARTS_FROM or self._view not in BESIDE, "-one-chart")

    # -- what keys do ----------------------------------------------------------------------------------

    def action_period(self, zoom: Zoom) -> None:
        """Another stretch of time."""
        self._take(replace(self._look, zoom=zoom, back=0))

    def action_zoom(self, step: int) -> None:
        """A longer or a shorter one."""
        at = max(0, min(len(ZOOMS) - 1, ZOOMS.index(self._look.zoom) + step))
        self._take(replace(self._look, zoom=ZOOMS[at], back=0))

    def action_step(self, step: int) -> None:
        """One before it, or after it."""
        if self._look.zoom != "all":
            self._take(replace(self._look, back=max(0, self._look.back + step)))

    def action_by(self, step: int) -> None:
        """Group by another property."""
        by = GROUPINGS[(GROUPINGS.index(self._look.by) + step) % len(GROUPINGS)]
        self._sort = "name" if by == "time" else "cost"
        self._take(replace(self._look, by=by))

    def action_compare(self) -> None:
        """Beside the period before, then a year before, then alone again."""
        ways: tuple[Against, ...] = tuple(AGAINST)
        self._sort = "cost"
        self._take(replace(self._look, against=ways[(ways.index(self._look.against) + 1) % len(ways)]))
        if self._look.against and self._look.zoom == "all":
            self.notify("All there is has nothing before it: choose a period to compare.", timeout=4)

    def action_sort(self) -> None:
        """Sort by the next of the columns that are worth it."""
        at = SORTS.index(self._sort) if self._sort in SORTS else -1
        self._sort = SORTS[(at + 1) % len(SORTS)]
        self._show_table()

    def action_view(self, step: int) -> None:
        """Another chart."""
        self.action_show(VIEWS[(VIEWS.index(self._view) + step) % len(VIEWS)])

    def action_show(self, which: View) -> None:
        """That chart."""
        self._view = which
        self._fit(self.size)
        self._show_charts()

    def action_budgets(self) -> None:
        """Change limits, suspend and resume virtual keys."""
        show_budgets(self.app)

    def action_log(self, which: Which, before: bool = False) -> None:
        """The requests that a figure counts, of this time or of the one ``before`` that it is compared with."""
        if self._found is not None:
            show_requests(self.app, *behind_figure(self._found, which, before=before))

    def action_projected(self) -> None:
        """The requests that the month's projection rests on."""
        if self._found is not None:
            show_requests(self.app, *behind_projection(self._found))

    def action_gauge(self, number: int) -> None:
        """The requests that a limit is held against; where none is set, one can be."""
        if number < len(self._accounts):
            show_requests(self.app, *behind_gauge(self._accounts[number]))
        else:
            self.action_budgets()

    def action_guard(self) -> None:
        """What the guard found."""
        show_guard_hits(self.app)

    async def action_export(self, form: Form) -> None:
        """Write what is shown beside the history, for its owner's eyes alone."""
        if self._found is not None:
            await export(self.app, self._found, self._accounts, form)

    def action_figures(self) -> None:
        """Every figure, where the lines above have no room for all."""
        if self._found is not None:
            rows = figure_rows(self._found, self._accounts)
            show_figures(self.app, f"Figures: {self._found.period.name}", rows, self.run_action)

    # -- what is pointed at ----------------------------------------------------------------------------

    @on(RowList.TitleClicked)
    def _title_clicked(self, event: RowList.TitleClicked) -> None:
        title = self._columns[event.number].title
        if title in ORDERS or not event.number:
            self._sort = title if event.number else "name"
            self._show_table()

    @on(RowList.Chosen)
    def _drill(self, event: RowList.Chosen) -> None:
        """The requests behind a line."""
        if self._found is not None and event.id.startswith("="):
            show_requests(self.app, *behind_line(self._found, event.id.removeprefix("="), self._snapshot))

    @on(Plot.Chosen)
    def _spot_chosen(self, event: Plot.Chosen) -> None:
        if event.plot.id == "budgets":
            self.action_gauge(event.index)
        elif self._found is not None:
            which = self._view if event.plot.id == "left" else BESIDE.get(self._view, self._view)
            show_requests(self.app, *behind_spot(self._found, which, event.index, self._snapshot))

    # -- what is shown ---------------------------------------------------------------------------------

    def _take(self, look: Look) -> None:
        self._look = look
        self._reload()

    def _reload(self) -> None:
        self.bar.fields = tuple(self._keys())
        self.run_worker(self._look_up(), exclusive=True, group="stats", exit_on_error=False)

    async def _follow(self) -> None:
        """Look again where something was spent meanwhile, by whomever."""
        if self._found is not None and self.is_current:
            version = await self._services.store.reader.read(lambda connection: Book(connection).version())
            if version != self._seen:
                self._reload()

    async def _look_up(self) -> None:
        store, now, zone = self._services.store, now_ms(), self._services.zone
        if zone != self._snapshot.zone:
            self._snapshot = Snapshot(zone)
        found = await cockpit(store, self._snapshot, self._look, now)
        self._seen = self._snapshot.version
        budget = await self._services.costs.budget.gauges(now)
        self._accounts = await accounts(
            budget, store.gateway_keys, store.ledger.figures, month=found.month, now=now, zone=zone
        )
        self._found = found
        self._show()

    def _show(self) -> None:
        if self._found is not None:
            self._show_budgets()
            self.query_one("#spent", FieldLine).fields = tuple(spent_fields(self._found))
            compared = tuple(compared_fields(self._found))
            self.query_one("#quality", FieldLine).fields = compared or tuple(quality_fields(self._found))
            self._show_charts()
        self._show_table()

    def _show_budgets(self) -> None:
        budgets, now = self.query_one("#budgets", Plot), now_ms()
        large = self.size.height >= 34 and self.size.width >= NARROW_BELOW
        count = min(len(self._accounts), MOST_GAUGES if large else 2)
        budgets.styles.height = max(1, count * 2 if large else count)
        budgets.show(lambda width, height: gauges(self._accounts, now, width, height, self._pens))

    def _show_charts(self) -> None:
        if self._found is None:
            return
        now = now_ms()
        for name, which in (("#left", self._view), ("#right", BESIDE.get(self._view))):
            if which is not None:
                made = view_of(self._found, which, now, self._pens)
                self.query_one(name, Plot).show(made.draw, made.title, made.right)

    @property
    def _columns(self) -> tuple[Column, ...]:
        return COLUMNS if self._found is None or self._found.before is None else COMPARED

    def _show_table(self) -> None:
        glyphs, found = self._theme.glyphs, self._found
        name = found.period.name if found is not None else PERIODS[self._look.zoom]
        by = {"time": "time", "hour": "hour of the week"}.get(self._look.by, self._look.by)
        self.title_line.fields = (
            Field((Span(f"{self._theme.edge[:1]} ", "faint"), Span("STATS ", "bright")), rank=0),
            Field((Span(f" {name} by {by} ", "text"), Span(self._theme.edge[:1], "faint")), right=True),
        )
        self.table.columns = titled(self._columns, self._sort, ascii_only=self._pens is ASCII_PENS)
        on = None if self.table.current is None else self.table.current.id
        rows = [Row("", (glyphs.ellipsis,), "dim")] if found is None else table_rows(found, self._sort, self._pens)
        self.table.show(rows or [Row("", ("No requests in this period.",), "dim")], on=on)
        self.bar.fields = tuple(self._keys())

    def _keys(self) -> Iterator[Field]:
        back, *others = key_fields((), {}, self._theme.keys, actions=ACTIONS)
        yield back
        zoom = self._look.zoom
        after = ZOOMS[(ZOOMS.index(zoom) + 1) % len(ZOOMS)]
        yield Field(key_spans("1-6", PERIODS[zoom], self._theme.keys), rank=1, action=f"period('{after}')")
        yield from others
