"""A table over the chat, with what is so above it and its keys below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.fields import FieldLine
from routerterm.tui.widgets.rows import Column, RowList

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext


class TableBox(Modal[None]):
    """``#state``, a `RowList`, ``#foot``; on a small terminal it takes the whole of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back to the chat"),
        Binding("f1,ctrl+underscore", "app.help_here", "Help", show=False),
    ]
    DEFAULT_CSS = """
    TableBox { align: center middle; background: $t-background 60%; }
    TableBox > Box { background: $t-panel; padding: 1; }
    TableBox.-small > Box { width: 100%; height: 100%; max-height: 100%; }
    TableBox #state { height: auto; padding: 0 1; color: $t-text; }
    TableBox RowList { margin-top: 1; background: $t-panel; }
    TableBox #foot { margin: 1 1 0 1; background: $t-panel; }
    """

    def __init__(self, app: AppContext, title: str, columns: Sequence[Column]) -> None:
        super().__init__()
        self._of = app
        self._title = title
        self._columns = tuple(columns)

    def compose(self) -> ComposeResult:
        """What is so, the rows, the keys."""
        with Box(self._title, self.app.active_theme):
            yield Static(id="state", markup=False)
            yield RowList(self._columns)
            yield FieldLine(gap=2, id="foot", more=self.app.active_theme.glyphs.ellipsis)

    def on_resize(self, event: events.Resize) -> None:
        """Take the whole of a small terminal."""
        self.set_class(event.size.width < 60 or event.size.height < 22, "-small")
