"""A text that streams in, cut anywhere, shows the lines of the whole; what is final never changes."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.tui.markdown.hold_back import hold_back
from routerterm.tui.markdown.line_writer import Limits
from routerterm.tui.markdown.lines import Line, runs_len
from routerterm.tui.markdown.stream import StreamLayout, lay_out
from routerterm.tui.themes.palette import Palette, Signs
from tests.tui.transcript.samples import DOCUMENTS, ONCE_WRONG, PIECES

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
        tables(),
        st.lists(pieces, max_size=12).map("".join),
        st.lists(
            st.tuples(st.sampled_from(["", " ", "  ", "   ", "    ", "> ", "- ", "1. ", "> - ", "\t"]), pieces)
        ).map(lambda pairs: "".join(indent + piece for indent, piece in pairs)),
        st.text(st.sampled_from("ab \n\n-*_`#>1.)|:[]()~$\\<&x!=+\t"), max_size=80),
    )


@st.composite
def tables(draw: st.DrawFn) -> str:
    """Tables as GitHub understands them, well made and not, with text around."""
    cell = st.sampled_from(
        ["", " ", " a ", "**b**", "`c|d`", " e \\| f ", "日本", "word " * 8, " - x", "> q", "[l](u)"]
    )
    rule = st.sampled_from(["-", ":-", "-:", ":-:", "---", ":---:", " --- ", "", "=", "- -"])
    count = draw(st.integers(1, 4))
    lead, edge = draw(st.sampled_from(["", "> ", "- ", "  ", "1. "])), draw(st.sampled_from(["|", "|", "|", ""]))
    later = "  " if lead in ("- ", "1. ") else lead
    lines = [lead + edge + "|".join(draw(st.lists(cell, min_size=count, max_size=count))) + edge]
    lines.append(later + edge + "|".join(draw(st.lists(rule, min_size=count, max_size=count))) + edge)
    rows = draw(st.lists(st.lists(cell, max_size=5), max_size=8))
    lines += [later + edge + "|".join(cells) + edge for cells in rows]
    return (
        draw(st.sampled_from(["", "before\n", "before\n\n"]))
        + "\n".join(lines)
        + draw(st.sampled_from(["", "\n", "\n\nx"]))
    )


TIMES = 50 if os.environ.get("ROUTERTERM_LONG") else 1  # make terminal-long


@settings(max_examples=300 * TIMES, deadline=None)
@given(documents(), st.data())
def test_streamed_equals_whole(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=20))
    settle = data.draw(st.lists(st.booleans(), min_size=1, max_size=4))
    limits = data.draw(st.sampled_from([SMALL, Limits(lines=1, sample=1), Limits()]))
    width = data.draw(st.sampled_from([9, 20, 60]))
    whole = lay_out(text, width, SIGNS, limits=limits)
    assert stream(text, cuts, width, limits, settle) == whole


@pytest.mark.parametrize("text", DOCUMENTS, ids=range(len(DOCUMENTS)))
@pytest.mark.parametrize(("width", "limits"), [(14, Limits()), (70, SMALL)])
def test_documents_by_a_few_characters(text: str, width: int, limits: Limits) -> None:
    whole = lay_out(text, width, SIGNS, limits=limits)
    check(whole, width)
    assert stream(text, list(range(0, len(text), 3)), width, limits, [True]) == whole


@pytest.mark.parametrize("text", ONCE_WRONG)
def test_what_once_went_wrong(text: str) -> None:
    for limits in (Limits(lines=1, sample=1), SMALL, Limits()):
        assert stream(text, list(range(len(text))), 60, limits, [True]) == lay_out(text, 60, SIGNS, limits=limits)


@pytest.mark.parametrize("text", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_documents_cut_at_random(text: str) -> None:
    chance = random.Random(7)
    for _ in range(4):
        cuts = [chance.randrange(len(text) + 1) for _ in range(chance.randrange(30))]
        assert stream(text, cuts, 60, SMALL, [True, False]) == lay_out(text, 60, SIGNS, limits=SMALL)


@pytest.mark.parametrize("text", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_seams_are_where_the_answer_was_cut(text: str) -> None:
    chance = random.Random(5)
    for _ in range(3):
        places = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        seams = [(offset, f"seam {number}") for number, offset in enumerate(places)]
        layout = StreamLayout(60, SIGNS, limits=SMALL)
        begin = 0
        for offset, said in [*seams, (len(text), "")]:
            while begin < offset:
                end = min(begin + chance.randrange(1, 20), offset)
                layout.feed(text[begin:end])
                layout.settle()
                begin = end
            if said:
                layout.seam(said)
        layout.close()
        assert layout.done == lay_out(text, 60, SIGNS, limits=SMALL, seams=seams)
        drawn = [line.text for line in layout.done if "seam" in line.text]
        assert [text.strip("┄▌│ ") for text in drawn] == ["seam 0", "seam 1"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("some **bol", "some **bol**"),
        ("some **", "some "),
        ("some *em", "some *em*"),
        ("a `cod", "a `cod`"),
        ("see [the pa", "see the pa"),
        ("see [the page](https://ex", "see the page"),
        ("done **bold** and *em* `x` [a](b)", "done **bold** and *em* `x` [a](b)"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("* item", "* item"),
        ("```py", "```py"),
    ],
)
def test_what_is_open_is_closed_while_it_is_awaited(line: str, shown: str) -> None:
    assert hold_back(line) == shown


def test_an_undecided_line_waits() -> None:
    layout = StreamLayout(40, SIGNS)
    layout.feed("A paragraph\n-")
    layout.settle()
    assert [line.text for line in layout.tail] == ["A paragraph"]
    layout.feed(" item")
    layout.settle()
    assert [line.text for line in (*layout.done, *layout.tail)] == ["A paragraph", "", "• item"]


def endless(words: int, lead: str = "", wide: bool = False) -> str:
    chance = random.Random(words)
    some = ["word", "**bold**", "`code`", "*em", "a|b", "- x", "1. y", "# z", "> q", "x" * 70, "é"] + ["日本語"] * wide
    return lead + " ".join(chance.choice(some) for _ in range(words))


@pytest.mark.parametrize("lead", ["", "- ", "> ", "1. a\n   - ", "first\n", "> - [ ] "])
@pytest.mark.parametrize("end", ["", "\nnext\n|--|--|\n", "\n===\n", "\n\n- item\n", "\n---\nafter", "\n" + "l\n" * 9])
def test_a_line_that_does_not_end(lead: str, end: str) -> None:
    text = endless(600, lead, wide=len(lead + end) % 2 == 1) + end
    whole = lay_out(text, 50, SIGNS)
    check(whole, 50)
    cuts = list(range(0, len(text), 151))
    assert stream(text, cuts, 50, Limits(), [True]) == whole


def test_a_line_that_does_not_end_is_let_go() -> None:
    layout = StreamLayout(50, SIGNS)
    for _ in range(300):
        layout.feed("some words and " * 5)
        layout.settle()
    assert len(layout.tail) < 60
    assert len(layout.done) > 250
