"""The chat cannot start: what is wrong and what to do, for as long as it takes."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from routerterm.core.errors import RoutertermError
from routerterm.core.sanitise import sanitise
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.fields import Field, FieldLine, Span

Choice: TypeAlias = Literal["again", "quit"]


class StartFailed(Modal[Choice]):
    """Answers whether to try again, or to quit; nothing else closes it, since there is no chat behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r,enter", "dismiss('again')", "Try again"),
        Binding("q,escape,ctrl+q,ctrl+c,f10", "dismiss('quit')", "Quit", priority=True),
    ]
    DEFAULT_CSS = """
    StartFailed { align: center middle; background: $t-background 60%; }
    StartFailed > Vertical {
        width: 94%; max-width: 84; height: auto; max-height: 100%; padding: 0 1;
        background: $t-panel; border: solid $t-error; border-title-color: $t-error;
    }
    StartFailed Static { color: $t-text; margin-bottom: 1; height: auto; }
    """

    def __init__(self, error: RoutertermError) -> None:
        super().__init__()
        self._error = error

    def compose(self) -> ComposeResult:
        """What failed, what to do, and the two ways on."""
        with Vertical() as box:
            box.border_title = "routerterm cannot start"
            yield Static(sanitise(self._error.message), markup=False)
            if self._error.hint:
                yield Static(sanitise(self._error.hint), markup=False)
            answers = FieldLine(gap=3)
            answers.fields = (
                Field((Span(" R ", "key"), Span(" Try again")), rank=1, action="screen.dismiss('again')"),
                Field((Span(" Q ", "key"), Span(" Quit")), rank=0, action="screen.dismiss('quit')"),
            )
            yield answers
