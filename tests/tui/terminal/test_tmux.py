"""The same inside tmux, a terminal of its own: what its client shows is what Textual's own driver makes it show."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.tui.terminal.sessions import Session, session
from tests.tui.terminal.test_programs import SCRIPT, assert_same, step

pytestmark = [pytest.mark.tmux, pytest.mark.slow]

# What pyte, which plays the outer terminal here, does not know.
CONFIGURATION = """
set -g status off
set -g escape-time 0
set -ga terminal-overrides ",*:rep@:indn@:rin@:Smulx@:smglr@:RGB"
"""


@pytest.fixture
def panes(tmp_path: Path) -> Iterator[tuple[Session, Session]]:
    configuration = tmp_path / "tmux.conf"
    configuration.write_text(CONFIGURATION)
    names = {driver: f"routerterm-test-{os.getpid()}-{driver}" for driver in ("lean", "textual")}
    with ExitStack() as stack:
        for name in names.values():
            stack.callback(subprocess.run, ["tmux", "-L", name, "kill-server"], check=False, capture_output=True)
        pair = [
            stack.enter_context(
                session(
                    "page",
                    driver,
                    inside=("tmux", "-u", "-L", name, "-f", str(configuration), "new-session"),
                    env={"LC_ALL": "C.UTF-8", "SHELL": "/bin/sh"},
                )
            )
            for driver, name in names.items()
        ]
        yield pair[0], pair[1]


def test_tmux_shows_the_same(panes: tuple[Session, Session]) -> None:
    lean, stock = panes
    lean.wait("Type here")
    stock.wait("Type here")
    assert_same(lean, stock, "start")
    for number, action in enumerate(SCRIPT if os.environ.get("ROUTERTERM_LONG") else SCRIPT[::2]):
        step(lean, action)
        step(stock, action)
        assert_same(lean, stock, (number, action))
    lean.send("\x0c")
    assert_same(lean, stock, "redraw")
