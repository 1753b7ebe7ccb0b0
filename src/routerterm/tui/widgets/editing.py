"""Text fields that move and delete by letters, as a person sees letters, and know the keys of readline.

What is deleted by words and to a line's end is kept aside, and Ctrl+Y brings it back.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from routerterm.core.graphemes import after, before
from routerterm.core.lazy_pattern import LazyPattern
from routerterm.tui.textual_internals.text import Location

_SPACED = LazyPattern(r"\S+\s*\Z")
_WORD_BEFORE = LazyPattern(r"\w+\W*\Z|\W+\Z")
_WORD_AFTER = LazyPattern(r"\W*\w+|\W+\Z")
"""Words as readline has them: for Alt+B, Alt+F and Alt+D letters and digits, for Ctrl+W what stands between blanks."""


class Killed:
    """What was deleted last, and whether the next deletion adds to it, as in readline."""

    text = ""


def word_start(line: str, column: int, *, spaced: bool = False) -> int:
    """Where the word before this column begins."""
    found = (_SPACED if spaced else _WORD_BEFORE).search(line[:column])
    return found.start() if found else 0


def word_end(line: str, column: int) -> int:
    """Where the word after this column ends."""
    found = _WORD_AFTER.match(line, column)
    return found.end() if found else len(line)


KILL_WORDS = (
    Binding("ctrl+w", "kill_word_left(True)", "Delete back to a space", show=False),
    Binding("alt+backspace,ctrl+backspace", "kill_word_left(False)", "Delete the previous word", show=False),
    Binding("alt+d,alt+delete,ctrl+delete", "kill_word_right", "Delete the next word", show=False),
)
"""The same in one line and in many."""


class LetterArea(TextArea):
    """Many lines, edited by letters."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+left,alt+b", "cursor_word_left", "Word left", show=False),
        Binding("alt+right,alt+f", "cursor_word_right", "Word right", show=False),
        *KILL_WORDS,
        Binding("ctrl+u,super+backspace", "kill_to_start", "Delete back to the line's start", show=False),
        Binding("ctrl+k", "kill_to_end", "Delete to the line's end", show=False),
        Binding("ctrl+y", "yank", "Restore what was deleted", show=False),
        Binding("ctrl+b", "cursor_left", "Left", show=False),
        Binding("alt+r,ctrl+shift+z,super+shift+z", "redo", "Redo", show=False),
    ]

    def get_cursor_left_location(self) -> Location:
        """One letter to the left."""
        row, column = self.cursor_location
        if column == 0:
            return super().get_cursor_left_location()
        return row, before(self.document[row], column)

    def get_cursor_right_location(self) -> Location:
        """One letter to the right."""
        row, column = self.cursor_location
        line = self.document[row]
        return super().get_cursor_right_location() if column >= len(line) else (row, after(line, column))

    def get_cursor_word_left_location(self) -> Location:
        """The beginning of the word before; at a line's start, the end of the line above."""
        row, column = self.cursor_location
        return (row, word_start(self.document[row], column)) if column else super().get_cursor_word_left_location()

    def get_cursor_word_right_location(self) -> Location:
        """The end of the word after; at a line's end, the start of the line below."""
        row, column = self.selection.end
        line = self.document[row]
        return (row, word_end(line, column)) if column < len(line) else super().get_cursor_word_right_location()

    def action_kill_word_left(self, spaced: bool) -> None:
        """Delete the word before the cursor, or the selection."""
        row, column = self.cursor_location
        start = (row, word_start(self.document[row], column, spaced=spaced)) if column else (row, 0)
        self._kill(start if column else super().get_cursor_left_location())

    def action_kill_word_right(self) -> None:
        """Delete the word after the cursor, or the selection."""
        row, column = self.cursor_location
        line = self.document[row]
        self._kill((row, word_end(line, column)) if column < len(line) else super().get_cursor_right_location())

    def action_kill_to_start(self) -> None:
        """Delete back to the line's start; at it, the line break before it."""
        row, column = self.cursor_location
        self._kill((row, 0) if column else super().get_cursor_left_location())

    def action_kill_to_end(self) -> None:
        """Delete to the line's end; at it, the line break."""
        row, column = self.cursor_location
        length = len(self.document[row])
        self._kill((row, length) if column < length else super().get_cursor_right_location())

    def action_yank(self) -> None:
        """Insert what was deleted last."""
        if Killed.text and not self.read_only:
            self.replace(Killed.text, *self.selection, maintain_selection_offset=False)

    def _kill(self, to: Location) -> None:
        if self.read_only:
            return
        start, end = self.selection if not self.selection.is_empty else (self.cursor_location, to)
        start, end = min(start, end), max(start, end)
        if killed := self.document.get_text_range(start, end):
            Killed.text = killed
            self.delete(start, end, maintain_selection_offset=False)
