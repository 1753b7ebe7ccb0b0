"""What the lean driver's bytes show is what Textual's own bytes show: cell for cell, on pyte."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.tui.terminal.emulators import Columned, Emulator, Lean

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
    emulator = Emulator

    def __init__(self) -> None:
        super().__init__()
        self.columns, self.rows = COLUMNS, ROWS
        self.stock, self.screen = Emulator(COLUMNS, ROWS), self.emulator(COLUMNS, ROWS)
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


class ColumnsMachine(Machine):
    """The same on a terminal that can scroll between two columns, with something that stays beside what scrolls."""

    abilities = Abilities(columns=True)
    emulator = Columned

    @rule(
        left=st.integers(0, COLUMNS // 2), width=st.integers(3, COLUMNS), by=st.integers(-3, 3), parts=segments,
        pad=st.sampled_from(STYLES),
    )  # fmt: skip
    def column(self, left: int, width: int, by: int, parts: list[tuple[str, str]], pad: str) -> None:
        """A pane scrolls, its neighbours do not."""
        left, width = min(left, self.columns - 3), min(width, self.columns - left)
        self.lines = [strip([("beside ", "32")], self.columns, "") for _ in range(self.rows)]
        self.draw(self.full())  # nothing wide that a pane would cut in half
        rows = [strip(parts[y % max(len(parts), 1) :] or parts, width, pad) for y in range(self.rows)]
        for shift in (0, by):
            moved = rows[shift:] + rows[:shift]
            frame = "\n".join(f"\x1b[{y + 1};{left + 1}H{row}" for y, row in enumerate(moved))
            self.draw(frame + "\x1b[1;1H")


TIMES = 150 if os.environ.get("ROUTERTERM_LONG") else 1  # make terminal-long; a screen takes seconds on a busy machine
Machine.TestCase.settings = settings(max_examples=10 * TIMES, stateful_step_count=20, deadline=None)
PoorMachine.TestCase.settings = settings(max_examples=4 * TIMES, stateful_step_count=20, deadline=None)
ColumnsMachine.TestCase.settings = settings(max_examples=6 * TIMES, stateful_step_count=20, deadline=None)
TestEquivalenceColumns = ColumnsMachine.TestCase
TestEquivalence = Machine.TestCase
TestEquivalencePoor = PoorMachine.TestCase


@cache
def vim_features() -> str:
    if shutil.which("vim") is None:
        return ""
    return subprocess.run(["vim", "--version"], capture_output=True, text=True, check=False).stdout


def in_vim(file: Path, data: str) -> list[dict[int, tuple[str, ...]]]:
    """What vim's terminal shows of the bytes: by row and column the characters and their colours."""
    file.write_text(data, encoding="utf-8", newline="")
    seen, script, done = file.with_suffix(".json"), file.with_suffix(".vim"), file.with_suffix(".done")
    script.write_text(f"""
        set encoding=utf-8
        let command = ['sh', '-c', 'cat {file}; touch {done}; exec sleep 20']
        let g:b = term_start(command, #{{term_rows: 24, term_cols: 80, hidden: 1, term_kill: 'kill'}})
        while !filereadable('{done}') | call term_wait(g:b, 20) | endwhile
        call term_wait(g:b, 300)
        call writefile([json_encode(map(range(1, 24), {{_, y -> term_scrape(g:b, y)}}))], '{seen}')
        qall!
    """)
    subprocess.run(
        ["vim", "-Nu", "NONE", "-i", "NONE", "-n", "--not-a-term", "-S", script],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    rows = json.loads(seen.read_text(encoding="utf-8"))
    named = [{x: (cell["chars"], cell["fg"], cell["bg"]) for x, cell in enumerate(row)} for row in rows]
    return [{x: cell for x, cell in row.items() if cell[0].strip() or cell[2] != "#ffffff"} for row in named]


def page(columns: int, rows: int, first: int) -> list[str]:
    """A sidebar that stays, and code that scrolls beside it."""
    sidebar = [f"\x1b[32m{f' conversation {y}':<24}\x1b[0m│" for y in range(rows)]
    code = [f"    \x1b[1mline\x1b[0m {y} = \x1b[34m'value {y * y}'\x1b[0m" for y in range(first, first + rows)]
    return [
        f"{beside}{line}{' ' * (columns - 25 - width(plain(line)))}" for beside, line in zip(sidebar, code, strict=True)
    ]


def plain(text: str) -> str:
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def frame(lines: list[str]) -> str:
    return "\n".join(f"\x1b[{y + 1};1H{line}" for y, line in enumerate(lines)) + "\x1b[1;1H"


def test_what_stands_beside_a_scrolled_block_is_not_sent_again() -> None:
    sent = {}
    for able in (False, True):
        lean, screen = Lean(80, 24, Abilities(columns=able)), Columned(80, 24)
        screen.feed(lean.frame(frame(page(80, 24, 0))))
        size = 0
        for first in range(1, 30):
            text = lean.frame(frame(page(80, 24, first)))
            screen.feed(text)
            size += len(text)
        sent[able] = size
        assert screen.scrolled == (29 if able else 0)
        assert screen.text() == "\n".join(plain(line) for line in page(80, 24, 29))
    assert sent[True] * 5 < sent[False] * 2


def test_a_clock_in_the_title_does_not_hide_what_moved() -> None:
    lean, screen = Lean(80, 24, Abilities(columns=True)), Columned(80, 24)
    for first in range(10):
        lines = page(80, 24, first)
        lines[0], lines[-1] = f"{f'12:00:{first:02}':<80}", f"{'|/-'[first % 3]:<80}"
        screen.feed(lean.frame(frame(lines)))
    assert screen.scrolled == 9
    assert screen.text() == "\n".join(plain(line) for line in lines)


@pytest.mark.slow
@pytest.mark.skipif("+terminal" not in vim_features(), reason="needs vim with its terminal")
@pytest.mark.parametrize("able", [False, True])
def test_vims_terminal_shows_the_same(able: bool, tmp_path: Path) -> None:
    """A terminal emulator that has margins at left and right (libvterm), fed by pieces and by whole screens."""
    lean = Lean(80, 24, Abilities(columns=able))
    pieces = [lean.frame(frame(page(80, 24, first))) for first in (0, 1, 2, 5, 4, 2, 9)]
    assert able == any("\x1b[?69h" in piece for piece in pieces)
    whole = "\x1b[?7l\x1b[2J" + frame(page(80, 24, 9))
    shown = [in_vim(tmp_path / name, data) for name, data in (("lean", "\x1b[?7l" + "".join(pieces)), ("stock", whole))]
    assert shown[0] == shown[1]
    assert "value 81" in "".join(shown[0][0].get(x, " ")[0] for x in range(80))
