"""Our count against tiktoken's own."""

from __future__ import annotations

import gzip
import hashlib
from binascii import a2b_base64
from collections.abc import Callable
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.tokens.o200k import PATTERN, load_now

PACKED = files("routerterm.tokens") / "data" / "o200k_base.tiktoken.gz"


@pytest.fixture(scope="module")
def oracle() -> Callable[[str], int]:
    tiktoken = pytest.importorskip("tiktoken")
    lines = (line.split() for line in gzip.decompress(PACKED.read_bytes()).splitlines())
    ranks = {a2b_base64(token): int(rank) for token, rank in lines}
    encoding = tiktoken.Encoding("o200k", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    return lambda text: len(encoding.encode_ordinary(text))


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
        "a" * 4000,
        "=!" * 1500,
        "<|endoftext|>",
    ],
)
def test_it_counts_as_tiktoken_does(text: str, oracle: Callable[[str], int]) -> None:
    assert load_now().count(text) == oracle(text)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=300))  # newer Unicode is known to one of them
def test_it_counts_any_text_as_tiktoken_does(oracle: Callable[[str], int], text: str) -> None:
    assert load_now().count(text) == oracle(text)


@settings(max_examples=100, deadline=None)
@given(st.text("ab cdeE1\n!", max_size=400))
def test_it_counts_long_words_as_tiktoken_does(oracle: Callable[[str], int], text: str) -> None:
    assert load_now().count(text) == oracle(text)


def test_a_megabyte_of_one_letter_is_counted_nearly_right() -> None:
    assert load_now().count("a" * 200_000) == pytest.approx(25_000, rel=0.01)


def test_a_lone_surrogate_is_no_crash() -> None:
    assert load_now().count("a\ud800b") > 0
