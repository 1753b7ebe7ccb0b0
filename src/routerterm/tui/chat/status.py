"""What the title, the status line and the sign before the composer say, and when they say it anew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from textual.timer import Timer

from routerterm.core.errors import RoutertermError
from routerterm.core.messages import Message
from routerterm.core.sanitise import one_line
from routerterm.tui.chat.in_force import in_force
from routerterm.tui.clock import time_of_day, today
from routerterm.tui.terminal import driver_of
from routerterm.tui.widgets.fields import Field, Span
from routerterm.tui.widgets.forecast_fields import forecast_fields
from routerterm.tui.widgets.status import Activity, StatusView, mode_field, status_fields

if TYPE_CHECKING:
    from textual.app import App

    from routerterm.router.decide.prompt_cache import WarmCache
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.approvals import Approvals
    from routerterm.tui.chat.compare import CompareController
    from routerterm.tui.chat.confirmation import Confirmation
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.tui.chat.greeting import GreetingController
    from routerterm.tui.chat.places import Places
    from routerterm.tui.chat.turns import TurnRunner
    from routerterm.tui.chat.view import ChatView
    from routerterm.tui.notifications import Notifications
    from routerterm.tui.themes.values import Theme
    from routerterm.wiring.preview import Preview

LOOKED_AT = 5
"""Seconds after a key press for which the cache's clock runs; then it names the time and costs nothing."""
FORECAST_AFTER = 0.35
"""Seconds without a key press after which the cost of what is typed is looked up."""


class StatusController:
    """Gathers the moment into a `StatusView`, draws it, and keeps it turning while something happens."""

    def __init__(
        self,
        app: AppContext,
        view: ChatView,
        *,
        conversation: ConversationController,
        turns: TurnRunner,
        compare: CompareController,
        places: Places,
        confirmation: Confirmation,
        approvals: Approvals,
        notifications: Notifications,
        waiting: Callable[[], int],
        greeting: GreetingController,
    ) -> None:
        """``waiting``: how many texts were sent before there was anybody to send them to."""
        self._app = app
        self._title_line = view.title_line
        self._status_line = view.status_line
        self._forecast_line = view.forecast_line
        self._transcript = view.transcript
        self._composer = view.composer
        self._conversation = conversation
        self._turns = turns
        self._compare = compare
        self._places = places
        self._confirmation = confirmation
        self._approvals = approvals
        self._notifications = notifications
        self._early = waiting
        self._greeting = greeting
        self._view = StatusView()
        self._clock: Timer | None = None
        self._every: float | None = None
        """Seconds between two turns of the clock."""
        self._typing: Timer | None = None
        self._warm: WarmCache | None = None
        self._cold: Timer | None = None
        """Waits for the moment when the provider has forgotten the prompt."""
        self._spent_at: tuple[int, date] = 0, today()
        """The gateway's requests so far and the day, as they were when it was last asked what today has cost."""
        self.typed_at = 0.0
        """When a key was last pressed in the composer (`time.monotonic`)."""

    def _keep_time(self) -> None:
        """One clock for all that moves here: spinner, seconds, rate, the cache's time; none while nothing does."""
        if self._turns.any:
            every = self._app.pulse
        elif self._counts_down:
            every = 1.0
        else:
            every = None
        if every == self._every:
            return
        if self._clock is not None:
            self._clock.stop()
        self._every = every
        self._clock = self._status_line.set_interval(every, self.refresh) if every is not None else None

    def refresh(self) -> None:
        """Draw title and status of this moment."""
        turns, app = self._turns, self._app
        self._keep_time()
        self._notifications.mood("answering" if turns.any else "idle")
        turn = turns.current if self._app.services else None
        self._transcript.throttle(app.line_is_slow, dear=_scrolling_is_dear(app))
        activity: Activity
        if turn is None:
            activity = "idle"
        elif turn.first_at is None:
            activity = "waiting"
        else:
            activity = "answering"
        cache, saves = self._cache_words()
        self._view = replace(
            self._view,
            cache=cache,
            cache_saves=saves,
            activity=activity,
            tick=self._view.tick + 1 if self._app.moves else 0,
            note=turn.note if turn is not None and turn.first_at is None else self._waiting(),
            rate=turn.rate if turn else None,
            queued=len(turn.queue) if turn else 0,
            private=self._conversation.private,
            in_force=tuple(in_force(self._conversation)),
            bytes_per_second=self._app.line_speed(),
            mode=self._mode_word,
        )
        asked = self._confirmation.fields or self._approvals.fields
        self._status_line.fields = (
            (mode_field(self._view.mode, rank=2), *asked)
            if asked
            else status_fields(self._view, self._app.active_theme.glyphs)
        )
        self._title_line.fields = self._title()
        self._greeting.refresh(self._view)

    def typed(self) -> None:
        """Something was typed: look the forecast up when the hands rest."""
        self.typed_at = time.monotonic()
        self.look_ahead()

    async def spent(self) -> None:
        """Look up what today has cost."""
        services = self._app.ready_services
        usd, unknown = await services.spent_today()
        cap = services.settings.budget.day
        self._view = replace(self._view, today=usd, today_unknown=unknown, today_cap=cap)
        self.refresh()

    def _waiting(self) -> str:
        """What was sent before all was read waits; it is said that it does."""
        waiting = self._early()
        return f"starting; {waiting} sent {'text' if waiting == 1 else 'texts'} will go then" if waiting else ""

    async def follow_gateway(self) -> None:
        """Look up today's cost again where others have asked through the gateway in here, or the day is another."""
        host = self._app.gateway.host
        now = host.request_log.version if host is not None else 0, today()
        if now != self._spent_at and self._app.services is not None:
            self._spent_at = now
            await self.spent_elsewhere()

    async def spent_elsewhere(self) -> None:
        """Somebody else has spent something: say what today has cost by now, and warn of a budget."""
        await self.spent()
        await self._notifications.warn_of_budget()

    def reached(self, anybody: bool) -> None:
        """Whether anybody could be reached by the last request."""
        self._view = replace(self._view, offline=not anybody)

    async def refresh_providers(self) -> None:
        """Look up how the providers are."""
        self._view = replace(self._view, providers=await self._app.ready_services.provider_statuses())
        await self._greeting.count()
        self.refresh()

    def _ask_forecast(self) -> None:
        self._status_line.run_worker(self._forecast(), group="forecast", exclusive=True, exit_on_error=False)

    async def _forecast(self) -> None:
        """Look up what the next message would cost; with nothing written, only how full the context is."""
        found: Preview | None = None
        unsent = self._app.unsent
        text = self._composer.text
        writes = bool(unsent.parts) and not text.startswith("/") and not self._conversation.edits_answer
        try:
            if self._app.services is not None:
                found = await self._preview(unsent if writes else Message("user", ()))
        except RoutertermError:
            found = None  # nothing can serve it: sending says so in full
        except asyncio.CancelledError:
            return
        self._view = replace(self._view, forecast=found.forecast if found else None, writes=writes)
        self._view = replace(self._view, reported=found.reported if found else None)
        self._show_cache(found.warm if found else None)
        line = self._forecast_line
        line.fields = forecast_fields(found, len(self._compare.models)) if found and writes else ()
        line.display = bool(line.fields)
        self.refresh()

    def look_ahead(self) -> None:
        """Look up anew, in a moment, what comes next would cost and how full the context is."""
        if self._typing is not None:
            self._typing.stop()
        self._typing = self._status_line.set_timer(FORECAST_AFTER, self._ask_forecast)

    def _show_cache(self, warm: WarmCache | None) -> None:
        """Count down for some seconds; afterwards one timer waits for the moment when it is cold."""
        if self._cold is not None:
            self._cold.stop()
        self._warm, self._cold = warm, None
        if warm is not None and (left := warm.until - time.time()) > 0:
            self._cold = self._status_line.set_timer(left, self.refresh)

    @property
    def _counts_down(self) -> bool:
        """Whether the time for which the prompt is held is shown by the second: while somebody types."""
        held = self._warm is not None and self._warm.until > time.time()
        return held and time.monotonic() - self.typed_at <= LOOKED_AT

    def _cache_words(self) -> tuple[str, str]:
        """How long the prompt is still held, and what that saves; nothing where it is not."""
        warm = self._warm
        left = warm.until - time.time() if warm is not None else 0.0
        if warm is None or left <= 0:
            return "", ""
        from routerterm.router.decide.prompt_cache import estimated  # not before the first picture

        clock = f"{int(left) // 60}:{int(left) % 60:02}"
        words = clock if self._counts_down else f"until {time_of_day(round(warm.until * 1000))}"
        return words, estimated(warm.saved) if warm.saved else ""

    async def _preview(self, message: Message) -> Preview | None:
        from routerterm.wiring.preview import preview

        now = self._conversation
        return await preview(
            self._app.ready_services,
            now.session,
            message,
            now.model,
            params=now.params,
            system=now.system,
            private=now.private,
        )

    @property
    def _mode_word(self) -> str:
        """Where the keyboard is; while vim edits, its mode."""
        vim, mode = self._composer.vim, self._places.mode
        return vim.mode if vim is not None and mode == "WRITE" else mode

    def _title(self) -> tuple[Field, ...]:
        conversation, glyphs = self._conversation, self._app.active_theme.glyphs
        turn = self._turns.current if self._app.services else None
        target = turn.session.reply.record.target if turn and turn.session.reply else None
        model = " | ".join(self._compare.models) or conversation.model or "starting"
        right = f"{model} {glyphs.pointer} {target}" if target and target != model else model
        title = one_line(conversation.title)
        return title_fields(self._app.active_theme, title, right)


def title_fields(theme: Theme, title: str, right: str) -> tuple[Field, ...]:
    """The first row as the theme has it: whose it is, the title, and at the right the model."""
    end = "" if theme.layout.title == "bar" else theme.fill[:1]
    fields = [Field((Span(f"{end} ", "faint"), Span(f"{theme.head} ", "bright")), rank=1)]
    if theme.layout.dated:
        fields.append(Field((Span(f" {today():%a %d %b} ", "dim"),), rank=3))
    if title:
        fields.append(Field((Span(f" {title} ", "text"),), rank=2))
    fields.append(Field((Span(f" {right} ", "accent"), Span(end, "faint")), right=True, action="app.command('models')"))
    return tuple(fields)


def _scrolling_is_dear(app: App[Any]) -> bool:
    """Whether a scrolled pane moves its neighbours too, on a line where sending them again counts."""
    driver = driver_of(app)
    return driver is not None and driver.line.remote and not driver.scrolls_between
