"""Asks what a person wants to note of a key: its requests per day, and a line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.getters import query_one
from textual.widgets import Button, Input, Static

from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.dialogs.unlock import DIALOG_CSS, LOW
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.letter_input import LetterInput

if TYPE_CHECKING:
    from routerterm.config.keys.values import KeyRecord


class Noted(Struct, frozen=True):
    """What the person wrote."""

    quota: int | None
    notes: str


class EditKeyScreen(Modal[Noted | None]):
    """Dismissed with `Noted`, or None where nothing is to change."""

    DEFAULT_CSS = DIALOG_CSS.replace("$SCREEN", "EditKeyScreen")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Cancel", show=False)]
    AUTO_FOCUS = "#quota"
    VERTICAL_BREAKPOINTS = LOW

    quota = query_one("#quota", Input)
    notes = query_one("#notes", Input)

    def __init__(self, record: KeyRecord) -> None:
        super().__init__()
        self.record = record

    def compose(self) -> ComposeResult:
        """Two lines to write on, two buttons."""
        with Box(f"{self.record.name} {self.record.masked}", self.app.active_theme, classes="dialog"):
            yield Static("Requests per day; empty for no limit", classes="caption", markup=False)
            written = str(self.record.quota or "")
            quota = LetterInput(written, id="quota", type="integer", max_length=9, select_on_focus=False)
            quota.cursor_blink = False
            yield quota
            yield Static("Notes", classes="caption", markup=False)
            notes = LetterInput(self.record.notes, id="notes", max_length=200, select_on_focus=False)
            notes.cursor_blink = False
            yield notes
            yield Static("", classes="says", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Save", id="go", compact=True)
                yield Button("Cancel", id="no", compact=True)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._go()

    @on(Button.Pressed, "#go")
    def _pressed(self) -> None:
        self._go()

    @on(Button.Pressed, "#no")
    def action_give_up(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def _go(self) -> None:
        written = self.quota.value.strip()
        if written and not (written.isascii() and written.isdigit()):
            self.query_one(".says", Static).update("Enter a whole number, or leave it empty.")
            self.quota.focus()
            return
        self.dismiss(Noted(int(written) or None if written else None, self.notes.value.strip()))
