"""The last line of defence: what content smuggles into a frame never reaches the terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tui.terminal.emulators import Lean

ATTACKS = {
    "clipboard written": "\x1b]52;c;ZXZpbA==\x07",
    "clipboard read": "\x1b]52;c;?\x07",
    "link that lies": "\x1b]8;;https://evil.example/\x1b\\safe\x1b]8;;\x1b\\"[:0]
    + "\x1b]8;;javascript:alert(1)\x07safe\x1b]8;;\x07",
    "link with an escape in it": "\x1b]8;;https://x/\x1b]52;c;QQ==\x07\x07",
    "title": "\x1b]0;owned\x07",
    "title reported": "\x1b[21t",
    "device control": '\x1bP$q"p\x1b\\',
    "program command": "\x1b_Gf=100;AAAA\x1b\\",
    "privacy message": "\x1b^x\x1b\\",
    "start of string": "\x1bXx\x1b\\",
    "eight-bit CSI": "\x9b31m",
    "eight-bit OSC": "\x9d52;c;QQ==\x9c",
    "eight-bit DCS": "\x90q\x9c",
    "device attributes": "\x1b[c",
    "status report": "\x1b[6n",
    "reset": "\x1bc",
    "soft reset": "\x1b[!p",
    "character set": "\x1b(0",
    "shift out": "\x0e",
    "mode": "\x1b[?1049l",
    "mouse mode": "\x1b[?1000h",
    "margins": "\x1b[2;3r",
    "scroll": "\x1b[99S",
    "line inserted": "\x1b[9L",
    "window": "\x1b[3;0;0t",
    "answerback": "\x05",
    "bell": "\x07",
    "unfinished": "\x1b[",
    "unfinished OSC": "\x1b]52;c;",
    "right to left override": "\u202egpj.exe",
    "isolate": "\u2066x\u2069",
    "tags": "\U000e0041\U000e0042",
    "half of a pair": "\ud800",
    "next line": "\x85",
    "line separator": "\u2028",
    "file transfer": "\x1b]1337;File=:AAAA\x07",
}
# All that a frame may be made of: text, SGR, cursor moves, erasing, margins, line feeds, links to where they say.
ALLOWED = re.compile(
    "(?:\x1b\\[[0-9;]*[mHGABCDKXJr]|\x1bM|\r|\n|\b|\x1b\\]8;[^;\x00-\x1f\x7f-\x9f]*;(?:(?:https?|mailto|file):[!-~]*)?\x1b\\\\"
    "|[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\U000e0000-\U000e007f\ud800-\udfff])*"
)


def sent(content: str) -> str:
    lean = Lean(60, 5)
    first = lean.frame(f"\x1b[1;1H\x1b[31m{content}\x1b[0m after\x1b[3;1H{content}x\x1b[2;2H")
    return first + lean.frame(f"\x1b[2;1Hplain {content}\x1b[1;44m{content}{content}\x1b[0m\x1b[1;1H")


@pytest.mark.parametrize("content", ATTACKS.values(), ids=ATTACKS)
def test_nothing_but_drawing_is_sent(content: str) -> None:
    out = sent(content)
    assert ALLOWED.fullmatch(out), repr(out)
    assert "52;" not in out
    assert "javascript" not in out


@given(st.lists(st.one_of(st.sampled_from(list(ATTACKS.values())), st.text(max_size=8)), max_size=8))
def test_nothing_but_drawing_is_sent_whatever_is_joined(parts: list[str]) -> None:
    out = sent("".join(parts))
    assert ALLOWED.fullmatch(out), repr(out)


def test_what_the_program_says_alone_is_passed_on() -> None:
    interpreter = Lean(60, 5).interpreter
    for sequence in (
        "\x1b[?1049h",
        "\x1b[?2026$p",
        "\x1b[>25u",
        "\x1b]52;c;aGk=\x07",
        "\x1b]22;pointer\x07",
        "\x07",
        "\x1b]0;title\x07",
    ):
        assert interpreter.alone(sequence) == sequence


def test_two_sequences_in_one_write_are_not_passed_on() -> None:
    interpreter = Lean(60, 5).interpreter
    assert interpreter.alone("\x1b]0;title\x07\x1b]52;c;QQ==\x07") is None
    assert interpreter.alone("\x1b]52;c;?\x07") == ""
    assert interpreter.alone("text\x1b[?1049l") is None


def test_a_link_is_kept_where_it_can_be_trusted() -> None:
    assert "\x1b]8;id=1;https://example.org/\x1b\\" in sent("\x1b]8;id=1;https://example.org/\x1b\\there\x1b]8;;\x1b\\")
