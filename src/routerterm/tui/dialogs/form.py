"""An overlay that fills in fields, one line each: of a prompt template, or of a form that a tool's server asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.fields import FieldLine
from routerterm.tui.widgets.keybar import foot
from routerterm.tui.widgets.letter_input import LetterInput

if TYPE_CHECKING:
    from routerterm.engine.chat.templates import Field


class FormDialog(Modal[Mapping[str, str] | None]):
    """Answers with the value of every field by its name, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave", priority=True),
        Binding("up", "app.focus_previous", show=False, priority=True),
        Binding("down", "app.focus_next", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    FormDialog { align: center middle; background: $t-background 60%; }
    FormDialog > Box {
        width: 94%; max-width: 84; height: auto; max-height: 94%; padding: 1 2;
        background: $t-panel;
    }
    FormDialog VerticalScroll { height: auto; max-height: 16; }
    FormDialog Static { color: $t-dim; }
    FormDialog #words { color: $t-text; margin-bottom: 1; max-height: 6; }
    FormDialog Input {
        border: none;
        height: 1;
        padding: 0;
        margin-bottom: 1;
        background: $t-background;
        color: $t-bright;
    }
    FormDialog Input:focus { border: none; }
    FormDialog FieldLine { background: $t-panel; }
    """

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        words: str = "",
        complaint: Callable[[Mapping[str, str]], str] | None = None,
    ) -> None:
        """``words`` stand above the fields; ``complaint`` says what is wrong with what was written, if anything is."""
        super().__init__()
        self._title = title
        self._fields = tuple(fields)
        self._words = words
        self._complaint = complaint

    def compose(self) -> ComposeResult:
        """A line for each field, what stands there otherwise already in it."""
        with Box(self._title, self.app.active_theme):
            if self._words:
                yield Static(self._words, id="words", markup=False)
            with VerticalScroll(can_focus=False):
                for field in self._fields:
                    yield Static(field.name, markup=False)
                    line = LetterInput(field.default or "", select_on_focus=True)
                    line.cursor_blink = False
                    yield line
            ways = FieldLine(gap=3)
            ways.fields = foot("Enter Next · Esc Close", {"Esc": "screen.dismiss(None)"}, self.app.active_theme.keys)
            yield ways

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        """To the next empty field that must be filled in; done when there is none."""
        event.stop()
        lines = list(self.query(Input))
        for line, field in zip(lines, self._fields, strict=True):
            if not line.value and field.default is None and line is not event.input:
                line.focus()
                return
        here = lines.index(event.input)
        if not event.value and self._fields[here].default is None:
            self.notify(f"{self._fields[here].name} must be filled in.", severity="warning", timeout=3, markup=False)
        elif here + 1 < len(lines):
            lines[here + 1].focus()
        else:
            values = zip(self._fields, lines, strict=True)
            self._done({field.name: line.value for field, line in values if line.value or field.default is None})

    def _done(self, written: Mapping[str, str]) -> None:
        if self._complaint is not None and (wrong := self._complaint(written)):
            self.notify(wrong, severity="warning", timeout=4, markup=False)
        else:
            self.dismiss(written)
