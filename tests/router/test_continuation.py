"""The seam between a cut answer and what goes on with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.router.decide.continuation import ContinuationJoiner, prefill

PARTIAL = "The quick brown fox jumps over the lazy dog, and then it"


def joined(partial: str, *pieces: str) -> str:
    seam = ContinuationJoiner(partial)
    return partial + "".join(seam.feed(piece) for piece in pieces) + seam.end()


CASES = {
    "it simply goes on": ("A sentence that was", " cut here.", "A sentence that was cut here."),
    "it says its last words again": (PARTIAL, "the lazy dog, and then it sleeps.", PARTIAL + " sleeps."),
    "it starts all over": (PARTIAL, PARTIAL + " sleeps.", PARTIAL + " sleeps."),
    "a short overlap is chance": ("He said ha ha", " ha ha.", "He said ha ha ha ha."),
    "braces may repeat": ("if x:\n}\n}\n", "}\n}\n", "if x:\n}\n}\n}\n}\n"),
    "the blank is not doubled": ("One. ", " Two.", "One. Two."),
    "the blank line is not doubled": ("One.\n\n", "\n\nTwo.", "One.\n\nTwo."),
    "the blank is not lost": ("One. ", "Two.", "One. Two."),
    "blanks before the repetition": (PARTIAL, " and then it  sleeps.", PARTIAL + " and then it  sleeps."),
    "a repetition after a line break": (
        PARTIAL,
        "\njumps over the lazy dog, and then it sleeps.",
        PARTIAL + " sleeps.",
    ),
    "a quotation from the middle is text": (
        PARTIAL,
        "The quick brown fox sleeps.",
        PARTIAL + "The quick brown fox sleeps.",
    ),
    "nothing at all": (PARTIAL, "", PARTIAL),
}


@pytest.mark.parametrize("name", CASES)
def test_the_seam(name: str) -> None:
    partial, continuation, whole = CASES[name]
    assert joined(partial, continuation) == whole
    assert joined(partial, *continuation) == whole


def test_a_stream_that_ends_within_a_possible_repetition_loses_nothing() -> None:
    assert joined(PARTIAL, "jumps over the lazy") == PARTIAL + "jumps over the lazy"


def test_prefill_ends_without_blanks() -> None:
    assert prefill("One. \n") == "One."


WORDS = st.text(st.sampled_from("ab \n."), max_size=60)


@given(WORDS, WORDS, st.lists(st.integers(1, 10), max_size=20))
def test_pieces_do_not_matter(partial: str, continuation: str, sizes: list[int]) -> None:
    pieces, at = [], 0
    for length in sizes:
        pieces.append(continuation[at : at + length])
        at += length
    assert joined(partial, *pieces, continuation[at:]) == joined(partial, continuation)


@given(st.text(st.characters(codec="utf-8"), max_size=80), st.integers(16, 40), st.text(max_size=40))
def test_an_unmistakable_repetition_is_dropped(start: str, length: int, rest: str) -> None:
    mark = "".join(f"<{place}>" for place in range(length))
    partial = start + mark
    assert joined(partial, mark + rest) == partial + rest


@given(WORDS, WORDS)
def test_nothing_new_is_ever_lost(partial: str, continuation: str) -> None:
    """What comes out ends as the continuation ends, however much of its beginning was a repetition."""
    out = joined(partial, continuation)[len(partial) :]
    assert continuation.endswith(out)
