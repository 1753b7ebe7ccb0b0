"""Markdown that streams in: lines that are final, and a short tail that may still change.

`StreamLayout` keeps the source it is not done with, at most one unfinished block of it, and parses only that.
With each complete line it looks for the furthest place where all that came before can no longer change, writes
those lines down for good, and remembers in a `Carry` what is still open there.  A list is let go item by item, a
table row by row, a fence line by line, a long paragraph in chunks; what a token costs does not depend on how
much came before it.  After `close` the lines are those that `lay_out` makes of the whole text at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from routerterm.tui.sanitise import sanitise
from routerterm.tui.transcript.layout.blocks import Limits, Margin, Mark, Writer, is_blank
from routerterm.tui.transcript.layout.calm import calm
from routerterm.tui.transcript.layout.carry import Carry, Container
from routerterm.tui.transcript.layout.grammar import HEADING_LINES, Grammar, Node
from routerterm.tui.transcript.layout.lines import Line
from routerterm.tui.transcript.palette import Signs

_UNDECIDED = re.compile(r"[\s>]*(?:[-=*_+#`~|:\s]*|\d{1,9}[.)]?|[-*+]\s+\[[ xX]?\]?|\[!?\w*)$")
"""The beginning of a line that may yet become markup: shown only once it is clear what it is."""


LIMITS = Limits()


@lru_cache(1)
def grammar() -> Grammar:
    """The parser, made when the first Markdown is laid out."""
    return Grammar()


@dataclass(frozen=True, slots=True)
class Cut:
    """A place up to which all is final: the source line, the lines written before it, and what is open there."""

    source: int
    lines: int
    carry: Carry
    seams: int
    """Seams that are still to come."""


def lay_out(
    text: str, width: int, signs: Signs, *, key: str = "text", seams: Sequence[tuple[int, str]] = (),
    limits: Limits = LIMITS,
) -> list[Line]:  # fmt: skip
    """The lines of a whole text, parsed at once.  ``seams`` are offsets into it and what to say there."""
    places = [(sanitise(text[:offset].removesuffix("\r")).count("\n"), said) for offset, said in seams]
    source = sanitise(text).expandtabs(4)
    writer = Writer(grammar(), width, signs, limits, {}, Carry(), source.split("\n"), 0, places, key)
    writer.write(grammar().blocks(source))
    writer.seam_before(len(writer.source) + 1, _margin())
    return writer.lines


def _drawable(line: str) -> str:
    """A line whose pieces were clean, as it may be drawn: marks can pile up across pieces."""
    return (line if line.isascii() else sanitise(line)).expandtabs(4)


def _margin() -> Margin:
    return Margin(None, [], [])


class StreamLayout:
    """Lays out a text while it grows.

    ``done`` are final lines, ``tail`` those after them that may change.  `feed` takes text and does nothing
    else; `settle` brings both up to date and is called when something is to be painted.
    """

    def __init__(self, width: int, signs: Signs, *, key: str = "text", limits: Limits | None = None) -> None:
        self.width, self.signs, self.key = width, signs, key
        self.limits = limits or LIMITS
        self.done: list[Line] = []
        self.tail: list[Line] = []
        self.carry = Carry()
        self._references: dict[str, Any] = {}
        self._lines: list[str] = []
        self._part: list[str] = []
        self._fresh: list[str] = []
        self._return = False
        self._seams: list[tuple[int, str]] = []
        self._looked = 0

    @property
    def line_count(self) -> int:
        """Lines there are to show."""
        return len(self.done) + len(self.tail)

    def feed(self, text: str) -> None:
        """Take a piece of text."""
        if text:
            self._fresh.append(text)

    def seam(self, text: str) -> None:
        """Mark where the text was cut: after all that was fed so far."""
        self._take()
        self._seams.append((len(self._lines), text))

    def settle(self) -> int:
        """Lay out what is new; the index of the first line that may differ from before."""
        first = len(self.done)
        self._take()
        if self._looked < len(self._lines):
            self._commit()
        part = "".join(self._part)
        if len(self._part) > 1:
            self._part = [part]
        shown = part if self.carry.leaf == "fence" else calm(part)
        self.tail = self._write([] if _UNDECIDED.match(shown) else [shown])
        return first

    def close(self) -> int:
        """The text is whole: its last lines are final too."""
        first = len(self.done)
        self._take()
        if self._return:
            self._return = False
            self._newline()
        if self._looked < len(self._lines):
            self._commit()
        lines = self._write(["".join(self._part)], last=True)
        self.done += lines
        self.tail, self._lines, self._part, self._seams = [], [], [], []
        return first

    def _take(self) -> None:
        """Split what was fed into lines."""
        if not self._fresh:
            return
        text = "".join(self._fresh)
        self._fresh.clear()
        if self._return:
            text, self._return = "\r" + text, False
        if text.endswith("\r"):
            text, self._return = text[:-1], True
        first, *rest = sanitise(text).split("\n")
        if first:
            self._part.append(first)
        for piece in rest:
            self._newline()
            if piece:
                self._part.append(piece)

    def _newline(self) -> None:
        self._lines.append(_drawable("".join(self._part)))
        self._part.clear()

    def _writer(self, source: list[str], prefix: int, last: bool) -> Writer:
        references = self._references if last else dict(self._references)
        seams = [(line + prefix, said) for line, said in self._seams]
        return Writer(
            grammar(), self.width, self.signs, self.limits, references, self.carry, source, prefix, seams, self.key
        )

    def _write(self, part: list[str], last: bool = False) -> list[Line]:
        """The lines of all that is not final."""
        prefix = self.carry.prefix()
        source = prefix + self._lines + [_drawable(text) for text in part]
        writer = self._writer(source, len(prefix), last)
        text = "\n".join(source)
        writer.write(grammar().blocks(text if part else text + "\n"))
        if last:
            writer.seam_before(len(source) + 1, _margin())
        return writer.lines

    def _commit(self) -> None:
        """Write down for good what the complete lines settle."""
        prefix = self.carry.prefix()
        source = prefix + self._lines
        root = grammar().blocks("\n".join(source) + "\n")
        self._looked = len(self._lines)
        if not cuttable(root, len(prefix), self.limits):
            return
        writer = self._writer(source, len(prefix), True)
        writer.write(root)
        cut = find_cut(root, writer)
        if cut is None:
            return
        self.done += writer.lines[: cut.lines]
        self.carry = cut.carry
        del self._lines[: cut.source - len(prefix)]
        self._looked = len(self._lines)
        moved = cut.source - len(prefix)
        drawn = len(self._seams) - cut.seams
        self._seams = [(line - moved, said) for line, said in self._seams[drawn:]]


def cuttable(root: Node, prefix: int, limits: Limits) -> bool:
    """Whether there may be a place to cut: a cheap look before anything is written."""
    node = root
    while node.children:
        last = node.children[-1]
        if last.begin >= prefix and last.begin > node.begin:
            return True
        if last.kind in ("fence", "table"):
            return True
        if last.kind == "paragraph":
            return last.end - max(last.begin, prefix) > limits.lines
        node = last
    return False


def find_cut(root: Node, writer: Writer) -> Cut | None:
    """The furthest place in what was just written up to which nothing can change any more."""
    best: Cut | None = None
    node = root
    containers: list[Container] = []
    level = 0
    while node.children:
        last = node.children[-1]
        fresh = last.begin >= writer.prefix
        if node.kind in ("bullet_list", "ordered_list"):
            if fresh and len(node.children) > 1:
                best = _cut(writer, last, (*containers, _item(node.children[-2], writer, level)))
            node = last
            containers.append(_item(last, writer, level))
            level += 1
            continue
        opens = len(node.children) <= (2 if node.kind == "alert" else 1)
        if fresh and (node is root or not opens):
            best = _cut(writer, last, tuple(containers)) or best
        if last.kind in ("bullet_list", "ordered_list"):
            node = last
        elif last.kind in ("blockquote", "alert"):
            assert last.token is not None
            alert = last.kind == "alert"
            containers.append(Container("alert" if alert else "quote", last.token.info if alert else ""))
            level += 1
            node = last
        else:
            return _leaf_cut(writer, last, tuple(containers)) or best
    return best


def _item(item: Node, writer: Writer, level: int) -> Container:
    assert item.token is not None
    meta = item.token.meta
    stale = item.begin < writer.prefix
    if stale and level < len(writer.carry.containers):
        return writer.carry.containers[level]
    marker = item.token.info + item.token.markup
    return Container("item", marker, meta.get("column", 0), meta.get("number", 0))


def _cut(writer: Writer, node: Node, containers: tuple[Container, ...]) -> Cut | None:
    mark = writer.marks.get(node.begin)
    if mark is None:
        return None
    return _at(writer, node.begin, mark, Carry(containers))


def _at(writer: Writer, source: int, mark: Mark, carry: Carry) -> Cut | None:
    if source <= writer.prefix:
        return None
    gap = is_blank(writer.source[source - 1])
    begun = mark.block >= 0
    carry = replace(carry, gap=gap, block=mark.block, fence=mark.fence, begun=begun)
    return Cut(source, mark.line, carry, mark.seams)


def _leaf_cut(writer: Writer, leaf: Node, containers: tuple[Container, ...]) -> Cut | None:
    """A place within the block that is still growing."""
    token = leaf.token
    assert token is not None
    here = Mark(len(writer.lines), writer.block, writer.fence, len(writer.seams))
    if leaf.kind == "fence" and not token.meta["closed"]:
        carry = Carry(containers, "fence", token.meta["source"], painter=writer.painter)
        return _at(writer, leaf.end, here, carry)
    if leaf.kind == "table":
        fixed = leaf.begin < writer.prefix or writer.rows > writer.limits.sample
        if fixed:
            carry = Carry(containers, "table", token.meta["source"], plan=writer.plan, rows=writer.rows)
            return _at(writer, leaf.end, here, carry)
    if leaf.kind == "paragraph":
        begin, size = max(leaf.begin, writer.prefix), writer.limits.lines
        chunks = (leaf.end - begin - 1) // size
        if leaf.begin >= writer.prefix and leaf.end - begin <= HEADING_LINES:
            return None  # an underline may still make a heading of it
        mark = writer.marks.get(begin + chunks * size)
        if chunks > 0 and mark is not None:
            return _at(writer, begin + chunks * size, mark, Carry(containers, "paragraph"))
    return None
