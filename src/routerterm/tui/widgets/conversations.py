"""The list of conversations: drawn line by line, so that ten thousand cost no more than ten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from routerterm.tui.clock import local
from routerterm.tui.sanitise import one_line
from routerterm.tui.widgets.rows import CURSOR
from routerterm.tui.widgets.tones import Look, Toned

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Glyphs


@dataclass(frozen=True, slots=True)
class Item:
    """One conversation in the list."""

    id: str
    title: str
    updated_at: int
    """Milliseconds since the epoch."""
    pinned: bool = False
    answering: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A line between the days."""

    title: str


Row = Item | Heading


def with_headings(items: Iterable[Item], today: date) -> list[Row]:
    """The items with a heading before each new stretch of time."""
    rows: list[Row] = []
    last = None
    for item in items:
        title = "Pinned" if item.pinned else stretch(local(item.updated_at).date(), today)
        if title != last:
            rows.append(Heading(title))
            last = title
        rows.append(item)
    return rows


def stretch(day: date, today: date) -> str:
    """How a person names that day: Today, Yesterday, This week, October, 2024."""
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return "This week"
    if day.year == today.year:
        return day.strftime("%B")
    return str(day.year)


class ConversationList(ScrollView, Toned, can_focus=True):
    """Told its items in pages, newest first; says which one was chosen, and when it needs more."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
        Binding("home,g", "move(-1000000)", "First", show=False),
        Binding("end,G", "move(1000000)", "Last", show=False),
        Binding("enter,space,right", "choose", "Open", show=False),
        Binding("r", "ask('rename')", "Rename", show=False),
        Binding("p", "ask('pin')", "Keep at the top", show=False),
        Binding("t", "ask('tag')", "Tags", show=False),
        Binding("a", "ask('archive')", "Archive", show=False),
        Binding("c", "ask('clone')", "Copy", show=False),
        Binding("x", "ask('export')", "Export", show=False),
        Binding("d,delete", "ask('delete')", "Delete", show=False),
        Binding("u", "ask('undelete')", "Bring the last deleted one back", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """A conversation is to be opened."""

        id: str

    @dataclass
    class Asked(Message):
        """Something is to be done with a conversation."""

        command: str
        id: str

    @dataclass
    class MoreWanted(Message):
        """The end of what is loaded has come near."""

        loaded: int

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self._items: list[Item] = []
        self._rows: list[Row] = []
        self._cursor = 0
        self._open: str | None = None
        self._complete = True

    @property
    def current(self) -> Item | None:
        """The item under the cursor."""
        row = self._rows[self._cursor] if self._cursor < len(self._rows) else None
        return row if isinstance(row, Item) else None

    def show(self, items: Sequence[Item], *, complete: bool, today: date) -> None:
        """Replace everything; the cursor stays with its conversation."""
        kept = self.current.id if self.current else self._open
        self._items = list(items)
        self._complete = complete
        self._lay_out(today)
        self._put_cursor_on(kept)

    def add(self, items: Sequence[Item], *, complete: bool, today: date) -> None:
        """Append a page."""
        self._items.extend(items)
        self._complete = complete
        self._lay_out(today)

    def mark_open(self, id: str | None) -> None:
        """Show which conversation is open, and stand on it."""
        self._open = id
        self._put_cursor_on(id)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the list."""
        index, width = y + self.scroll_offset.y, self.size.width
        if index >= len(self._rows):
            return Strip.blank(width, self.tone("text"))
        row = self._rows[index]
        if isinstance(row, Heading):
            return Strip([Segment(set_cell_size(f"{self.glyphs.bar}{row.title}", width), self.tone("dim"))], width)
        opened, here = row.id == self._open, index == self._cursor
        look: Look = "key" if here and self.has_focus else "bright" if opened else "text"
        sign = self.glyphs.cursor if row.answering else self.glyphs.pointer if opened else " "
        cursor = CURSOR if here and self.has_focus else " "
        return Strip([Segment(self._line(sign + cursor, row, width), self.tone(look))], width)

    def _line(self, signs: str, row: Item, width: int) -> str:
        title = one_line(row.title) or "(untitled)"
        if cell_len(title) > width - 2:
            title = set_cell_size(title, max(0, width - 3)).rstrip() + self.glyphs.ellipsis
        return set_cell_size(f"{signs}{title}", width)

    def action_move(self, step: int) -> None:
        """Move the cursor over items, headings skipped."""
        places = [i for i, row in enumerate(self._rows) if isinstance(row, Item)]
        if not places:
            return
        here = min(range(len(places)), key=lambda i: abs(places[i] - self._cursor))
        self._cursor = places[max(0, min(len(places) - 1, here + step))]
        self._reveal()

    def action_choose(self) -> None:
        """Open what is under the cursor."""
        if self.current:
            self.post_message(self.Chosen(self.current.id))

    def action_ask(self, command: str) -> None:
        """Have something done with what is under the cursor."""
        if self.current:
            self.post_message(self.Asked(command, self.current.id))

    def on_click(self, event: events.Click) -> None:
        """Open what was clicked."""
        index = event.y + self.scroll_offset.y
        if index < len(self._rows) and isinstance(self._rows[index], Item):
            self._cursor = index
            self.refresh()
            self.action_choose()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Ask for the next page in time."""
        super().watch_scroll_y(old_value, new_value)
        self._ask_for_more()

    def _lay_out(self, today: date) -> None:
        self._rows = with_headings(self._items, today)
        self.virtual_size = Size(self.size.width, len(self._rows))
        self.refresh()

    def _put_cursor_on(self, id: str | None) -> None:
        found = (i for i, row in enumerate(self._rows) if isinstance(row, Item) and row.id == id)
        first = (i for i, row in enumerate(self._rows) if isinstance(row, Item))
        self._cursor = next(found, next(first, 0))

    def _reveal(self) -> None:
        top = self._cursor - 1 if self._cursor and isinstance(self._rows[self._cursor - 1], Heading) else self._cursor
        self.scroll_to_region(Region(0, top, 1, self._cursor - top + 1), animate=False)
        self.refresh()
        self._ask_for_more()

    def _ask_for_more(self) -> None:
        if not self._complete and self.scroll_offset.y + 3 * self.size.height > len(self._rows):
            self._complete = True  # until the answer says otherwise: ask once
            self.post_message(self.MoreWanted(len(self._items)))
