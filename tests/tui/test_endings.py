"""What is said beneath an answer that ended before its time."""

from __future__ import annotations

import pytest

from routerterm.core.errors import StreamInterrupted
from routerterm.engine.chat.trace import ReplyTrace
from routerterm.tui.chat.entries import trouble_of


@pytest.mark.parametrize(
    ("finish", "status", "words"),
    [
        ("stop", "done", ""),
        ("length", "done", "or a budget"),
        ("content_filter", "done", "filter"),
        (None, "stopped", "stopped by you"),
    ],
)
def test_an_ending_is_told(finish: str | None, status: str, words: str) -> None:
    told = trouble_of(ReplyTrace(asked="x", finish=finish), status)
    assert words in told
    assert bool(told) == bool(words)


def test_an_error_says_more_than_its_ending() -> None:
    record = ReplyTrace(asked="x", error=StreamInterrupted("The line broke.", "Ask again."))
    assert trouble_of(record, "cut") == "The line broke. Ask again."
