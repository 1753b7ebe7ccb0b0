"""The list of conversations: drawn line by line, so that ten thousand cost no more than ten."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.strip import Strip

from routerterm.core.sanitise import one_line
from routerterm.tui.actions import Action, bindings_of
from routerterm.tui.clock import age, local, today
from routerterm.tui.data_message import DataMessage
from routerterm.tui.textual_internals.screens import bindings_of as keys_bound
from routerterm.tui.textual_internals.screens import hand_on
from routerterm.tui.widgets.cursor_list import MOVES, CursorList
from routerterm.tui.widgets.fuzzy import best
from routerterm.tui.widgets.rows import CURSOR, heading_line
from routerterm.tui.widgets.styles import Look

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Glyphs


DETAILED = 40
"""Cells of a row from which it tells model and cost, too."""
MODEL, COST = 10, 7
"""Cells that those take."""


class Item(Struct, frozen=True):
    """One conversation in the list."""

    id: str
    title: str
    updated_at: int
    """Milliseconds since the epoch."""
    pinned: bool = False
    answering: bool = False
    unread: bool = False
    """An answer came by itself and was not looked at."""
    model: str = ""
    cost: str | None = None
    """What it has cost so far, as it is shown: empty where nobody was asked, None where it was not looked up."""


class Heading(Struct, frozen=True):
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


class ConversationList(CursorList):
    """Told its items in pages, newest first; says which one was chosen, and when it needs more."""

    FOCUS_ON_CLICK = False  # a click opens, and leaves the keyboard where it was
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("enter,right", "Open", "choose", rank=1),
        Action("r", "Rename", "ask('rename')", rank=3),
        Action("p", "Pin to the top, or unpin", "ask('pin')", rank=4, short="Pin"),
        Action("t", "Tag", "ask('tag')", rank=4),
        Action("a", "Archive or unarchive", "ask('archive')", rank=4, short="Archive"),
        Action("d,delete", "Delete", "ask('delete')", rank=3),
        Action("slash", "Filter by title", "filter", rank=3, short="Filter"),
        *MOVES,
        Action("tab", "Go to writing", "screen.place(1)", rank=2, short="Write"),
        Action("shift+tab", "Go to the messages", "screen.place(-1)"),
        Action("escape", "Go back to writing", "leave", rank=1, short="Back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(ACTIONS)

    class Chosen(DataMessage):
        """A conversation is to be opened."""

        id: str

    class Asked(DataMessage):
        """Something is to be done with a conversation."""

        command: str
        id: str

    class FilterBegun(DataMessage):
        """A filter is being typed: it is to find conversations that are not loaded yet, too."""

    class CostsWanted(DataMessage):
        """There is room for what conversations cost, and it was not looked up."""

    class MoreWanted(DataMessage):
        """The end of what is loaded has come near."""

        loaded: int

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self._items: list[Item] = []
        self._rows: list[Row] = []
        self._choosable: list[int] = []
        self._open: str | None = None
        self._complete = True
        self._today = today()
        self.leaves: Callable[[], None] = lambda: None
        """Gives the keyboard back to writing, at the very key press."""
        self.chooses: Callable[[], None] = lambda: None
        """The same, where another conversation is going to be opened: what is written from now on is for that one."""
        self.filter: str | None = None
        """What is looked for among the titles; None shows everything."""

    @property
    def has_costs(self) -> bool:
        """Whether there is room for what conversations cost."""
        return self.size.width >= DETAILED

    def count(self) -> int:
        """See `CursorList`."""
        return len(self._rows)

    def choosable(self) -> list[int]:
        """Conversations, not the days above them."""
        return self._choosable

    @property
    def current(self) -> Item | None:
        """The item under the cursor."""
        row = self._rows[self.cursor] if self.cursor < len(self._rows) else None
        return row if isinstance(row, Item) else None

    @property
    def order(self) -> tuple[str, ...]:
        """The ids of all that is loaded, in their order."""
        return tuple(item.id for item in self._items)

    def newest(self, count: int) -> list[Item]:
        """The conversations that were changed last, pinned or not."""
        return heapq.nlargest(count, self._items, key=lambda item: item.updated_at)

    def show(self, items: Sequence[Item], *, complete: bool, day: date) -> None:
        """Replace everything; the cursor stays with its conversation."""
        kept = self.current.id if self.current else self._open
        self._items = list(items)
        self._complete = complete
        self._today = day
        self._lay_out()
        self._put_cursor_on(kept)
        self._ask_for_costs()

    def add(self, items: Sequence[Item], *, complete: bool, day: date) -> None:
        """Append a page."""
        self._items.extend(items)
        self._complete = complete
        self._today = day
        self._lay_out()
        self._ask_for_costs()

    def on_resize(self) -> None:
        """See `CursorList`; a row may have more room than before."""
        super().on_resize()
        self._ask_for_costs()

    def mark_open(self, id: str | None) -> None:
        """Show which conversation is open, and stand on it."""
        self._open = id
        self._put_cursor_on(id)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the list."""
        index, width = self.line_at(y), self.scrollable_content_region.width
        if index is None:
            return Strip.blank(width, self.tone("text"))
        row = self._rows[index]
        if isinstance(row, Heading):
            return heading_line(self, row.title, width, self.glyphs.bar)
        opened, here = row.id == self._open, index == self.cursor
        look: Look
        if here and self.has_focus:
            look = "cursor"
        elif opened:
            look = "bright"
        else:
            look = "text"
        sign = self._sign(row, opened=opened)
        cursor = CURSOR if here and self.has_focus else " "
        left, right = self._line(sign + cursor, row, width)
        beside: Look = look if look == "cursor" else "dim"
        return Strip([Segment(left, self.tone(look)), Segment(right, self.tone(beside))]).adjust_cell_length(width)

    def _sign(self, row: Item, *, opened: bool) -> str:
        if row.answering:
            return self.glyphs.cursor
        if row.unread:
            return self.glyphs.on
        return self.glyphs.pointer if opened else " "

    def _line(self, signs: str, row: Item, width: int) -> tuple[str, str]:
        """A row: its title, and what stands at its end, with a blank before the scroll bar."""
        title, end = one_line(row.title) or "(untitled)", f" {age(row.updated_at)} "
        if width >= DETAILED:
            model = row.model if len(row.model) <= MODEL else row.model[: MODEL - 1] + self.glyphs.ellipsis
            end = f" {set_cell_size(model, MODEL)} {row.cost or '':>{COST}}{end:>6}"
        room = max(0, width - len(signs) - len(end))
        if cell_len(title) > room:
            title = set_cell_size(title, max(0, room - 1)).rstrip() + self.glyphs.ellipsis
        leader, used = self.form.leader, cell_len(title)
        if leader and room - used > 2:
            dots = "".join(leader[x % len(leader)] for x in range(used + 1, room))
            return f"{signs}{title} ", f"{dots}{end}"
        return set_cell_size(f"{signs}{title}", width - len(end)), end

    def action_choose(self) -> None:
        """Open what is under the cursor."""
        if self.current:
            chosen = self.current.id
            self._filter_by(None)
            self.chooses()  # before it is read: a letter that follows at once is text, and deletes nothing
            self.post_message(self.Chosen(chosen))

    def action_leave(self) -> None:
        """Drop the filter; without one, go back to writing."""
        if self.filter is not None:
            self._filter_by(None)
        else:
            self.leaves()

    # -- the filter ----------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type a word to find a conversation by its title."""
        self._filter_by(self.filter or "")

    async def _on_key(self, event: events.Key) -> None:
        """Letters that are no command, and all letters once one was typed, look for a title."""
        focused = self.screen.focused
        if focused is not self and focused is not None:  # the focus moved on after this key was on its way
            hand_on(focused, events.Key(event.key, event.character))
        elif self.filter is not None and event.key == "backspace":
            self._filter_by(self.filter[:-1] if self.filter else None)
        elif event.is_printable and (self.filter is not None or event.key not in keys_bound(self)):
            self._filter_by((self.filter or "") + (event.character or ""))
        elif (bound := keys_bound(self).get(event.key)) is not None:
            await self.run_action(bound[0].action)  # here and now: the next letter may depend on it
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Look for what was pasted."""
        event.stop()
        self._filter_by((self.filter or "") + one_line(event.text).strip())

    def _filter_by(self, text: str | None) -> None:
        if text == self.filter:
            return
        kept = self.current.id if text is None and self.current else None
        if self.filter is None:
            self.post_message(self.FilterBegun())
        self.filter = text
        self._lay_out()
        self._put_cursor_on(kept)
        self.reveal()

    def action_ask(self, command: str) -> None:
        """Have something done with what is under the cursor."""
        if self.current:
            self.post_message(self.Asked(command, self.current.id))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Ask for the next page in time."""
        super().watch_scroll_y(old_value, new_value)
        self._ask_for_more()

    def _lay_out(self) -> None:
        if self.filter is None:
            self._rows = with_headings(self._items, self._today)
        else:
            found = best(self.filter, self._items, lambda item: item.title) if self.filter.strip() else self._items
            self._rows = [Heading(f"/{self.filter}"), *found]
        self._choosable = [i for i, row in enumerate(self._rows) if isinstance(row, Item)]
        self.resized()
        self.refresh()

    def _put_cursor_on(self, id: str | None) -> None:
        found = (i for i, row in enumerate(self._rows) if isinstance(row, Item) and row.id == id)
        self.cursor = next(found, self._choosable[0] if self._choosable else 0)

    def moved(self) -> None:
        """There may be need of another page."""
        self._ask_for_more()

    def _ask_for_costs(self) -> None:
        if self.has_costs and any(item.cost is None for item in self._items):
            self.post_message(self.CostsWanted())

    def _ask_for_more(self) -> None:
        if not self._complete and self.scroll_offset.y + 3 * self.size.height > len(self._rows):
            self._complete = True  # until the answer says otherwise: ask once
            self.post_message(self.MoreWanted(len(self._items)))
