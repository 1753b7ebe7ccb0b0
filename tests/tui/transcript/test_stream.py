"""A text that streams in, cut anywhere, shows the lines of the whole; what is final never changes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.tui.transcript.layout.blocks import Limits
from routerterm.tui.transcript.layout.lines import Line, runs_len
from routerterm.tui.transcript.layout.stream import StreamLayout, lay_out
from routerterm.tui.transcript.palette import Palette, Signs
from tests.tui.transcript.samples import DOCUMENTS, PIECES

SIGNS = Signs()
PALETTE = Palette.default()
SMALL = Limits(lines=2, sample=2)


def stream(text: str, cuts: list[int], width: int, limits: Limits, settle: list[bool]) -> list[Line]:
    layout = StreamLayout(width, SIGNS, limits=limits)
    begin = 0
    for number, end in enumerate([*sorted(cuts), len(text)]):
        layout.feed(text[begin:end])
        begin = end
        if settle[number % len(settle)]:
            kept = list(layout.done)
            first = layout.settle()
            assert layout.done[: len(kept)] == kept
            assert first <= len(layout.done)
    kept = list(layout.done)
    layout.close()
    assert layout.done[: len(kept)] == kept
    assert not layout.tail
    return layout.done


def check(lines: list[Line], width: int) -> None:
    for line in lines:
        assert runs_len(line.runs) <= width, line
        assert "\n" not in line.text
        for _, key in line.runs:
            PALETTE.style(key)


def documents() -> st.SearchStrategy[str]:
    pieces = st.sampled_from(PIECES)
    return st.one_of(
        st.lists(pieces, max_size=12).map("".join),
        st.lists(
            st.tuples(st.sampled_from(["", " ", "  ", "   ", "    ", "> ", "- ", "1. ", "> - ", "\t"]), pieces)
        ).map(lambda pairs: "".join(indent + piece for indent, piece in pairs)),
        st.text(st.sampled_from("ab \n\n-*_`#>1.)|:[]()~$\\<&x!=+\t"), max_size=80),
    )


@settings(max_examples=300, deadline=None)
@given(documents(), st.data())
def test_streamed_equals_whole(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=20))
    settle = data.draw(st.lists(st.booleans(), min_size=1, max_size=4))
    limits = data.draw(st.sampled_from([SMALL, Limits(lines=1, sample=1), Limits()]))
    width = data.draw(st.sampled_from([9, 20, 60]))
    whole = lay_out(text, width, SIGNS, limits=limits)
    assert stream(text, cuts, width, limits, settle) == whole


@pytest.mark.parametrize("text", DOCUMENTS)
@pytest.mark.parametrize("width", [14, 45, 100])
def test_documents_by_the_character(text: str, width: int) -> None:
    for limits in (SMALL, Limits()):
        whole = lay_out(text, width, SIGNS, limits=limits)
        check(whole, width)
        assert stream(text, list(range(len(text))), width, limits, [True]) == whole


@pytest.mark.parametrize("text", DOCUMENTS)
def test_documents_cut_at_random(text: str) -> None:
    chance = random.Random(7)
    for _ in range(10):
        cuts = [chance.randrange(len(text) + 1) for _ in range(chance.randrange(30))]
        assert stream(text, cuts, 60, SMALL, [True, False]) == lay_out(text, 60, SIGNS, limits=SMALL)
