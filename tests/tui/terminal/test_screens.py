"""routerterm itself, through every screen: the lean driver shows what Textual's own does, cell for cell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tui.terminal.sessions import session
from tests.tui.terminal.test_hostile import ATTACKS
from tests.tui.terminal.test_programs import assert_same, settled, step

pytestmark = pytest.mark.slow

F = ["", "\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~", "\x1b[17~", "\x1b[18~", "\x1b[19~", "\x1b[20~", "\x1b[21~"]
ESC, ENTER, UP, DOWN, PAGE_UP = "\x1b", "\r", "\x1b[A", "\x1b[B", "\x1b[5~"
# All that the program writes once it has started: drawing, the question how far the line is, whole frames, pointers.
_OURS = re.compile(
    "\x1b\\[[0-9;]*[mHGABCDKXJr]|\x1bM|\x1b\\[5n|\x1b\\[\\?(?:25|7|100[0-6]|101[56]|2004|2026|2048)[hl]"
    "|\x1b\\]22;[a-z-]*(?:\x07|\x1b\\\\)|\x1b\\]8;[^;\x00-\x1f]*;(?:https?:[!-~]*)?\x1b\\\\"
)
_HOSTILE = re.compile(
    "[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\U000e0000-\U000e007f\ud800-\udfff]"
)
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
            if isinstance(action, tuple) or SCRIPT[number + 1 : number + 2] == [ESC]:
                assert_same(lean, stock, (number, action))
            else:
                settled(lean, stock, quiet=0.15)
        assert_same(lean, stock, "end")


def test_nothing_hostile_is_written_by_the_whole_program(tmp_path: Path) -> None:
    """Attacks in questions, answers, titles and a file's name; read are the bytes that the terminal is sent."""
    home = tmp_path / "home"
    command = program(home, "lean")
    everything = "".join(f"{name} {attack}\n" for name, attack in ATTACKS.items() if name != "half of a pair")
    file = tmp_path / "a\x1b]52;c;ZXZpbA==\x07\u202egnp.txt"
    file.write_text(everything, encoding="utf-8")
    environ = os.environ | {"ROUTERTERM_HOME": str(home)}
    for text in ("\x1b]0;owned\x07\x9d52;c;QQ==\x9ctitle\u202eeltit", everything):
        ask = [*command, "ask", "-m", "demo/echo", "-a", str(file)]
        subprocess.run(ask, input=text.encode(), env=environ, check=True, capture_output=True)
    with session(command=command, columns=120, rows=40, env={"ROUTERTERM_HOME": str(home)}) as one:
        written = b""
        one.wait("Today", 60)
        for keys in ("\x0c", F[5], "evil", ENTER, "\x0c", "x", UP, UP, PAGE_UP, PAGE_UP, F[3]):
            one.send(keys)
            one.read(0.3)
            settled(one, quiet=0.3)
            written += bytes(one.raw)
            one.show()
    text = written.decode("utf-8", "strict")
    assert "owned" in text  # it was on the screen, as words
    rest = _OURS.sub("", text)
    assert "\x1b" not in rest, sorted(set(re.findall("\x1b.{0,12}", rest)))
    assert not _HOSTILE.search(rest), sorted(set(_HOSTILE.findall(rest)))
