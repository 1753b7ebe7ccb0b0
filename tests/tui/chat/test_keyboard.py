"""What hands rely on: three places for the keyboard, keys that scroll and lead, and no letter that spends money."""

from __future__ import annotations

import string

import pytest

from routerterm.config.paths import Paths
from tests.driver import HeadlessDriver, in_process
from tests.driver.homes import PRICED, configure, lived_in, priced
from tests.driver.provider import Answer, serving

SIGNS = "!$%&/()=?+*#'-_.:,;<>[]{}@~^"


async def test_an_answer_that_turns_out_to_be_thinking_is_drawn_again_at_once(paths: Paths) -> None:
    said = "Musing upon it. </think> The answer " + "goes on " * 40
    with serving(Answer(said, pause=0.1)) as provider:
        configure(paths, priced(provider), default=PRICED)
        async with in_process(paths) as it:
            await it.type("hello")
            await it.press("enter")
            await it.until(lambda: "Musing upon" in it.picture().text)
            await it.until(lambda: "The answer goes on" in it.picture().text)
            assert "Musing upon it. The answer" not in it.picture().text
            assert "Musing" not in it.picture().text
            await it.press("escape")


async def test_tab_leads_through_the_places_and_escape_back(paths: Paths) -> None:
    await lived_in(paths)
    async with in_process(paths, (110, 30)) as it:
        await it.mode_is("WRITE")
        await it.ask("an otter question")
        for mode, place, chip in (
            ("MESSAGES", "messages", "Copy"),
            ("CHATS", "chats", "Rename"),
            ("WRITE", "composer", "Send"),
        ):
            await it.press("tab")
            await it.mode_is(mode)
            await it.focus_is(place)
            await it.keys_show(chip)
        await it.press("shift+tab")
        await it.mode_is("CHATS")
        await it.press("escape")
        await it.mode_is("WRITE")


async def test_an_empty_conversation_has_no_messages_to_go_to(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.press("tab")
        await it.mode_is("CHATS")


async def test_the_list_opens_for_the_keyboard_on_a_narrow_screen_and_closes_after_it(paths: Paths) -> None:
    await lived_in(paths)
    async with in_process(paths, (60, 24)) as it:
        await it.ask("an otter question")
        await it.press("tab", "tab")
        await it.focus_is("chats")
        await it.screen_shows("Today")
        await it.press("tab")
        await it.focus_is("composer")
        await it.screen_lacks("Today")


async def test_letters_that_are_no_command_are_written_whole(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.ask("first")
        await it.press("tab")
        await it.mode_is("MESSAGES")
        await it.burst("zebra crossing")
        await it.composer_is("zebra crossing")
        await it.mode_is("WRITE")
        await it.clear()
        await it.press("tab")
        await it.paste("yes, pasted")
        await it.composer_is("yes, pasted")


async def test_the_mouse_leaves_the_keyboard_where_it_was(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.ask("a walrus")
        await it.drag("walrus", "walrus")
        await it.press("r", "e")
        await it.composer_is("re")
        await it.mode_is("WRITE")


async def test_pages_scroll_while_one_writes(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, (80, 24)) as it:
        await it.paste("\n".join(f"mark{n:02}" for n in range(60)))
        await it.press("enter")
        await it.answered()
        await it.press(*"draft")
        await it.press("ctrl+home")
        await it.screen_shows("mark10")
        await it.press("pagedown")
        await it.screen_lacks("mark10")
        await it.press("pageup")
        await it.screen_shows("mark10")
        await it.press("ctrl+end")
        await it.screen_lacks("mark10")
        await it.composer_is("draft")


async def test_an_edited_recall_is_kept_and_can_be_undone(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.ask("older")
        await it.ask("newer")
        await it.press(*"draft", "up")
        await it.composer_is("newer")
        await it.press(*"!")
        await it.press("up")
        await it.composer_is("older")
        await it.press("down")
        await it.composer_is("newer!")
        await it.press("down")
        await it.composer_is("draft")
        await it.press("up", "ctrl+z")
        await it.composer_is("draft")


async def test_alt_up_and_down_open_the_conversations_in_their_order(paths: Paths) -> None:
    await lived_in(paths, conversations=3)
    async with in_process(paths, (120, 30)) as it:
        titles = [chat.title for chat in it.history.conversations()]
        await it.press("alt+down")
        await it.top_shows(titles[0][:20])
        await it.press("ctrl+pagedown")
        await it.top_shows(titles[1][:20])
        await it.press("alt+up")
        await it.top_shows(titles[0][:20])


async def test_a_word_typed_in_the_list_finds_a_conversation(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, (120, 30)) as it:
        await it.ask("about badgers")
        await it.press("f2")
        await it.ask("about walruses")
        await it.press("tab", "tab")
        await it.focus_is("chats")
        await it.burst("badg")
        await it.screen_shows("/badg")
        await it.press("enter")
        await it.top_shows("About badgers")
        await it.mode_is("WRITE")


@pytest.mark.parametrize("enters", [2, 5])
async def test_enter_sends_what_was_written_once(paths: Paths, enters: int) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.press(*"hello")
        await it.burst("\r" * enters)
        await it.answered()
        await it.conversation_has("hello", it.history.branch()[-1].text)
        assert len(it.history.branch()) == 2


async def test_what_is_typed_and_sent_before_all_is_ready_is_done(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, ready=False) as it:
        await it.burst("early")
        await it.press("enter")
        await it.burst("/temp 0.5")
        await it.press("enter")
        await it.answered()
        await it.status_shows("temp 0.5")
        assert it.history.branch()[0].text == "early"


async def left(it: HeadlessDriver) -> None:
    """Escape until the composer has the keys: what a key opens may need a moment, and come behind the first ones."""
    await it.leave(lambda: it.focus() == "composer")


@pytest.mark.parametrize("place", ["messages", "chats"])
@pytest.mark.parametrize("keys", [string.ascii_lowercase, string.ascii_uppercase, string.digits + SIGNS])
async def test_no_key_spends_money_without_a_confirmation(paths: Paths, place: str, keys: str) -> None:
    """Every printable key, in every place, after a priced answer: the ledger stays as it was."""
    with serving(Answer("A dear answer.")) as provider:
        configure(paths, priced(provider), default=PRICED)
        async with in_process(paths, (120, 36)) as it:
            await it.ask("first")
            asked = 1
            for key in keys:
                await left(it)
                if not it.title:  # the key before has deleted it
                    await it.ask("again")
                    asked += 1
                await it.go_to(place)
                await it.press(key, "escape", "escape", "escape")
                await left(it)
                await it.focus_is("composer")
                await it.clear()
            await it.rests()
            assert len(provider.asked) == asked


async def test_asking_again_says_its_cost_and_goes_at_enter(paths: Paths) -> None:
    with serving(Answer("A dear answer.")) as provider:
        configure(paths, priced(provider), default=PRICED)
        async with in_process(paths, (120, 30)) as it:
            await it.ask("first")
            await it.press("tab", "r")
            await it.status_shows("Ask again")
            await it.status_shows("$")
            await it.press("escape")
            await it.mode_is("MESSAGES")
            assert len(provider.asked) == 1
            await it.press("r")
            await it.status_shows("Ask again")
            await it.press("enter")
            await it.until(lambda: len(provider.asked) == 2)


async def test_an_answer_that_was_stopped_is_continued_at_a_seam(paths: Paths) -> None:
    with serving(Answer("one two three four five six seven", pause=0.2), Answer("eight nine")) as provider:
        configure(paths, priced(provider), default=PRICED)
        async with in_process(paths, (120, 30)) as it:
            await it.say("count")
            await it.screen_shows("two")
            await it.press("escape")
            await it.rests()
            begun = it.history.branch()[-1].text
            await it.press("tab", "o")
            await it.status_shows("Continue")
            await it.press("enter")
            await it.until(lambda: len(provider.asked) == 2)
            await it.screen_shows("eight nine")
            await it.rests()
            kept = it.history.branch()[-1]
            assert kept.text.strip() == f"{begun}eight nine"
            assert kept.siblings == 2


async def test_an_edited_answer_is_a_version_that_the_model_sees_as_its_own(paths: Paths) -> None:
    with serving(Answer("The capital is Sydney.")) as provider:
        configure(paths, priced(provider), default=PRICED)
        async with in_process(paths, (120, 30)) as it:
            await it.ask("which is it?")
            await it.press(*"draft")
            await it.screen_shows("% of context")
            await it.press("tab", "e")
            await it.status_shows("editing the answer")
            await it.keys_show("Enter  Save")
            await it.screen_lacks("% of context")  # nothing is sent
            await it.clear()
            await it.say("It is Canberra.")
            await it.screen_shows("edited")
            await it.composer_is("draft")
            await it.keys_show("Enter  Send")
            await it.clear()
            await it.ask("and now?")
            said = [(one["role"], one["content"]) for one in provider.asked[-1]["messages"]]
            assert ("assistant", "It is Canberra.") in said
            assert it.history.branch()[1].siblings == 2


async def test_an_unknown_model_is_refused_with_the_nearest_names(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, (140, 30)) as it:
        await it.say("/model anthropic/claude-haiku-4-55")
        await it.screen_shows("anthropic/claude-haiku-4-5,")
        await it.top_shows("demo/echo")


async def test_settings_that_change_on_disk_are_taken_up_or_said(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, (120, 30)) as it:
        configure(paths, "[budget]\nday = 7.0\n")
        await it.status_shows("/7")
        configure(paths, "[budget]\nday = 'lots'\n")
        await it.screen_shows("budget.day")
        await it.status_shows("/7")


async def test_quitting_in_mid_answer_keeps_it_and_the_draft(paths: Paths) -> None:
    configure(paths, default="demo/slow")
    async with in_process(paths) as it:
        await it.say("go")
        await it.until(lambda: it.history.running())
        await it.press(*"half")
        await it.press("ctrl+q")
        assert await it.ended() == 0
    chat = it.history.latest()
    assert chat is not None
    assert chat.draft == "half"
    assert not it.history.running()
