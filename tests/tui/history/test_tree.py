"""The tree of a conversation, by key, by slash command and in its own screen; nothing is ever overwritten."""

from __future__ import annotations

import pytest
from textual import events

from routerterm.config.paths import Paths
from routerterm.tui.chat.entries import SUMMED_UP
from tests.driver import in_process
from tests.driver.homes import configure


async def test_the_same_prompt_goes_to_another_model_and_both_answers_stay(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("hello there")
        await it.answered()
        first = it.shown()[1]
        await it.say("/other demo/markdown")
        await it.until(lambda: not it.busy and it.shown()[1:2] not in ([], [first]))
        await it.until(lambda: it.history.branch()[1].siblings == 2)
        second = it.shown()[1]
        await it.say("/previous")
        await it.until(lambda: it.shown()[1] == first)
        await it.say("/following")
        await it.until(lambda: it.shown()[1] == second)


async def test_the_transcripts_keys_walk_fork_undo_and_redo(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        for text in ("one", "two"):
            await it.say(text)
            await it.answered()
        await it.say("/undo")
        await it.until(lambda: len(it.shown()) == 2)
        await it.composer_is("two")
        await it.clear()
        await it.say("/redo")
        await it.until(lambda: len(it.shown()) == 4)
        await it.go_to("messages")
        await it.press("home", "f")
        await it.until(lambda: len(it.shown()) == 1)
        await it.say("elsewhere")
        await it.answered()
        assert it.shown()[:2] == ["one", "elsewhere"]
        assert {"one", "two", "elsewhere"} <= set(it.history.texts(role="user"))


@pytest.mark.parametrize("size", [(120, 40), (45, 20)])
async def test_the_tree_shows_every_branch_and_jumps_to_it(paths: Paths, size: tuple[int, int]) -> None:
    configure(paths)
    async with in_process(paths, size) as it:
        for text in ("begin", "left"):
            await it.say(text)
            await it.answered()
        await it.say("/edit")
        await it.composer_is("left")
        await it.clear()
        await it.say("right")
        await it.until(lambda: "right" in it.shown() and not it.busy)
        await it.press("alt+t")
        await it.until(lambda: "2/2 you  right" in it.picture().text)
        assert "1/2 you  left" in it.picture().text
        assert "2 branches" in it.picture().text
        await it.press("a")  # every message
        await it.until(lambda: "answer" in it.picture().text)
        await it.press("a", "up", "enter")
        await it.until(lambda: it.in_chat and "left" in it.shown())
        assert "right" not in it.shown()
        await it.go_to("composer")
        await it.say("/tree")
        await it.screen_shows("2 branches")
        await it.press("home", "c")  # the branch down to the first message becomes a conversation of its own
        await it.until(lambda: it.in_chat and it.shown() == ["begin"])
        await it.until(lambda: len(it.history.conversations()) == 2)
        assert it.history.texts() == ["begin"]


async def test_alt_keys_are_no_letters_in_the_composer(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("hello")
        await it.answered()
        it.app.post_message(events.Key("alt+t", "t"))  # as a real terminal sends it, with the letter
        await it.screen_shows("1 branch")
        await it.press("escape")
        await it.chat_is_open()
        await it.composer_is("")


async def test_a_message_that_is_kept_says_so_and_is_always_sent(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("remember this")
        await it.answered()
        await it.go_to("messages")
        await it.press("home", "enter", *"keep in", "enter")
        await it.until(lambda: "always sent" in it.picture().text)
        assert [message.text for message in it.history.branch() if message.pinned] == ["remember this"]
        await it.go_to("messages")
        await it.press("home", "enter", *"keep in", "enter")
        await it.until(lambda: "always sent" not in it.picture().text)


async def test_what_did_not_fit_is_said_in_the_transcript_and_can_be_summed_up(paths: Paths) -> None:
    configure(paths, '[models."demo/echo"]\ncontext = 1200\n')
    async with in_process(paths, (120, 50)) as it:
        for n in range(3):
            await it.paste(f"{n} " + "word " * 40)  # typed, each of its letters is drawn
            await it.ask("")
            assert it.history.branch()[-1].status == "done"
        await it.screen_shows("were left out")
        await it.say("/summary demo/echo")
        await it.screen_shows(SUMMED_UP)
        assert "summary" in {row["client"] for row in it.history.ledger()}, "its cost is not in the ledger"
        await it.say("/summary off")
        await it.screen_lacks(SUMMED_UP)


async def test_the_menu_of_a_message_does_what_is_chosen(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("hello")
        await it.answered()
        await it.go_to("messages")
        await it.press("enter")
        await it.dialog_is("This message")
        await it.screen_shows("Undo the last turn")
        await it.screen_lacks("as a version.")
        await it.press("down", "down")
        await it.screen_shows("as a version.")  # the whole sentence, beneath a list that has no room for it
        await it.press(*"undo the", "enter")
        await it.until(lambda: it.shown() == [] and it.composer == "hello")
        await it.press("escape")
