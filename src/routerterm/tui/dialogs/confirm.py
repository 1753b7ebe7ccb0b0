"""A small overlay that asks before something is done that costs or cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.fields import Field, FieldLine, Span


class Confirm(Modal[bool]):
    """Answers whether it shall be done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "dismiss(True)", "Yes"),
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

    def __init__(self, title: str, question: str, yes: str, no: str = "Leave it") -> None:
        super().__init__()
        self._title, self._question, self._yes, self._no = title, question, yes, no

    def compose(self) -> ComposeResult:
        """The question and the two answers."""
        with Vertical() as box:
            box.border_title = self._title
            yield Static(self._question, markup=False)
            answers = FieldLine(gap=3)
            answers.fields = (
                Field((Span(" Y ", "key"), Span(f" {self._yes}")), rank=1, action="screen.dismiss(True)"),
                Field((Span(" N ", "key"), Span(f" {self._no}")), rank=0, action="screen.dismiss(False)"),
            )
            yield answers

    @on(FieldLine.Clicked)
    async def _clicked(self, event: FieldLine.Clicked) -> None:
        event.stop()
        await self.run_action(event.action)
