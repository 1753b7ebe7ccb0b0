"""routerterm itself, through every screen: the lean driver shows what Textual's own does, cell for cell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tui.terminal.sessions import session
from tests.tui.terminal.test_programs import assert_same, settled, step

pytestmark = pytest.mark.slow

F = ["", "\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~", "\x1b[17~", "\x1b[18~", "\x1b[19~", "\x1b[20~", "\x1b[21~"]
ESC, ENTER, UP, DOWN, PAGE_UP = "\x1b", "\r", "\x1b[A", "\x1b[B", "\x1b[5~"
# What is pressed, and how the terminal is resized, step by step.
SCRIPT: list[str | tuple[int, int]] = [
    "Tell me",
    F[1], DOWN * 3, ESC,
    F[3], "demo", ESC,
    F[4], ESC,
    F[5], "tell", ESC,
    F[6], ESC,
    F[7], ESC,
    (80, 24),
    F[8], DOWN, ESC,
    F[9],
    (45, 20),
    F[3], ESC,
    (120, 40),
    UP, PAGE_UP,
]  # fmt: skip


def program(home: Path, driver: str) -> tuple[str, ...]:
    """The words that run routerterm with this driver, in a home of its own."""
    home.mkdir()
    (home / "config.toml").write_text(
        f'[router]\ndefault = "demo/markdown"\n[ui]\ndriver = "{driver}"\nmotion = "reduced"\n', encoding="utf-8"
    )
    return sys.executable, "-m", "routerterm"


def test_every_screen_looks_the_same(tmp_path: Path) -> None:
    template = tmp_path / "seed"
    seed = program(template, "textual")
    ask = [*seed, "ask", "-m", "demo/markdown", "show me"]
    subprocess.run(ask, env=os.environ | {"ROUTERTERM_HOME": str(template)}, check=True, capture_output=True)
    options = []
    for driver in ("lean", "textual"):
        home = tmp_path / driver
        command = program(home, driver)
        shutil.copy(template / "history.db", home / "history.db")
        options.append({"command": command, "columns": 120, "rows": 40, "env": {"ROUTERTERM_HOME": str(home)}})
    with session(**options[0]) as lean, session(**options[1]) as stock:
        for one in (lean, stock):
            one.wait("F1", 60)
            one.wait("Today", 60)
        for number, action in enumerate(SCRIPT):
            step(lean, action)
            step(stock, action)
            if action == ESC:
                settled(lean, stock, quiet=0.15)
            else:
                assert_same(lean, stock, (number, action))
        assert_same(lean, stock, "end")
