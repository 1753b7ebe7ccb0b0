"""vim's normal mode, key by key against what vi does, and what holds for any keys at all."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routerterm.core.graphemes import ends
from routerterm.tui.vim.engine import entered, press
from routerterm.tui.vim.state import Vim, rested

KEYS = "hjklwbeWBE0^$gGfFtT;,dcy<>123456789iaIAoOxXrJ~.pPuDCYsS(){}[]\"'`w évV%UR"


def play(text: str, keys: str, cursor: int = 0) -> tuple[str, int]:
    """Text and cursor after these keys; in insert mode they are typed, and ``|`` is Esc."""
    vim = Vim(text, cursor)
    written, at = "", 0
    for key in keys:
        if vim.mode != "insert":
            key = "escape" if key == "|" else key
            vim = press(vim, "ctrl+r" if key == "®" else key)
            written, at = vim.text, vim.cursor
        elif key == "|":
            vim = entered(vim, written, at)
        else:
            written, at = written[:at] + key + written[at:], at + 1
    return vim.text, vim.cursor


@pytest.mark.parametrize(
    ("text", "keys", "after", "cursor"),
    [
        ("one two  three", "w", "one two  three", 4),
        ("one two  three", "2w", "one two  three", 9),
        ("one two", "wb", "one two", 0),
        ("one two", "e", "one two", 2),
        ("a.b c", "w", "a.b c", 1),
        ("a.b c", "W", "a.b c", 4),
        ("  in", "$0^", "  in", 2),
        ("ab\ncd\nef", "G", "ab\ncd\nef", 6),
        ("ab\ncd\nef", "2G", "ab\ncd\nef", 3),
        ("ab\ncd\nef", "Ggg", "ab\ncd\nef", 0),
        ("abc\n\nabc", "ljj", "abc\n\nabc", 6),
        ("a-b-c", "f-", "a-b-c", 1),
        ("a-b-c", "f-;", "a-b-c", 3),
        ("a-b-c", "2f-,", "a-b-c", 1),
        ("a-b-c", "$T-", "a-b-c", 4),
        ("a-b-c", "t-;", "a-b-c", 2),
        ("one two", "dw", "two", 0),
        ("one two three", "d2w", "three", 0),
        ("one two three", "2dw", "three", 0),
        ("one\ntwo", "dw", "\ntwo", 0),
        ("one two", "wD", "one ", 3),
        ("one two", "de", " two", 0),
        ("one two", "$db", "one o", 4),
        ("ab\ncd\nef", "dd", "cd\nef", 0),
        ("ab\ncd\nef", "Gdd", "ab\ncd", 3),
        ("ab\ncd\nef", "2dd", "ef", 0),
        ("ab\ncd\nef", "dj", "ef", 0),
        ("ab\ncd\nef", "dG", "", 0),
        ("ab\ncd", "ddp", "cd\nab", 3),
        ("ab\ncd", "ddP", "ab\ncd", 0),
        ("ab\ncd", "yyjp", "ab\ncd\nab", 6),
        ("ab", "xp", "ba", 1),
        ("abc", "2x", "c", 0),
        ("abc", "$X", "ac", 1),
        ("one two", "cwsix|", "six two", 2),
        ("one two", "ccsix|", "six", 2),
        ("one two", "wCsix|", "one six", 6),
        ("one two", "ylp", "oone two", 1),
        ("one two", "ywP", "one one two", 3),
        ("ab\n  cd", "J", "ab cd", 2),
        ("aBc", "~~~", "AbC", 2),
        ("abc", "2rx", "xxc", 1),
        ("abc", "9rx", "abc", 0),
        ("one", "Atwo|", "onetwo", 5),
        ("  one", "$Ix|", "  xone", 2),
        ("ab\ncd", "ox|", "ab\nx\ncd", 3),
        ("ab\ncd", "jOx|", "ab\nx\ncd", 3),
        ("ab", "3ix|", "xxxab", 2),
        ("a b c", "cwx|w.w.", "x x x", 4),
        ("a\nb\nc", "dd.", "c", 0),
        ("ab", "x.u", "b", 0),
        ("ab", "x.uu", "ab", 0),
        ("ab", "x.uu®", "b", 0),
        ("one two three", "wdiw", "one  three", 4),
        ("one two three", "wdaw", "one three", 4),
        ("one two", "wdaw", "one", 2),
        ('say "so it" now', 'ci"no|', 'say "no" now', 6),
        ('say "so it" now', 'da"', "say now", 4),
        ("f(a, (b)) x", "fbdi(", "f(a, ()) x", 6),
        ("f(a, (b)) x", "fb2da(", "f x", 1),
        ("f(a)", "llda(", "f", 0),
        ("x", "di(", "x", 0),
        ("ab\ncd", ">>", "    ab\ncd", 4),
        ("    ab\n  cd", "2<<", "ab\ncd", 0),
        ("ab\ncd", "jyk0P", "ab\ncd\nab\ncd", 0),
        ("abcdef", "lldt", "abcdef", 2),
        ("abcdef", "dtd", "def", 0),
        ("abcdef", "dfd", "ef", 0),
        ("abcdef", "$dFc", "abf", 2),
        ("", "xJ~.", "", 0),
        ("f(a, b)", "%", "f(a, b)", 6),
        ("f(a, b)", "%%", "f(a, b)", 1),
        ("f(a[0], b)", "d%", "", 0),
        ("no bracket", "d%", "no bracket", 0),
        ("one two three", "vwd", "wo three", 0),
        ("one two", "ved", " two", 0),
        ("one two", "$vbd", "one ", 3),
        ("one two", "wviwyP", "one twotwo", 6),
        ("one two", "vawd", "two", 0),
        ("abc", "vlod", "c", 0),
        ("abc def", "vlcX|", "Xc def", 0),
        ("abc", "vlU", "ABc", 0),
        ("ABC", "vlu", "abC", 0),
        ("aBc", "vl~", "Abc", 0),
        ("abc", "vlrx", "xxc", 0),
        ("abcdef", "vld.", "ef", 0),
        ("abc", "v3lx", "", 0),
        ("abc", "vl|x", "ac", 1),
        ("abc", "vvx", "bc", 0),
        ("ab\ncd\nef", "Vjd", "ef", 0),
        ("ab\ncd\nef", "vjx", "d\nef", 0),
        ("ab\ncd", "Vyjp", "ab\ncd\nab", 6),
        ("ab\ncd\nef", "Vd.", "ef", 0),
        ("ab\ncd", "VcX|", "X\ncd", 0),
        ("ab\ncd", "V>", "    ab\ncd", 4),
        ("a\nb\nc", "VjJ", "a b\nc", 0),
        ("one two", "yiwwviwp", "one one", 6),
        ("ab", "vdu", "ab", 0),
        ("one two", '"adw"bdw"aP', "one ", 3),
        ("one two", 'yw"_dwP', "one two", 3),
        ("ab", 'ylx"0p', "ba", 1),
        ("a b", '"aywl"Aylw"ap', "a ba  ", 5),
        ("one two", '"byiw"bP', "oneone two", 2),
        ("one two", 'viw"cywv"cp', "one onewo", 6),
        ("h\u0065\u0301llo", "lx", "hllo", 1),
        ("👩‍👩‍👧 x", "x", " x", 0),
    ],
)
def test_keys_do_what_vi_does(text: str, keys: str, after: str, cursor: int) -> None:
    assert play(text, keys) == (after, cursor)


texts = st.text(alphabet="ab .-(\"\n'é\u0301👧🏽", max_size=40)
keys = st.lists(st.sampled_from([*KEYS, "escape", "ctrl+r", "left", "up", "delete", "space"]), max_size=40)


@given(texts, st.integers(0, 40), keys)
@example("a\n", 1, ["d", "d"])
def test_no_keys_leave_the_text_or_stand_beside_a_letter(text: str, cursor: int, keys: list[str]) -> None:
    vim = rested(Vim(text, cursor))
    for key in keys:
        vim = press(vim, key) if vim.mode != "insert" else entered(vim, vim.text, vim.cursor)
        assert 0 <= vim.cursor <= len(vim.text)
        if vim.mode == "normal":
            line = vim.text[vim.text.rfind("\n", 0, vim.cursor) + 1 :].split("\n")[0]
            column = vim.cursor - vim.text.rfind("\n", 0, vim.cursor) - 1
            assert column in {0, *list(ends(line))[:-1]}, (vim.text, vim.cursor)


@given(texts, st.integers(0, 40), keys)
def test_undo_leads_back_to_the_beginning_and_redo_forth_again(text: str, cursor: int, keys: list[str]) -> None:
    vim = rested(Vim(text, cursor))
    for key in keys:
        if key not in ("u", "ctrl+r"):
            vim = press(vim, key) if vim.mode != "insert" else entered(vim, vim.text, vim.cursor)
    if vim.mode == "insert":
        vim = entered(vim, vim.text, vim.cursor)
    last = vim.text
    steps = len(vim.undo)
    for _ in range(steps):
        vim = press(press(vim, "escape"), "u")
    assert vim.text == text
    for _ in range(steps):
        vim = press(vim, "ctrl+r")
    assert vim.text == last


@given(texts, st.integers(0, 40))
def test_what_is_deleted_comes_back_where_it_was(text: str, cursor: int) -> None:
    vim = rested(Vim(text, cursor))
    if "\n" in vim.text[vim.cursor :]:  # not the last line: there dd takes the break before it
        deleted = press(press(vim, "d"), "d")
        assert press(deleted, "P").text == text
    assert press(press(vim, "y"), "y").text == text
