"""A single letter never spends money: every printable key, in every place, several times over, and nothing is asked."""

from __future__ import annotations

import os
from string import digits, printable, punctuation

import pytest

from routerterm.config.paths import Paths
from routerterm.tui.transcript.widget import Transcript
from routerterm.tui.widgets.conversations import ConversationList
from tests.driver import Driver, HeadlessDriver, in_process
from tests.driver.homes import PRICED, lived_in, priced
from tests.driver.provider import Answer, serving

KEYS = "".join(sorted(set(printable) - set("\t\n\r\x0b\x0c")))
LONG = bool(os.environ.get("ROUTERTERM_LONG"))
BOUND = {key for actions in (Transcript.ACTIONS, ConversationList.ACTIONS)
         for action in actions for key in action.keys.split(",") if len(key) == 1}  # fmt: skip
PRESSED = KEYS if LONG else "".join(sorted(BOUND | set("x1 /[]")))
"""All of them take minutes in each place: without ROUTERTERM_LONG those that do something, and a few that do not."""
TIMES = 20 if LONG else 4
"""How often one after the other: a second press must not confirm what the first one offered."""
QUESTION = "what does a letter cost"
TITLE = "What does a letter cost"


def test_every_printable_key_is_pressed() -> None:
    assert set(digits + punctuation + " ") < set(KEYS)
    assert len(KEYS) == 95
    assert set("rRe") < set(PRESSED) <= set(KEYS)


async def back(it: Driver, place: str) -> None:
    """Out of whatever a key has opened, nothing written, the conversation open, the keys in this place."""
    await it.leave()
    if it.composer:
        await it.press("escape")
        await it.go_to("composer")
        await it.clear()
    if place == "messages" and it.title != TITLE:
        await it.open_chat(TITLE)
    await it.go_to(place)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("place", ["messages", "composer", "chats"])
async def test_no_printable_key_spends(paths: Paths, place: str) -> None:
    with serving(Answer("It costs nothing.", tokens=(1000, 1000))) as provider:
        await lived_in(paths, priced(provider), PRICED, conversations=30)
        async with in_process(paths, (100, 30)) as it:
            await it.ask(QUESTION)
            before = it.history.ledger("cost_nanousd IS NULL OR cost_nanousd > 0")
            assert len(provider.asked) == 1, "the composer's own Enter is the one that spends"
            for key in PRESSED:
                await back(it, place)
                await it.burst(key * TIMES)
            await back(it, "composer")
            assert len(provider.asked) == 1
            assert it.history.ledger("cost_nanousd IS NULL OR cost_nanousd > 0") == before


async def test_a_letter_says_what_it_would_cost_and_enter_confirms(paths: Paths) -> None:
    with serving(Answer("It costs nothing.", tokens=(1000, 1000))) as provider:
        await lived_in(paths, priced(provider), PRICED)
        async with in_process(paths, (100, 30)) as it:
            await it.ask(QUESTION)
            await it.status_shows(" 6%")  # 2,000 of 32,000 tokens by the provider's own count: no estimate
            await offered(it)
            await it.press("escape")
            await it.sees(lambda seen: "confirms" not in seen.status)
            assert len(provider.asked) == 1
            await offered(it)
            await it.press("enter")
            await it.until(lambda: len(provider.asked) == 2)
            await it.rests()
            assert it.history.branch()[-1].siblings == 2


async def test_a_stopped_answer_is_counted_at_once(paths: Paths) -> None:
    with serving(Answer("one word after the other " * 40, pause=0.05)) as provider:
        await lived_in(paths, priced(provider), PRICED)
        async with in_process(paths, (100, 30)) as it:
            await it.status_shows("today $0")
            await it.say(QUESTION)
            await it.screen_shows("one word after")
            await it.press("escape")
            await it.screen_shows("stopped by you")
            await it.sees(lambda seen: "today $0." in seen.status)


async def offered(it: HeadlessDriver) -> None:
    """The last answer is to be asked again; what that costs is in the status row."""
    await it.go_to("messages")
    await it.press("end", "r")
    seen = await it.sees(lambda seen: "confirms" in seen.status)
    assert "$" in seen.status
    assert "Enter" in seen.status
