"""vim in the composer: the mode is seen, Esc and i change it, Enter sends from both, and the rest of the keys stay."""

from __future__ import annotations

import pytest

from routerterm.config.paths import Paths
from tests.driver import in_process
from tests.driver.homes import configure

VIM = '[ui]\nediting = "vim"\n'


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (45, 20)])
async def test_a_person_of_vim_edits_and_sends(paths: Paths, size: tuple[int, int]) -> None:
    configure(paths, VIM)
    async with in_process(paths, size) as it:
        await it.mode_is("INSERT")
        await it.type("hello wrong world")
        await it.press("escape")
        await it.mode_is("NORMAL")
        await it.type("0wdaw")
        await it.composer_is("hello world")
        await it.type("u")
        await it.composer_is("hello wrong world")
        await it.press("ctrl+r")
        await it.composer_is("hello world")
        await it.type("0vw")
        await it.mode_is("VISUAL")
        await it.press("escape")
        await it.mode_is("NORMAL")
        await it.type('0vw"ad')
        await it.composer_is("orld")
        await it.type('"aP')
        await it.composer_is("hello world")
        await it.type("A!")
        await it.mode_is("INSERT")
        await it.press("escape", "enter")
        await it.conversation_has("hello world!", "hello world!")
        await it.mode_is("INSERT")


async def test_keys_that_are_not_vim_s_stay_what_they_are(paths: Paths) -> None:
    configure(paths, VIM)
    async with in_process(paths) as it:
        await it.ask("first words")
        await it.press("escape")
        await it.mode_is("NORMAL")
        await it.press("up")
        await it.composer_is("first words")
        await it.type("3")
        await it.status_shows("NORMAL 3")
        await it.press("escape")
        await it.press("tab")
        await it.mode_is("MESSAGES")
        await it.press("z")
        await it.mode_is("INSERT")
        await it.composer_is("first wordzs")


async def test_the_setting_is_taken_up_while_it_runs(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.mode_is("WRITE")
        configure(paths, VIM)
        await it.mode_is("INSERT")
