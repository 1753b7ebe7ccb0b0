"""What one read brings is taken for what was pressed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tui.terminal.fuzz_input import run
from tests.tui.terminal.input_bytes import REPLIES
from textual import events
from textual.message import Message

from routerterm.tui.terminal.input import InputParser
from routerterm.tui.textual_internals.text import know_every_letter

know_every_letter()


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


def pressed(*reads: str | bytes, apart: float = 0.01) -> list[str]:
    parser, now = InputParser(), 100.0
    found: list[Message] = []
    for read in reads:
        now += apart
        found.extend(parser.tick(now))
        found.extend(parser.feed(read if isinstance(read, bytes) else read.encode(), now))
    found.extend(parser.tick(now + 60))
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
        (("\xc3\xa9".encode("latin-1")[:1], b"\xa9"), ["é"]),
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


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        # legacy
        ("\x1b[1;3D", ["alt+left"]),
        ("\x1b[1;6A", ["ctrl+shift+up"]),
        ("\x1b\x1b[D", ["alt+left"]),
        ("\x1b\x1bOA", ["alt+up"]),
        ("\x1b\x1b[5~", ["alt+pageup"]),
        ("\x1b\x1bOR", ["escape", "f3"]),
        ("\x1b\x1b[13~", ["escape", "f3"]),
        ("\x1b\x1b[15~\x1b\x1b[Z", ["escape", "f5", "escape", "shift+tab"]),
        ("\x1b\x1bOH", ["escape", "home"]),
        ("\x1b[5D", ["ctrl+left"]),
        ("\x1b[1;2R", ["shift+f3"]),
        ("\x1b[3;5~", ["ctrl+delete"]),
        ("\x1b[3^", ["ctrl+delete"]),
        ("\x1b[7$", ["shift+home"]),
        ("\x1b[[B", ["f2"]),
        ("\x1b[Z", ["shift+tab"]),
        ("\x1b\x7f", ["alt+backspace"]),
        ("\x1bb", ["alt+b"]),
        ("\x1bB", ["alt+shift+b"]),
        ("\x17", ["ctrl+w"]),
        ("\x1bOp", ["0"]),
        # modifyOtherKeys, in both of its forms
        ("\x1b[27;2;13~", ["shift+enter"]),
        ("\x1b[27;5;44~", ["ctrl+comma"]),
        ("\x1b[27;6;97~", ["ctrl+shift+a"]),
        ("\x1b[97;5u", ["ctrl+a"]),
        # the kitty protocol
        ("\x1b[13;2u", ["shift+enter"]),
        ("\x1b[127;5u", ["ctrl+backspace"]),
        ("\x1b[97:65;2;65u", ["A"]),
        ("\x1b[97:65;2u", ["A"]),
        ("\x1b[97;1:2u", ["a"]),
        ("\x1b[97;1:3u", []),
        ("\x1b[1;1:3A", []),
        ("\x1b[3;5:1~", ["ctrl+delete"]),
        ("\x1b[1094::119;5u", ["ctrl+w"]),
        ("\x1b[1089::99;5:1u", ["ctrl+c"]),
        ("\x1b[962::119;3u", ["alt+w"]),
        ("\x1b[1092::97;;1092u", ["ф"]),
        ("\x1b[0;;233:769u", ["é", "\u0301"]),
        ("\x1b[97;65u", ["a"]),
        ("\x1b[57441;2u\x1b[57447;2u\x1b[57442;5u\x1b[57358u\x1b[57360;129u\x1b[57428u", []),
        ("\x1b[57399;;48u", ["0"]),
        ("\x1b[57414u", ["enter"]),
        ("\x1b[57376u", ["f13"]),
        # what can be no key
        ("\x1b[99999999999u\x1b[1114112u\x1b[55296u\x1b[97;;99999999u\x1b[;;;;~", ["a"]),
        ("\x1b[1;" + "9" * 5000 + "Ax", ["x"]),
        ("\x1b[" + "1;" * 5000 + "Ax", ["x"]),
    ],
)
def test_keys_in_every_encoding(sent: str, keys: list[str]) -> None:
    assert pressed(sent) == keys


@pytest.mark.parametrize(
    "letter", ["\u3000", "\u200c", "\u200d", "\u00a0", "\u202f", "\u00ad", "ß", "कि", "👨\u200d👩\u200d👧"]
)
def test_letters_of_every_script(letter: str) -> None:
    assert "".join(pressed(letter)) == letter


@pytest.mark.parametrize("reply", REPLIES, ids=ascii)
def test_a_reply_is_no_key_in_whatever_pieces_it_comes(reply: bytes) -> None:
    typed: list[list[str]] = []
    for cut in range(1, len(reply)):
        typed.append(pressed(reply[:cut], reply[cut:], b"x", apart=0.05))
        if cut > 2:
            typed.append(pressed(b"a" + reply[:cut], reply[cut:] + b"x", apart=0.8)[1:])
    typed.append(pressed(*(bytes([byte]) for byte in reply), b"x", apart=0.03))
    for found in typed:
        assert [key for key in found if key != "?"] == ["x"]


def test_a_reply_cut_after_its_escape_and_late_is_not_typed() -> None:
    for reply in (b"[?65;1c", b"]11;rgb:0/0/0\x07", b"P>|tmux 3.4\x1b\\", b"_Gi=1;OK\x1b\\"):
        assert pressed(b"\x1b", reply, b"x", apart=0.3) == ["escape", "x"]


def test_a_reply_without_end_does_not_keep_the_keyboard() -> None:
    parser = InputParser()
    assert parser.feed(b"\x1b]52;c;aGVs", 0.0) == []
    assert [name(event) for event in parser.feed(b"\r", 0.1)] == ["enter"]
    assert parser.feed(b"\x1b]52;c;aGVs", 1.0) == []
    for number in range(60):
        parser.tick(1.0 + number / 10)
        found = parser.feed(b"k", 1.0 + number / 10)
        if found:
            break
    assert [name(event) for event in found] == ["k"]


def test_several_lines_at_once_are_a_paste() -> None:
    assert pressed("first line\rsecond line\rthird") == ["paste:first line\nsecond line\nthird"]
    assert pressed("a question of one line\r")[-1] == "enter"
    assert pressed("ok\rgo") == ["o", "k", "enter", "g", "o"]


def test_a_size_that_no_terminal_has_is_not_believed() -> None:
    parser = InputParser()
    assert parser.feed(b"\x1b[48;9999;9999;0;0t\x1b[48;0;0;0;0t\x1b[48;;t", 0.0) == []
    (resized,) = parser.feed(b"\x1b[48;30;100;0;0t", 0.0)
    assert isinstance(resized, events.Resize)
    assert resized.size == (100, 30)


def test_what_the_terminal_can_do_is_heard() -> None:
    said: list[str] = []
    parser = InputParser(lambda: said.append("probe"), lambda: said.append("columns"))
    for setting, known in ((0, False), (1, True), (2, True), (3, False), (4, False)):
        said.clear()
        found = parser.feed(f"ab\x1b[?69;{setting}$ycd".encode(), 0.0)
        assert [name(event) for event in found] == list("abcd")
        assert said == ["columns"] * known
    parser.feed(b"\x1b[?69;2$y\x1b[0nx", 0.0)
    assert said == ["columns", "columns", "probe"] or said == ["columns", "probe"]


def test_the_mouse_in_three_forms() -> None:
    forms = (b"\x1b[<0;3;4M", b"\x1b[32;3;4M", b"\x1b[M #$")
    for form in forms:
        (event,) = InputParser().feed(form, 0.0)
        assert isinstance(event, events.MouseDown)
        assert (event.x, event.y, event.button) == (2, 3, 1)
    (wheel,) = InputParser().feed(b"\x1b[<64;3;4M", 0.0)
    assert isinstance(wheel, events.MouseScrollUp)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_bytes_do_no_harm(seed: int) -> None:
    run(4_000, seed)
