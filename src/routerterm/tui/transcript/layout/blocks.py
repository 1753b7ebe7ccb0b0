"""Blocks into lines: the one place where Markdown becomes what is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from routerterm.tui.transcript.layout.carry import Carry
from routerterm.tui.transcript.layout.code import Painter
from routerterm.tui.transcript.layout.grammar import ENDLESS, GOES_ON, Grammar, Node
from routerterm.tui.transcript.layout.inline import inline_runs, shorten
from routerterm.tui.transcript.layout.lines import Line, Run, chop, fit, runs_len, split_runs, wrap_runs
from routerterm.tui.transcript.layout.tables import Plan, head_lines, plan, row_lines
from routerterm.tui.transcript.palette import Signs

WORD = 200
"""How far ahead a blank is looked for to end a piece of an endless line."""
LEAST_WIDTH = 12
"""Containers indent no further once this little is left."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a growing block is kept open.  Tests make the first two small."""

    lines: int = 16
    """Lines of a paragraph whose inline markup is read as one; marks do not reach from one such chunk to the next."""
    sample: int = 10
    """Rows of a table that its columns are measured by."""


@dataclass(slots=True)
class Mark:
    """Where in the lines a place in the source begins."""

    line: int
    block: int
    fence: int
    seams: int = 0
    """Seams that were still to come."""


class Margin:
    """What stands to the left of a container's lines: its first line may differ from the rest."""

    def __init__(self, parent: Margin | None, first: list[Run], rest: list[Run], indent: bool = True) -> None:
        self.parent, self.first, self.rest = parent, first, rest
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


class Writer:
    """Writes the lines of one parse, whole or what follows a `Carry`."""

    def __init__(
        self, grammar: Grammar, width: int, signs: Signs, limits: Limits, references: dict[str, Any],
        carry: Carry, source: Sequence[str], prefix: int, seams: Sequence[tuple[int, str]] = (), key: str = "text",
    ) -> None:  # fmt: skip
        self.grammar, self.width, self.signs, self.limits = grammar, width, signs, limits
        self.references, self.carry, self.source, self.prefix = references, carry, source, prefix
        self.seams = list(seams)
        self.key = key
        self.lines: list[Line] = []
        self.marks: dict[int, Mark] = {}
        self.block, self.fence = carry.block, carry.fence
        self.painter: Painter | None = None
        self.plan: Plan | None = None
        self.rows = 0
        self.chunks: list[int] = []
        """Where the chunks of the last paragraph begin in the source."""
        self.last: tuple[tuple[Run, ...], str, int] = ((), "", 0)
        """The last line that was wrapped, how it joins the one before, and its indentation."""

    def write(self, root: Node) -> list[Line]:
        """All lines of a document."""
        top = Margin(None, [], [])
        for index, node in enumerate(root.children):
            if node.begin >= self.prefix:
                self.mark(node.begin)
                self.block += 1
                self.seam_before(node.begin, top)
                if index or self.carry.begun:
                    self.gap(top)
            self.node(node, top, self.key, 0, 0)
        return self.lines

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

    def node(self, node: Node, margin: Margin, key: str, depth: int, level: int) -> None:
        """Any block.  ``depth`` counts bullets, ``level`` the containers above it."""
        stale = node.begin < self.prefix
        if stale and (node.kind == "alert_title" or (node.kind == "paragraph" and node.end <= self.prefix)):
            return
        if not stale:
            self.mark(node.begin)
            self.seam_before(node.begin, margin)
        match node.kind:
            case "paragraph":
                self.paragraph(node, margin, key)
            case "heading":
                self.heading(node, margin)
            case "bullet_list" | "ordered_list":
                self.items(node, margin, key, depth, level)
            case "blockquote":
                self.quote(node, margin, depth, level)
            case "alert":
                self.quote(node, margin, depth, level)
            case "alert_title":
                self.put(margin, [(node.children[0].content if node.children else "", "heading3")])
            case "fence":
                self.fenced(node, margin)
            case "code_block":
                self.indented(node, margin)
            case "table":
                self.table(node, margin, key)
            case "hr":
                self.put(margin, [(self.signs.rule * self.room(margin), "~rule")])
            case "formula":
                for text in node.content.rstrip("\n").split("\n"):
                    self.wrapped([(text, "math")], margin)
            case "definition":
                assert node.token is not None
                self.grammar.define(node, self.references)
                href = shorten(node.token.meta["href"], self.signs)
                self.wrapped([(f"[{node.content}] ", "dim"), (href, "link")], margin)
            case other:
                raise ValueError(f"no way to draw a {other}")

    def children(self, node: Node, margin: Margin, key: str, depth: int, level: int, roomy: bool) -> None:
        """What is in a container; ``roomy``: a blank line between blocks even where the source has none."""
        for index, child in enumerate(node.children):
            if child.begin >= self.prefix and index and child.kind != "alert_title":
                after_title = node.children[index - 1].kind == "alert_title"
                self.mark(child.begin)
                self.seam_before(child.begin, margin)
                if not after_title and (roomy or self.blank_before(child.begin)):
                    self.gap(margin)
            self.node(child, margin, key, depth, level)

    def blank_before(self, source_line: int) -> bool:
        """Whether the source has a blank line there."""
        if source_line <= self.prefix:
            return self.carry.gap
        return is_blank(self.source[source_line - 1])

    def wrapped(self, runs: list[Run], margin: Margin, before: Carry | None = None) -> None:
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

    def endless(self, text: str, margin: Margin, key: str, before: Carry | None) -> None:
        """A line too long to be read as one: its markup is read a piece at a time."""
        runs = list(before.runs) if before is not None else []
        for piece in endless_pieces(text):
            runs += [(run.replace("\n", " "), style) for run, style in self.inline(piece, key)]
        self.wrapped(runs, margin, before)

    def inline(self, content: str, key: str) -> list[Run]:
        """Text with inline markup as runs."""
        return inline_runs(self.grammar.inline(content, self.references), key, self.signs)

    def heading(self, node: Node, margin: Margin) -> None:
        """A heading in its rank's style."""
        assert node.token is not None
        rank = int(node.token.tag[1:])
        key = f"heading{min(rank, 3)}"
        for line in split_runs(self.inline(node.children[0].content, key)):
            self.wrapped(line, margin)

    def items(self, node: Node, margin: Margin, key: str, depth: int, level: int) -> None:
        """A list: markers as counted, blank lines between items where the source has them."""
        ordered = node.kind == "ordered_list"
        number = 0
        for index, item in enumerate(node.children):
            assert item.token is not None
            stale = item.begin < self.prefix
            if ordered:
                number = number + 1 if index else int(item.token.info or 1)
                if stale:
                    number = self.carry.containers[level].number
            if not stale and index:
                self.mark(item.begin)
                self.seam_before(item.begin, margin)
                if self.blank_before(item.begin):
                    self.gap(margin)
            item.token.meta = {**item.token.meta, "number": number}
            self.item(item, margin, key, depth, level, stale)

    def item(self, item: Node, margin: Margin, key: str, depth: int, level: int, stale: bool) -> None:
        """One item with its marker."""
        assert item.token is not None
        bullets = self.signs.bullets
        sign = bullets[depth % len(bullets)]
        if item.token.info:
            sign = f"{item.token.meta['number']}{item.token.markup}"
        if "checked" in item.token.meta:
            sign = self.signs.done if item.token.meta["checked"] else self.signs.open
        first, rest = [(f"{sign} ", "bullet")], [(" " * (len(sign) + 1), "~text")]
        if self.room(margin) - len(sign) - 1 < LEAST_WIDTH:
            inner = Margin(margin, first, [], indent=False)
        else:
            inner = Margin(margin, first, rest)
        if stale:
            inner.pending = False
        begun = len(self.lines)
        if inner.width == margin.width and not stale:  # no room to hang: the marker on a line of its own
            self.put(inner, [])
        self.children(item, inner, key, depth + 1, level + 1, roomy=False)
        if inner.pending and len(self.lines) == begun:
            self.put(inner, [])

    def quote(self, node: Node, margin: Margin, depth: int, level: int) -> None:
        """A quotation or an alert behind a bar."""
        alert = node.kind == "alert"
        bar = [(f"{self.signs.bar} ", "~seam" if alert else "~bullet")]
        narrow = self.room(margin) - 2 < LEAST_WIDTH
        inner = Margin(margin, [], [] if narrow else bar)
        self.children(node, inner, "text" if alert else "quote", depth, level + 1, roomy=True)
        if not node.children and node.begin >= self.prefix:
            self.put(inner, [])

    def fenced(self, node: Node, margin: Margin) -> None:
        """A code block: its language, then its lines, coloured one by one."""
        assert node.token is not None
        content = node.content.split("\n")
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
                self.put(margin, [(f"{self.signs.upright} {label}", "~label")], fill="label", fence=self.fence)
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

    def seam_before(self, source_line: int, margin: Margin) -> None:
        """Draw the seams that lie before a source line."""
        while self.seams and self.seams[0][0] < source_line and not margin.waits:
            self.seam(self.seams.pop(0)[1], margin)

    def seam(self, text: str, margin: Margin) -> None:
        """Where an answer was cut and goes on."""
        room = self.room(margin)
        label = fit(f"{self.signs.seam * 2} {text} ", room, self.signs.ellipsis)
        self.put(margin, [(label + self.signs.seam * (room - runs_len([(label, "")])), "~seam")])


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


def is_blank(line: str) -> bool:
    """Whether a source line is blank but for the marks of quotes."""
    return not line.strip(" >")


def cut_runs(runs: list[Run], width: int) -> list[list[Run]]:
    """Runs cut every ``width`` cells."""
    text = "".join(text for text, _ in runs)
    if text.isascii() and len(text) <= width:
        return [runs]
    pieces: list[list[Run]] = []
    queue = list(reversed(runs))
    for piece in chop(text, width):
        need, line = len(piece), []
        while need:
            head, key = queue.pop()
            line.append((head[:need], key))
            if len(head) > need:
                queue.append((head[need:], key))
            need -= min(len(head), need)
        pieces.append(line)
    return pieces
