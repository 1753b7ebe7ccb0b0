"""Every screen opens by its keys and closes by Esc, at every size; what it shows is the truth."""

from __future__ import annotations

import pytest

from routerterm.config.paths import Paths
from tests.tui.chat.program import answered, configure, running, say, screen_text, until

SIZES = ((120, 40), (80, 24), (45, 20), (40, 12))
SCREENS = {
    "f1": ("Picker", "What can I do?"),
    "f3": ("Picker", "Which model answers?"),
    "f4": ("StatsScreen", "STATS"),
    "f5": ("Picker", "Find in all"),
    "f6": ("KeysScreen", "KEYS"),
    "f7": ("RouteScreen", "ROUTES"),
    "f8": ("Picker", "Which machine?"),
}


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_opens_and_closes(paths: Paths, size: tuple[int, int]) -> None:
    configure(paths)
    async with running(paths, size) as (app, pilot):
        for key, (name, title) in SCREENS.items():
            await pilot.press(key)
            await until(pilot, lambda name=name: type(app.screen).__name__ == name)
            await until(pilot, lambda title=title: title in screen_text(app))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.chat)


async def test_a_model_is_picked_by_typing(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "demo/markdown" in screen_text(app))
        await pilot.press(*"dmarkd")
        await until(pilot, lambda: "demo/slow" not in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.chat.stage.model == "demo/markdown")
        assert "demo/markdown" in screen_text(app)
        assert app.services is not None
        assert await app.services.store.conversations.count() == 0  # choosing a model saves no empty chat


async def test_what_was_said_is_found_and_jumped_to(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "the xylophone question")
        await answered(app, pilot)
        wanted = app.chat.stage.id
        await app.action_command("new")
        await pilot.press("f5")
        await until(pilot, lambda: type(app.screen).__name__ == "Picker")
        await pilot.press(*"xyloph")
        await until(pilot, lambda: "the xylophone question" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.chat.stage.id == wanted)


async def test_a_theme_is_tried_on_and_left_again(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await pilot.press("f8")
        await until(pilot, lambda: type(app.screen).__name__ == "Picker")
        await pilot.press(*"amber")
        await until(pilot, lambda: app.machine.name == "amber")
        await pilot.press("escape")
        await until(pilot, lambda: app.machine.name == "phosphor")
        await pilot.press("f8")
        await until(pilot, lambda: type(app.screen).__name__ == "Picker")
        await pilot.press(*"amber", "enter")
        await until(pilot, lambda: app.screen is app.chat)
        assert app.machine.name == "amber"
    assert 'theme = "amber"' in paths.config_file.read_text()
    async with running(paths) as (app, pilot):
        assert app.machine.name == "amber"


async def test_a_setting_is_changed_checked_and_lived(paths: Paths) -> None:
    configure(paths, "# my own words\n")
    async with running(paths) as (app, pilot):
        await say(pilot, "/settings")
        await until(pilot, lambda: type(app.screen).__name__ == "Picker")
        await pilot.press(*"budget.day", "enter")
        await until(pilot, lambda: type(app.screen).__name__ == "PromptDialog")
        await pilot.press(*"minus", "enter")
        await until(pilot, lambda: "is not" in screen_text(app))
        assert type(app.screen).__name__ == "PromptDialog"
        await pilot.press("ctrl+a", "ctrl+k", "2", "full_stop", "5", "0", "enter")
        await until(pilot, lambda: type(app.screen).__name__ == "Picker")
        assert app.services is not None
        assert str(app.services.settings.budget.day) == "2.50"
        await until(pilot, lambda: "2.50" in screen_text(app))
    assert "# my own words" in paths.config_file.read_text()


async def test_the_books_agree_with_what_was_asked(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        for _ in range(3):
            await say(pilot, "again")
            await answered(app, pilot)
        await pilot.press("f4")
        await until(pilot, lambda: "demo/echo" in screen_text(app))
        assert "asked 3" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Requests: demo/echo" in screen_text(app) and "route " in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.chat)


async def test_help_does_what_is_chosen(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await pilot.press("ctrl+underscore")
        await until(pilot, lambda: type(app.screen).__name__ == "Picker")
        await pilot.press(*"stats", "enter")
        await until(pilot, lambda: type(app.screen).__name__ == "StatsScreen")
