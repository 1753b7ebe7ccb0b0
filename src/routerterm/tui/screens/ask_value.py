"""A small overlay that asks for one line of text."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class AskValue(ModalScreen[str | None]):
    """Answers with what was typed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave", priority=True)]
    DEFAULT_CSS = """
    AskValue { align: center middle; background: $t-background 60%; }
    AskValue > Vertical {
        width: 94%; max-width: 84; height: auto; padding: 0 1;
        background: $t-panel; border: solid $t-faint; border-title-color: $t-bright; border-subtitle-color: $t-dim;
    }
    AskValue Static { color: $t-dim; margin-bottom: 1; }
    AskValue Input { border: none; height: 1; padding: 0; background: $t-background; color: $t-bright; }
    """

    def __init__(self, title: str, words: str, value: str = "", *, hint: str = "Enter takes · Esc leaves") -> None:
        super().__init__()
        self._title, self._words, self._value, self._hint = title, words, value, hint

    def compose(self) -> ComposeResult:
        """What is asked, and where to answer."""
        with Vertical() as box:
            box.border_title, box.border_subtitle = self._title, self._hint
            yield Static(self._words, markup=False)
            line = Input(self._value, select_on_focus=False)
            line.cursor_blink = False
            yield line

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value)
