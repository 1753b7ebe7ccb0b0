"""A small overlay that asks before something is done that costs or cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.fields import Field, FieldLine, Span


class Confirm(Modal[bool]):
    """Answers whether it shall be done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("enter", "enter", "Yes, where nothing is spent"),
        Binding("n,escape", "dismiss(False)", "No"),
    ]
    DEFAULT_CSS = """
    Confirm { align: center middle; background: $t-background 60%; }
    Confirm > Vertical {
        width: 94%; max-width: 72; height: auto; padding: 0 1;
        background: $t-panel; border: solid $t-warning; border-title-color: $t-warning;
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
        with Vertical() as box:
            box.border_title = self._title
            yield Static(self._question, markup=False)
            answers = FieldLine(gap=3)
            answers.fields = (
                Field((Span(" y ", "key"), Span(f" {self._yes}")), rank=1, action="screen.dismiss(True)"),
                Field((Span(" n ", "key"), Span(f" {self._no}")), rank=0, action="screen.dismiss(False)"),
            )
            yield answers
