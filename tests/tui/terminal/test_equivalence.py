"""What the lean driver's bytes show is what Textual's own bytes show: cell for cell, on pyte."""

from __future__ import annotations

import os

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.tui.terminal.emulators import Emulator, Lean

from routerterm.tui.terminal.diff import Abilities

ROWS, COLUMNS = 12, 40
STYLES = [
    "",
    "1",
    "31",
    "44",
    "1;31;44",
    "7",
    "4",
    "3;38;5;123",
    "38;2;1;2;3;48;2;40;50;60",
    "48;2;40;50;60",
    "9;2",
    "92;101",
]
WORDS = ["a", "word", "  ", "      ", " " * 12, "日本", "字", "한글", "é", "─┼", "→", "if x:", "0123456789", "😀", "ｗ"]

segments = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(STYLES)), min_size=1, max_size=8)


def width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def strip(parts: list[tuple[str, str]], room: int, pad: str | None) -> str:
    """A strip as Textual renders it: never wider than its region, padded to it where ``pad`` names a style."""
    out, used = [], 0
    for text, style in parts:
        if used + width(text) > room:
            break
        used += width(text)
        out.append(f"\x1b[{style}m{text}\x1b[0m" if style else text)
    if pad is not None and used < room:
        fill = " " * (room - used)
        out.append(f"\x1b[{pad}m{fill}\x1b[0m" if pad else fill)
    return "".join(out)


class Machine(RuleBasedStateMachine):
    """Random frames to Textual's way of writing, to both; now and then a redraw, a resize, a merged frame."""

    abilities = Abilities()

    def __init__(self) -> None:
        super().__init__()
        self.columns, self.rows = COLUMNS, ROWS
        self.stock, self.screen = Emulator(COLUMNS, ROWS), Emulator(COLUMNS, ROWS)
        self.lean = Lean(COLUMNS, ROWS, self.abilities)
        self.lines = [strip([("start", "")], COLUMNS, "") for _ in range(ROWS)]
        self.held = ""
        self.draw(self.full())

    def full(self) -> str:
        return "\n".join(f"\x1b[{y + 1};1H{line}" for y, line in enumerate(self.lines)) + "\x1b[3;3H"

    def draw(self, frame: str) -> None:
        self.stock.feed(frame)
        if self.held:
            self.lean.interpreter.draw(self.held)
            self.held = ""
        self.screen.feed(self.lean.frame(frame))

    @rule(y=st.integers(0, ROWS - 1), parts=segments, pad=st.sampled_from(STYLES))
    def line(self, y: int, parts: list[tuple[str, str]], pad: str) -> None:
        y = min(y, self.rows - 1)
        self.lines[y] = strip(parts, self.columns, pad)
        self.draw(f"\x1b[{y + 1};1H{self.lines[y]}\x1b[1;1H")

    @rule(
        top=st.integers(0, ROWS - 1),
        height=st.integers(1, ROWS),
        by=st.integers(-4, 4),
        parts=segments,
        pad=st.sampled_from(STYLES),
    )
    def scroll(self, top: int, height: int, by: int, parts: list[tuple[str, str]], pad: str) -> None:
        top = min(top, self.rows - 1)
        bottom = min(top + height, self.rows)
        block = self.lines[top:bottom]
        fresh = [strip(parts, self.columns, pad)] * min(abs(by), len(block))
        if fresh:
            self.lines[top:bottom] = (block + fresh)[len(fresh) :] if by > 0 else (fresh + block)[: len(block)]
        frame = "\n".join(f"\x1b[{y + 1};1H{self.lines[y]}" for y in range(top, bottom))
        self.draw(frame + "\x1b[1;1H")

    @rule(lines=st.lists(st.tuples(segments, st.sampled_from(STYLES)), min_size=ROWS, max_size=ROWS))
    def page(self, lines: list[tuple[list[tuple[str, str]], str]]) -> None:
        self.lines = [strip(parts, self.columns, pad) for parts, pad in lines[: self.rows]]
        self.draw(self.full())

    @rule(y=st.integers(0, ROWS - 1), parts=segments, pad=st.sampled_from(STYLES))
    def merged(self, y: int, parts: list[tuple[str, str]], pad: str) -> None:
        """A frame that is never painted by itself."""
        y = min(y, self.rows - 1)
        self.lines[y] = strip(parts, self.columns, pad)
        frame = f"\x1b[{y + 1};1H{self.lines[y]}"
        self.stock.feed(frame)
        self.held += frame

    @rule()
    def redraw(self) -> None:
        self.lean.painter.lose()
        self.draw(self.full())

    @rule(columns=st.integers(8, COLUMNS), rows=st.integers(3, ROWS))
    def resize(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.stock.resize(columns, rows)
        self.screen.resize(columns, rows)
        self.lean.wanted.resize(columns, rows)
        self.lean.painter.lose()
        self.held = ""
        self.lines = [strip([("resized", "31")], columns, "44") for _ in range(rows)]
        self.draw(self.full())

    @rule(budget=st.integers(1, 300), parts=segments, pad=st.sampled_from(STYLES))
    def thin(self, budget: int, parts: list[tuple[str, str]], pad: str) -> None:
        """A slow line: painted by pieces, the newest state always the aim."""
        self.lines = [strip(parts[y % 3 :] or parts, self.columns, pad) for y in range(self.rows)]
        self.stock.feed(self.full())
        self.lean.interpreter.draw(self.held + self.full())
        self.held = ""
        for _ in range(999):
            text, complete = self.lean.painter.paint(self.lean.wanted, budget, 2)
            self.screen.feed(text)
            self.lean.sent = text
            if complete:
                return
        raise AssertionError("painting never ended")

    @invariant()
    @precondition(lambda self: not self.held)
    def same(self) -> None:
        ours, theirs = self.screen.cells(), self.stock.cells()
        for y in range(self.rows):
            different = [(x, b, a) for x, (a, b) in enumerate(zip(ours[y], theirs[y], strict=True)) if a != b]
            assert not different, (y, different[:3], self.lines[y], self.lean.wanted.text[y], self.lean.sent)


class PoorMachine(Machine):
    """The same on a terminal that erases to its own background and has no margins."""

    abilities = Abilities(coloured_erase=False, scroll=False)


TIMES = 30 if os.environ.get("ROUTERTERM_LONG") else 1  # make terminal-long
Machine.TestCase.settings = settings(max_examples=50 * TIMES, stateful_step_count=20, deadline=None)
PoorMachine.TestCase.settings = settings(max_examples=20 * TIMES, stateful_step_count=20, deadline=None)
TestEquivalence = Machine.TestCase
TestEquivalencePoor = PoorMachine.TestCase
