"""routerterm itself, through every screen: the lean driver shows what Textual's own does, cell for cell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.tui.terminal.sessions import Session, session
from tests.tui.terminal.test_programs import assert_same, settled, step
from tests.tui.terminal.test_tmux import CONFIGURATION

pytestmark = pytest.mark.slow
long = pytest.mark.skipif(not os.environ.get("ROUTERTERM_LONG"), reason="takes minutes: make terminal-long")

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


# The same without what only varies it; the whole of it runs in `make terminal-long`.
QUICK: list[str | tuple[int, int]] = [
    F[1], ESC, F[3], ESC, F[4], ESC, F[5], "tell", ESC, F[6], ESC, F[7], ESC, (80, 24), F[8], ESC, UP, PAGE_UP,
]  # fmt: skip
# What no F-key opens, each named in the composer.
SLASHES = (
    "settings", "gateway", "tree", "why", "prompts", "tags", "archived", "bin", "welcome",
    "rename", "system", "other", "import", "summary",
)  # fmt: skip
OTHERS: list[str | tuple[int, int]] = [
    *(part for name in SLASHES for part in (f"/{name}", ENTER, ESC, ESC)),
    "\x10", "theme", ESC,
    "\x18", ESC,
    (60, 20),
    *(part for name in ("settings", "tree", "gateway") for part in (f"/{name}", ENTER, ESC, ESC)),
    (120, 40),
]  # fmt: skip


def homes(folder: Path) -> dict[str, Path]:
    """A home for each driver, with the same conversation in it."""
    template = folder / "seed"
    ask = [*program(template, "textual"), "ask", "-m", "demo/markdown", "show me"]
    subprocess.run(ask, env=os.environ | {"ROUTERTERM_HOME": str(template)}, check=True, capture_output=True)
    found = {}
    for driver in ("lean", "textual"):
        found[driver] = folder / driver
        program(found[driver], driver)
        shutil.copy(template / "history.db", found[driver] / "history.db")
    return found


def walk(lean: Session, stock: Session, script: list[str | tuple[int, int]]) -> None:
    """Do the same in both; what stands on the screen before it is left, and after each resize, must be the same."""
    for one in (lean, stock):
        one.wait("F1", 60)
        one.wait("Today", 60)
    for number, action in enumerate(script):
        step(lean, action)
        step(stock, action)
        if isinstance(action, tuple) or (action != ESC and script[number + 1 : number + 2] == [ESC]):
            assert_same(lean, stock, (number, action))
        else:
            settled(lean, stock, quiet=0.15)
    assert_same(lean, stock, "end")


def test_every_screen_looks_the_same(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "routerterm")
    with ExitStack() as stack:
        pair = [
            stack.enter_context(session(command=command, columns=120, rows=40, env={"ROUTERTERM_HOME": str(home)}))
            for home in homes(tmp_path).values()
        ]
        walk(pair[0], pair[1], QUICK)


@long
@pytest.mark.parametrize("inside", ["pyte", pytest.param("tmux", marks=pytest.mark.tmux)])
def test_so_does_every_other_one_in_a_terminal_and_in_tmux(inside: str, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "routerterm")
    configuration = tmp_path / "tmux.conf"
    configuration.write_text(CONFIGURATION)
    with ExitStack() as stack:
        pair = []
        for driver, home in homes(tmp_path).items():
            name = f"routerterm-test-{os.getpid()}-{driver}"
            words = ("tmux", "-u", "-L", name, "-f", str(configuration), "new-session") if inside == "tmux" else ()
            if words:
                end = ["tmux", "-L", name, "kill-server"]
                stack.callback(subprocess.run, end, check=False, capture_output=True)
            env = {"ROUTERTERM_HOME": str(home), "LC_ALL": "C.UTF-8", "SHELL": "/bin/sh"}
            pair.append(stack.enter_context(session(command=command, columns=120, rows=40, env=env, inside=words)))
        walk(pair[0], pair[1], [*OTHERS, *SCRIPT])


@long
def test_at_1200_bytes_a_second_the_program_itself_can_be_used(tmp_path: Path) -> None:
    """An answer streams; one reads along, types, and stops it: by the bytes that the line had to carry before."""
    home = tmp_path / "home"
    command = program(home, "lean")
    env = {"ROUTERTERM_HOME": str(home), "SSH_CONNECTION": "10.0.0.2 50000 10.0.0.1 22"}
    with session(command=command, columns=100, rows=30, env=env) as one:
        assert one.throttled(1200, 60, lambda screen: "F1" in screen) < 60
        one.throttled(1200, 8)  # what is drawn at the start, and how slow the line is
        one.send("tell me more" + ENTER)
        assert one.throttled(1200, 60, lambda screen: "demo/markdown" in screen) < 60
        for key in "ЖЩЮ":
            one.throttled(1200, 1)
            one.send(key)
            assert one.carried(1200, lambda screen, key=key: key in screen) < 1800
        one.send(ESC)
        assert one.carried(1200, lambda screen: "stopped" in screen) < 2400
