"""An overlay to pick one of many: type to narrow it down, Enter takes, Esc leaves everything as it was."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from routerterm.core.errors import RoutertermError
from routerterm.tui.fuzzy import best
from routerterm.tui.widgets.rows import Column, Row, RowList

Source: TypeAlias = Callable[[str], Awaitable[Sequence[Row]]]
"""Gives the rows for what was typed."""


def among(rows: Sequence[Row]) -> Source:
    """The rows that fit what was typed; headings only while nothing is typed."""

    async def fitting(query: str) -> Sequence[Row]:
        return best(query, (row for row in rows if row.id), lambda row: row.text) if query.strip() else rows

    return fitting


class Picker(ModalScreen[str | None]):
    """Answers with the id of the row that was taken, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave", priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        Binding("enter", "take", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    Picker { align: center middle; background: $t-background 60%; }
    Picker > Vertical {
        width: 94%; max-width: 110; height: 86%;
        background: $t-panel; border: solid $t-faint; border-title-color: $t-bright; border-subtitle-color: $t-dim;
    }
    Picker Input { border: none; height: 1; padding: 0 1; background: $t-panel; color: $t-bright; }
    Picker Input:focus { border: none; background-tint: transparent 0%; }
    Picker Input > .input--placeholder { color: $t-dim; }
    Picker RowList { height: 1fr; margin-top: 1; }
    Picker #empty { display: none; padding: 1 1; color: $t-dim; }
    Picker.-empty #empty { display: block; }
    Picker.-empty RowList { display: none; }
    """
    query_box = query_one(Input)
    list = query_one(RowList)

    def __init__(
        self,
        title: str,
        columns: Sequence[Column],
        source: Source,
        *,
        on: str | None = None,
        placeholder: str = "type to narrow it down",
        hint: str = "Enter takes · Esc leaves",
        empty: str = "Nothing fits.",
        watch: Callable[[str], None] | None = None,
        query: str = "",
    ) -> None:
        """``watch`` is told the row under the cursor, for a preview."""
        super().__init__()
        self._title, self._hint, self._columns = title, hint, columns
        self._source, self._on, self._watch = source, on, watch
        self._placeholder, self._empty, self._query = placeholder, empty, query

    def compose(self) -> ComposeResult:
        """A line to type in, and the list."""
        with Vertical() as box:
            box.border_title, box.border_subtitle = self._title, self._hint
            box_input = Input(self._query, placeholder=self._placeholder, select_on_focus=False)
            box_input.cursor_blink = False
            yield box_input
            yield RowList(self._columns)
            yield Static(self._empty, id="empty", markup=False)

    async def on_mount(self) -> None:
        """Show everything first."""
        await self._fill(self._query)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.run_worker(self._fill(event.value), exclusive=True, group="picker", exit_on_error=False)

    async def _fill(self, query: str) -> None:
        try:
            rows = await self._source(query)
        except RoutertermError as error:
            rows = ()
            self.query_one("#empty", Static).update(f"{error.message} {error.hint}")
        else:
            self.query_one("#empty", Static).update(self._empty)
        self.set_class(not rows, "-empty")
        self.list.show(rows, on=self._on)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        if self._watch is not None:
            self._watch(event.id)

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.dismiss(event.id)

    def action_move(self, step: int) -> None:
        """Move in the list while typing above it."""
        self.list.action_move(step)

    def action_page(self, step: int) -> None:
        """Move by pages."""
        self.list.action_page(step)

    def action_take(self) -> None:
        """Take what the cursor stands on."""
        self.list.action_choose()
