"""A small overlay that asks before something is done that costs or cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.fields import FieldLine
from routerterm.tui.widgets.keybar import way


class Confirm(Modal[bool]):
    """Answers whether it shall be done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("enter", "enter", "Yes, where nothing is spent"),
        Binding("n,escape", "dismiss(False)", "No"),
    ]
    DEFAULT_CSS = """
    Confirm { align: center middle; background: $t-background 60%; }
    Confirm > Box {
        width: 94%; max-width: 72; height: auto; padding: 1 2;
        background: $t-panel;
    }
    Confirm Static { color: $t-text; margin-bottom: 1; }
    """

    def __init__(self, title: str, question: str, yes: str, no: str = "Cancel", *, spends: bool = False) -> None:
        """``spends``: Enter is no yes then, for it may be the second half of a double press that sent the message."""
        super().__init__()
        self._title = title
        self._question = question
        self._yes = yes
        self._no = no
        self._spends = spends

    def action_enter(self) -> None:
        """Yes, unless it costs money."""
        if not self._spends:
            self.dismiss(True)

    def compose(self) -> ComposeResult:
        """The question and the two answers."""
        with Box(self._title, self.app.active_theme, tone="warning"):
            yield Static(self._question, markup=False)
            answers = FieldLine(gap=3)
            form = self.app.active_theme.keys
            answers.fields = (
                way("y", self._yes, "screen.dismiss(True)", form, 1),
                way("n", self._no, "screen.dismiss(False)", form),
            )
            yield answers
