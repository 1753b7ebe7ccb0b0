"""`routerterm find`: what was quoted for the shell stands side by side, unless it is a whole query."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.program import routerterm

from routerterm.cli.find_command import _quoted


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("wal", "wal"),
        ("wal checkpoint", '"wal checkpoint"'),
        ("model:echo regex", "model:echo regex"),
        ("regex before:today", "regex before:today"),
        ("regex -python", "regex -python"),
        ("write ahe*", "write ahe*"),
        ('"write ahead" log', '"write ahead" log'),
        ("cost: or benefit", "cost: or benefit"),
        ("note: this", '"note: this"'),
    ],
)
def test_what_stands_side_by_side(word: str, meant: str) -> None:
    assert _quoted(word) == meant


def test_a_whole_query_in_one_argument(home: Path) -> None:
    assert routerterm("ask", "-m", "demo/echo", "regex for dates").code == 0
    assert "regex for dates" in routerterm("find", "dates regex role:user after:yesterday").out
    assert routerterm("find", "dates regex").out == "", "side by side they stand nowhere"
    refused = routerterm("find", "role:nobody dates")
    assert (refused.code, "role:nobody" in refused.err) == (2, True)
