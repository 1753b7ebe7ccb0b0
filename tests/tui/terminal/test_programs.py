"""Whole programs in a pty: the same screen as with Textual's own driver, and the terminal given back as it was."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path

import pytest
from tests.driver.driver import PATIENCE
from tests.tui.terminal.sessions import Session, session

pytestmark = pytest.mark.slow

F3, F4, F5, DOWN, TAB, PAGE_DOWN = "\x1bOR", "\x1bOS", "\x1b[15~", "\x1b[B", "\t", "\x1b[6~"
# Keys, and how the terminal is resized, step by step.
SCRIPT: list[str | tuple[int, int]] = [
    "hello 日本 é",
    "\x7f\x7f",
    F3,
    "\x1b",
    TAB,  # alone: Textual moves the focus while it takes the next key
    DOWN * 12,
    TAB,
    DOWN * 7,
    TAB,
    PAGE_DOWN,
    PAGE_DOWN,
    DOWN,
    F5,
    (81, 24),
    F4,
    PAGE_DOWN,
    (120, 40),
    F3,
    (60, 20),
    "\x1b",
    F4,
    (100, 30),
]


def step(one: Session, action: str | tuple[int, int]) -> None:
    if isinstance(action, tuple):
        one.resize(*action)
    else:
        one.send(action)


def settled(*sessions: Session, quiet: float = 0.25, seconds: float = 20, patience: float = 1.0) -> None:
    """Read all of them until none says anything for a while; for the first word of each there is more patience."""
    begun = last = time.monotonic()
    silent = set(sessions)
    while (now := time.monotonic()) < begun + seconds and (now < last + quiet or (silent and now < begun + patience)):
        for one in sessions:
            if one.read(0.01):
                silent.discard(one)
                last = time.monotonic()


def assert_same(lean: Session, stock: Session, note: object) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        settled(lean, stock)
        lean.show()
        stock.show()
        ours, theirs = lean.emulator.cells(), stock.emulator.cells()
        rows = [y for y, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b]
        if not rows:
            return
        if time.monotonic() > deadline:
            y = rows[0]
            cells = [(x, a, b) for x, (a, b) in enumerate(zip(ours[y], theirs[y], strict=True)) if a != b]
            raise AssertionError(
                f"after {note!r}, row {y}: {cells[:4]}\n{lean.emulator.text()}\n{stock.emulator.text()}"
            )


def test_a_page_of_widgets_looks_the_same_at_every_step() -> None:
    with session("page", "lean") as lean, session("page", "textual") as stock:
        lean.wait("Type here")
        stock.wait("Type here")
        assert_same(lean, stock, "start")
        for number, action in enumerate(SCRIPT if os.environ.get("ROUTERTERM_LONG") else SCRIPT[::2]):
            step(lean, action)
            step(stock, action)
            assert_same(lean, stock, (number, action))
        lean.send("\x0c")  # Ctrl+L on a screen that shows what it should
        assert_same(lean, stock, "redraw")
        for x, y in itertools.product(range(30), range(12)):
            lean.emulator.screen.cursor_position(y + 1, x + 1)
            lean.emulator.screen.draw("#")  # somebody else wrote over it
        lean.send("\x0c")
        assert_same(lean, stock, "redraw of a spoilt screen")


def test_sends_far_less_than_textual() -> None:
    sizes = {}
    for driver in ("lean", "textual"):
        with session("stream", driver) as one:
            one.wait("word30 ")
            before = one.total
            one.wait("word100 ", 30)
            sizes[driver] = one.total - before
    assert sizes["lean"] * 25 < sizes["textual"], sizes


def test_leaves_the_terminal_as_it_was() -> None:
    with session("stream", "lean") as one:
        one.wait("word5 ")
        one.send("\x11")
        assert one.ended() == 0
        tail = bytes(one.raw)
    assert tail.index(b"\x1b[?1049l") < tail.index(b"\x1b[?25h")
    assert b"\x1b[?2004l" in tail
    assert b"\x1b[m" in tail


def test_an_error_is_shown_on_the_normal_screen() -> None:
    with session("stream", "lean") as one:
        one.wait("word5 ")
        one.send("\x1b[18~")  # F7
        assert one.ended() == 1
        left, _, after = bytes(one.raw).partition(b"\x1b[?1049l")
    assert b"made to fail" in after
    assert b"made to fail" not in left


def test_the_terminal_is_lent_to_another_program_and_taken_back() -> None:
    with session("editor", "lean") as one:
        one.wait("word5 ")
        one.send("\x1b[19~")  # F8
        one.wait("AWAY-NOW")
        one.wait(lambda screen: "AWAY-NOW" not in screen and "streaming" in screen)
        one.send("typed")
        one.wait(lambda screen: "typed" in screen and "AWAY-NOW" not in screen)


def test_stopped_and_continued_by_job_control() -> None:
    with session("stream", "lean") as one:
        one.wait("word5 ")
        os.kill(one.pid, signal.SIGTSTP)
        deadline = time.monotonic() + PATIENCE
        while b"\x1b[?1049l" not in one.raw and time.monotonic() < deadline:
            one.read(0.05)
        assert b"\x1b[?1049l" in one.raw
        time.sleep(0.3)
        os.kill(one.pid, signal.SIGCONT)
        one.show()
        one.emulator.screen.reset()
        one.emulator.screen.reset_mode(7 << 5)
        one.wait("streaming")
        one.send("abc")
        one.wait("abc")


def test_goes_on_without_its_terminal(tmp_path: Path) -> None:
    said = tmp_path / "said"
    one = Session("outlive", "lean", "auto", str(said))
    one.wait("word5 ")
    # A program in a session of its own dies of SIGHUP by default; that the app catches it is the app's part.
    os.close(one.fd)
    deadline = time.monotonic() + PATIENCE
    while not (said.exists() and said.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    status = os.waitpid(one.pid, os.WNOHANG)
    assert said.exists(), status
    assert int(said.read_text().split()[-1]) > 30
