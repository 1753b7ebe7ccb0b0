"""Two minutes of a stranger in a real terminal: a history, a provider that costs, a slow line; by keys, by mouse."""

from __future__ import annotations

import pytest

from routerterm.config.paths import Paths
from tests.driver import TerminalDriver, in_terminal
from tests.driver.homes import PRICED, lived_in, priced
from tests.driver.provider import Answer, serving

SIZES = pytest.mark.parametrize("size", [(120, 40), (80, 24), (45, 20)], ids=lambda size: f"{size[0]}x{size[1]}")
SLOW = 12_000
"""Bytes a second: a bad line over SSH."""
ANSWER = Answer("Slowly comes the answer, word by word, to its end.", pause=0.1, tokens=(1000, 1000))


@pytest.mark.slow
@SIZES
async def test_by_keys_alone(paths: Paths, size: tuple[int, int]) -> None:
    with serving(ANSWER) as provider:
        await lived_in(paths, priced(provider), PRICED)
        async with in_terminal(paths, size, rate=SLOW) as it:
            await it.mode_is("WRITE")
            await it.press("f1")  # help says what can be done, and goes
            await it.dialog_is("Help")
            await it.press("escape")
            await it.dialog_gone("Help")
            await it.type("which mineral is it")
            await it.press("enter")
            await it.sees(lambda seen: seen.busy)
            await it.composer_is("")
            await it.type("typed while it answers")  # and nothing of it is lost
            await it.screen_shows("to its end.")
            await it.rests()
            await it.composer_is("typed while it answers")
            assert provider.asked[0]["messages"][-1]["content"] == "which mineral is it"
            await it.clear()
            await it.press("up")  # the prompt history
            await it.composer_is("which mineral is it")
            await it.clear()
            await it.go_to("messages")
            await it.mode_is("MESSAGES")
            await it.press("w")
            await it.until(lambda: not it.in_chat)
            await it.press("escape")
            await it.until(lambda: it.in_chat)
            await it.press("escape")
            await it.mode_is("WRITE")
            await switched(it)
            await it.press("f4")  # what it cost
            await it.dialog_is("STATS")
            await it.press("escape")
            await it.dialog_gone("STATS")
            await it.press("ctrl+q")
            assert await it.ended() == 0
        (row,) = it.history.ledger("provider = 'shop'")
        assert row["cost_nanousd"] == 18_000_000


async def switched(it: TerminalDriver) -> None:
    """To a conversation of the history and away again into a new one."""
    await it.open_chat("tmux copy mode")
    await it.screen_shows("Three things.")
    await it.press("ctrl+home")
    await it.screen_shows("What do I have to know")
    await it.press("f2")
    await it.screen_lacks("What do I have to know")


@pytest.mark.slow
@SIZES
async def test_by_mouse_alone(paths: Paths, size: tuple[int, int]) -> None:
    """Letters are typed; all else is a click or a turn of the wheel."""
    with serving(ANSWER) as provider:
        await lived_in(paths, priced(provider), PRICED)
        async with in_terminal(paths, size, rate=SLOW) as it:
            await it.type("which mineral is it")
            await it.click("> which", right=0)  # the sign before the text sends
            await it.screen_shows("to its end.")
            await it.rests()
            assert len(provider.asked) == 1
            await it.drag("Slowly", "answer,")  # selects, and leaves the keyboard where it was
            await it.mode_is("WRITE")
            await it.type("still written")
            await it.composer_is("still written")
            await it.clear()
            if it.picture().chats:
                await it.click("Pi cluster", last=False)
                await it.screen_shows("Three things.")
                await it.mode_is("WRITE")
            await it.wheel("up", 3)
            await it.wheel("down", 3)
            await it.mode_is("WRITE")
            await it.click("F1")
            await it.dialog_is("Help")
            await it.click("Esc", last=True)
            await it.dialog_gone("Help")
            await left_by_mouse(it)
            assert await it.ended() == 0
        assert len(provider.asked) == 1


async def left_by_mouse(it: TerminalDriver) -> None:
    """Quit by the key bar, or where it has no room for that by the list of all commands, turned to its end."""
    if not it.picture().shows("F10  Quit"):
        await it.click("^X")
        await it.screen_shows("Press a letter")
        while not it.picture().shows("Reasoning"):  # the last: from here on nothing moves under the pointer
            before = it.picture().rows
            await it.wheel("down", 3, at="Press a letter")
            await it.sees(lambda seen, before=before: seen.rows != before)
    await it.click("Quit", last=True)
