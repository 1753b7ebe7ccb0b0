"""A conversation as a person has one: send, watch, stop, edit, go back, come back."""

from __future__ import annotations

import asyncio

import pytest

from routerterm.config.paths import Paths
from tests.driver import in_process
from tests.driver.homes import configure


async def test_an_answer_is_shown_and_kept(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("hello machine")
        await it.answered()
        assert it.shown()[0] == "hello machine"
        assert "hello machine" in it.shown()[1]
        await it.composer_is("")
        assert "hello machine" in it.title.lower()
    async with in_process(paths) as it:
        await it.until(lambda: "Hello machine" in it.picture().chats)
        await it.go_to("chats")
        await it.press("enter")
        await it.until(lambda: len(it.shown()) == 2)
        assert it.shown()[0] == "hello machine"


async def test_what_is_sent_before_everything_is_ready_is_sent_then(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, ready=False) as it:
        await it.say("early")
        await it.until(lambda: len(it.shown()) == 2)
        assert it.shown()[0] == "early"


async def test_escape_stops_and_keeps_what_was_said(paths: Paths) -> None:
    configure(paths, default="demo/slow")
    async with in_process(paths) as it:
        await it.say("go")
        await it.until(lambda: len(it.history.branch()) == 2 and len(it.history.branch()[1].text.split()) > 2)
        await it.press("escape")
        await it.rests()
        said = it.shown()[1]
        assert said
        assert it.history.branch()[-1].status == "stopped"
        assert "stopped by you" in it.picture().text


async def test_what_is_queued_comes_back_on_escape(paths: Paths) -> None:
    configure(paths, default="demo/slow")
    async with in_process(paths) as it:
        await it.say("first")
        await it.until(lambda: it.busy)
        await it.say("second")
        await it.say("third")
        await it.status_shows("2 queued")
        await it.press("escape")
        await it.rests()
        await it.composer_is("second\n\nthird")


async def test_what_is_queued_is_sent_in_order(paths: Paths) -> None:
    configure(paths, default="demo/slow")
    async with in_process(paths) as it:
        await it.say("one")
        await it.until(lambda: it.busy)
        await it.say("two")
        await it.until(lambda: len(it.shown()) == 4 and not it.busy)
        assert it.shown()[0::2] == ["one", "two"]


async def test_what_is_queued_is_sent_also_when_another_conversation_is_open(paths: Paths) -> None:
    configure(paths, default="demo/slow")
    async with in_process(paths) as it:
        await it.say("one")
        await it.until(lambda: it.busy and it.open_id is not None)
        first = it.open_id
        await it.say("two")
        await it.press("f2")
        await it.until(lambda: it.open_id != first)
        await it.until(lambda: [message.status for message in it.history.branch()] == ["done"] * 4)
        assert [message.text for message in it.history.branch()[::2]] == ["one", "two"]


@pytest.mark.parametrize(("model", "word"), [("demo/flaky", "rate limited"), ("demo/cut", "cut")])
async def test_failures_that_were_survived_can_be_seen(paths: Paths, model: str, word: str) -> None:
    configure(paths, default=model)
    async with in_process(paths) as it:
        await it.say("go")
        await it.answered()
        assert word in it.picture().text
        await it.say("/why")
        await it.screen_shows("What happened", word)
        await it.press("escape")


async def test_a_failure_says_what_to_do_and_keeps_the_question(paths: Paths) -> None:
    configure(paths, default="openai/gpt-4o")
    async with in_process(paths) as it:
        await it.say("anybody there")
        await it.answered()
        text = it.picture().text
        assert "no key for openai" in text
        assert "F6 adds one" in text
        assert it.shown()[0] == "anybody there"


async def test_editing_asks_anew_and_keeps_the_old_question(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("first try")
        await it.answered()
        await it.say("/edit")
        await it.composer_is("first try")
        await it.clear()
        await it.say("second try")
        await it.until(lambda: bool(it.shown()) and it.shown()[0] == "second try" and not it.busy)
        assert sorted(it.history.texts(role="user")) == ["first try", "second try"]
        assert "2/2" in it.picture().text


async def test_undo_gives_the_text_back_and_redo_the_turn(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("oops")
        await it.answered()
        await it.say("/undo")
        await it.until(lambda: it.shown() == [])
        await it.composer_is("oops")
        await it.clear()
        await it.say("/redo")
        await it.until(lambda: len(it.shown()) == 2)


async def test_a_cap_asks_before_anything_is_spent(paths: Paths) -> None:
    priced = '[providers.shop]\nprotocol = "openai-chat"\nbase_url = "http://127.0.0.1:9/v1"\nneeds_key = false\n'
    priced += '[models."shop/dear"]\nprice_in = 1000\nprice_out = 1000\n[budget]\nrequest = 0.01\n'
    configure(paths, priced, default="shop/dear")
    async with in_process(paths) as it:
        await it.say("how much")
        await it.dialog_is("Over budget")
        await it.screen_shows("would exceed")
        assert it.history.branch()[-1].status == "error"
        await it.press("n")
        await it.chat_is_open()
        assert not it.busy
        assert not it.history.ledger("cost_nanousd > 0")


async def test_drafts_stay_with_their_conversations(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("one")
        await it.answered()
        first = it.title
        await it.type("half a thought")
        await it.press("f2")
        await it.until(lambda: not it.title)
        await it.clear()
        await it.open_chat(first)
        await it.composer_is("half a thought")


async def test_delete_and_undelete(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("keep me")
        await it.answered()
        id = it.open_id
        await it.say("/delete")
        await it.until(lambda: it.open_id is None)
        assert it.picture().chats == ()
        await it.say("/undelete")
        await it.until(lambda: it.open_id == id)


async def test_typing_in_bursts_keeps_its_order(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.burst("hello\x7fp me")
        await it.composer_is("hellp me")


@pytest.mark.parametrize("moment", [0, 0.002, 0.02])
async def test_an_answer_that_is_stopped_at_once_says_so(paths: Paths, moment: float) -> None:
    configure(paths, default="demo/slow")
    async with in_process(paths) as it:
        await it.ask("hello")
        await it.type("and a long story")
        await it.burst("\r")
        await asyncio.sleep(moment)
        await it.press("escape")
        await it.rests()
        seen = await it.screen_shows("and a long story")
        if seen.composer != "and a long story":  # that soon, it was not even written down, and is given back
            await it.screen_shows("stopped by you")
