"""What the title, the status line and the sign before the composer say, and when they say it anew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from textual.timer import Timer

from routerterm.core.errors import RoutertermError
from routerterm.core.messages import Message, Text
from routerterm.core.sanitise import one_line
from routerterm.tui.terminal import driver_of
from routerterm.tui.widgets.fields import Field, Span
from routerterm.tui.widgets.forecast_fields import forecast_fields
from routerterm.tui.widgets.status import Activity, StatusView, mode_field, status_fields

if TYPE_CHECKING:
    from textual.app import App

    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.tui.chat.screen import ChatScreen
    from routerterm.wiring.preview import Preview

SHORT = 24
"""Letters of a system prompt without a name that are shown."""
FORECAST_AFTER = 0.35
"""Seconds without a key press after which the cost of what is typed is looked up."""


class StatusController:
    """Gathers the moment into a `StatusView`, draws it, and keeps it turning while something happens."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._view = StatusView()
        self._timer: Timer | None = None
        self._typing: Timer | None = None
        self._gateway_version = 0
        self.typed_at = 0.0
        """When a key was last pressed in the composer (`time.monotonic`)."""

    def busy(self) -> None:
        """Turn the spinner until nothing runs any more."""
        if self._timer is None:
            self._timer = self._screen.set_interval(self._screen.app.pulse, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw title and status of this moment."""
        turns = self._screen.turns
        if self._timer is not None and not turns.any:
            self._timer.stop()
            self._timer = None
        self._screen.notifications.mood("answering" if turns.any else "idle")
        turn = turns.current if self._screen.app.services else None
        app = self._screen.app
        self._screen.transcript.throttle(app.line_is_slow, dear=_scrolling_is_dear(app))
        activity: Activity = "idle" if turn is None else "waiting" if turn.first_at is None else "answering"
        self._view = replace(
            self._view,
            activity=activity,
            tick=self._view.tick + 1 if self._screen.app.moves else 0,
            note=turn.note if turn is not None and turn.first_at is None else self._waiting(),
            rate=turn.rate if turn else None,
            queued=len(turn.queue) if turn else 0,
            private=self._screen.conversation.private,
            in_force=tuple(in_force(self._screen.conversation)),
            bytes_per_second=self._screen.app.line_speed(),
            mode=mode_word(self._screen),
        )
        asked = self._screen.confirmation.fields
        self._screen.status_line.fields = (
            (mode_field(self._view.mode, rank=2), *asked)
            if asked
            else status_fields(self._view, self._screen.machine.glyphs)
        )
        self._screen.title_line.fields = self._title()

    def typed(self) -> None:
        """Something was typed: look the forecast up when the hands rest."""
        self.typed_at = time.monotonic()
        if self._typing is not None:
            self._typing.stop()
        self._typing = self._screen.set_timer(FORECAST_AFTER, self._ask_forecast)

    async def spent(self) -> None:
        """Look up what today has cost."""
        today, cap = await self._screen.services.spent_today()
        self._view = replace(self._view, today=today, today_cap=cap)
        self.refresh()

    def _waiting(self) -> str:
        """What was sent before all was read waits; it is said that it does."""
        waiting = len(self._screen.early)
        return f"starting; {waiting} sent {'text' if waiting == 1 else 'texts'} will go then" if waiting else ""

    async def follow_gateway(self) -> None:
        """Look up today's cost again where other programs have asked through the gateway in here."""
        host = self._screen.app.gateway.host
        version = host.board.version if host is not None else 0
        if version != self._gateway_version:
            self._gateway_version = version
            await self.spent()
            await self._screen.notifications.warn_of_budget()

    def reached(self, anybody: bool) -> None:
        """Whether anybody could be reached by the last request."""
        self._view = replace(self._view, offline=not anybody)

    async def lamps(self) -> None:
        """Look up how the providers are."""
        self._view = replace(self._view, providers=await self._screen.services.lamps())
        self.refresh()

    def _ask_forecast(self) -> None:
        self._screen.run_worker(self._forecast(), group="forecast", exclusive=True, exit_on_error=False)

    async def _forecast(self) -> None:
        """Look up what the next message would cost; with nothing written, only how full the context is."""
        found: Preview | None = None
        text = self._screen.composer.text
        writes = bool(text.strip() or self._screen.attachments.items) and not text.startswith("/")
        try:
            if self._screen.app.services is not None:
                found = await self._preview(text if writes else "")
        except RoutertermError:
            found = None  # nothing can serve it: sending says so in full
        except asyncio.CancelledError:
            return
        self._view = replace(self._view, forecast=found.forecast if found else None, writes=writes)
        line = self._screen.forecast_line
        line.fields = forecast_fields(found, len(self._screen.compare.models)) if found and writes else ()
        line.display = bool(line.fields)
        self.refresh()

    async def _preview(self, text: str) -> Preview | None:
        from routerterm.wiring.preview import preview

        conversation, files = self._screen.conversation, self._screen.attachments.items
        words = (Text(text),) if text.strip() else ()
        return await preview(
            self._screen.services,
            conversation.session,
            Message("user", (*words, *(file.part for file in files))),
            conversation.model,
            params=conversation.params,
            system=conversation.system,
            private=conversation.private,
        )

    def _title(self) -> tuple[Field, ...]:
        conversation, glyphs = self._screen.conversation, self._screen.machine.glyphs
        turn = self._screen.turns.current if self._screen.app.services else None
        target = turn.session.reply.record.target if turn and turn.session.reply else None
        model = " | ".join(self._screen.compare.models) or conversation.model or "starting"
        right = f"{model} {glyphs.pointer} {target}" if target and target != model else model
        title = one_line(conversation.title)
        fields = [Field((Span(f"{glyphs.rule} ", "faint"), Span(f"{self._screen.machine.head} ", "bright")), rank=1)]
        if title:
            fields.append(Field((Span(f" {title} ", "text"),), rank=2))
        fields.append(
            Field(
                (Span(f" {right} ", "accent"), Span(glyphs.rule, "faint")), right=True, action="app.command('models')"
            )
        )
        return tuple(fields)


def in_force(conversation: ConversationController) -> Iterator[str]:
    """What is in force in this conversation beside the model, in a few words each."""
    if conversation.editing is not None:
        yield f"editing the {conversation.editing_what}"
    if conversation.system:
        name = conversation.system_name or one_line(conversation.system)
        yield f"system: {name[:SHORT].rstrip()}{'…' if len(name) > SHORT else ''}"
    params = conversation.params
    if params.temperature is not None:
        yield f"temp {params.temperature:g}"
    if params.effort is not None:
        yield f"reasoning {params.effort}"
    if params.max_output is not None:
        yield f"max {params.max_output:,} tok"


def mode_word(screen: ChatScreen) -> str:
    """Where the keyboard is; while vim edits, its mode."""
    vim = screen.composer.vim
    return vim.mode if vim is not None and screen.places.mode == "WRITE" else screen.places.mode


def _scrolling_is_dear(app: App[Any]) -> bool:
    """Whether a scrolled pane moves its neighbours too, on a line where sending them again counts."""
    driver = driver_of(app)
    return driver is not None and driver.line.remote and not driver.scrolls_between
