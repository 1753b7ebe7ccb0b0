"""The page that blocks are written on: its lines, what stands to their left, and where each place of the source is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from routerterm.tui.markdown.inline import inline_runs
from routerterm.tui.markdown.lines import Line, Run, fit, runs_len, wrap_runs

if TYPE_CHECKING:
    from routerterm.tui.markdown.code import Painter
    from routerterm.tui.markdown.grammar import Grammar
    from routerterm.tui.markdown.parse_state import ParseState
    from routerterm.tui.markdown.pictures import Draw
    from routerterm.tui.markdown.tables import Plan
    from routerterm.tui.themes.palette import Signs


class Limits(Struct, frozen=True):
    """How much of a growing block is kept open.  Tests make the first two small."""

    lines: int = 16
    """Lines of a paragraph whose inline markup is read as one; marks do not reach from one such chunk to the next."""
    sample: int = 10
    """Rows of a table that its columns are measured by."""


class Mark(Struct):
    """Where in the lines a place in the source begins."""

    line: int
    block: int
    fence: int
    seams: int = 0
    """Seams that were still to come."""


class Margin:
    """What stands to the left of a container's lines: its first line may differ from the rest."""

    def __init__(self, parent: Margin | None, first: list[Run], rest: list[Run], indent: bool = True) -> None:
        self.parent = parent
        self.first = first
        self.rest = rest
        self.width: int
        self.pending = bool(first)
        self.width = (parent.width if parent else 0) + (runs_len(rest) if indent else 0)

    @property
    def waits(self) -> bool:
        """Whether a marker has not been drawn yet."""
        return self.pending or (self.parent is not None and self.parent.waits)

    def take(self) -> list[Run]:
        """The runs before the next line."""
        runs = self.parent.take() if self.parent else []
        runs = runs + (self.first if self.pending else self.rest)
        self.pending = False
        return runs


class LineWriter:
    """Takes lines, and keeps what the blocks of one parse share."""

    def __init__(
        self, grammar: Grammar, width: int, signs: Signs, limits: Limits, references: dict[str, Any],
        carry: ParseState, source: Sequence[str], prefix: int, seams: Sequence[tuple[int, str]] = (), key: str = "text",
    ) -> None:  # fmt: skip
        self.grammar = grammar
        self.width = width
        self.signs = signs
        self.limits = limits
        self.references = references
        self.carry = carry
        self.source = source
        self.prefix = prefix
        self.seams = list(seams)
        self.key = key
        self.lines: list[Line] = []
        self.marks: dict[int, Mark] = {}
        self.block = carry.block
        self.fence = carry.fence
        self.painter: Painter | None = None
        self.plan: Plan | None = None
        self.rows = 0
        self.chunks: list[int] = []
        """Where the chunks of the last paragraph begin in the source."""
        self.pictures: Mapping[str, bytes] = {}
        """Those whose data was in the text, by what stands for their address."""
        self.unseen: frozenset[str] = frozenset()
        """The names of definitions that are not shown."""
        self.drawer: Draw | None = None
        self.last: tuple[tuple[Run, ...], str, int] = ((), "", 0)
        """The last line that was wrapped, how it joins the one before, and its indentation."""

    def mark(self, source_line: int) -> None:
        """Remember where a place in the source begins."""
        self.marks.setdefault(source_line, Mark(len(self.lines), self.block, self.fence, len(self.seams)))

    def gap(self, margin: Margin) -> None:
        """A blank line between blocks."""
        self.put(margin, [])

    def put(self, margin: Margin, runs: list[Run], join: str = "\n", fill: str = "", fence: int = -1) -> None:
        """One more line."""
        runs = margin.take() + runs
        while runs and not fill and not runs[-1][0].strip(" "):
            runs.pop()
        self.lines.append(Line(tuple(runs), join, self.block, fence, fill=fill))

    def room(self, margin: Margin) -> int:
        """Cells that are left for content."""
        return max(self.width - margin.width, 1)

    def wrapped(self, runs: list[Run], margin: Margin, before: ParseState | None = None) -> None:
        """One logical line, cut to fit; later pieces keep its indentation.  ``before`` says what it goes on from."""
        room = self.room(margin)
        text = runs[0][0] if runs else ""
        hang = before.hang if before is not None else min(len(text) - len(text.lstrip(" ")), room // 2)
        first = room - hang if before is not None else room
        for number, (piece, join) in enumerate(wrap_runs(runs, max(room - hang, 1), max(first, 1))):
            begun = bool(number) or before is not None
            self.last = (tuple(piece), join if number or before is None else before.join, hang)
            if begun and hang:
                piece = [(" " * hang, "~text"), *piece]
            self.put(margin, piece, self.last[1])

    def inline(self, content: str, key: str) -> list[Run]:
        """Text with inline markup as runs."""
        return inline_runs(self.grammar.inline(content, self.references), key, self.signs)

    def draw(self, content: str, margin: Margin) -> None:
        """The pictures of a paragraph, below it."""
        if self.drawer is None or not self.pictures or "](data:" not in content:
            return
        for token in self.grammar.inline(content, self.references):
            data = self.pictures.get(str(token.attrGet("src"))) if token.type == "image" else None
            for line in self.drawer(data, self.room(margin)) if data is not None else ():
                self.put(margin, list(line.runs))

    def seam_before(self, source_line: int, margin: Margin) -> None:
        """Draw the seams that lie before a source line."""
        while self.seams and self.seams[0][0] < source_line and not margin.waits:
            self.seam(self.seams.pop(0)[1], margin)

    def seam(self, text: str, margin: Margin) -> None:
        """Where an answer was cut and goes on."""
        room = self.room(margin)
        label = fit(f"{self.signs.seam * 2} {text} ", room, self.signs.ellipsis)
        self.put(margin, [(label + self.signs.seam * (room - runs_len([(label, "")])), "~seam")])
