"""Our counts with tiktoken: the published ranks and pattern, byte pair encoding as a few lines of Python do it."""

from __future__ import annotations

import gzip
import hashlib
from binascii import a2b_base64
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.tokens.o200k import PATTERN, load_now

PACKED = files("routerterm.tokens") / "data" / "o200k_base.tiktoken.gz"


@pytest.fixture(scope="module")
def ranks() -> dict[bytes, int]:
    lines = (line.split() for line in gzip.decompress(PACKED.read_bytes()).splitlines())
    return {a2b_base64(token): int(rank) for token, rank in lines}


def by_hand(text: str, ranks: dict[bytes, int]) -> int:
    """Join the neighbours of the lowest rank, the leftmost first, until nothing can be joined."""
    total = 0
    for word in regex.findall(PATTERN, text):
        parts = [bytes([byte]) for byte in word.encode()]
        while len(parts) > 1:
            joined = [ranks.get(a + b, 1 << 30) for a, b in pairwise(parts)]
            if (lowest := min(joined)) == 1 << 30:
                break
            at = joined.index(lowest)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        total += len(parts)
    return total


def test_words_are_split_as_tiktoken_itself_splits_them(
    monkeypatch: pytest.MonkeyPatch, ranks: dict[bytes, int]
) -> None:
    published: Any = pytest.importorskip("tiktoken_ext.openai_public")
    monkeypatch.setattr(published, "load_tiktoken_bpe", lambda *_, **__: ranks)
    assert published.o200k_base()["pat_str"] == PATTERN


def test_the_shipped_ranks_are_the_published_ones() -> None:
    plain = gzip.decompress(PACKED.read_bytes())
    assert hashlib.sha256(plain).hexdigest() == "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello, world! It's 2026 and I'LL see you at 12:30.",
        "def f(x: int) -> str:\n\treturn f'{x!r}'\n\n\n",
        "Zażółć gęślą jaźń",
        "人人生而自由，在尊严和权利上一律平等。",
        "👩‍👩‍👧‍👦 e\u0301\u0301 \u202e",
        "a" * 1000,
        "=!" * 500,
        "<|endoftext|>",
    ],
)
def test_it_counts_as_by_hand(text: str, ranks: dict[bytes, int]) -> None:
    assert load_now().count(text) == by_hand(text, ranks)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=300))  # newer Unicode is known to one of them
def test_it_counts_any_text_as_by_hand(ranks: dict[bytes, int], text: str) -> None:
    assert load_now().count(text) == by_hand(text, ranks)


@settings(max_examples=100, deadline=None)
@given(st.text("ab cdeE1\n!", max_size=400))
def test_it_counts_long_words_as_by_hand(ranks: dict[bytes, int], text: str) -> None:
    assert load_now().count(text) == by_hand(text, ranks)


@pytest.mark.parametrize(("letters", "tokens"), [("a", 0.125), (" ", 1 / 128), ("\n", 1 / 16), ("1", 1 / 3)])
def test_a_megabyte_of_one_letter_is_counted_nearly_right(letters: str, tokens: float) -> None:
    """Which tiktoken by itself would not survive: a million blanks are too much for its regular expressions."""
    assert load_now().count(letters * 1_000_000) == pytest.approx(tokens * 1_000_000, rel=0.02)


def test_a_lone_surrogate_is_no_crash() -> None:
    assert load_now().count("a\ud800b") > 0
