"""Everything of Textual's inside that the program relies on: where one is gone after an upgrade, its name is here."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual import events
from textual.app import App
from textual.screen import ModalScreen

from routerterm.tui import textual_internals
from routerterm.tui.textual_internals import (
    count_vowel_signs,
    is_text,
    key_name,
    know_every_letter,
    letters_of,
    measure_joiners,
)


def test_names_of_keys() -> None:
    assert [key_name(character) for character in "aA,é "] == ["a", "A", "comma", "é", "space"]


@pytest.mark.parametrize(
    ("character", "text"),
    [
        ("a", True),
        ("\u3000", True),
        ("\u200d", True),
        ("\x01", False),
    ],
)
def test_textual_takes_every_letter_for_text(character: str | None, text: bool) -> None:
    know_every_letter()
    assert is_text(character) is text
    assert events.Key("x", character).is_printable is text


def test_strips_are_cached_by_their_styles() -> None:
    assert hasattr(textual_internals.StylesCache, "render_widget")


def test_vowel_signs_have_a_column() -> None:
    count_vowel_signs()
    assert cell_len("\u093f") == 1
    assert cell_len("\u0301") == 0
    assert cell_len("日a") == 3


def test_only_emoji_are_joined_into_one_width() -> None:
    measure_joiners()
    assert cell_len("👩\u200d👩\u200d👧") == 2
    assert cell_len("ක්\u200dෂ") == cell_len("ක්ෂ") == 2
    assert letters_of("ක්\u200dෂa") == ([(0, 3, 1), (3, 4, 1), (4, 5, 1)], 3)
    assert letters_of("👩\u200d👧a") == ([(0, 3, 2), (3, 4, 1)], 3)


async def test_the_places_of_widgets_are_told_while_they_hold() -> None:
    app: App[None] = App()
    async with app.run_test() as pilot:
        await pilot.pause()
        places = textual_internals.places_of(app.screen)
        assert places is not None
        assert places[app.screen][0].size == app.size
        assert textual_internals.places_of(app.screen) is places
        with app.batch_update():
            assert textual_internals.places_of(app.screen) is None
        below = app.screen
        await app.push_screen(ModalScreen())
        assert textual_internals.places_of(below) is None
