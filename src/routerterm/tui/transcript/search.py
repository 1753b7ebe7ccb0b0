"""Finding words in the conversation."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct, field
from rich.cells import cell_len

if TYPE_CHECKING:
    from routerterm.tui.transcript.entry_list import EntryList, EntrySlot

Spans = dict[int, list[tuple[int, int]]]
"""Cells by line."""


class Search(Struct):
    """A search under way: which entries have the words, and where one stands among them."""

    query: str
    numbers: list[int] = field(default_factory=list)
    """The entries in which it occurs, in their order."""
    members: frozenset[int] = frozenset()
    at: tuple[int, int] | None = None
    """The entry and the occurrence within it that is shown."""
    _seen: dict[int, tuple[int, list[Spans]]] = field(default_factory=dict)

    @property
    def pattern(self) -> re.Pattern[str]:
        """What is looked for; blanks match any white space, for the words may have been wrapped."""
        return re.compile(r"\s+".join(re.escape(word) for word in self.query.split()), re.IGNORECASE)

    def run(self, entry_list: EntryList) -> int:
        """Look through all entries; in how many the words occur."""
        self._seen.clear()
        pattern = self.pattern
        self.numbers = [number for number, slot in enumerate(entry_list.slots) if pattern.search(text_of(slot))]
        self.members = frozenset(self.numbers)
        return len(self.numbers)

    def hits(self, entry_list: EntryList, number: int) -> list[Spans]:
        """The occurrences in the lines of an entry; what a fold hides is not among them."""
        entry_list.lay(number)
        slot = entry_list.slots[number]
        known = self._seen.get(number)
        if known is None or known[0] != slot.height:
            known = self._seen[number] = (slot.height, find_in(slot, self.pattern))
        return known[1]

    def step(self, entry_list: EntryList, forward: bool) -> tuple[int, Spans] | None:
        """The next occurrence, or the one before; round and round."""
        if not self.numbers:
            return None
        number, index = self.at if self.at is not None else (len(entry_list.slots), 0)
        index += 1 if forward else -1
        for _ in range(len(self.numbers) + 1):
            hits = self.hits(entry_list, number) if number in self.numbers else []
            if 0 <= index < len(hits):
                self.at = (number, index)
                return number, hits[index]
            number = self._neighbour(number, forward)
            index = 0 if forward else len(self.hits(entry_list, number)) - 1
        return None

    def _neighbour(self, number: int, forward: bool) -> int:
        if forward:
            return next((other for other in self.numbers if other > number), self.numbers[0])
        return next((other for other in reversed(self.numbers) if other < number), self.numbers[-1])


def text_of(slot: EntrySlot) -> str:
    """What an entry says, as far as it has come."""
    return slot.live.builder.text if slot.live is not None else slot.entry.text


def find_in(slot: EntrySlot, pattern: re.Pattern[str]) -> list[Spans]:
    """Where a pattern occurs in the lines of an entry that is laid out; an occurrence may lie on several lines."""
    pieces: list[str] = []
    begins: list[int] = []
    length = 0
    for index in range(slot.height):
        line = slot.line(index)
        text = line.text
        pieces += [line.join if index else "", text]
        length += len(pieces[-2])
        begins.append(length)
        length += len(text)
    whole = "".join(pieces)
    found: list[Spans] = []
    first = 0
    for match in pattern.finditer(whole):
        spans: Spans = defaultdict(list)
        while first + 1 < len(begins) and begins[first + 1] <= match.start():
            first += 1
        for index in range(first, len(begins)):
            if begins[index] >= match.end():
                break
            text = slot.line(index).text
            begin = max(match.start() - begins[index], 0)
            end = min(match.end() - begins[index], len(text))
            if end > begin:
                spans[index].append((cell_len(text[:begin]), cell_len(text[:end])))
        found.append(dict(spans))
    return found
