"""The gateway: whether it is open, and what other programs ask of it, as it happens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Static

from routerterm.config.write import set_value
from routerterm.core.errors import RoutertermError
from routerterm.core.money import show_usd
from routerterm.core.sanitise import one_line
from routerterm.tui.dialogs.table_box import TableBox
from routerterm.tui.widgets.fields import FieldLine, Span, Tone
from routerterm.tui.widgets.keybar import foot
from routerterm.tui.widgets.rows import Column, Row, RowList

if TYPE_CHECKING:
    from routerterm.engine.usage.request_log import RequestEntry
    from routerterm.tui.app_context import AppContext

EVERY = 0.5
"""Seconds between two looks at what has changed."""
COLUMNS = (
    Column("time", 2),
    Column("who", 3, most=20),
    Column("asked", 1, most=28),
    Column("answered", 0, grow=True),
    Column("tokens", 4, right=True),
    Column("cost", 1, right=True),
    Column("ms", 3, right=True),
)
TONES: dict[str, Tone] = {"running": "bright", "done": "text", "gone": "dim", "error": "error", "denied": "warning"}


async def open_screen(app: AppContext) -> None:
    """Show it."""
    app.push_screen(GatewayScreen(app))


class GatewayScreen(TableBox):
    """A list that moves by itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "switch", "Turn the gateway on or off"),
    ]
    DEFAULT_CSS = """
    GatewayScreen > Box { width: 94%; max-width: 130; height: 86%; }
    GatewayScreen RowList { height: 1fr; }
    GatewayScreen.-off > Box { height: auto; }
    GatewayScreen.-off RowList { display: none; }
    """

    def __init__(self, app: AppContext) -> None:
        super().__init__(app, "Gateway", COLUMNS)
        self._version = -1

    def on_mount(self) -> None:
        """Look from time to time whether something has happened."""
        self.query_one(RowList).focus()
        self._look()
        self.set_interval(EVERY, self._look)

    async def action_switch(self) -> None:
        """Turn the setting over, and live by it."""
        turned = self._of.gateway.host is None
        try:
            set_value(self._of.paths, "gateway.enabled", turned)
            await self._of.take_up_settings()
        except RoutertermError as error:
            self.notify(f"{error.message}\n{error.hint}".strip(), severity="warning", markup=False)
        self._look(anew=True)

    def _look(self, *, anew: bool = False) -> None:
        host = self._of.gateway.host
        self.set_class(host is None, "-off")
        version = -1 if host is None else host.request_log.version
        if version == self._version and version != -1 and not anew:
            return
        first, self._version = self._version == -1, version
        listed = self.query_one(RowList)
        rows = () if host is None else host.request_log.rows()
        at = None if first or listed.cursor == 0 or listed.current is None else listed.current.id
        listed.show([row_of(row) for row in rows], on=at)
        self.query_one("#state", Static).update("\n".join(self._words(rows)))
        hint = "s Turn off" if host is not None else "s Turn on"
        actions = {"s": "screen.switch", "Esc": "screen.dismiss(None)"}
        self.query_one("#foot", FieldLine).fields = foot(f"{hint} · Esc Close", actions, self.app.active_theme.keys)

    def _words(self, rows: tuple[RequestEntry, ...]) -> Iterator[str]:
        host = self._of.gateway.host
        if host is None:
            yield "Off. Turn it on to let local editors and scripts use your models and budgets."
            return
        running = sum(row.ending == "running" for row in rows)
        yield f"On: {host.address} - OpenAI at {host.address}/v1 - {running} running"
        if not rows:
            yield "No requests yet.  Keys for tools: routerterm gateway key add NAME"


def row_of(served: RequestEntry) -> Row:
    """One request as a row."""
    tone = TONES[served.ending]
    moment = datetime.fromtimestamp(served.started_at / 1000).strftime("%H:%M:%S")  # noqa: DTZ006 - the person's clock
    answered = served.answered or "…" if served.ending == "running" else served.error or served.answered
    if served.cached:
        answered = f"{answered} (from cache)"
    elif served.fallback and served.ending == "done":
        answered = f"{answered} (fallback)"
    elif served.ending == "gone":
        answered = f"{served.answered} (disconnected)".strip()
    about = "~" if served.estimated else ""
    tokens = f"{about}{served.tokens_in}+{served.tokens_out}" if served.tokens_in or served.tokens_out else ""
    cost = "" if served.ending in ("running", "denied") else show_usd(served.cost)
    took = "" if served.total_ms is None else str(served.total_ms)
    who = served.client.removeprefix("gateway:")
    cells = (moment, one_line(who), one_line(served.asked), (Span(one_line(answered), tone),), tokens, cost, took)
    return Row(str(served.number), cells, tone)
