"""What an empty chat says of the moment, and its numbers: 1 to 3 open the conversations before this one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

from routerterm.core.money import show_usd, with_unknown
from routerterm.core.sanitise import one_line
from routerterm.tui.clock import age, today
from routerterm.tui.widgets.greeting import Facts, Recent
from routerterm.tui.widgets.keybar import key_name

if TYPE_CHECKING:
    from textual.timer import Timer

    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.view import ChatView
    from routerterm.tui.widgets.status import StatusView

OFFERED = 3
"""Conversations to go on with."""
SURE_AFTER = 0.45
"""Seconds after which a number that stands alone is no beginning of a text: it opens what it numbers."""
NAMED = 3
"""Providers that are named before they are only counted."""
TIPS = (
    ("switch", "switches to another conversation by a few letters of its title"),
    ("palette", "finds every command by its name"),
    ("leader", "shows every command with a letter to press"),
    ("route", "shows where a question would go, and why"),
    ("find", "finds everything that was ever said"),
    ("themes", "tries on another theme"),
    ("stats", "shows what all of this has cost"),
)
"""Commands, and what is worth knowing about them; a day, a tip."""


class GreetingController:
    """Keeps an empty chat's words true."""

    def __init__(
        self,
        app: AppContext,
        view: ChatView,
        open_one: Callable[[str], Awaitable[None]],
        skip_boot: Callable[[], None],
    ) -> None:
        """``open_one`` opens a conversation by its id; ``skip_boot`` ends what a start shows in this place."""
        self._app = app
        self._greeting = view.greeting
        self._composer = view.composer
        self._list = view.conversation_list
        self._open = open_one
        self._skip_boot = skip_boot
        self._models = ""
        self._timer: Timer | None = None

    def refresh(self, moment: StatusView) -> None:
        """Say what is so at this moment."""
        if self._greeting.display:
            recent = tuple(
                Recent(item.id, one_line(item.title) or "(untitled)", age(item.updated_at))
                for item in self._list.newest(OFFERED)
            )
            self._greeting.show(Facts(tuple(self._facts(moment)), recent, self._tip()))

    async def count(self) -> None:
        """Find how many models can answer now."""
        from routerterm.wiring.model_lists import count_ready

        self._models = f"{await asyncio.to_thread(count_ready, self._app.ready_services):,} ready"

    # -- the numbers -----------------------------------------------------------------------------------

    def edited(self) -> None:
        """Something else is written: is it one of the numbers?"""
        self._skip_boot()
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
            self._greeting.mark(-1)
        number = self._number(self._composer.text)
        if number >= 0:
            self._greeting.mark(number)
            self._timer = self._greeting.set_timer(SURE_AFTER, self._go)

    def took(self, text: str) -> bool:
        """Whether a text that was sent was but such a number: then that conversation is opened."""
        number = self._number(text)
        if number < 0 or self._timer is None:
            return False
        self._leave(number)
        return True

    def _number(self, text: str) -> int:
        offered = self._greeting.recent
        return int(text) - 1 if len(text) == 1 and text in "123"[: len(offered)] else -1

    def _go(self) -> None:
        number = self._number(self._composer.text)
        if number >= 0:
            self._composer.put("")
            self._leave(number)

    def _leave(self, number: int) -> None:
        chosen = self._greeting.recent[number].id
        self.edited()
        self._greeting.run_worker(self._opening(chosen), group="open", exclusive=True, exit_on_error=False)

    async def _opening(self, id: str) -> None:
        await self._open(id)

    # -- the words -------------------------------------------------------------------------------------

    def _facts(self, moment: StatusView) -> Iterator[tuple[str, str]]:
        if self._models:
            yield "models", self._models
        if moment.today is not None:
            cap = f" of {show_usd(moment.today_cap)}" if moment.today_cap else ""
            yield "today", f"{with_unknown(moment.today, moment.today_unknown)}{cap}"
        if self._app.services is None:
            return
        if not moment.providers:
            key = key_name(self._app.keys_of.get("keys", ("f6",))[0]) if self._app.keys_of.get("keys") else "/keys"
            yield "keys", f"none; {key} adds one"
            return
        glyphs = self._app.active_theme.glyphs
        signs = {"on": glyphs.on, "half": glyphs.half, "off": glyphs.off}
        for n, (provider, lamp) in enumerate(moment.providers[:NAMED]):
            words = {"on": "OK", "half": "limited", "off": "paused"}[lamp]
            yield "" if n else "keys", f"{signs[lamp]} {provider} {words}"
        if len(moment.providers) > NAMED:
            yield "", f"and {len(moment.providers) - NAMED} more"

    def _tip(self) -> str:
        if self._app.conversation.model.startswith("demo/"):
            return "write anything: the demo answers, free"
        known = [(name, words) for name, words in TIPS if self._app.keys_of.get(name)]
        if not known:
            return ""
        name, words = known[today().toordinal() % len(known)]
        return f"{key_name(self._app.keys_of[name][0])} {words}"
