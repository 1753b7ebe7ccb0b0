"""Places in the conversation, and the text between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct
from rich.cells import cell_len, get_character_cell_size

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.sanitise import pasteable

if TYPE_CHECKING:
    from routerterm.tui.markdown.lines import Line
    from routerterm.tui.transcript.entry_list import EntryList, EntrySlot

END = 1 << 20
"""A cell beyond the end of every line."""
_LEFT_OUT = ("~rule", "~tab")
"""Decoration whose whole line is left out of a copy."""
_PICTURE = "~#"
_WORD = LazyPattern(r"[\w'’./:@~+#%-]+|\s+|.")


class Place(NamedTuple):
    """An entry's number, a line of it, and a cell of that line; they compare in reading order."""

    number: int
    line: int
    cell: int


class Selection(Struct, frozen=True):
    """From one place to another, in whichever order they were chosen."""

    anchor: Place
    point: Place

    @property
    def begin(self) -> Place:
        """The earlier one."""
        return min(self.anchor, self.point)

    @property
    def end(self) -> Place:
        """The later one, excluded."""
        return max(self.anchor, self.point)

    def span(self, number: int, line: int) -> tuple[int, int] | None:
        """The cells that are selected in a line, the second excluded; None for none."""
        begin, end = self.begin, self.end
        if not begin[:2] <= (number, line) <= end[:2]:
            return None
        first = begin.cell if (number, line) == begin[:2] else 0
        last = end.cell if (number, line) == end[:2] else END
        return (first, last) if last > first else None


def selected_text(entry_list: EntryList, selection: Selection) -> str:
    """The selected text without borders; wrapped lines are joined again."""
    pieces: list[str] = []
    for number in range(selection.begin.number, min(selection.end.number + 1, len(entry_list.slots))):
        entry_list.lay(number)
        slot = entry_list.slots[number]
        for index in range(slot.height):
            span = selection.span(number, index)
            if span is None:
                continue
            line = slot.line(index)
            if any(key in _LEFT_OUT or key.startswith(_PICTURE) for _, key in line.runs):
                continue
            if pieces:
                pieces.append(line.join)
            pieces.append(cut_plain(line, *span))
    return pasteable("\n".join(text.rstrip() for text in "".join(pieces).split("\n"))).strip("\n")


def cut_plain(line: Line, begin: int, end: int) -> str:
    """What is copied of some cells of a line."""
    if begin <= 0 and end >= END:
        return line.plain
    pieces: list[str] = []
    cell = 0
    for text, key in line.runs:
        kept: list[str] = []
        for char in text:
            cells = get_character_cell_size(char)
            if begin <= cell < end or (not cells and kept):
                kept.append(char)
            cell += cells
        if kept and key.startswith("~"):
            kept = ["\t"] if key.startswith("~cell") else []
        pieces.append("".join(kept))
    return "".join(pieces)


def word_at(line: Line, cell: int) -> tuple[int, int]:
    """The cells of the word at a cell."""
    begin = 0
    for match in _WORD.finditer(line.text):
        end = begin + cell_len(match[0])
        if begin <= cell < end:
            return begin, end
        begin = end
    return begin, begin


# -- blocks ----------------------------------------------------------------------------------------


def blocks(slot: EntrySlot) -> list[tuple[int, int, int]]:
    """The blocks of an entry that is laid out: number, first line, end; the whole entry where it has none."""
    found: list[tuple[int, int, int]] = []
    for index in range(slot.height):
        block = slot.line(index).block
        if block < 0:
            continue
        if found and found[-1][0] == block:
            found[-1] = (block, found[-1][1], index + 1)
        else:
            found.append((block, index, index + 1))
    return [_trimmed(slot, item) for item in found] or [(-1, 0, 1)]


def _trimmed(slot: EntrySlot, item: tuple[int, int, int]) -> tuple[int, int, int]:
    block, begin, end = item
    while begin < end - 1 and not slot.line(begin).text.strip():
        begin += 1
    return block, begin, end


def code_blocks(text: str) -> Iterator[str]:
    """The code blocks of a Markdown text as they were written, tabs and all, in their order."""
    from routerterm.tui.markdown.stream import grammar

    stack = [grammar().blocks(text.replace("\r\n", "\n").replace("\r", "\n"))]
    while stack:
        node = stack.pop()
        if node.kind == "fence":
            yield pasteable(node.content.removesuffix("\n"))
        stack.extend(reversed(node.children))
