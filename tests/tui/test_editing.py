"""Letters and words in text fields, by the keys that move and delete in a line."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from routerterm.tui.widgets.editing import LetterArea
from routerterm.tui.widgets.letter_input import LetterInput

KEYS = [
    ("one two", ["alt+left"], "one |two"),
    ("one two", ["ctrl+left"], "one |two"),
    ("one two", ["alt+b", "alt+b"], "|one two"),
    ("one two", ["home", "alt+f"], "one| two"),
    ("one two", ["home", "ctrl+right"], "one| two"),
    ("a/b c-d", ["ctrl+w"], "a/b |"),
    ("a/b c-d", ["alt+backspace"], "a/b c-|"),
    ("one two", ["ctrl+backspace"], "one |"),
    ("one two", ["home", "alt+d"], "| two"),
    ("one two", ["ctrl+a", "ctrl+k", "ctrl+y", "ctrl+y"], "one twoone two|"),
    ("one two", ["alt+b", "ctrl+u"], "|two"),
    ("one two", ["ctrl+a", "ctrl+e"], "one two|"),
    ("ae\u0301", ["backspace"], "a|"),
    ("ae\u0301", ["left"], "a|e\u0301"),
    ("a🇵🇱", ["left", "left", "right"], "a|🇵🇱"),
    ("a👨\u200d👩\u200d👧", ["home", "right", "delete"], "a|"),
    ("a👍🏽", ["shift+left", "x"], "ax|"),
]


class Fields(App[None]):
    def compose(self) -> ComposeResult:
        yield LetterArea()
        yield LetterInput(select_on_focus=False)


@pytest.mark.parametrize(("text", "keys", "wanted"), KEYS, ids=[ascii(f"{text} {keys}") for text, keys, _ in KEYS])
async def test_keys_of_a_line(text: str, keys: list[str], wanted: str) -> None:
    app = Fields()
    async with app.run_test() as pilot:
        area, line = app.query_one(LetterArea), app.query_one(LetterInput)
        area.focus()
        area.text = text
        area.move_cursor(area.document.end)
        await pilot.press(*keys, "|")
        assert area.text == wanted
        line.focus()
        line.value = text
        line.cursor_position = len(text)
        await pilot.press(*keys, "|")
        assert line.value == wanted


async def test_what_was_deleted_comes_back_in_another_field_but_no_passphrase_does() -> None:
    app = Fields()
    async with app.run_test() as pilot:
        area, line = app.query_one(LetterArea), app.query_one(LetterInput)
        area.focus()
        area.text = "first\nsecond"
        area.move_cursor((1, 0))
        await pilot.press("ctrl+u", "ctrl+k")
        assert area.text == "first"
        line.focus()
        line.password = True
        line.value = "correct horse"
        line.cursor_position = len(line.value)
        await pilot.press("ctrl+u")
        assert line.value == ""
        await pilot.press("ctrl+y")
        assert line.value == "second"
