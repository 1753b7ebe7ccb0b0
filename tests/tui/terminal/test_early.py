"""What is typed before there is anything to see: it is in the first picture, in its order, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.program import PROGRAM
from tests.tui.terminal.sessions import Session

from routerterm.config.paths import Paths

pytestmark = pytest.mark.slow

FOOT = "Quit"
"""At the foot of the chat: what stands above it is drawn by then."""


@pytest.fixture
def started(tmp_path: Path) -> Session:
    """Started, and nothing read of it yet; whatever a test types is typed before the terminal is the program's."""
    Paths.find({"ROUTERTERM_HOME": str(tmp_path)}).make()
    return Session(columns=100, rows=30, env={"ROUTERTERM_HOME": str(tmp_path)}, command=tuple(PROGRAM))


def first_picture(one: Session) -> str:
    """As soon as its last row is there."""
    return one.wait(FOOT)


def test_letters_are_in_the_first_picture(started: Session) -> None:
    try:
        started.send("zebra")
        assert "zebra" in first_picture(started)
    finally:
        started.close()


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ("\x1b[200~" + "one\rtwo\rzebra " * 3 + "\x1b[201~", "two"),  # before there is a size to wrap it for
        ("zebra\x1b[D\x1b[D\x1b[DX", "zeXbra"),
        ("zebra\x7f\x7fX", "zebX"),
        ("a" * 150 + " zebra", "zebra"),
        ("\x10theme", "theme"),  # the palette, and what is written in it
        ("\x1bOP", "Help"),
    ],
)
def test_whatever_was_typed_is_done(started: Session, keys: str, shown: str) -> None:
    try:
        started.send(keys)
        first_picture(started)
        started.wait(shown)
    finally:
        started.close()
