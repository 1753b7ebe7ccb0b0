"""Every example of the CommonMark specification, and documents made of several, stream as they are laid out whole."""

from __future__ import annotations

import os
import random
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.tui.markdown.line_writer import Limits
from routerterm.tui.markdown.stream import lay_out
from tests.tui.transcript.test_stream import SIGNS, SMALL, TIMES, check, stream

SPEC = Path(os.environ.get("ROUTERTERM_COMMONMARK", ".venv/commonmark-spec.txt"))
_EXAMPLE = re.compile(r"^`{32} example\n(.*?)^\.\n.*?^`{32}$", re.DOTALL | re.MULTILINE)
INDENTS = ["", "", "", "> ", "- ", "1. ", "    ", "  "]

pytestmark = pytest.mark.skipif(not SPEC.is_file(), reason=f"no {SPEC}: sh scripts/spec.sh fetches the specification")


@cache
def examples() -> list[str]:
    """The Markdown of the examples."""
    return [match[1].replace("→", "\t") for match in _EXAMPLE.finditer(SPEC.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("tenth", range(10))
def test_each_example(tenth: int) -> None:
    assert len(examples()) > 600
    for text in examples()[tenth::10]:
        chance = random.Random(text)
        for width, limits, cuts in (
            (30, Limits(lines=1, sample=1), list(range(len(text)))),
            (60, Limits(), [chance.randrange(len(text) + 1) for _ in range(4)]),
        ):
            whole = lay_out(text, width, SIGNS, limits=limits)
            check(whole, width)
            assert stream(text, cuts, width, limits, [True]) == whole, text


@st.composite
def joined(draw: st.DrawFn) -> str:
    """Several examples, one after the other, each in a container or none."""
    text = ""
    for _ in range(draw(st.integers(1, 4))):
        indent = draw(st.sampled_from(INDENTS))
        text += "".join(indent + line for line in draw(st.sampled_from(examples())).splitlines(keepends=True))
    return text


@settings(max_examples=150 * TIMES, deadline=None)
@given(st.data())
def test_several_in_one_document(data: st.DataObject) -> None:
    text = data.draw(joined())
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=20))
    limits = data.draw(st.sampled_from([SMALL, Limits(lines=1, sample=1), Limits()]))
    assert stream(text, cuts, 40, limits, [True]) == lay_out(text, 40, SIGNS, limits=limits)
