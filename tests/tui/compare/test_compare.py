"""Several models answer one question side by side; one goes on as the branch, the others stay beside it."""

from __future__ import annotations

import pytest

from routerterm.config.paths import Paths
from tests.driver import Driver, in_process
from tests.driver.homes import configure


def comparing(it: Driver) -> bool:
    return it.picture().top.strip("┌┐─ ").startswith("COMPARE")


def texts(it: Driver) -> list[str]:
    return [message.text for message in it.history.branch()]


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (45, 20)])
async def test_two_answers_stream_and_one_goes_on(paths: Paths, size: tuple[int, int]) -> None:
    configure(paths)
    async with in_process(paths, size) as it:
        await it.say("/compare demo/echo demo/table")
        await it.until(lambda: it.model == "demo/echo | demo/table")
        await it.say("which is better")
        await it.until(lambda: comparing(it))
        await it.until(
            lambda: all(words in it.picture().text for words in (" Leave", "tok/s", "$0"))
        )  # both have ended
        await it.press("2")
        await it.chat_is_open()
        await it.until(lambda: len(texts(it)) == 2)
        assert texts(it)[0] == "which is better"
        assert "|" in texts(it)[1]
        assert it.model == "demo/table"
        assert len(it.history.texts(role="assistant")) == 2
        assert it.history.branch()[-1].siblings == 2
        await it.say("go on")
        await it.until(lambda: len(texts(it)) == 4 and not it.busy)


async def test_the_last_question_is_asked_again_of_all(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("first")
        await it.answered()
        await it.say("/compare demo/echo demo/table")
        await it.until(lambda: "|" in it.model)
        await it.press("enter")
        await it.until(lambda: comparing(it))
        await it.until(lambda: " Leave" in it.picture().text)
        await it.press("1")
        await it.chat_is_open()
        assert it.history.branch()[-1].siblings == 3
        assert texts(it)[0] == "first"


async def test_one_that_fails_does_not_take_the_others_with_it(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, (120, 40)) as it:
        await it.say("/compare demo/down demo/echo openai/gpt-4o")
        await it.until(lambda: "|" in it.model)
        await it.say("still there")
        await it.until(lambda: comparing(it) and " Leave" in it.picture().text)
        await it.until(lambda: all(words in it.picture().text.lower() for words in ("failed", "no key", "still there")))
        await it.press("1")  # it has said nothing: nothing happens
        await it.breathe()
        assert comparing(it)
        await it.press("2")
        await it.chat_is_open()
        await it.until(lambda: len(texts(it)) == 2)


async def test_escape_stops_then_leaves_and_nothing_is_lost(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, (120, 40)) as it:
        await it.say("/compare demo/slow demo/table")
        await it.until(lambda: "|" in it.model)
        await it.say("hurry")
        await it.until(lambda: comparing(it) and len(it.history.texts(role="assistant")) == 2)  # both have begun
        await it.press("escape")
        await it.until(lambda: "stopped" in it.picture().text)
        await it.press("escape")
        await it.chat_is_open()
        question, answer = it.history.branch()
        assert (question.role, answer.role, answer.siblings) == ("user", "assistant", 2)
        assert answer.status != "streaming"


async def test_leaving_the_program_meanwhile_keeps_everything(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, (120, 40)) as it:
        await it.say("/compare demo/slow demo/markdown")
        await it.until(lambda: "|" in it.model)
        await it.say("bye")
        await it.until(lambda: comparing(it) and "demonstration" in it.picture().text)
        await it.press("ctrl+q")
        await it.ended()
    answers = it.history.rows("SELECT status FROM message WHERE role = 'assistant'")
    assert [answer["status"] for answer in answers] == ["stopped", "stopped"]


@pytest.mark.parametrize(
    ("words", "said"), [("demo/echo", "Compare two to 4"), ("demo/echo nonsense", "neither a model")]
)
async def test_what_cannot_be_compared_is_said(paths: Paths, words: str, said: str) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say(f"/compare {words}")
        await it.screen_shows(said)
        assert "|" not in it.model


async def test_models_are_picked_one_after_the_other(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("/compare")
        await it.until(lambda: not it.in_chat)
        for name in ("demo/echo", "demo/table"):
            await it.until(lambda: not it.in_chat and "demo/echo" in it.picture().text)
            await it.press(*name.replace("/", ""), "enter")
            await it.breathe()
        await it.until(lambda: "no more" in it.picture().text)
        await it.press("escape")
        await it.until(lambda: it.model == "demo/echo | demo/table")
        await it.press("escape")
        await it.until(lambda: "|" not in it.model)


async def test_the_mouse_alone_goes_on_with_one(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, (120, 40)) as it:
        await it.say("/compare demo/echo demo/table")
        await it.until(lambda: "|" in it.model)
        await it.say("click")
        await it.until(lambda: comparing(it) and " Leave" in it.picture().text)  # both have ended
        await it.screen_shows("tok/s")  # no notice of what was before lies over the figures
        (foot,) = [row for row in it.picture().rows if "tok/s" in row]
        assert foot.count("Continue with it") == 2, "each answer offers itself"
        x, y = it.picture().rows[-2].index("1–2"), len(it.picture().rows) - 2
        await it.click_at(foot.rindex("Continue with it"), it.picture().rows.index(foot))
        await it.until(lambda: it.in_chat and it.model == "demo/table")
        await it.say("/compare demo/echo demo/table")
        await it.until(lambda: "|" in it.model)
        await it.press("enter")
        await it.until(lambda: comparing(it) and " Leave" in it.picture().text)
        await it.click_at(x, y)  # the key bar's own words: the answer that has the keys
        await it.until(lambda: it.in_chat and it.model == "demo/echo")
