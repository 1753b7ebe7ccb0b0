"""The one list: lines with a cursor on them, drawn one by one, so that ten thousand cost no more than ten.

What a line looks like is the subclass's: `RowList` has columns, the keys and the conversations draw lines of their own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar

from routerterm.tui.actions import Action, bindings_of
from routerterm.tui.textual_internals.screens import own_scrollbar
from routerterm.tui.transcript.scrollbar import Bar
from routerterm.tui.widgets.styles import Toned

MOVES: tuple[Action, ...] = (
    Action("up,k", "Up", "move(-1)"),
    Action("down,j", "Down", "move(1)"),
    Action("pageup", "Page up", "page(-1)"),
    Action("pagedown", "Page down", "page(1)"),
    Action("home,ctrl+home,g", "First", "move(-1000000)"),
    Action("end,ctrl+end,G", "Last", "move(1000000)"),
)
"""What moves the cursor of every list."""


class CursorList(ScrollView, Toned, can_focus=True):
    """Moves a cursor over the lines that can be chosen and keeps it in view, with the heading above it."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (*MOVES, Action("enter", "Choose", "choose"))
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(ACTIONS)
    HEADER = 0
    """Rows at the top that do not scroll."""
    FIRST_CLICK_CHOOSES = True
    """Whether a click chooses at once, or only where the cursor was already."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cursor = 0

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """Drawn with the theme's signs, as the transcript's is."""
        thickness = self.scrollbar_size_vertical
        return own_scrollbar(self, lambda: Bar(vertical=True, name="vertical", thickness=thickness))

    def count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def choosable(self) -> Sequence[int]:
        """The numbers of the lines that are no headings, rising."""
        raise NotImplementedError

    def moved(self) -> None:
        """The cursor stands on another line, or the line changed."""

    def action_choose(self) -> None:
        """Choose the line under the cursor."""
        raise NotImplementedError

    def resized(self) -> None:
        """The number of lines, or the size, is another."""
        self.virtual_size = Size(self.size.width, self.count() + self.HEADER)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.resized()
        self.scroll_to_cursor()

    def line_at(self, y: int) -> int | None:
        """Which line is shown at a row of the widget; None at the header and beyond the last."""
        line = y - self.HEADER + self.scroll_offset.y
        return line if y >= self.HEADER and 0 <= line < self.count() else None

    def action_move(self, step: int) -> None:
        """Move over the lines that can be chosen."""
        places = self.choosable()
        if not places:
            return
        here = min(bisect_left(places, self.cursor), len(places) - 1)
        if here and self.cursor - places[here - 1] <= abs(places[here] - self.cursor):
            here -= 1
        self.cursor = places[max(0, min(len(places) - 1, here + step))]
        self.reveal()

    def action_page(self, pages: int) -> None:
        """Move by what is in view."""
        self.action_move(pages * max(1, self.size.height - 1 - self.HEADER))

    def on_click(self, event: events.Click) -> None:
        """Stand on what was clicked, and choose it."""
        line = self.line_at(event.y)
        if line is None or not _has(self.choosable(), line):
            return
        stood, self.cursor = self.cursor, line
        self.reveal()
        if self.FIRST_CLICK_CHOOSES or stood == line:
            self.action_choose()

    def reveal(self) -> None:
        """Bring the cursor into view, draw, and tell."""
        self.scroll_to_cursor()
        self.refresh()
        self.moved()

    def scroll_to_cursor(self) -> None:
        """Bring the cursor's line into view, with the headings above it."""
        last = max(0, self.count() - 1)
        top, places = min(self.cursor, last), self.choosable()
        while top and not _has(places, top - 1):
            top -= 1
        height = self.cursor - top + 1 + self.HEADER
        # Forced: a list that has grown shows its scroll bar only once it is laid out, and would not be scrolled before.
        self.scroll_to_region(Region(0, top, 1, height), animate=False, immediate=True, force=self.size.height > 0)


def _has(rising: Sequence[int], number: int) -> bool:
    place = bisect_left(rising, number)
    return place < len(rising) and rising[place] == number
