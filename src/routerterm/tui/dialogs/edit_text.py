"""An overlay for a text of several lines, with a name above it where it has one."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static, TextArea

from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.editing import LetterArea
from routerterm.tui.widgets.fields import FieldLine
from routerterm.tui.widgets.keybar import foot
from routerterm.tui.widgets.letter_input import LetterInput


class Edited(Struct, frozen=True):
    """What was typed."""

    name: str
    text: str


class EditText(Modal[Edited | None]):
    """Answers with what was typed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave", priority=True),
        Binding("ctrl+s,ctrl+enter,f2", "save", "Keep", priority=True),
    ]
    DEFAULT_CSS = """
    EditText { align: center middle; background: $t-background 60%; }
    EditText > Box {
        width: 94%; max-width: 100; height: auto; max-height: 94%; padding: 1 2;
        background: $t-panel;
    }
    EditText Static { color: $t-dim; margin-bottom: 1; }
    EditText Input {
        border: none; height: 1; padding: 0; margin-bottom: 1; background: $t-background; color: $t-bright;
    }
    EditText TextArea {
        border: none; padding: 0; height: auto; min-height: 6; max-height: 18; margin-bottom: 1;
        background: $t-background; color: $t-bright;
    }
    EditText Input:focus { border: none; }
    EditText TextArea:focus { border: none; }
    EditText FieldLine { background: $t-panel; }
    """

    def __init__(self, title: str, words: str, text: str, *, name: str | None = None) -> None:
        """``name`` None: the text has none."""
        super().__init__()
        self._title = title
        self._words = words
        self._text = text
        self._named = name

    def compose(self) -> ComposeResult:
        """What is asked, the name, the text, and the two ways out."""
        with Box(self._title, self.app.active_theme):
            yield Static(self._words, markup=False)
            if self._named is not None:
                line = LetterInput(self._named, placeholder="name", select_on_focus=False)
                line.cursor_blink = False
                yield line
            area = LetterArea(self._text, soft_wrap=True, tab_behavior="focus", show_line_numbers=False)
            area.cursor_blink = False
            area.highlight_cursor_line = False
            yield area
            answers = FieldLine(gap=3)
            answers.fields = foot(
                "^S Save · Esc Close", {"^S": "screen.save", "Esc": "screen.dismiss(None)"}, self.app.active_theme.keys
            )
            yield answers

    def on_mount(self) -> None:
        """Stand where there is something to write."""
        area = self.query_one(TextArea)
        area.move_cursor(area.document.end)
        if self._named:
            area.focus()

    def action_save(self) -> None:
        """Answer, unless a name is wanted and missing."""
        name = self.query_one(Input).value.strip() if self._named is not None else ""
        if self._named is not None and not name:
            self.query_one(Input).focus()
            self.notify("Give it a name first.", severity="warning", timeout=3)
            return
        self.dismiss(Edited(name, self.query_one(TextArea).text))

    @on(Input.Submitted)
    def _named_now(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(TextArea).focus()
