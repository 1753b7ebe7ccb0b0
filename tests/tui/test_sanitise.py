"""What could act on a terminal, or hide in a text, is shown as what it is."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.sanitise import escape_json, is_clean, one_line, pasteable, sanitise

ATTACKS = {
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "title": "\x1b]0;root@host\x1b\\",
    "link": "\x1b]8;;https://evil.example\x1b\\bank.example\x1b]8;;\x1b\\",
    "device": "\x1bP$q q\x1b\\\x1b[c\x1b[6n\x05",
    "c1 csi": "\x9b31mred\x9b0m",
    "c1 osc": "\x9d52;c;ZXZpbA==\x9c",
    "clear": "\x1b[2J\x1b[H\x0c\x0b",
    "backspace": "safe\x08\x08\x08\x08evil\x7f",
    "shift": "\x0e\x0f\x00",
    "override": "access\u202etxt.exe\u202c",
    "isolate": "\u2066a\u2069\u2067b\u2069\u200f\u061c",
    "tags": "hi\U000e0069\U000e0067\U000e006e\U000e006f\U000e0072\U000e0065",
    "selectors": "a\U000e0101\U000e0120",
    "separators": "a\u2028b\u2029c\x85d",
    "annotation": "\ufff9a\ufffab\ufffb",
    "surrogates": "\ud83d \udc00",
    "marks": "Z" + "\u0351\u0300" * 40,
    "nothing": "\u200b\u2060\ufeff\u00ad\u3164",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_attacks_are_disarmed(attack: str) -> None:
    shown = sanitise(attack)
    assert is_clean(shown)
    for char in shown:
        assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") or char in "\n\t", repr(char)
    shown.encode()


@given(st.text(st.characters(), max_size=60))
def test_clean_is_a_fixed_point_and_can_be_written(text: str) -> None:
    shown = sanitise(text)
    assert sanitise(shown) == shown
    assert is_clean(shown)
    shown.encode("utf-8")
    assert "\n" not in one_line(text)
    assert "\t" not in one_line(text)


def test_what_is_shown_names_what_was_there() -> None:
    assert sanitise("\x1b[31m") == "␛[31m"
    assert sanitise("a\u202eb") == "a‹U+202E›b"
    assert sanitise("\x7f\x9b") == "␡‹U+009B›"
    assert sanitise("\udc00") == "\ufffd"


def test_good_text_stays() -> None:
    for text in ("plain\ttext\n", "żółć", "日本語", "שלום", "می‌خواهم", "e\u0301", "🎉", "ก็"):
        assert sanitise(text) == text


def test_lines_end_in_one_way() -> None:
    assert sanitise("a\r\nb\rc\n") == "a\nb\nc\n"
    assert one_line("a\r\n  b\tc\n") == "a b c"


def test_a_copy_keeps_joined_emoji_but_nothing_that_acts() -> None:
    assert pasteable("👩‍👩‍👧 ❤️") == "👩‍👩‍👧 ❤️"
    assert pasteable("x\x1b]0;t\x07\u202e") == "x␛]0;t␇‹U+202E›"
    assert sanitise("👩‍👧❤️") == "👩‍👧❤"


@pytest.mark.parametrize(
    "text",
    [
        "👩\u200d👩\u200d👧",
        "❤\ufe0f\u200d🔥",
        "👍🏽\u200d🔥",
        "🏳\u200d🌈",
        "می\u200cخواهم",
        "ක්\u200dෂ",
        "क्\u200dष",
        "র\u200d্য",
    ],
)
def test_joiners_stay_where_writing_needs_them(text: str) -> None:
    assert sanitise(text) == text
    assert is_clean(text)


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d", "\ufe0f"])
@pytest.mark.parametrize(
    "sides", [("pay", "pal"), ("🔥", "x"), ("", "🔥"), ("🔥", ""), ("ක", "a"), ("日", "本"), ("ж", "ж")]
)
def test_joiners_hide_nowhere_else(sides: tuple[str, str], joiner: str) -> None:
    assert sanitise(joiner.join(sides)) == "".join(sides)
    assert not is_clean(joiner.join(sides))


def test_joiners_hide_not_behind_each_other() -> None:
    assert sanitise("🔥\u200d\u200d🔥") == "🔥🔥"
    assert sanitise("ක\u200d\u200cෂ") == "කෂ"


@given(
    st.lists(
        st.sampled_from(["🔥", "❤", "🏽", "\u200d", "\u200c", "\ufe0f", "\u200b", "ක", "්", "می", "a"]), max_size=12
    )
)
def test_what_joins_is_a_fixed_point_too(pieces: list[str]) -> None:
    text = "".join(pieces)
    shown = sanitise(text)
    assert sanitise(shown) == shown
    assert is_clean(shown)
    assert "".join(letter for letter in shown if letter not in "\u200c\u200d\ufe0f") == "".join(
        letter for letter in text if letter not in "\u200b\u200c\u200d\ufe0f"
    )


@given(st.text(st.characters(), max_size=60))
def test_json_means_the_same_and_is_safe_to_show(text: str) -> None:
    body = {"text": text, "\u202e": ["\x9b", text]}
    written = escape_json(json.dumps(body, ensure_ascii=False, indent=1))
    assert json.loads(written) == body
    assert is_clean(written)
