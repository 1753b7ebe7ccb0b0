"""What was probably meant by a name that is not known."""

from __future__ import annotations

import pytest

from routerterm.core.nearest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("name", "meant"),
    {"smrt": "smart", "SMART": "smart", "dracla": "Dracula", "xyzzy": None, "": None, "s" * 100_000: None}.items(),
)
def test_the_nearest_name_as_it_is_spelled(name: str, meant: str | None) -> None:
    known = ["smart", "fast", "Dracula"]
    assert nearest(name, known) == ([meant] if meant else [])
    assert did_you_mean(name, known, "There are three.") == (f"Did you mean {meant}?" if meant else "There are three.")


def test_several_come_the_likest_first() -> None:
    assert nearest("opus", ["opal", "opus-4", "haiku"], 3, 0.0) == ["opus-4", "opal", "haiku"]
