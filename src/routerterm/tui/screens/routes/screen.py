"""The route screen: what every route would do now, how all that was asked fared, and both within reach of a key."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size
from textual.getters import query_one
from textual.widgets import Static

from routerterm.config.write import set_values
from routerterm.core.errors import RoutertermError, SettingsError
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Decision, Target
from routerterm.engine.chat.trace import ReplyTrace
from routerterm.engine.keys.view import health as key_words
from routerterm.engine.keys.view import lines_of
from routerterm.router.options import BUILTIN_ROUTES, STRATEGIES, Route
from routerterm.tui.actions import Action, bindings_of
from routerterm.tui.dialogs.prompt import PromptDialog
from routerterm.tui.screens.routes.rows import COLUMNS, Place, health_rows, moved, replay_words, route_rows
from routerterm.tui.screens.why import WhyScreen
from routerterm.tui.widgets.fields import Field, FieldLine, Span
from routerterm.tui.widgets.frame import Panes
from routerterm.tui.widgets.framed_screen import BOTTOM_FROM, NARROW_BELOW, SHORT, FramedScreen, title_line
from routerterm.tui.widgets.keybar import action_fields
from routerterm.tui.widgets.rows import RowList

if TYPE_CHECKING:
    from routerterm.config.schema import Settings
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.themes.values import Theme
    from routerterm.wiring import Services

PREVIEW_DAYS = 30
"""Recorded days that a changed route is replayed on."""
AVOID = 600.0
"""Seconds that a model is avoided by hand."""


async def open_screen(app: AppContext) -> None:
    """Show the routes."""
    assert app.services is not None
    app.push_screen(RouteScreen(app.services, app.active_theme))


class RouteScreen(FramedScreen):
    """A list above, what can be done at the foot."""

    app: AppContext
    AUTO_FOCUS = "#list"
    DEFAULT_CSS = """
    RouteScreen { layout: vertical; overflow: hidden; }
    RouteScreen > #title { margin: 0 2; }
    RouteScreen > #list { height: 1fr; margin: 0 1; background: $t-background; }
    RouteScreen > #detail { display: none; height: 1; color: $t-dim; }
    RouteScreen.-narrow > #detail { display: block; }
    RouteScreen > #bar { margin: 1 2 1 2; }
    RouteScreen.-open-box > #bar { margin-bottom: 0; }
    RouteScreen.-no-box > #title, RouteScreen.-no-box > #list { margin: 0; }
    RouteScreen.-no-box > #bar { margin: 1 0 0 0; }
    """
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("escape,q", "Back", "app.pop_screen", rank=0),
        Action("d", "Dry run: which model a prompt would go to, and why", "dry_run", rank=1, short="Dry run"),
        Action("a", "Avoid this model for 10 minutes", "avoid", rank=2, short="Avoid"),
        Action("p", "Pause or resume this model", "pause(False)", rank=3, short="Pause"),
        Action("P", "Pause or resume the whole provider", "pause(True)"),
        Action("s", "Next strategy for this route", "strategy", rank=4, short="Strategy"),
        Action("K,shift+up", "Move this entry up", "shift(-1)", rank=5, short="Earlier"),
        Action("J,shift+down", "Move this entry down", "shift(1)", rank=6, short="Later"),
        Action("f", "Forget the failures of this model", "forget", rank=7, short="Forget"),
        Action("n,insert", "Add a model to this route", "add", rank=8, short="Add"),
        Action("x,delete", "Remove this entry from its route", "remove", rank=9, short="Remove"),
        Action("h", "Hedge: ask a second model too when the first is slow", "hedge", rank=10, short="Hedge"),
        Action("N", "A new route", "new"),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(ACTIONS)
    listing = query_one("#list", RowList)
    bar = query_one("#bar", FieldLine)

    def __init__(self, services: Services, theme: Theme) -> None:
        super().__init__()
        self._services = services
        self._theme = theme
        self.frame = theme.frame

    def compose(self) -> ComposeResult:
        """The panes, from the top."""
        self._fit(self.app.size)  # before there is anything whose style would have to be looked up again
        yield title_line(self._theme)
        yield RowList(COLUMNS, id="list")
        yield Static(id="detail", markup=False)
        yield FieldLine(id="bar", gap=2, more=self.app.active_theme.glyphs.ellipsis)

    def on_mount(self) -> None:
        """Be there at once; the rows follow."""
        super().on_mount()
        rule = self._theme.edge[:1]
        self.query_one("#title", FieldLine).fields = (Field((Span(f"{rule} ", "faint"), Span("ROUTES ", "bright"))),)
        self.bar.fields = action_fields(self.ACTIONS, self, form=self.app.active_theme.keys)
        self._reload()

    def panes(self) -> Panes:
        """A rule above what can be done."""
        width, height = self.size
        return Panes(width, height, boxed=self._boxed, bottom=height >= BOTTOM_FROM, rules=(self.bar.region.y - 1,))

    @property
    def _boxed(self) -> bool:
        return not self.has_class("-no-box")

    def on_resize(self) -> None:
        """Leave the box away where columns are few."""
        self._fit(self.size)
        self.bar.lines = 2 if self.size.width < NARROW_BELOW and self.size.height > SHORT else 1

    def _fit(self, size: Size) -> None:
        self.set_class(not self.boxed_at(size), "-no-box")
        self.set_class(size.height < BOTTOM_FROM, "-open-box")
        self.set_class(size.width < NARROW_BELOW, "-narrow")

    @on(RowList.Moved)
    def _row_moved(self) -> None:
        if (row := self.listing.current) is not None:
            self.query_one("#detail", Static).update(row.detail)

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        """Enter on anything of a route asks where a prompt would go."""
        if self._place.route:
            self.action_dry_run()

    def action_dry_run(self) -> None:
        """Where a prompt would go, without sending it."""
        route = self._place.route or self._services.default_model

        async def asked(text: str | None) -> None:
            if text is not None:
                try:
                    decision = await self._explain(route, text)
                except RoutertermError as error:
                    self.notify(f"{error.message} {error.hint}", severity="warning", markup=False)
                else:
                    self.app.push_screen(WhyScreen(ReplyTrace(asked=route, decision=decision), "", self._theme))

        words, hint = "A prompt; nothing is sent.", "Enter Run · Esc Close"
        self.app.push_screen(PromptDialog(f"Dry run on {route}", words, "Hello", hint=hint), asked)

    async def action_avoid(self) -> None:
        """Leave the model under the cursor alone for ten minutes."""
        if (target := self._target()) is not None:
            await self._services.router.avoid(target, AVOID)
            self.notify(f"{target} is avoided for ten minutes. F ends that.", timeout=4, markup=False)
            self._reload()

    async def action_pause(self, whole: bool) -> None:
        """Send nothing to the model under the cursor (or its whole provider) until it is resumed the same way."""
        name = self._place.target.partition("/")[0] if whole else self._place.target
        if not name:
            self.notify("Move to a model or a provider.", timeout=4)
            return
        router = self._services.router
        if await router.resume(name):
            self.notify(f"{name} is resumed.", timeout=4, markup=False)
        else:
            await router.pause(name)
            key = "P" if "/" not in name else "p"
            self.notify(f"{name} is paused. {key} resumes it.", timeout=4, markup=False)
        self._reload()

    async def action_forget(self) -> None:
        """Hold nothing against the model under the cursor any more."""
        if (target := self._target()) is not None:
            await self._services.router.forget(target)
            self._reload()

    async def action_strategy(self) -> None:
        """The next strategy for the route under the cursor, written into the settings."""
        if (route := self._route()) is not None:
            strategy = STRATEGIES[(STRATEGIES.index(route.strategy) + 1) % len(STRATEGIES)]
            await self._change(route, strategy=strategy)

    async def action_hedge(self) -> None:
        """Hedge the route under the cursor, or no longer."""
        if (route := self._route()) is not None:
            await self._change(route, hedge=not route.hedge)

    async def action_shift(self, step: int) -> None:
        """Move an entry of a route up or down, written into the settings."""
        if (route := self._route()) is None:
            return
        if not self._place.entry:
            self.notify("Move to an entry of the route.", timeout=4)
            return
        await self._change(route, models=moved([model.name for model in route.models], self._place.entry, step))

    def action_add(self) -> None:
        """Add a model to the route under the cursor."""
        if (route := self._route()) is None:
            return

        async def take(text: str) -> None:
            await self._write(route, {"models": [*(model.name for model in route.models), text.strip()]})

        words = "A model (provider/model), a provider for its default model, an alias or another route."
        self.app.push_screen(PromptDialog(f"Add to {route.name}", words, take=take), lambda _: self._reload())

    async def action_remove(self) -> None:
        """Take an entry out of its route."""
        if (route := self._route()) is not None and (entry := self._place.entry):
            if len(route.models) == 1:
                self.notify("A route needs at least one model.", timeout=4)
                return
            await self._change(route, models=[model.name for model in route.models if model.name != entry])

    def action_new(self) -> None:
        """Make a route."""

        async def take(text: str) -> None:
            name, sign, models = text.partition("=")
            names = [model.strip() for model in models.split(",") if model.strip()]
            if not (name.strip() and sign and names):
                raise SettingsError("Write a name, an equals sign and models separated by commas.")
            await self._write(Route.of(name.strip(), *names), {"models": names})

        words = "A name and its models, for example: mine = openai, groq/openai/gpt-oss-120b"
        self.app.push_screen(PromptDialog("A new route", words, take=take), lambda _: self._reload())

    async def _change(self, route: Route, **entries: Any) -> None:
        """Write some entries of a route; what is wrong becomes a notice."""
        if route.every_key:
            self.notify("The route `any` uses every provider with a key; it cannot be changed.", timeout=5)
            return
        try:
            await self._write(route, entries)
        except RoutertermError as error:
            self.notify(f"{error.message} {error.hint}", severity="warning", markup=False)
        self._reload()

    async def _write(self, route: Route, entries: Mapping[str, Any]) -> None:
        """Into the settings: only what changes, or the whole of a route that is not written there yet."""
        if route.name not in self._services.settings.routes:
            entries = {"strategy": route.strategy, "models": [model.name for model in route.models]} | dict(entries)
        values = {f'routes."{route.name}".{name}': value for name, value in entries.items()}
        before = self._services.settings
        await asyncio.to_thread(set_values, self._services.paths, values)
        await self.app.take_up_settings()
        self.run_worker(self._preview(route.name, before), exclusive=True, group="preview", exit_on_error=False)

    async def _preview(self, route: str, before: Settings) -> None:
        """Say what the change would have made of what was asked of the route lately."""
        from routerterm.wiring.replay import replay_days

        services = self._services
        found = await replay_days(services, PREVIEW_DAYS, services.settings, before=before, route=route)
        if found.was.requests:
            self.notify(replay_words(found, PREVIEW_DAYS), title=route, timeout=10, markup=False)

    def _routes(self) -> Mapping[str, Route]:
        return {**BUILTIN_ROUTES, **self._services.options.routes}

    @property
    def _place(self) -> Place:
        return Place.of(self.listing.current.id if self.listing.current else "")

    def _route(self) -> Route | None:
        """The route under the cursor; a notice where there is none."""
        route = self._routes().get(self._place.route)
        if route is None:
            self.notify("Move to a route or one of its entries.", timeout=4)
        return route

    def _target(self) -> Target | None:
        """The model under the cursor; a notice where there is none."""
        name = self._place.target
        if "/" not in name:
            self.notify("Move to a model.", timeout=4)
            return None
        return Target.parse(name)

    def _meant(self, name: str) -> Target | None:
        """The model that an entry of a route means."""
        options = self._services.options
        name = options.aliases.get(name, name)
        if options.route(name) is not None:
            return None
        provider = self._services.catalog.provider(name)
        if provider is not None:
            return Target(name, provider.default_model) if provider.default_model else None
        return Target.parse(name) if "/" in name else None

    async def _explain(self, route: str, text: str) -> Decision:
        return await self._services.router.explain(ChatRequest(route, (Message.of("user", text),)))

    def _reload(self) -> None:
        on = self.listing.current.id if self.listing.current else None
        self.run_worker(self._look_up(on), exclusive=True, group="route", exit_on_error=False)

    async def _look_up(self, on: str | None) -> None:
        decisions: dict[str, Decision | str] = {}
        for name in self._routes():
            try:
                decisions[name] = await self._explain(name, "Hello")
            except RoutertermError as error:
                decisions[name] = error.message
        health, glyphs = await self._services.router.health(), self._theme.glyphs
        rows = [*route_rows(self._routes().values(), decisions, health, self._meant, glyphs)]
        keyless = {info.name for info in self._services.catalog.providers() if not info.needs_key}
        rows += health_rows(health, await self._keys(), glyphs, keyless)
        if on not in {row.id for row in rows}:  # it was taken out: stand where it stood
            on = next((row.id for row in reversed(rows[: self.listing.cursor + 1]) if row.id), None)
        self.listing.show(rows, on=on)

    async def _keys(self) -> dict[str, list[tuple[str, str]]]:
        """The keys of each provider and how they are, without opening any place."""
        services, now = self._services, time.time()
        records = await services.keys.readable_rows()
        troubles = {row.name: trouble for row in records if (trouble := services.keys.trouble(row)) is not None}
        found: dict[str, list[tuple[str, str]]] = {}
        for line in lines_of(
            records, await services.store.memory.read("key:"), {}, troubles=troubles, tests={}, now=now
        ):
            found.setdefault(line.record.provider, []).append((line.record.label, key_words(line, now)))
        return found
