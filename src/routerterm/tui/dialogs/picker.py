"""An overlay to pick one of many: type to narrow it down, Enter takes, Esc leaves everything as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from textwrap import shorten, wrap
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from msgspec import Struct
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.getters import query_one
from textual.widgets import Input, Static
from textual.worker import Worker, WorkerError

from routerterm.core.errors import RoutertermError
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.textual_internals.screens import add_binding
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.fields import FieldLine
from routerterm.tui.widgets.fuzzy import best
from routerterm.tui.widgets.keybar import foot, key_name
from routerterm.tui.widgets.letter_input import LetterInput
from routerterm.tui.widgets.rows import Column, Row, RowList

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext

Source: TypeAlias = Callable[[str], Awaitable[Sequence[Row]]]
"""Gives the rows for what was typed."""
Load: TypeAlias = Callable[[], Awaitable[Sequence[Row]]]
"""Gives all rows, which may take a moment."""
TALLEST = 0.86
"""Share of the screen that a dialog takes at most, as in the style sheet below."""
BORDERS = 5
"""Rows of the box, and of the margins between list, detail and foot."""
MANY = 200
"""Rows from which filtering them is left to a thread."""


class RowAction(Struct, frozen=True):
    """Something else that can be done with the row under the cursor; the list is asked for again afterwards."""

    key: str
    title: str
    do: Callable[[str], Awaitable[None]]


def among(rows: Sequence[Row]) -> Source:
    """The rows that fit what was typed; headings only while nothing is typed."""

    async def fitting(query: str) -> Sequence[Row]:
        if not query.strip():
            return rows
        if len(rows) < MANY:
            return _fitting(query, rows)
        return await asyncio.to_thread(_fitting, query, rows)

    return fitting


def later(load: Load) -> Source:
    """The same for rows that are looked up when the overlay is already there; `Command`s have them looked up again."""
    return _Later(load)


def _fitting(query: str, rows: Sequence[Row]) -> Sequence[Row]:
    found: dict[str, Row] = {}
    for row in best(query, (row for row in rows if row.id), lambda row: row.text):
        found.setdefault(row.id, row)
    return list(found.values())


class _Later:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._rows: Sequence[Row] | None = None

    async def __call__(self, query: str) -> Sequence[Row]:
        if self._rows is None:
            self._rows = await self._load()
        return await among(self._rows)(query)

    def forget(self) -> None:
        self._rows = None


class Picker(Modal[str | None]):
    """Answers with the id of the row that was taken, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close without a change", priority=True),
        Binding("enter", "take", "Select the row under the cursor", priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("pageup", "page(-1)", "A page up", show=False, priority=True),
        Binding("pagedown", "page(1)", "A page down", show=False, priority=True),
        Binding("f1,ctrl+underscore", "app.help_here", "Help", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    Picker { align: center middle; background: $t-background 60%; }
    Picker > Box {
        width: 94%; max-width: 110; height: auto; max-height: 86%;
        background: $t-panel;
    }
    Picker.-small > Box { width: 100%; height: 100%; max-height: 100%; }
    Picker Input { border: none; height: 1; padding: 0 1; background: $t-panel; color: $t-bright; }
    Picker Input:focus { border: none; }
    Picker Input > .input--placeholder { color: $t-dim; }
    Picker RowList { height: 1fr; margin-top: 1; background: $t-panel; }
    Picker.-short RowList { margin-top: 0; }
    Picker #empty { height: auto; padding: 1 1; color: $t-dim; }
    Picker.-small #empty { height: 1fr; }
    Picker #detail { height: 2; margin: 1 1 0 1; color: $t-text; }
    Picker.-short #detail { margin: 0; padding: 0 1; }
    Picker.-small #detail { height: 3; }
    Picker #foot { margin: 1 1 0 1; background: $t-panel; }
    Picker.-short #foot { margin-top: 0; }
    """
    app: AppContext
    query_box = query_one(Input)
    list = query_one(RowList)

    def __init__(
        self,
        title: str,
        columns: Sequence[Column],
        source: Source,
        *,
        on: str | None = None,
        placeholder: str = "type to filter",
        hint: str = "Enter Select · Esc Close",
        empty: str = "Nothing here.",
        nothing: str = "No match.",
        watch: Callable[[str], None] | None = None,
        query: str = "",
        row_actions: Sequence[RowAction] = (),
        explained: bool = False,
    ) -> None:
        """``empty`` and ``nothing`` are said without rows: before anything was typed, and for what was typed.

        ``watch`` is told the row under the cursor, for a preview; ``explained``: rows have a `Row.detail`."""
        super().__init__()
        self._title = title
        self._hint = hint
        self._columns = columns
        self._source = source
        self._on = on
        self._watch = watch
        self._placeholder = placeholder
        self._empty = empty
        self._nothing = nothing
        self._query = query
        self._row_actions = row_actions
        self._explained = explained
        self._filling: Worker[None] | None = None
        self._tallest = 0

    def compose(self) -> ComposeResult:
        """A line to type in, the list, and what can be done."""
        self._fit(self.app.size)  # before there is anything whose style would have to be looked up again
        with Box(self._title, self.app.active_theme):
            box_input = LetterInput(self._query, placeholder=self._placeholder, select_on_focus=False)
            box_input.cursor_blink = False
            yield box_input
            rows = RowList(self._columns)
            rows.display = False  # until there are some
            yield from self.body(rows)
            yield Static("…", id="empty", markup=False)
            if self._explained:
                yield Static(id="detail", markup=False)
            yield FieldLine(gap=2, id="foot", more=self.app.active_theme.glyphs.ellipsis)

    def body(self, rows: RowList) -> ComposeResult:
        """The list, and what stands beside it."""
        yield rows

    def on_mount(self) -> None:
        """Be there at once; the rows follow."""
        for number, action in enumerate(self._row_actions):
            add_binding(self, action.key, f"on_row({number})", action.title)
        self.query_one("#foot", FieldLine).fields = foot(
            self._whole_hint(), self._clickable(), self.app.active_theme.keys
        )
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        if self._filling is None:  # else the person was quicker
            self._refill()

    def on_resize(self, event: events.Resize) -> None:
        """Take the whole of a small terminal."""
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        self.set_class(size.width < 60 or size.height < 22, "-small")
        self.set_class(size.height < 28, "-short")

    def _whole_hint(self) -> str:
        first, *rest = self._hint.split(" · ")
        return " · ".join([first, *(f"{key_name(action.key)} {action.title}" for action in self._row_actions), *rest])

    def _clickable(self) -> dict[str, str]:
        row_actions = {
            key_name(action.key): f"screen.on_row({number})" for number, action in enumerate(self._row_actions)
        }
        return {"Enter": "screen.take", "Esc": "screen.dismiss(None)"} | row_actions

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._query:
            self._query, self._on = event.value, self._on if not event.value else None
            self._refill()

    def _refill(self) -> None:
        self._filling = self.run_worker(self._fill(self._query), exclusive=True, group="picker", exit_on_error=False)

    async def _fill(self, query: str) -> None:
        try:
            rows = await self._source(query)
        except RoutertermError as error:
            rows = ()
            self.query_one("#empty", Static).update(f"{error.message}\n{error.hint}".rstrip())
        else:
            if not rows:  # else it would be seen for a moment, before it goes
                self.query_one("#empty", Static).update(self._nothing if query.strip() else self._empty)
        self.query_one("#empty").display = not rows  # no class: the style sheet would be matched for everything here
        self.list.display = bool(rows)
        if self._explained and not rows:
            self._explain("")  # else it would speak of a row that is gone
        self.fit_list(len(rows))
        self.list.show(rows, on=self._on)

    def fit_list(self, rows: int) -> None:
        """As tall as its rows, within the screen; it does not shrink while one types, so that nothing jumps."""
        if self.has_class("-small"):
            self.list.styles.height = "1fr"
            return
        chrome = sum(child.outer_size.height for child in self.query_one(Box).children if child is not self.list)
        most = int(self.size.height * TALLEST) - chrome - BORDERS
        self._tallest = max(self._tallest, rows + self.list.HEADER)
        self.list.styles.height = max(1, min(self._tallest, most))

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        if self._explained and (row := self.list.current) is not None:
            self._explain(row.detail)
        if self._watch is not None:
            self._watch(event.id)

    def _explain(self, sentence: str) -> None:
        """Say more of a row; where there is no room for all of it, it is seen that it goes on."""
        line = self.query_one("#detail", Static)
        width, height = line.size
        lines = wrap(sentence, max(1, width))
        if len(lines) > height > 0:
            last = shorten(" ".join(lines[height - 1 :]), width - 1, placeholder=self.app.active_theme.glyphs.ellipsis)
            sentence = "\n".join([*lines[: height - 1], last])
        line.update(sentence)

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.dismiss(event.id)

    def on_click(self, event: events.Click) -> None:
        """A click beside the overlay leaves it."""
        if event.widget is self:
            self.dismiss(None)

    def action_move(self, step: int) -> None:
        """Move in the list while typing above it."""
        self.list.action_move(step)

    def action_page(self, step: int) -> None:
        """Move by pages."""
        self.list.action_page(step)

    async def action_take(self) -> None:
        """Take what the cursor stands on, once the list shows what fits what was typed."""
        if await self._filled():
            self.list.action_choose()

    async def _filled(self) -> bool:
        """Wait until the list shows what fits what was typed; False where it never will."""
        self._begin()
        if self._filling is not None and not self._filling.is_finished:
            try:
                await self._filling.wait()
            except WorkerError:
                return False
        return True

    async def action_on_row(self, number: int) -> None:
        """Do something else with the row under the cursor, once the list shows what was typed, and look again."""
        row = self.list.current if await self._filled() else None
        if row is None:
            return
        try:
            await self._row_actions[number].do(row.id)
        except RoutertermError as error:
            self.notify(f"{error.message} {error.hint}", severity="warning", markup=False)
        if isinstance(self._source, _Later):
            self._source.forget()
        self._on = row.id
        self._refill()
