"""The list of keys and the pane that tells of one, both drawn line by line and told what to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip

from routerterm.engine.keys.view import KeysView
from routerterm.tui.data_message import DataMessage
from routerterm.tui.screens.keys.rows import Heading, Invitation, KeyRow, Row, cut, rows_of, spans_of
from routerterm.tui.widgets.cursor_list import CursorList
from routerterm.tui.widgets.fields import Span
from routerterm.tui.widgets.styles import Toned

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Glyphs

EMPTY = KeysView(0.0)


class KeysList(CursorList):
    """Told a view and the time; says which line the person stands on and which was chosen."""

    FIRST_CLICK_CHOOSES = False  # choosing a key asks its provider

    class Moved(DataMessage):
        """The cursor stands on another line, or the line changed."""

        row: Row | None

    class Chosen(DataMessage):
        """Enter or a second click on a line."""

        row: Row

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self._rows: tuple[Row, ...] = ()
        self._choosable: list[int] = []
        self._now = 0.0

    def count(self) -> int:
        """See `CursorList`."""
        return len(self._rows)

    def choosable(self) -> list[int]:
        """Keys, and providers that have none."""
        return self._choosable

    @property
    def current(self) -> Row | None:
        """The line under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def show(self, view: KeysView, stand_on: str | None = None) -> None:
        """Replace everything; the cursor stays with its key, or goes to the one that is named."""
        kept = stand_on or _name(self.current)
        self._rows = rows_of(view)
        self._now = view.at
        self.resized()
        places = self._choosable = [i for i, row in enumerate(self._rows) if not isinstance(row, Heading)]
        same = [i for i in places if _name(self._rows[i]) == kept]
        self.cursor = same[0] if same else min(places, key=lambda i: abs(i - self.cursor), default=0)
        self.reveal()

    def tick(self, now: float) -> None:
        """Time passed: count down what rests."""
        self._now = now
        for y, row in enumerate(self._rows):
            if isinstance(row, KeyRow) and row.line.health == "cooling":
                self.refresh(Region(0, y - self.scroll_offset.y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """One row of the list."""
        index, width = self.line_at(y), self.size.width
        if index is None:
            return Strip.blank(width, self.tone("text"))
        here = index == self.cursor and not isinstance(self._rows[index], Heading)
        spans = spans_of(self._rows[index], self._now, width, self.glyphs, here=here)
        if here and self.has_focus:
            style = self.tone("key")
            return Strip([Segment("".join(span.text for span in spans), style)]).adjust_cell_length(width)
        segments = [Segment(span.text, self.tone(span.tone)) for span in spans]
        return Strip(segments).adjust_cell_length(width)

    def moved(self) -> None:
        """Tell whoever shows more of a key."""
        self.post_message(self.Moved(self.current))

    def action_choose(self) -> None:
        """Say what the cursor stands on."""
        if self.current is not None:
            self.post_message(self.Chosen(self.current))


class KeysDetail(Toned):
    """A few lines about one key, as many as there is room for."""

    lines: reactive[tuple[tuple[Span, ...], ...]] = reactive(())

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs

    def render_line(self, y: int) -> Strip:
        """One line, cut to the width."""
        width = self.size.width
        if y >= len(self.lines):
            return Strip.blank(width, self.tone("text"))
        segments, room = [], width
        for span in self.lines[y]:
            text = cut(span.text, room, self.glyphs)
            segments.append(Segment(text, self.tone(span.tone)))
            room -= Segment(text).cell_length
        return Strip(segments).adjust_cell_length(width, self.tone("text"))


def _name(row: Row | None) -> str | None:
    """What tells a line from another across two views."""
    match row:
        case KeyRow(line=line):
            return line.record.name
        case Invitation(provider):
            return provider.name
        case _:
            return None
