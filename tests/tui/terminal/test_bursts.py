"""What one read brings is taken for what was pressed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from routerterm.tui.terminal.bursts import BurstParser


def name(event: Message) -> str:
    match event:
        case events.Key() if event.is_printable and "+" not in event.key:
            return event.character or ""
        case events.Key():
            return event.key
        case events.Paste():
            return f"paste:{event.text}"
        case _:
            return "?"


def pressed(*reads: str) -> list[str]:
    parser = BurstParser()
    found: list[Message] = []
    for read in reads:
        found.extend(parser.burst(read))
    found.extend(parser.idle())
    found.extend(parser._no_more_comes())
    return [name(event) for event in found]


@pytest.mark.parametrize(
    ("read", "keys"),
    [
        ("\x1bWhat now?", ["escape", *"What now?"]),
        ("\x1b" + "a long line of letters, longer than any sequence", None),
        ("\x1b", ["escape"]),
        ("\x1b\x1bab", ["escape", "escape", "a", "b"]),
        ("\x1bx", ["alt+x"]),
        ("\x1bx\x1by", ["alt+x", "alt+y"]),
        ("ab\x1b[Acd", ["a", "b", "up", "c", "d"]),
        ("one\x1b\rtwo", [*"one", "alt+enter", *"two"]),
        ("\x1bOPhelp", ["f1", *"help"]),
        ("\x1b[200~a\x1bbcd\x1b[20\x1b[201~x", ["paste:a\x1bbcd\x1b[20", "x"]),
        ("\x1b[200~\x1b[201~", ["paste:"]),
    ],
)
def test_a_burst(read: str, keys: list[str] | None) -> None:
    found = pressed(read)
    assert "^" not in found
    assert keys is None or found == keys


@pytest.mark.parametrize(
    ("reads", "keys"),
    [
        (("\x1b", "What"), ["escape", *"What"]),
        (("\x1b", "x"), ["escape", "x"]),
        (("\x1b", "[A"), ["up"]),
        (("\x1b[2", "00~ab", "c\x1b[", "201~d"), ["paste:abc", "d"]),
        (("\x1b[2", "~"), ["insert"]),
    ],
)
def test_a_burst_in_several_reads(reads: tuple[str, ...], keys: list[str]) -> None:
    assert pressed(*reads) == keys


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="[O]PX^_\\N"), min_size=2))
def test_escape_before_text_is_escape_and_the_text(text: str) -> None:
    assert pressed("\x1b" + text) == ["escape", *text]


@given(st.text(max_size=40), st.lists(st.integers(0, 50), max_size=3))
def test_a_paste_is_whole_however_it_is_cut(text: str, cuts: list[int]) -> None:
    text = text.replace("\x1b[201~", "").replace("\x00", "")
    sent = f"\x1b[200~{text}\x1b[201~"
    edges = [0, *sorted(min(max(cut, 2), len(sent)) for cut in cuts), len(sent)]
    assert pressed(*(sent[a:b] for a, b in itertools.pairwise(edges) if a < b)) == [f"paste:{text}"]
