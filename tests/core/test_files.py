"""A file's text within a message, and sizes in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.counting import format_bytes
from routerterm.core.files import text_in, under_name


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (1_250_000, "1.2 MB"),
        (9_940_000, "9.9 MB"),
        (9_950_000, "10 MB"),
        (93_400_000, "93 MB"),
        (999_500_000, "1.0 GB"),
        (1_234_000_000_000, "1,234 GB"),
    ],
)
def test_a_size_is_said_in_one_way(size: int, words: str) -> None:
    assert format_bytes(size) == words


@given(st.text(), st.text())
def test_what_was_put_under_a_name_is_found_again(name: str, text: str) -> None:
    assert text_in(under_name(name, text)) == text.rstrip()


@given(st.text())
def test_a_text_that_stands_under_no_name_is_all_of_it(text: str) -> None:
    assert text_in(text) in text
