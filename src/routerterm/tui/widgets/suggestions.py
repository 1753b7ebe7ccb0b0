"""What may be meant by what is being typed: a short list over the transcript, just above the composer."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.strip import Strip

from routerterm.tui.data_message import DataMessage
from routerterm.tui.widgets.styles import Toned

TALLEST = 8
"""Rows that are seen at a time."""


class Suggestion(Struct, frozen=True):
    """One row: what it is called, a few words about it, and the text that the composer would have."""

    label: str
    about: str
    text: str
    more: bool = False
    """Whether there is more to type after it."""


class Suggestions(Toned):
    """Shows rows and which of them is meant; it never has the focus."""

    can_focus = False

    class Chosen(DataMessage):
        """A row was clicked."""

        index: int

    def __init__(self, ellipsis: str) -> None:
        super().__init__()
        self.ellipsis = ellipsis
        self.rows: tuple[Suggestion, ...] = ()
        self.cursor = 0
        self.moved = False
        """Whether the person moved the cursor: then Enter means the row."""
        self._top = 0

    @property
    def open(self) -> bool:
        """Whether it is seen."""
        return bool(self.rows)

    def offer(self, rows: Sequence[Suggestion]) -> None:
        """Show these rows; none closes it."""
        if tuple(rows) == self.rows:
            return
        self.rows, self.cursor, self.moved, self._top = tuple(rows), 0, False, 0
        self.display = bool(rows)
        self.styles.height = min(len(rows), TALLEST)
        self.refresh(layout=True)

    def place(self, x: int, bottom: int, width: int) -> None:
        """Stand on the row above ``bottom``."""
        self.styles.width = width
        self.styles.offset = (x, max(0, bottom - min(len(self.rows), TALLEST)))

    def move(self, step: int) -> None:
        """Another row; it goes round."""
        self.cursor, self.moved = (self.cursor + step) % len(self.rows), True
        self._top = max(min(self._top, self.cursor), self.cursor - TALLEST + 1)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row."""
        width, number = self.size.width, self._top + y
        if number >= len(self.rows):
            return Strip.blank(width, self.tone("text"))
        row, here = self.rows[number], number == self.cursor
        name = self.tone("key" if here else "text")
        about = self.tone("key" if here else "dim")
        label = f" {'>' if here else ' '} {row.label}"
        column = min(max(cell_len(one.label) for one in self.rows) + 5, max(18, width // 3))
        label = set_cell_size(label, max(column, cell_len(label) + 1) if row.about else width)
        rest = max(0, width - cell_len(label))
        shown = row.about
        if cell_len(shown) >= rest:
            shown = f"{set_cell_size(shown, max(rest - 2, 0)).rstrip()}{self.ellipsis}"
        return Strip([Segment(label, name), Segment(set_cell_size(shown, rest), about)]).crop(0, width)

    def on_click(self, event: events.Click) -> None:
        """Take the row that was hit."""
        event.stop()
        if self._top + event.y < len(self.rows):
            self.post_message(self.Chosen(self._top + event.y))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move on."""
        event.stop()
        self.move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move back."""
        event.stop()
        self.move(-1)
