"""A text field of one line that moves and deletes by letters and knows the keys of readline, as `editing` has them."""

from __future__ import annotations

from textwrap import shorten
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.widgets import Input

from routerterm.core.graphemes import after, before
from routerterm.tui.widgets.editing import KILL_WORDS, Killed, word_end, word_start


class LetterInput(Input):
    """One line, edited by letters."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+left,alt+b", "cursor_left_word", "Word left", show=False),
        Binding("alt+right,alt+f", "cursor_right_word", "Word right", show=False),
        Binding("ctrl+b", "cursor_left", "Left", show=False),
        *KILL_WORDS,
        Binding("ctrl+u,super+backspace", "kill_to_start", "Delete back to the start", show=False),
        Binding("ctrl+k", "kill_to_end", "Delete to the end", show=False),
        Binding("ctrl+y", "yank", "Restore what was deleted", show=False),
    ]

    def __init__(self, value: str = "", *, placeholder: str = "", **options: Any) -> None:
        super().__init__(value, placeholder=placeholder, **options)
        self._hint = placeholder

    def on_resize(self) -> None:
        """Say as much of what is to be typed as there is room for."""
        self.placeholder = hint_in(self._hint, self.scrollable_content_region.width)

    def action_cursor_left(self, select: bool = False) -> None:
        """One letter to the left."""
        if not select and not self.selection.is_empty:
            super().action_cursor_left()
        else:
            self._go(before(self.value, self.cursor_position), select)

    def action_cursor_right(self, select: bool = False) -> None:
        """One letter to the right; at the end, what is suggested."""
        at_end = self.cursor_position >= len(self.value)
        if at_end or (not select and not self.selection.is_empty):
            super().action_cursor_right(select)
        else:
            self._go(after(self.value, self.cursor_position), select)

    def action_cursor_left_word(self, select: bool = False) -> None:
        """To the beginning of the word before."""
        self._go(0 if self.password else word_start(self.value, self.cursor_position), select)

    def action_cursor_right_word(self, select: bool = False) -> None:
        """To the end of the word after."""
        self._go(len(self.value) if self.password else word_end(self.value, self.cursor_position), select)

    def action_delete_left(self) -> None:
        """Delete the letter before the cursor, or the selection."""
        if self.selection.is_empty:
            self.delete(before(self.value, self.cursor_position), self.cursor_position)
        else:
            self.delete_selection()

    def action_delete_right(self) -> None:
        """Delete the letter after the cursor, or the selection."""
        if self.selection.is_empty:
            self.delete(self.cursor_position, after(self.value, self.cursor_position))
        else:
            self.delete_selection()

    def action_kill_word_left(self, spaced: bool) -> None:
        """Delete the word before the cursor."""
        start = 0 if self.password else word_start(self.value, self.cursor_position, spaced=spaced)
        self._kill(start, self.cursor_position)

    def action_kill_word_right(self) -> None:
        """Delete the word after the cursor."""
        end = len(self.value) if self.password else word_end(self.value, self.cursor_position)
        self._kill(self.cursor_position, end)

    def action_kill_to_start(self) -> None:
        """Delete all that stands before the cursor."""
        self._kill(0, self.cursor_position)

    def action_kill_to_end(self) -> None:
        """Delete all that stands after the cursor."""
        self._kill(self.cursor_position, len(self.value))

    def action_yank(self) -> None:
        """Insert what was deleted last."""
        if Killed.text:
            self.insert_text_at_cursor(" ".join(Killed.text.split("\n")))

    def _go(self, position: int, select: bool) -> None:
        if select:
            self.selection = type(self.selection)(self.selection.start, position)
        else:
            self.cursor_position = position

    def _kill(self, start: int, end: int) -> None:
        if not self.selection.is_empty:
            start, end = sorted(self.selection)
        if start < end:
            if not self.password:  # a passphrase is kept nowhere
                Killed.text = self.value[start:end]
            self.delete(start, end)


def hint_in(hint: str, room: int) -> str:
    """A hint in so many cells: whole, or up to its semicolon, or its first words and a sign that there are more."""
    first = hint.split("; ")[0]
    for words in (hint, first):
        if cell_len(words) <= room:
            return words
    return shorten(first, max(room, 1), placeholder=" …")
