"""The route screen: every route with its candidates as they stand now, and the health of all that was asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.getters import query_one

from routerterm.config.write import set_value
from routerterm.core.errors import RoutertermError
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Decision, Target
from routerterm.engine.record import Record
from routerterm.router.breaker import Health
from routerterm.router.options import BUILTIN_ROUTES, STRATEGIES, Route
from routerterm.tui.entries import words
from routerterm.tui.frame import Panes
from routerterm.tui.sanitise import one_line
from routerterm.tui.screens.ask_value import AskValue
from routerterm.tui.screens.chat import BOTTOM_FROM, BOX_FROM
from routerterm.tui.screens.framed import FramedScreen
from routerterm.tui.screens.why import WhyScreen
from routerterm.tui.themes.values import Theme
from routerterm.tui.widgets.fields import Field, FieldLine, Span, Tone
from routerterm.tui.widgets.rows import Column, Row, RowList
from routerterm.tui.widgets.status import cost_range

if TYPE_CHECKING:
    from routerterm.tui.app import RoutertermApp
    from routerterm.wiring import Services

COLUMNS = (Column("", 0, most=3), Column("", 0, grow=True), Column("", 1, most=46), Column("", 3, right=True))
AVOID = 600.0
"""Seconds that a model is avoided by hand."""


async def open_screen(app: RoutertermApp) -> None:
    """Show the routes."""
    assert app.services is not None
    app.push_screen(RouteScreen(app.services, app.machine))


class RouteScreen(FramedScreen):
    """A list above, what can be done at the foot."""

    AUTO_FOCUS = "#list"
    DEFAULT_CSS = """
    RouteScreen { layout: vertical; overflow: hidden; }
    RouteScreen > #title { margin: 0 2; }
    RouteScreen > #list { height: 1fr; margin: 0 1; background: $t-background; }
    RouteScreen > #bar { margin: 1 2 1 2; }
    RouteScreen.-open-box > #bar { margin-bottom: 0; }
    RouteScreen.-no-box > #title, RouteScreen.-no-box > #list { margin: 0; }
    RouteScreen.-no-box > #bar { margin: 1 0 0 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "dry_run", "Dry run"),
        Binding("a", "avoid", "Avoid 10 min"),
        Binding("f", "forget", "Forget"),
        Binding("s", "strategy", "Strategy"),
        Binding("K,shift+up", "shift(-1)", show=False),
        Binding("J,shift+down", "shift(1)", show=False),
        Binding("escape,q,f7", "app.pop_screen", "Back"),
    ]
    listing = query_one("#list", RowList)
    bar = query_one("#bar", FieldLine)

    def __init__(self, services: Services, machine: Theme) -> None:
        super().__init__()
        self._services, self._machine = services, machine
        self.frame = machine.frame

    def compose(self) -> ComposeResult:
        """The panes, from the top."""
        yield FieldLine(id="title", fill=self._machine.glyphs.rule)
        yield RowList(COLUMNS, id="list")
        yield FieldLine(id="bar", gap=2)

    def on_mount(self) -> None:
        """Look everything up."""
        super().on_mount()
        rule = self._machine.glyphs.rule
        self.query_one("#title", FieldLine).fields = (Field((Span(f"{rule} ", "faint"), Span("ROUTES ", "bright"))),)
        self.bar.fields = tuple(_actions())
        self._reload()

    def panes(self) -> Panes:
        """A rule above what can be done."""
        width, height = self.size
        return Panes(width, height, boxed=self._boxed, bottom=height >= BOTTOM_FROM, rules=(self.bar.region.y - 1,))

    @property
    def _boxed(self) -> bool:
        return self.size.width >= BOX_FROM and self.frame not in ("rules", "none")

    def on_resize(self) -> None:
        """Leave the box away where columns are few."""
        self.set_class(not self._boxed, "-no-box")
        self.set_class(self.size.height < BOTTOM_FROM, "-open-box")

    @on(FieldLine.Clicked)
    async def _clicked(self, event: FieldLine.Clicked) -> None:
        await self.run_action(event.action)

    def action_dry_run(self) -> None:
        """Where a prompt would go, without sending it."""
        route = self._route() or self._services.default_model

        async def asked(text: str | None) -> None:
            if text is None:
                return
            request = ChatRequest(route, (Message.of("user", text),))
            try:
                decision = await self._services.router.explain(request)
            except RoutertermError as error:
                self.notify(f"{error.message} {error.hint}", severity="warning", markup=False)
            else:
                self.app.push_screen(WhyScreen(Record(asked=route, decision=decision)))

        self.app.push_screen(AskValue(f"Dry run on {route}", "A prompt; nothing is sent.", "Hello"), asked)

    async def action_avoid(self) -> None:
        """Leave the model under the cursor alone for ten minutes."""
        if (target := self._target()) is not None:
            await self._services.router.avoid(target, AVOID)
            self._reload(self._row_id())

    async def action_forget(self) -> None:
        """Hold nothing against the model under the cursor any more."""
        if (target := self._target()) is not None:
            await self._services.router.forget(target)
            self._reload(self._row_id())

    async def action_strategy(self) -> None:
        """The next strategy for the route under the cursor, written into the settings."""
        if (name := self._route()) is not None:
            route = self._routes()[name]
            strategy = STRATEGIES[(STRATEGIES.index(route.strategy) + 1) % len(STRATEGIES)]
            await self._change(name, [model.name for model in route.models], strategy)

    async def action_shift(self, step: int) -> None:
        """Move an entry of a route up or down, written into the settings."""
        kind, _, rest = self._row_id().partition(":")
        name, _, entry = rest.partition(" ")
        if kind != "entry":
            return
        route = self._routes()[name]
        names = [model.name for model in route.models]
        here = names.index(entry)
        there = max(0, min(len(names) - 1, here + step))
        names.insert(there, names.pop(here))
        await self._change(name, names, route.strategy)

    async def _change(self, name: str, models: list[str], strategy: str) -> None:
        if not models:
            self.notify("The route `any` takes every provider with a key; it has no order to change.")
            return
        app: RoutertermApp = self.app  # type: ignore[assignment]  # there is no other
        try:
            set_value(app.paths, f"routes.{name}", {"strategy": strategy, "models": models})
            await app.take_up_settings()
        except RoutertermError as error:
            self.notify(f"{error.message} {error.hint}", severity="warning", markup=False)
        self._reload(self._row_id())

    def _routes(self) -> Mapping[str, Route]:
        return {**BUILTIN_ROUTES, **self._services.options.routes}

    def _row_id(self) -> str:
        return self.listing.current.id if self.listing.current else ""

    def _route(self) -> str | None:
        kind, _, rest = self._row_id().partition(":")
        return rest.partition(" ")[0] if kind in ("route", "entry", "candidate") else None

    def _target(self) -> Target | None:
        kind, _, rest = self._row_id().partition(":")
        name = rest.partition(" ")[2] if kind == "candidate" else rest if kind == "model" else ""
        return Target.parse(name) if "/" in name else None

    def _reload(self, on: str | None = None) -> None:
        self.run_worker(self._look_up(on), exclusive=True, group="route", exit_on_error=False)

    async def _look_up(self, on: str | None) -> None:
        decisions: dict[str, Decision | str] = {}
        for name in self._routes():
            try:
                decisions[name] = await self._services.router.explain(ChatRequest(name, (Message.of("user", "Hello"),)))
            except RoutertermError as error:
                decisions[name] = error.message
        health = await self._services.router.health()
        rows = [*route_rows(self._routes().values(), decisions), *health_rows(health)]
        self.listing.show(rows, on=on)


def route_rows(routes: Iterable[Route], decisions: Mapping[str, Decision | str]) -> Iterator[Row]:
    """Every route: what it is made of, who would be asked in which order now, and who not and why."""
    for route in routes:
        hedge = ", hedged" if route.hedge else ""
        yield Row(f"route:{route.name}", ("", (Span(route.name, "bright"),), f"{route.strategy}{hedge}", ""))
        for model in route.models:
            yield Row(f"entry:{route.name} {model.name}", ("", f"  {model.name}", "", ""), "dim")
        decision = decisions[route.name]
        if isinstance(decision, str):
            yield Row(f"none:{route.name}", ("", "  nobody can be asked", one_line(decision), ""), "warning")
            continue
        for place, candidate in enumerate(decision.candidates, 1):
            cost = cost_range(candidate.forecast) if candidate.forecast else ""
            cells = (f"{place}.", str(candidate.target), one_line(candidate.why), cost)
            yield Row(f"candidate:{route.name} {candidate.target}", cells)
        for passed in decision.passed_over:
            cells = ("-", str(passed.target), one_line(passed.reason), "")
            yield Row(f"candidate:{route.name} {passed.target}", cells, "dim")


def health_rows(health: Mapping[Target, Health]) -> Iterator[Row]:
    """Everything that was asked lately, and how it fared."""
    yield Row("", ("health",))
    for target, reading in sorted(health.items()):
        state, tone = health_words(reading)
        first = f"first {reading.ttft:.1f} s" if reading.ttft is not None else ""
        speed = f"{reading.speed:.0f} tok/s" if reading.speed is not None else ""
        yield Row(f"model:{target}", ("", str(target), state, " ".join(filter(None, (first, speed)))), tone)


def health_words(reading: Health) -> tuple[str, Tone]:
    """How a model is, in words."""
    last = f", last {words(reading.last_error)}" if reading.last_error else ""
    if reading.avoided_for:
        return f"avoided for {reading.avoided_for / 60:.0f} min more", "warning"
    if reading.open_for:
        return f"rests for {reading.open_for:.0f} s{last}", "error"
    if reading.probing:
        return f"the next request tries it again{last}", "warning"
    if reading.gone_for:
        return "the provider says it has no such model", "error"
    if reading.failures:
        return f"{reading.failures} of {reading.calls} failed{last}", "warning"
    return "well", "text"


def _actions() -> Iterator[Field]:
    for rank, (key, title, action) in enumerate(
        (
            ("Esc", "Back", "app.pop_screen"),
            ("D", "Dry run", "screen.dry_run"),
            ("A", "Avoid 10 min", "screen.avoid"),
            ("F", "Forget", "screen.forget"),
            ("S", "Strategy", "screen.strategy"),
            ("K J", "Up, down", "screen.shift(-1)"),
        )
    ):
        yield Field((Span(f" {key} ", "key"), Span(f" {title}")), rank=rank, action=action)
