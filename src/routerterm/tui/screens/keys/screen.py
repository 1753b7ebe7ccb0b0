"""The keys screen (F6): every key with its health, and everything a person does with keys.

`KeysScreen` is given a `KeysModel`; `routerterm.engine.keys.service.KeyDesk` is one.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.getters import query_one

from routerterm.config.keys.values import KeyLocation, KeyRecord
from routerterm.core.errors import RoutertermError
from routerterm.tui.actions import bindings_of
from routerterm.tui.screens.keys.actions import KeysActions
from routerterm.tui.screens.keys.list import EMPTY, KeysDetail, KeysList
from routerterm.tui.screens.keys.rows import Invitation, KeyRow, details, title_fields, wrapped
from routerterm.tui.screens.keys.table import ACTIONS, has_open_vault
from routerterm.tui.themes.values import Theme
from routerterm.tui.widgets.fields import Field, FieldLine, Span, Tone
from routerterm.tui.widgets.frame import Panes
from routerterm.tui.widgets.framed_screen import BOTTOM_FROM, BOX_FROM, FramedScreen, title_line
from routerterm.tui.widgets.keybar import action_fields

if TYPE_CHECKING:
    from textual.geometry import Size

    from routerterm.tui.screens.keys.model import KeysModel

BAR = 4
"""Lines of what can be done, at most."""
RELOAD = 5.0
"""Seconds between two looks at what other parts of the program did to the keys."""


class KeysScreen(FramedScreen):
    """List above, one key's story below, what can be done at the foot."""

    DEFAULT_CSS = """
    KeysScreen { layout: vertical; overflow: hidden; }
    KeysScreen > #title { margin: 0 2; }
    KeysScreen > #list { height: 1fr; margin: 0 1; background: $t-background; }
    KeysScreen > #detail { height: 5; margin: 1 2 0 2; background: $t-background; }
    KeysScreen > #note { height: 1; margin: 0 2; }
    KeysScreen > #bar { height: auto; margin: 1 2 0 2; }
    KeysScreen.-boxed > #bar { margin: 1 2 1 2; }
    KeysScreen.-low > #detail { height: 2; }
    KeysScreen.-bare > #title, KeysScreen.-bare > #list { margin: 0; }
    KeysScreen.-bare > #detail, KeysScreen.-bare > #bar { margin: 1 0 0 0; }
    KeysScreen.-bare > #note { margin: 0; }
    """
    AUTO_FOCUS = "#list"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(ACTIONS)

    title_line = query_one("#title", FieldLine)
    listing = query_one("#list", KeysList)
    detail = query_one("#detail", KeysDetail)
    note = query_one("#note", FieldLine)

    def __init__(
        self,
        model: KeysModel,
        theme: Theme | None = None,
        *,
        clock: Callable[[], float] = time.time,
        pasted: str = "",
        asking: bool = False,
    ) -> None:
        """``asking``: begin with asking for a key, perhaps the one that was ``pasted``."""
        super().__init__()
        self.model = model
        self.theme = theme or Theme("phosphor", "Phosphor")
        self.frame = self.theme.frame
        self._clock = clock
        self._pasted = pasted
        self._asking = asking
        self.view = EMPTY
        self.steps = KeysActions(self)
        self._doomed: KeyRecord | None = None
        self._busy = ""

    def compose(self) -> ComposeResult:
        """The panes, from the top."""
        self._fit(self.app.size)  # before there is anything whose style would have to be looked up again
        yield title_line(self.theme, gap=1)
        yield KeysList(self.theme.glyphs, id="list")
        yield KeysDetail(self.theme.glyphs, id="detail")
        yield FieldLine(id="note", gap=1)
        with Vertical(id="bar"):
            for _ in range(BAR):
                yield FieldLine(gap=2)

    def on_mount(self) -> None:
        """Show what there is, and keep it true."""
        self.title_line.fields = title_fields(None, self.theme.glyphs)
        self.set_interval(1.0, self._tick)
        self.set_interval(RELOAD, self._reload_quietly)
        self._work("Loading…", self._begin)

    async def _begin(self) -> None:
        await self.reload()
        if self._asking:
            pasted, self._pasted, self._asking = self._pasted, "", False
            await self.steps.add("", pasted.strip())

    async def on_unmount(self) -> None:
        """Leave no connection open."""
        await self.model.aclose()

    def panes(self) -> Panes:
        """Two rules: above the story of one key, and above what can be done."""
        height, boxed, closed = self.size.height, self._boxed, self._footed
        actions = height - int(closed) - len(self._bar_lines()) - 1
        story = actions - (2 if self._low else 5) - 2
        return Panes(self.size.width, height, boxed=boxed, bottom=closed, rules=(story, actions))

    def on_resize(self) -> None:
        """Other sizes leave other things away."""
        self._fit(self.size)
        self._show_bar()
        self._show_detail()

    def _fit(self, size: Size) -> None:
        self.set_class(size.width < BOX_FROM, "-bare")
        self.set_class(size.width >= BOX_FROM and size.height >= BOTTOM_FROM, "-boxed")
        self.set_class(size.height < BOTTOM_FROM, "-low")

    @on(KeysList.Moved)
    def _moved(self) -> None:
        self._doomed = None
        self._show_detail()
        self._show_bar()

    @on(KeysList.Chosen)
    def _chosen(self, event: KeysList.Chosen) -> None:
        match event.row:
            case Invitation(provider):
                self._add(provider=provider.name)
            case KeyRow():
                self.action_test()

    def on_paste(self, event: events.Paste) -> None:
        """A pasted key is the beginning of a new one."""
        event.stop()
        if event.text.strip():
            self._add(pasted=event.text.strip())

    def action_add(self) -> None:
        """Store a new key, of the provider under the cursor unless the key says otherwise."""
        row = self.listing.current
        self._add(provider=row.provider.name if isinstance(row, Invitation) else "")

    def action_test(self) -> None:
        """Ask the provider about the key under the cursor."""
        if (record := self.record) is not None:
            self._work(f"Asking {record.provider}…", lambda: self.steps.test(record))

    def action_test_all(self) -> None:
        """Ask every provider."""
        self._work("Testing all keys…", self.steps.test_all)

    def action_switch(self) -> None:
        """Use the key, or do not."""
        if (record := self.record) is not None:
            said = f"{record.name} is {'disabled' if record.enabled else 'enabled'}."
            self._order(lambda: self.model.set_enabled(record, not record.enabled), said)

    def action_adopt(self) -> None:
        """Store the key of a variable or a command."""
        record = self.record
        if record is None or record.stored:
            self.say("This key is stored already.", "dim")
            return
        self._work("Storing…", lambda: self.steps.adopt(record))

    def action_move(self) -> None:
        """Let the key live in the other place."""
        if (record := self.record) is not None:
            self._work("Moving…", lambda: self.steps.move(record))

    def action_shift(self, by: int) -> None:
        """Prefer the key more or less."""
        if (record := self.record) is not None:
            self._order(lambda: self.model.shift(record, by), "")

    def action_remove(self) -> None:
        """Forget the key; asked twice."""
        record = self.record
        if record is None:
            return
        if self._doomed != record:
            self._doomed = record
            self.say(f"Remove {record.name} {record.masked} permanently? Press d again.", "warning")
            return
        self._doomed = None
        self._order(lambda: self.model.remove(record), f"Removed {record.name}.")

    def action_edit(self) -> None:
        """Set quota and notes."""
        if (record := self.record) is not None:
            self._work("", lambda: self.steps.edit(record))

    def action_unlock(self) -> None:
        """Open what is locked."""
        self._work("", self.steps.unlock)

    def action_lock(self) -> None:
        """Close our vault."""
        if not has_open_vault(self):
            self.say("No vault is open.", "dim")
            return
        self._order(lambda: self.model.lock(KeyLocation.VAULT), "The vault is locked.")

    def action_leave(self) -> None:
        """Back to the chat."""
        self.dismiss(None)

    @property
    def record(self) -> KeyRecord | None:
        """The key under the cursor."""
        row = self.listing.current
        return row.line.record if isinstance(row, KeyRow) else None

    def _add(self, *, provider: str = "", pasted: str = "") -> None:
        self._work("", lambda: self.steps.add(provider, pasted))

    def _order(self, order: Callable[[], Awaitable[None]], done: str) -> None:
        """Do one thing, look again, and say that it is done."""

        async def work() -> None:
            await order()
            await self.reload()
            if done:
                self.say(done, "success")

        self._work("", work)

    def _work(self, saying: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run it beside the screen, one thing at a time; what goes wrong is said at the foot."""

        async def guarded() -> None:
            try:
                await work()
            except RoutertermError as error:
                self.say(f"{error.message} {error.hint}".strip(), "error")
            finally:
                self._busy = ""

        if self._busy:
            return
        self._busy = saying or "busy"
        if saying:
            self.say(saying, "text")
        self.run_worker(guarded())

    async def reload(self, stand_on: str | None = None) -> None:
        """Look again, and stand on the key of that name."""
        self.view = await self.model.view()
        if self._busy.endswith("…") or self.note.fields == ():  # what was done meanwhile is not what is said now
            self.say("" if self.view.keys else "No key yet: paste one here, or press n.", "text")
        self.title_line.fields = title_fields(self.view, self.theme.glyphs)
        self.listing.show(self.view, stand_on)
        self._show_detail()
        self._show_bar()

    def _reload_quietly(self) -> None:
        """See what the router did meanwhile, unless something is being done here."""
        if not self._busy and self.is_current:
            self._work("", self.reload)

    def _tick(self) -> None:
        if any(line.health == "cooling" for provider in self.view.providers for line in provider.lines):
            self.listing.tick(self._clock())
            self._show_detail()

    def say(self, sentence: str, tone: Tone) -> None:
        """One sentence above the actions, until the next."""
        self.note.fields = (Field((Span(sentence, tone),)),) if sentence else ()

    def _show_detail(self) -> None:
        now = max(self.view.at, self._clock()) if self.view.at else self._clock()
        self.detail.lines = details(self.listing.current, now)

    def _show_bar(self) -> None:
        lines = self._bar_lines()
        for index, bar in enumerate(self.query("#bar > FieldLine").results(FieldLine)):
            bar.display = index < len(lines)
            bar.fields = lines[index] if index < len(lines) else ()
        self.refresh()

    def _bar_lines(self) -> tuple[tuple[Field, ...], ...]:
        return wrapped(
            action_fields(ACTIONS, self, form=self.theme.keys),
            self.size.width - (4 if self._boxed else 0),
            2,
            BAR,
        )

    @property
    def _boxed(self) -> bool:
        return self.size.width >= BOX_FROM

    @property
    def _footed(self) -> bool:
        return self._boxed and self.size.height >= BOTTOM_FROM

    @property
    def _low(self) -> bool:
        return self.size.height < BOTTOM_FROM
