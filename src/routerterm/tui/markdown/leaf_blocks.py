"""Blocks without blocks in them, as lines: paragraphs, headings, code, tables, formulas, definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from routerterm.tui.markdown.block_rules import ENDLESS, GOES_ON
from routerterm.tui.markdown.code import Painter
from routerterm.tui.markdown.data_uris import restored
from routerterm.tui.markdown.grammar import Node
from routerterm.tui.markdown.inline import shorten
from routerterm.tui.markdown.line_writer import LineWriter, Margin
from routerterm.tui.markdown.lines import Run, cut_runs, fit, split_runs
from routerterm.tui.markdown.tables import head_lines, plan, row_lines

if TYPE_CHECKING:
    from routerterm.tui.markdown.parse_state import ParseState

WORD = 200
"""How far ahead a blank is looked for to end a piece of an endless line."""


class Leaves(LineWriter):
    """Writes blocks that hold no others."""

    def paragraph(self, node: Node, margin: Margin, key: str) -> None:
        """Text, a chunk of lines at a time."""
        texts = node.children[0].content.split("\n")
        begin = node.begin
        goes_on = begin < self.prefix
        if goes_on:
            texts, begin = texts[self.prefix - begin :], self.prefix
        self.chunks = []
        if goes_on and self.carry.leaf == "endless" and texts:
            self.chunks.append(begin)
            self.endless(texts.pop(0).removeprefix(GOES_ON), margin, key, self.carry)
            begin += 1
        for start, end in chunks(texts, self.limits.lines):
            self.mark(begin + start)
            self.chunks.append(begin + start)
            if len(texts[start]) >= ENDLESS:
                self.seam_before(begin + start, margin)
                self.endless(texts[start], margin, key, None)
                continue
            runs = self.inline("\n".join(texts[start:end]), key)
            for number, line in enumerate(split_runs(runs)):
                if number or start or goes_on:
                    self.seam_before(begin + start + number, margin)
                self.wrapped(line, margin)
            self.draw("\n".join(texts[start:end]), margin)

    def endless(self, text: str, margin: Margin, key: str, before: ParseState | None) -> None:
        """A line too long to be read as one: its markup is read a piece at a time."""
        runs = list(before.runs) if before is not None else []
        for piece in endless_pieces(text):
            runs += [(run.replace("\n", " "), style) for run, style in self.inline(piece, key)]
        self.wrapped(runs, margin, before)

    def heading(self, node: Node, margin: Margin) -> None:
        """A heading in its rank's style."""
        assert node.token is not None
        rank = int(node.token.tag[1:])
        key = f"heading{min(rank, 3)}"
        for line in split_runs(self.inline(node.children[0].content, key)):
            self.wrapped(line, margin)

    def fenced(self, node: Node, margin: Margin) -> None:
        """A code block: its language, then its lines, coloured one by one."""
        assert node.token is not None
        content = restored(node.content, self.pictures).split("\n")
        texts = content[:-1] if content[-1] == "" else content
        if node.begin < self.prefix:
            painter = self.carry.painter.copy() if self.carry.painter else Painter("")
            begin = self.prefix
        else:
            self.fence += 1
            language = language_of(node.token.info)
            painter = Painter(language)
            begin = node.begin + 1
            if language or margin.waits:  # a marker needs a line even while there is no code yet
                label = fit(node.token.info.strip(), self.room(margin) - 2, self.signs.ellipsis)
                self.put(margin, [(f" {label} ", "~tab")] if label else [], fill="fence", fence=self.fence)
        for number, text in enumerate(texts):
            self.seam_before(begin + number, margin)
            self.code_line(painter.paint(text), margin, self.fence)
        self.painter = painter

    def code_line(self, runs: list[Run], margin: Margin, fence: int) -> None:
        """A line of code, cut anywhere if it is too long."""
        room = max(self.room(margin) - 2, 1)
        pieces = cut_runs(runs, room)
        for number, piece in enumerate(pieces):
            sign = self.signs.wrap if number else " "
            head = (f"{self.signs.upright}{sign}", "~faint@fence")
            ground = [(text, f"{key}@fence") for text, key in piece]
            self.put(margin, [head, *ground], "" if number else "\n", fill="fence", fence=fence)

    def indented(self, node: Node, margin: Margin) -> None:
        """Code by indentation."""
        for text in node.content.rstrip("\n").split("\n"):
            self.code_line([(text, "code")] if text else [], margin, -1)

    def table(self, node: Node, margin: Margin, key: str) -> None:
        """A table by its plan."""
        width = self.room(margin)
        head, *bodies = node.children
        rows = [row for body in bodies for row in body.children if row.begin >= self.prefix]
        if node.begin < self.prefix and self.carry.plan is not None:
            table, count = self.carry.plan, self.carry.rows
        else:
            headers = [self.cell(cell, key) for cell in head.children[0].children]
            aligns = [align_of(cell) for cell in head.children[0].children]
            sample = [self.row(row, key) for row in rows[: self.limits.sample]]
            table, count = plan(headers, sample, aligns, width, len(rows) > self.limits.sample), 0
            for line in head_lines(table, self.signs):
                self.put(margin, line)
        for row in rows:
            self.mark(row.begin)
            for line in row_lines(table, self.row(row, key), count, width, self.signs):
                self.put(margin, line)
            count += 1
        self.plan, self.rows = table, count

    def row(self, row: Node, key: str) -> list[list[Run]]:
        """A row's cells."""
        return [self.cell(cell, key) for cell in row.children]

    def cell(self, cell: Node, key: str) -> list[Run]:
        """A cell's runs."""
        return self.inline(cell.children[0].content, key) if cell.children else []

    def formula(self, node: Node, margin: Margin) -> None:
        """A formula as it was written."""
        for text in node.content.rstrip("\n").split("\n"):
            self.wrapped([(text, "math")], margin)

    def definition(self, node: Node, margin: Margin) -> None:
        """A link's definition: known from here on, and shown."""
        assert node.token is not None
        self.grammar.define(node, self.references)
        href = shorten(node.token.meta["href"], self.signs)
        self.wrapped([(f"[{node.content}] ", "dim"), (href, "link")], margin)


def chunks(texts: Sequence[str], size: int) -> list[tuple[int, int]]:
    """A paragraph's lines in groups whose markup is read as one; an endless line is a group by itself."""
    found: list[tuple[int, int]] = []
    for index, text in enumerate(texts):
        alone = len(text) >= ENDLESS
        if not found or alone or index - found[-1][0] >= size or len(texts[index - 1]) >= ENDLESS:
            found.append((index, index + 1))
        else:
            found[-1] = (found[-1][0], index + 1)
    return found


def endless_pieces(text: str) -> list[str]:
    """An endless line in pieces; where they end depends on no more than what comes just after."""
    pieces: list[str] = []
    begin = 0
    while len(text) - begin > ENDLESS + WORD:
        blank = text.find(" ", begin + ENDLESS, begin + ENDLESS + WORD)
        end = blank if blank > 0 else begin + ENDLESS + WORD
        pieces.append(text[begin:end])
        begin = end
    return [*pieces, text[begin:]]


def align_of(cell: Node) -> str:
    """A cell's alignment: ``left``, ``center``, ``right`` or nothing."""
    style = cell.token.attrGet("style") if cell.token else None
    return str(style).rpartition(":")[2] if style else ""


def language_of(info: str) -> str:
    """The language in a fence's info string."""
    word = info.strip().split(maxsplit=1)[0] if info.strip() else ""
    return word.strip("{}.").split(",")[0].split(":")[0].lower()
