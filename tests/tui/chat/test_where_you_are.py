"""What the screen says of where one is: on a new branch, and why an answer is as it is."""

from __future__ import annotations

import pytest

from routerterm.config.paths import Paths
from tests.driver import in_process
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import Answer, serving

SIZES = [(120, 40), (80, 24), (45, 20)]


@pytest.mark.parametrize("size", SIZES)
async def test_a_fork_says_that_the_next_question_starts_a_branch_and_esc_leaves_it(
    paths: Paths, size: tuple[int, int]
) -> None:
    configure(paths)
    async with in_process(paths, size) as it:
        await it.ask("alpha")
        await it.ask("bravo")
        await it.go_to("messages")
        await it.press("home", "down", "f")
        await it.status_shows("new branch, Esc leaves")
        await it.focus_is("composer")
        assert len(it.shown()) == 2
        await it.press("escape")
        await it.until(lambda: len(it.shown()) == 4)
        await it.sees(lambda seen: "new branch" not in seen.status)
        await it.go_to("messages")
        await it.press("home", "down", "f")
        await it.status_shows("new branch")
        await it.ask("charlie")
        await it.sees(lambda seen: "new branch" not in seen.status)
        assert it.shown()[0] == "alpha"
        assert it.shown()[2] == "charlie"
        assert "bravo" in it.history.texts()


async def test_at_the_end_of_a_branch_there_is_nothing_to_fork(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.ask("alpha")
        await it.go_to("messages")
        await it.press("end", "f")
        await it.screen_shows("The conversation ends here")
        assert "new branch" not in it.picture().status


async def test_a_new_branch_is_still_said_after_coming_back(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.ask("alpha")
        await it.ask("bravo")
        await it.go_to("messages")
        await it.press("home", "down", "f")
        await it.status_shows("new branch")
        await it.press("ctrl+q")
        await it.ended()
    async with in_process(paths) as it:
        await it.press("alt+down")
        await it.status_shows("new branch")


async def test_why_says_that_an_answer_was_stopped_and_that_nobody_chose_the_default(paths: Paths) -> None:
    with serving(Answer("word " * 1_000, pause=0.2)) as provider:
        configure(paths, priced(provider), PRICED)
        async with in_process(paths) as it:
            await it.say("go on for ever")
            await it.screen_shows("word word")
            await it.press("escape")
            await it.rests()
            await it.go_to("messages")
            await it.press("end", "w")
            seen = await it.dialog_is("Why")
            assert seen.shows("stopped by you")
            assert seen.shows("the default model")
            assert not seen.shows("you picked it")
