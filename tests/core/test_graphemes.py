"""Letters as a person sees them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.graphemes import after, before, ends, graphemes

LETTERS = [
    "a",
    "e\u0301",
    "🇵🇱",
    "👨\u200d👩\u200d👧",
    "👍🏽",
    "❤\ufe0f",
    "1\ufe0f\u20e3",
    "हि",
    "क्ष",
    "ন্ত",
    "நி",
    "กำ",
    "한",
    "\u1112\u1161\u11ab",
    "\r\n",
    "日",
    "\u3000",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
]


@pytest.mark.parametrize("letter", LETTERS, ids=ascii)
def test_one_letter(letter: str) -> None:
    assert list(graphemes(letter)) == [letter]
    assert list(graphemes(f"a{letter}b")) == ["a", letter, "b"]
    assert before(f"a{letter}", len(letter) + 1) == 1
    assert after(f"a{letter}b", 1) == len(letter) + 1


def test_letters_side_by_side() -> None:
    assert list(graphemes("🇵🇱🇩🇪🇫")) == ["🇵🇱", "🇩🇪", "🇫"]
    assert list(graphemes("👨\u200dx")) == ["👨\u200d", "x"]
    assert list(graphemes("ab")) == ["a", "b"]
    assert list(graphemes("")) == []


@given(st.lists(st.sampled_from([*LETTERS, "\u200d", "\u0301", "\U0001f3fd", "ß", "\n"]), max_size=12))
def test_letters_are_the_text_and_every_edge_is_one(parts: list[str]) -> None:
    text = "".join(parts)
    assert "".join(graphemes(text)) == text
    edges = [0, *ends(text)]
    for index in range(len(text) + 1):
        assert before(text, index) == max([edge for edge in edges if edge < index], default=0)
        assert after(text, index) == min([edge for edge in edges if edge > index], default=len(text))


def test_a_long_text_takes_no_time() -> None:
    assert sum(1 for _ in graphemes("日本語の文章" * 20_000)) == 120_000
