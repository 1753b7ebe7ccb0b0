"""Every key that README or F1 names does what is said of it: pressed, and then seen."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from routerterm.config.paths import Paths
from routerterm.tui.actions import Action
from routerterm.tui.transcript.widget import Transcript
from routerterm.tui.widgets.composer import Composer
from routerterm.tui.widgets.conversations import ConversationList
from tests.driver import HeadlessDriver, Picture, in_process
from tests.driver.homes import lived_in

README = Path(__file__).resolve().parents[2] / "README.md"
ROWS = "\n".join(f"row {n}" for n in range(30))
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
TITLE = "Two rows"
DELETED = "deleted_at IS NOT NULL"
Seen = Callable[[HeadlessDriver, Picture], object]
"""Whether what a key promises is seen; the picture is the one before it was pressed."""


def titled(words: str) -> Seen:
    return lambda it, _: any(words in title for title in it.picture().titles)


def focuses(place: str) -> Seen:
    return lambda it, _: it.focus() == place


def says(words: str) -> Seen:
    return lambda it, _: it.picture().shows(words)


def moves(it: HeadlessDriver, before: Picture) -> bool:
    return (it.picture().rows, it.picture().looks) != (before.rows, before.looks)


def opens(it: HeadlessDriver, _: Picture) -> bool:
    return not it.in_chat


PLACES: dict[str, tuple[Action, ...]] = {
    "composer": Composer.ACTIONS,
    "messages": Transcript.ACTIONS,
    "chats": ConversationList.ACTIONS,
}
NAMED_BY_HELP: dict[str, dict[str, Seen]] = {
    "composer": {
        "submit": lambda it, _: it.history.branch()[-2].text == "ab",
        "newline": lambda it, _: it.composer == "ab\n",
        "cursor_up": lambda it, before: it.composer != before.composer,
        "cursor_down": lambda it, _: not it.composer,
        "screen.place(1)": focuses("messages"),
        "screen.place(-1)": focuses("chats"),
        "scroll_talk('page_up')": moves,
        "scroll_talk('page_down')": lambda it, _: it.focus() == "composer",
        "scroll_talk('start')": moves,
        "scroll_talk('end')": lambda it, _: it.focus() == "composer",
    },
    "messages": {
        "ask('menu')": titled("This message"),
        "copy": lambda it, _: it.app.clipboard.startswith("```"),
        "copy_code": lambda it, _: it.app.clipboard.strip() == "code",
        "ask('edit')": lambda it, _: it.composer or not it.in_chat,
        "ask('regenerate')": lambda it, _: it.history.branch()[-1].siblings > 1,
        "ask('regenerate_with')": titled("Ask again with"),
        "ask('fork')": says("The conversation ends here"),  # as it does at the last message
        "ask('why')": opens,
        "ask('find')": opens,
        "screen.place(1)": focuses("chats"),
        "screen.place(-1)": focuses("composer"),
        "leave": focuses("composer"),
        "leap(-1)": moves,
        "step(-1)": moves,
        "stretch(-1)": moves,
        "mark": moves,
        "page(-1)": moves,
        "start": moves,
    },
    "chats": {
        "choose": lambda it, _: it.focus() == "composer" and it.title != TITLE,
        "ask('rename')": titled("Rename"),
        "ask('pin')": moves,
        "ask('tag')": titled("Tags"),
        "ask('archive')": lambda it, _: it.history.conversations("archived"),
        "ask('delete')": lambda it, before: it.picture().chats != before.chats and it.history.conversations(DELETED),
        "filter": moves,
        "move(-1)": moves,
        "page(-1)": moves,
        "move(-1000000)": moves,
        "screen.place(1)": focuses("composer"),
        "screen.place(-1)": focuses("messages"),
        "leave": focuses("composer"),
    },
}
AFTER: dict[str, dict[str, tuple[tuple[str, ...], str, Seen]]] = {
    "messages": {
        "leap(1)": (("home",), "", moves),
        "step(1)": (("home",), "", moves),
        "stretch(1)": (("home",), "", moves),
        "page(1)": (("home",), "", moves),
        "to_end": (("home",), "", moves),
        "find(-1)": (("slash", *"two", "enter"), "2 of 2 match", says("Message 1 of 2 match")),
        "find(1)": (("slash", *"two", "enter", "n"), "1 of 2 match", says("Message 2 of 2 match")),
    },
    "chats": {
        "move(1)": (("home",), "", moves),
        "page(1)": (("home",), "", moves),
        "move(1000000)": (("home",), "", moves),
    },
}
"""Keys that do something once others were pressed, and what is seen of those."""


def versions(place: int) -> Seen:
    return lambda it, _: it.picture().shows(f"{place}/2")


async def stopped(it: HeadlessDriver) -> None:
    """An answer that was stopped in the middle."""
    await it.say("/model demo/slow")
    await it.top_shows("demo/slow")
    await it.say("tell me")
    await it.screen_shows("Good things")
    await it.press("escape")
    await it.rests()
    await it.screen_shows("o continues it")


async def asked_twice(it: HeadlessDriver) -> None:
    """An answer with two versions, the second on show."""
    await it.ask("tell me")
    await it.go_to("messages")
    await it.press("end", "r")
    await it.screen_shows("2/2")
    await it.rests()


async def back_at_the_first(it: HeadlessDriver) -> None:
    """The same, the first on show."""
    await asked_twice(it)
    await it.press("left_square_bracket")
    await it.screen_shows("1/2")


async def with_an_image(it: HeadlessDriver) -> None:
    """An image in the last question."""
    dot = it.paths.config_file.parent / "dot.png"
    dot.write_bytes(PNG)
    await it.say(f"/attach {dot}")
    await it.screen_shows("dot.png")
    await it.ask("what is it")


async def thoughtful(it: HeadlessDriver) -> None:
    """An answer with reasoning."""
    await it.say("/model demo/reasoning")
    await it.top_shows("demo/reasoning")
    await it.ask("what weather")


IN_TALKS: dict[str, tuple[Callable[[HeadlessDriver], Awaitable[None]], Seen]] = {
    "ask('continue')": (stopped, versions(2)),
    "ask('previous')": (asked_twice, versions(1)),
    "ask('next')": (back_at_the_first, versions(2)),
    "ask('leave_out')": (with_an_image, says("image left out")),
    "fold": (thoughtful, moves),
}
"""Keys among the messages that need a conversation of another kind, and what makes it."""

TEXTUAL = {"Esc": "escape", "PgUp": "pageup", "PgDn": "pagedown"}
NAMED_BY_README: dict[str, Seen] = {
    "PgUp": moves,
    "PgDn": moves,
    "Up": lambda it, before: it.composer != before.composer,
    "Down": lambda it, _: not it.composer,
    "Alt+Down": lambda it, before: it.title != before.title,
    "Alt+Up": lambda it, before: it.title != before.title,
    "Alt+O": titled("Switch conversation"),
    "Tab": lambda it, _: it.focus() == "messages",
    "Esc": focuses("composer"),
    "Ctrl+J": lambda it, _: it.composer == "\n",
    "F1": titled("Help"),
    "F3": titled("Model"),
    "F4": titled("STATS"),
    "F5": titled("Find in all"),
    "F6": titled("KEYS"),
    "F7": titled("ROUTES"),
    "F8": titled("Theme"),
    "Ctrl+P": opens,
    "Ctrl+X": opens,
    "F2": lambda it, _: not it.title,
    "F10": lambda it, _: it.app._exit,
    "Ctrl+Q": lambda it, _: it.app._exit,
}
"""In an order in which each has something to do."""


def keys_of_readme() -> set[str]:
    """The keys that the README prints in bold."""
    bold = re.findall(r"\*\*([^*\n]+)\*\*", README.read_text())
    return {key for key in bold if re.fullmatch(r"F\d+|Esc|((Ctrl|Alt|Shift)\+)?(\w|Up|Down)|Tab|Enter|PgUp|PgDn", key)}


def letters_of_readme() -> set[str]:
    """The letters that the README says work on a message."""
    found = re.search(r"^.*`y` copies.*?\n\n", README.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return set(re.findall(r"`(.)`", found[0]))


def test_every_key_that_is_named_is_in_the_tables() -> None:
    for place, actions in PLACES.items():
        seen = {*NAMED_BY_HELP[place], *AFTER.get(place, {}), *(IN_TALKS if place == "messages" else ())}
        assert {action.method for action in actions} == seen, place
    assert keys_of_readme() == set(NAMED_BY_README)
    bound = {key.replace("left_square_bracket", "[").replace("right_square_bracket", "]")
             for action in Transcript.ACTIONS for key in action.keys.split(",")}  # fmt: skip
    assert letters_of_readme() <= bound


async def begin(it: HeadlessDriver, place: str) -> None:
    """The long conversation is open; the keys are in this place."""
    await it.leave()
    await it.press("escape")
    await it.go_to("composer")
    await it.clear()
    if it.title != TITLE:
        await it.open_chat(TITLE)
    await it.go_to(place)
    if place != "composer":  # the place where one read is kept: each key begins at the end
        await it.press("end")
    await it.breathe()


async def long_talk(it: HeadlessDriver) -> None:
    """A conversation that is longer than the screen is open."""
    for text in (f"Two rows\n{ROWS}", "```\ncode\n```"):
        before = it.history.count()
        await it.paste(text)
        await it.press("enter")
        await it.until(lambda before=before: it.history.count() == before + 2)
        await it.rests()
    await it.until(lambda: it.title)
    await it.say(f"/rename {TITLE}")
    await it.top_shows(TITLE)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", list(PLACES))
async def test_every_key_of_help_does_what_it_says(paths: Paths, place: str) -> None:
    await lived_in(paths)
    async with in_process(paths, (110, 24)) as it:
        await long_talk(it)
        for action in PLACES[place]:
            first, shown, seen = AFTER.get(place, {}).get(
                action.method, ((), "", NAMED_BY_HELP[place].get(action.method))
            )
            for key in action.keys.split(",") if seen is not None else ():
                await begin(it, place)
                await it.press(*first)
                await it.screen_shows(shown)
                if action.method in ("submit", "newline"):
                    await it.type("ab")
                if action.method == "cursor_down":
                    await it.press("up")
                before = it.picture()
                await it.press(key)
                await it.until(lambda seen=seen, before=before: seen(it, before), f"{key} in {place}: {action.label}")


@pytest.mark.slow
@pytest.mark.parametrize("method", list(IN_TALKS))
async def test_every_key_of_help_for_other_messages_does_what_it_says(paths: Paths, method: str) -> None:
    prepare, seen = IN_TALKS[method]
    (action,) = (action for action in Transcript.ACTIONS if action.method == method)
    await lived_in(paths)
    async with in_process(paths, (110, 24)) as it:
        await prepare(it)
        await it.go_to("messages")
        await it.press("end")
        await it.breathe()
        before = it.picture()
        await it.press(action.first_key)
        await it.until(lambda: seen(it, before), f"{action.first_key}: {action.label}")
        await it.rests()


@pytest.mark.slow
async def test_every_key_of_the_readme_does_what_it_says(paths: Paths) -> None:
    await lived_in(paths)
    async with in_process(paths, (110, 24)) as it:
        await long_talk(it)
        for key, seen in NAMED_BY_README.items():
            await it.leave()
            if key != "Esc":
                await it.go_to("composer")
            before = it.picture()
            await it.press(TEXTUAL.get(key, key.lower()))
            await it.until(lambda seen=seen, before=before: seen(it, before), f"{key} did not do what is said")
            if key == "F10":
                break
    async with in_process(paths, (110, 24)) as it:
        await it.press("ctrl+q")
        await it.ended()
