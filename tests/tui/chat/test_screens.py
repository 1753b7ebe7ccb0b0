"""Every screen opens by its keys and closes by Esc, at every size; what it shows is the truth."""

from __future__ import annotations

import pytest

from routerterm.config.paths import Paths
from tests.driver import in_process
from tests.driver.homes import configure

SIZES = ((120, 40), (80, 24), (45, 20), (40, 12))
SCREENS = {
    "f1": "Help",
    "f3": "Model",
    "f4": "STATS",
    "f5": "Find in all",
    "f6": "KEYS",
    "f7": "ROUTES",
    "f8": "Theme",
}


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_opens_and_closes(paths: Paths, size: tuple[int, int]) -> None:
    configure(paths)
    async with in_process(paths, size) as it:
        for key, title in SCREENS.items():
            await it.press(key)
            await it.dialog_is(title)
            await it.press("escape")
            await it.chat_is_open()


async def test_a_model_is_picked_by_typing(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.press("ctrl+o")
        await it.until(lambda: "demo/down" in it.picture().text)
        await it.press(*"down")
        await it.screen_shows("demo/down: always fails: a provider that is gone")
        await it.press("ctrl+u", *"dmarkd")
        await it.until(lambda: "demo/down" not in it.picture().text)
        await it.press("enter")
        await it.until(lambda: it.model == "demo/markdown")
        assert "demo/markdown" in it.picture().text
        assert it.history.conversations() == []  # choosing a model saves no empty chat


async def test_what_was_said_is_found_and_jumped_to(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("the xylophone question")
        await it.answered()
        wanted = it.open_id
        await it.press("f2")
        await it.until(lambda: not it.title)
        await it.press("f5")
        await it.until(lambda: not it.in_chat)
        await it.press(*"xylaphone")
        await it.until(lambda: "Showing results for xylophone" in it.picture().text)
        await it.press("ctrl+u", *"xyloph")
        await it.until(lambda: "Showing results" not in it.picture().text)
        await it.until(lambda: "the xylophone question" in it.picture().text)
        await it.press("enter")
        await it.until(lambda: it.open_id == wanted)


async def test_a_theme_is_tried_on_and_left_again(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.press("f8")
        await it.until(lambda: not it.in_chat)
        await it.press(*"amber")
        await it.until(lambda: it.app.active_theme.name == "amber")
        await it.press("escape")
        await it.until(lambda: it.app.active_theme.name == "phosphor")
        await it.press("f8")
        await it.until(lambda: not it.in_chat)
        await it.press(*"amber", "enter")
        await it.chat_is_open()
        assert it.app.active_theme.name == "amber"
    assert 'theme = "amber"' in paths.config_file.read_text()
    async with in_process(paths) as it:
        assert it.app.active_theme.name == "amber"


async def test_a_setting_is_changed_checked_and_lived(paths: Paths) -> None:
    configure(paths, "# my own words\n")
    async with in_process(paths) as it:
        await it.say("/settings")
        await it.until(lambda: not it.in_chat)
        await it.press(*"budget.day", "enter")
        await it.dialog_is("budget.day")
        await it.press(*"minus", "enter")
        await it.until(lambda: "is not" in it.picture().text)
        await it.press("ctrl+a", "ctrl+k", "2", "full_stop", "5", "0", "enter")
        await it.until(lambda: not it.in_chat)
        await it.screen_shows("2.50")
    assert "# my own words" in paths.config_file.read_text()


async def test_the_books_agree_with_what_was_asked(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        for _ in range(3):
            await it.say("again")
            await it.answered()
        await it.press("f4")
        await it.until(lambda: "demo/echo" in it.picture().text)
        assert "requests 3" in it.picture().text
        await it.press("enter")
        await it.until(lambda: "Requests: demo/echo" in it.picture().text and "route " in it.picture().text)
        await it.press("enter")
        await it.chat_is_open()


async def test_help_does_what_is_chosen(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.press("ctrl+underscore")
        await it.until(lambda: not it.in_chat)
        await it.press(*"stats", "enter")
        await it.dialog_is("STATS")
