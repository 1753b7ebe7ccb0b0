"""Markdown that streams in: lines that are final, and a short tail that may still change.

`StreamLayout` keeps the source it is not done with, at most one unfinished block of it, and parses only that.
With each complete line it looks for the furthest place where all that came before can no longer change, writes
those lines down for good, and remembers in a `ParseState` what is still open there.  A list is let go item by item, a
table row by row, a fence line by line, a long paragraph in chunks; what a token costs does not depend on how
much came before it.  After `close` the lines are those that `lay_out` makes of the whole text at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from routerterm.core.sanitise import sanitise, sanitise_piece
from routerterm.tui.markdown.block_rules import ENDLESS, GOES_ON
from routerterm.tui.markdown.blocks import Writer
from routerterm.tui.markdown.commit_points import cuttable, find_commit_point, open_leaf
from routerterm.tui.markdown.data_uris import Folder
from routerterm.tui.markdown.grammar import Grammar
from routerterm.tui.markdown.hold_back import hold_back
from routerterm.tui.markdown.leaf_blocks import WORD, endless_pieces
from routerterm.tui.markdown.line_writer import Limits, Margin
from routerterm.tui.markdown.parse_state import ParseState

if TYPE_CHECKING:
    from routerterm.tui.markdown.lines import Line
    from routerterm.tui.markdown.pictures import Draw
    from routerterm.tui.themes.palette import Signs

_UNDECIDED = re.compile(r"[\s>]*(?:[-=*_+#`~|:\s]*|\d{1,9}[.)]?|[-*+]\s+\[[ xX]?\]?|\[!?\w*)$")
"""The beginning of a line that may yet become markup: shown only once it is clear what it is."""


LIMITS = Limits()


@lru_cache(1)
def grammar() -> Grammar:
    """The parser, made when the first Markdown is laid out."""
    return Grammar()


BEFORE_ALL = -1
"""The place of a seam that stands above the first line: a new answer took the place of one that was cut."""


def lay_out(
    text: str, width: int, signs: Signs, *, key: str = "text", seams: Sequence[tuple[int, str]] = (),
    limits: Limits = LIMITS, draw: Draw | None = None, complete: bool = False,
) -> list[Line]:  # fmt: skip
    """The lines of a whole text, parsed at once.  ``seams`` are offsets into it and what to say there.

    ``complete``: nothing follows the text, so a link's definition works in all of it; else, as in a text that
    streams in, from where it stands on.

    With ``draw``, pictures whose data is in the text are drawn below the paragraph they stand in.
    """
    places = [
        (sanitise(text[:offset].removesuffix("\r")).count("\n") if offset else BEFORE_ALL, said)
        for offset, said in seams
    ]
    folder = Folder()
    source = sanitise(folder.feed(text) + folder.close()).expandtabs(4)
    writer = Writer(
        grammar(),
        width,
        signs,
        limits=limits,
        references={},
        carry=ParseState(),
        source=source.split("\n"),
        prefix=0,
        seams=places,
        key=key,
    )
    writer.pictures, writer.drawer = folder.pictures, draw
    root = grammar().blocks(source)
    if complete and "]:" in source:
        writer.unseen = grammar().define_all(root, writer.references, source)
    writer.write(root)
    writer.seam_before(len(writer.source) + 1, _margin())
    return writer.lines


def _drawable(line: str) -> str:
    """A line whose pieces were clean, as it may be drawn: marks pile up, and joiners join, across pieces."""
    return (line if line.isascii() else sanitise(line)).expandtabs(4)


def _margin() -> Margin:
    return Margin(None, [], [])


class StreamLayout:
    """Lays out a text while it grows.

    ``done`` are final lines, ``tail`` those after them that may change.  `feed` takes text and does nothing
    else; `settle` brings both up to date and is called when something is to be painted.
    """

    def __init__(self, width: int, signs: Signs, *, key: str = "text", limits: Limits | None = None) -> None:
        self.width = width
        self.signs = signs
        self.key = key
        self.limits = limits or LIMITS
        self.done: list[Line] = []
        self.tail: list[Line] = []
        self.carry = ParseState()
        self._references: dict[str, Any] = {}
        self._lines: list[str] = []
        self._part: list[str] = []
        self._fresh: list[str] = []
        self._folder = Folder()
        self._return = False
        self._seams: list[tuple[int, str]] = []
        self._looked = 0
        self._column = 0

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
        begun = self._lines or self._part or self._return or self.done or self.carry.begun
        self._seams.append((len(self._lines) if begun else BEFORE_ALL, text))

    def settle(self) -> int:
        """Lay out what is new; the index of the first line that may differ from before."""
        first = len(self.done)
        self._take()
        if self._looked < len(self._lines):
            self._commit()
        part = "".join(self._part)
        if len(part) > ENDLESS + WORD:
            part = self._commit_endless(part)
        self._part = [part]
        shown = part if self.carry.leaf == "fence" else hold_back(part)
        self.tail = self._write([] if _UNDECIDED.match(shown) else [shown])
        return first

    def close(self) -> int:
        """The text is whole: its last lines are final too."""
        first = len(self.done)
        self._take(self._folder.close)
        if self._return:
            self._return = False
            self._newline()
        if self._looked < len(self._lines):
            self._commit()
        lines = self._write(["".join(self._part)], last=True)
        self.done += lines
        self.tail, self._lines, self._part, self._seams = [], [], [], []
        return first

    def _take(self, more: Callable[[], str] = str) -> None:
        """Split what was fed into lines."""
        text = self._folder.feed("".join(self._fresh)) + more()
        self._fresh.clear()
        if not text:
            return
        if self._return:
            text, self._return = "\r" + text, False
        if text.endswith("\r"):
            text, self._return = text[:-1], True
        first, *rest = sanitise_piece(text).split("\n")
        if first:
            self._part.append(first)
        for piece in rest:
            self._newline()
            if piece:
                self._part.append(piece)

    def _newline(self) -> None:
        self._lines.append("".join(self._part))
        self._part.clear()

    def _writer(self, source: list[str], prefix: int, last: bool) -> Writer:
        references = self._references if last else dict(self._references)
        seams = [(line + prefix, said) for line, said in self._seams]
        writer = Writer(
            grammar(),
            self.width,
            self.signs,
            limits=self.limits,
            references=references,
            carry=self.carry,
            source=source,
            prefix=prefix,
            seams=seams,
            key=self.key,
        )
        writer.pictures = self._folder.pictures
        return writer

    def _write(self, part: list[str], last: bool = False) -> list[Line]:
        """The lines of all that is not final."""
        prefix = self.carry.prefix()
        source = prefix + self._source([*self._lines, *part])
        writer = self._writer(source, len(prefix), last)
        text = "\n".join(source)
        writer.write(grammar().blocks(text if part else text + "\n"))
        if last:
            writer.seam_before(len(source) + 1, _margin())
        return writer.lines

    def _source(self, lines: list[str]) -> list[str]:
        """Lines as the parser is to see them."""
        source = [_drawable(line) for line in lines]
        if self.carry.leaf == "endless" and source:
            pad = " " * (self._column % 4)
            source[0] = GOES_ON + _drawable(pad + lines[0])[len(pad) :]
        return source

    def _commit_endless(self, part: str) -> str:
        """Write down for good the beginning of a paragraph's line that does not end; what is left of the line."""
        prefix = self.carry.prefix()
        source = prefix + self._source([*self._lines, part])
        root = grammar().blocks("\n".join(source))
        leaf, _ = open_leaf(root)
        if leaf is None or leaf.kind != "paragraph" or leaf.end != len(source):
            return part
        text = leaf.children[0].content.split("\n")[-1].removeprefix(GOES_ON)
        *pieces, rest = endless_pieces(text)
        whole = source[-1].removeprefix(GOES_ON)
        bare = whole.rstrip(" ")
        if bare.endswith(rest):
            rest += whole[len(bare) :]  # the parser trims what ends a paragraph
        if not pieces or not whole.endswith(rest) or "\t" in part[-len(rest) :]:
            return part
        source[-1] = source[-1][: len(source[-1]) - len(rest)]
        writer = self._writer(source, len(prefix), True)
        root = grammar().blocks("\n".join(source))
        writer.write(root)
        leaf, containers = open_leaf(root, writer)
        begun = self.carry.leaf == "endless" and not self._lines
        kept = len(writer.lines) - 1
        if leaf is None or kept < 1 or (not begun and writer.last[0] == ()):
            return part
        runs, join, hang = writer.last
        self.done += writer.lines[:kept]
        self._column = len(whole) - len(rest) + (self._column if begun else 0)
        self._seams = [
            (line - len(self._lines), said) for line, said in self._seams[len(self._seams) - len(writer.seams) :]
        ]
        self._lines.clear()
        self._looked = 0
        self.carry = ParseState(
            containers, "endless", runs=runs, join=join, hang=hang, block=writer.block, fence=writer.fence, begun=True
        )
        return rest

    def _commit(self) -> None:
        """Write down for good what the complete lines settle."""
        prefix = self.carry.prefix()
        source = prefix + self._source(self._lines)
        root = grammar().blocks("\n".join(source) + "\n")
        self._looked = len(self._lines)
        if not cuttable(root, len(prefix)):
            return
        writer = self._writer(source, len(prefix), True)
        writer.write(root)
        cut = find_commit_point(root, writer)
        if cut is None:
            return
        self.done += writer.lines[: cut.lines]
        self.carry = cut.carry
        del self._lines[: cut.source - len(prefix)]
        self._looked = len(self._lines)
        moved = cut.source - len(prefix)
        drawn = len(self._seams) - cut.seams
        self._seams = [(line - moved, said) for line, said in self._seams[drawn:]]
