"""The chat cannot start: what is wrong and what to do, for as long as it takes."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from routerterm.core.errors import RoutertermError
from routerterm.core.sanitise import sanitise
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.fields import FieldLine
from routerterm.tui.widgets.keybar import way

Choice: TypeAlias = Literal["again", "quit"]


class StartFailed(Modal[Choice]):
    """Answers whether to try again, or to quit; nothing else closes it, since there is no chat behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r,enter", "dismiss('again')", "Try again"),
        Binding("q,escape,ctrl+q,ctrl+c,f10", "dismiss('quit')", "Quit", priority=True),
    ]
    DEFAULT_CSS = """
    StartFailed { align: center middle; background: $t-background 60%; }
    StartFailed > Box {
        width: 94%; max-width: 84; height: auto; max-height: 100%; padding: 1 2;
        background: $t-panel;
    }
    StartFailed Static { color: $t-text; margin-bottom: 1; height: auto; }
    """

    def __init__(self, error: RoutertermError) -> None:
        super().__init__()
        self._error = error

    def compose(self) -> ComposeResult:
        """What failed, what to do, and the two ways on."""
        with Box("routerterm cannot start", self.app.active_theme, tone="error"):
            yield Static(sanitise(self._error.message), markup=False)
            if self._error.hint:
                yield Static(sanitise(self._error.hint), markup=False)
            answers = FieldLine(gap=3)
            answers.fields = (
                way("r", "Try again", "screen.dismiss('again')", self.app.active_theme.keys, 1),
                way("q", "Quit", "screen.dismiss('quit')", self.app.active_theme.keys),
            )
            yield answers
