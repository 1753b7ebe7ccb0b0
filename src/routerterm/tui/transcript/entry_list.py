"""All entries of a conversation in their order, each laid out when it is first needed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.strip import Strip

from routerterm.tui.transcript.heights import Heights

if TYPE_CHECKING:
    from routerterm.core.events import Content
    from routerterm.tui.markdown.lines import Line
    from routerterm.tui.markdown.pictures import Draw
    from routerterm.tui.themes.palette import Palette
    from routerterm.tui.transcript.layout.live import LiveEntry
    from routerterm.tui.transcript.values import Entry, Header


PAINTED = 512
"""Painted rows that are kept, some screens full: one takes 2 kB, and an hour of chat has thousands of them."""


class EntrySlot:
    """One entry and its lines, if it has been laid out at the present width."""

    __slots__ = ("entry", "lines", "live", "opened", "strips")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.lines: Sequence[Line] | None = None
        self.live: LiveEntry | None = None
        self.opened: frozenset[int] = frozenset()
        self.strips: dict[int, Strip] = {}

    @property
    def is_laid_out(self) -> bool:
        """Whether its height is known."""
        return self.lines is not None or self.live is not None

    @property
    def height(self) -> int:
        """How many lines it has; laid out or not, they are counted only where they exist."""
        if self.live is not None:
            return self.live.lines
        return len(self.lines) if self.lines is not None else 0

    def line(self, index: int) -> Line:
        """One of its lines."""
        if self.live is not None:
            return self.live.line(index)
        assert self.lines is not None
        return self.lines[index]


class EntryList:
    """Slots and their heights.  Widths and styles come from outside; nothing here knows the screen."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        self.width = 0
        self.slots: list[EntrySlot] = []
        self.heights = Heights()
        self.drawer: Callable[[str, str], Draw | None] | None = None
        """What draws the pictures of the entry with an id, with a sign for half a cell."""
        self._painted: deque[tuple[EntrySlot, int]] = deque()
        self._numbers: dict[str, int] = {}
        self._offset = 0  # what is added to a stored number: entries put before change it, not the dictionary

    def load(self, entries: Iterable[Entry]) -> None:
        """Forget all and take these."""
        self.slots = [EntrySlot(entry) for entry in entries]
        self._painted.clear()
        self._numbers = {slot.entry.id: number for number, slot in enumerate(self.slots)}
        self._offset = 0
        self.measure()

    def put_before(self, entries: Sequence[Entry]) -> int:
        """Take earlier entries; by how many lines the rest moves down."""
        known = [slot for slot in self.slots if slot.is_laid_out]
        self.slots[:0] = [EntrySlot(entry) for entry in entries]
        self._offset += len(entries)
        for number, entry in enumerate(entries):
            self._numbers[entry.id] = number - self._offset
        heights = [self.guess(entry) for entry in entries]
        self.heights = Heights([*heights, *(self.heights[number] for number in range(len(self.heights)))])
        assert all(slot.is_laid_out for slot in known)
        return sum(heights)

    def append(self, entry: Entry) -> int:
        """One more at the end; its number."""
        self._numbers[entry.id] = len(self.slots) - self._offset
        self.slots.append(EntrySlot(entry))
        self.heights.append(self.guess(entry))
        return len(self.slots) - 1

    def number(self, id: str) -> int | None:
        """The number of the entry with that id."""
        stored = self._numbers.get(id)
        return None if stored is None else stored + self._offset

    def replace(self, number: int, entry: Entry) -> None:
        """Another entry in the place of one."""
        slot = self.slots[number]
        if entry.id != slot.entry.id:
            del self._numbers[slot.entry.id]
            self._numbers[entry.id] = number - self._offset
        slot.entry, slot.live, slot.lines = entry, None, None
        slot.strips.clear()

    def measure(self) -> None:
        """Guess all heights anew."""
        self.heights = Heights(slot.height if slot.is_laid_out else self.guess(slot.entry) for slot in self.slots)

    def reset(self, width: int, palette: Palette) -> None:
        """Another width or other signs: everything is laid out anew when it is next needed."""
        self.width, self.palette = width, palette
        for slot in self.slots:
            slot.lines = None
            slot.strips.clear()
            if slot.live is not None:
                slot.live = slot.live.at_width(width, palette.signs)
        self.measure()

    def repaint(self, palette: Palette) -> None:
        """Other colours, the same lines."""
        self.palette = palette
        for slot in self.slots:
            slot.strips.clear()

    def keep_painted(self, slot: EntrySlot, index: int, strip: Strip) -> None:
        """A row was painted; the one that was painted longest ago is forgotten for it."""
        slot.strips[index] = strip
        self._painted.append((slot, index))
        if len(self._painted) > PAINTED:
            oldest, row = self._painted.popleft()
            oldest.strips.pop(row, None)

    def guess(self, entry: Entry) -> int:
        """About how tall an entry will be."""
        width = max(self.width, 20)
        return 3 + len(entry.parts) + entry.size * 5 // (width * 4)

    def lay(self, number: int) -> int:
        """Lay one out if it is not; by how much its height differs from what it was taken for."""
        slot = self.slots[number]
        if not slot.is_laid_out:
            from routerterm.tui.transcript.layout.entry import entry_lines

            signs = self.palette.signs
            draw = self.drawer(slot.entry.id, signs.half) if self.drawer is not None else None
            slot.lines = entry_lines(slot.entry, self.width, signs, slot.opened, draw)
            slot.strips.clear()
        change = slot.height - self.heights[number]
        self.heights[number] = slot.height
        return change

    def begin_live(self, number: int) -> LiveEntry:
        """The entry starts to grow."""
        from routerterm.tui.transcript.layout.live import LiveEntry

        slot = self.slots[number]
        slot.live, slot.lines = LiveEntry(slot.entry, self.width, self.palette.signs), None
        slot.live.settle()
        slot.strips.clear()
        return slot.live

    def feed(self, number: int, delta: Content) -> None:
        """A piece for a growing entry."""
        live = self.slots[number].live or self.begin_live(number)
        live.feed(delta)

    def settle(self, number: int) -> tuple[int, int, int]:
        """Lay out what a growing entry was fed: the changed lines' first and end, and by how much it grew."""
        slot = self.slots[number]
        live = slot.live
        assert live is not None
        begin, former = len(live.done), live.tail
        first = live.settle()
        change = slot.height - self.heights[number]
        end = max(slot.height, self.heights[number])
        if first == begin:  # most of a tail is as it was
            while first < min(begin + len(former), slot.height) and live.line(first) == former[first - begin]:
                first += 1
            if not change:
                while end > first and live.line(end - 1) == former[end - 1 - begin]:
                    end -= 1
        for index in range(first, max(slot.height, self.heights[number])):
            slot.strips.pop(index, None)
        self.heights[number] = slot.height
        return first, end, change

    def set_header(self, number: int, header: Header) -> None:
        """Another header above the same lines."""
        slot = self.slots[number]
        slot.entry = replace(slot.entry, header=header)
        slot.strips.pop(0, None)
        if slot.live is not None:
            slot.live.set_header(slot.entry)
        elif slot.lines is not None:
            from routerterm.tui.transcript.layout.header import header_line

            slot.lines = [header_line(slot.entry, self.width, self.palette.signs), *slot.lines[1:]]

    def fold(self, number: int, part: int) -> None:
        """Open a folded part, or close it."""
        slot = self.slots[number]
        slot.opened = slot.opened ^ {part}
        slot.lines = None
        slot.strips.clear()
