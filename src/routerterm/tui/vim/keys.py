"""Hands a text area's keys to the engine, and does to the text area what came of them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

from routerterm.tui.vim import visual
from routerterm.tui.vim.engine import begin_insert, entered, press
from routerterm.tui.vim.state import Vim, given

_OURS = frozenset(("escape", "ctrl+r", "left", "right", "up", "down", "home", "end", "backspace", "delete", "space"))


class VimKeys:
    """vim for one text area.  ``changed`` is called whenever there is another mode."""

    def __init__(self, area: TextArea, changed: Callable[[], None]) -> None:
        self._area = area
        self._changed = changed
        self._vim = Vim(area.text, self._offset(), "insert", begun=(area.text, self._offset()))

    @property
    def mode(self) -> str:
        """``INSERT``, ``NORMAL``, ``VISUAL`` or ``V-LINE``, with the keys of a command that is not whole."""
        name = {"visual lines": "V-LINE"}.get(self._vim.mode, self._vim.mode.upper())
        return f"{name} {''.join(self._vim.keys)}".rstrip()

    @property
    def is_normal(self) -> bool:
        """Whether letters are commands."""
        return self._vim.mode != "insert"

    @property
    def _selects(self) -> bool:
        """Whether there is a selection of vim's own, in the text that it knows."""
        return self._vim.mode in visual.VERBS and self._area.text == self._vim.text

    def begin(self) -> None:
        """Begin to write: the composer was just given the keys, or its text was sent."""
        if self.is_normal:
            self._vim = begin_insert(given(self._vim, self._area.text, self._offset()))
            self._changed()

    def took(self, key: str, letter: str | None) -> bool:
        """Take a key, where it is one of vim's in this mode; all others mean what they mean without vim."""
        if not self.is_normal:
            if key != "escape":
                return False
            self._take(entered(self._vim, self._area.text, self._offset()))
            return True
        if letter is None and key not in _OURS:
            return False
        selects = self._selects
        if key == "escape" and not self._vim.keys and not selects:
            return False  # nothing to leave: it closes or stops what it does without vim
        if key in ("up", "down") and not self._vim.keys and not selects and self._is_edge(key):
            return False  # the prompts that were sent before
        now = self._vim if selects else given(self._vim, self._area.text, self._offset())
        self._take(press(now, letter if letter is not None and letter != " " else key))
        return True

    def _is_edge(self, key: str) -> bool:
        """Whether there is no line further up, or down."""
        row = self._area.cursor_location[0]
        return row == (0 if key == "up" else self._area.document.line_count - 1)

    def _take(self, now: Vim) -> None:
        before, self._vim = self._vim, now
        area = self._area
        if area.text != now.text:
            start, end, text = _difference(area.text, now.text)
            area.replace(text, _location(area.text, start), _location(area.text, end), maintain_selection_offset=False)
        if now.mode in visual.VERBS:
            start, end = visual.span(now)
            ends = (start, end) if now.cursor >= now.anchor else (end, start)
            area.selection = Selection(*(_location(now.text, at) for at in ends))
        else:
            area.move_cursor(_location(now.text, now.cursor))
        if now.text != area.text:  # the area has another idea of line breaks: its own holds
            self._vim = replace(now, text=area.text)
        if (before.mode, before.keys) != (now.mode, now.keys):
            self._changed()

    def _offset(self) -> int:
        row, column = self._area.cursor_location
        lines = self._area.text.split("\n")
        return sum(len(line) + 1 for line in lines[:row]) + column


def _location(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at), at - text.rfind("\n", 0, at) - 1


def _difference(old: str, new: str) -> tuple[int, int, str]:
    """The stretch of the old text that is another in the new one, and what stands there now."""
    most = min(len(old), len(new))
    start = next((place for place in range(most) if old[place] != new[place]), most)
    tail = 0
    while tail < most - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return start, len(old) - tail, new[start : len(new) - tail]
