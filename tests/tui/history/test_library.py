"""Conversations in order: rename, pin, tag, archive, delete; by slash command, and by key on the list."""

from __future__ import annotations

from routerterm.config.paths import Paths
from tests.driver import Driver, in_process
from tests.driver.homes import configure, lived_in


def titles(it: Driver) -> list[str]:
    """The conversations of the list, headings left away."""
    headings = {"Pinned", "Today", "Yesterday"}
    return [row for row in it.picture().chats if row not in headings]


async def test_the_list_renames_pins_and_copies_what_the_cursor_is_on(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        for text in ("first talk here", "second talk here"):
            await it.press("f2")
            await it.until(lambda: not it.title)
            await it.say(text)
            await it.answered()
        opened = it.open_id
        await it.go_to("chats")
        await it.press("end", "r")
        await it.dialog_is("Rename")
        await it.press(*" again", "enter")
        await it.until(lambda: any(each.startswith("First talk her…") for each in titles(it)))  # cut by the list
        assert it.history.latest("First talk here again")
        assert it.open_id == opened, "the open conversation was changed"
        await it.go_to("chats")
        await it.press("end", "p")
        await it.until(lambda: titles(it)[0].startswith("First talk her"))
        await it.press("escape")
        await it.say("/clone")
        await it.until(lambda: len(it.history.conversations()) == 3 and len(it.shown()) == 2)


async def test_tags_are_given_shown_and_found(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("about databases")
        await it.answered()
        id = it.open_id
        await it.say("/tag work, sqlite")
        await it.until(lambda: it.history.conversations()[0].tags == ("work", "sqlite"))
        await it.press("f2")
        await it.until(lambda: not it.title)
        await it.say("/tags")
        await it.until(lambda: not it.in_chat and "sqlite" in it.picture().text)
        await it.press(*"sql", "enter")
        await it.until(lambda: "Tagged sqlite" in it.picture().text and "About databases" in it.picture().text)
        await it.press("enter")
        await it.until(lambda: it.open_id == id)
        await it.press("f2")
        await it.until(lambda: not it.title)
        await it.press("f5")
        await it.until(lambda: not it.in_chat)
        await it.type("tag:work databases")
        await it.until(lambda: "about databases" in it.picture().text)
        await it.press("escape")


async def test_the_archive_takes_out_of_the_list_and_gives_back(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("put me away")
        await it.answered()
        id = it.open_id
        await it.say("/archive")
        await it.until(lambda: it.open_id is None and titles(it) == [])
        await it.say("/archived")
        await it.until(lambda: not it.in_chat and "Put me away" in it.picture().text)
        await it.press("enter")
        await it.until(lambda: it.open_id == id)
        await it.say("/archive")
        await it.until(lambda: titles(it) == ["Put me away"])
        assert it.open_id == id


async def test_the_bin_gives_back_any_of_the_deleted_ones(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        for text in ("older one", "newer one"):
            await it.press("f2")
            await it.until(lambda: not it.title)
            await it.say(text)
            await it.answered()
            await it.go_to("chats")
            await it.press("home", "d")
            await it.until(lambda: it.open_id is None)
        await it.go_to("composer")
        await it.say("/bin")
        await it.until(lambda: not it.in_chat and "Older one" in it.picture().text)
        await it.press(*"older")
        await it.until(lambda: "Newer one" not in it.picture().text)
        await it.press("enter")
        await it.until(lambda: titles(it) == ["Older one"])


async def test_a_system_prompt_is_written_in_its_own_window(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("/system")
        await it.until(lambda: not it.in_chat)
        await it.press(*"Be brief")
        await it.press("ctrl+s")
        await it.chat_is_open()
        await it.say("hello")
        await it.answered()
        assert it.history.conversations()[0].system == "Be brief"


async def test_a_template_is_written_filled_in_and_put_into_the_composer(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("/prompts")
        await it.until(lambda: "Nothing here" in it.picture().text)
        await it.press("t")
        await it.until(lambda: not it.in_chat)
        await it.press(*"Translate", "enter")
        await it.type("Say {{what}} in {{language=French}}")
        await it.press("ctrl+s")
        await it.until(lambda: "{{what}}" in it.picture().text)
        await it.press("enter")
        await it.screen_shows("French")
        await it.press("enter")  # it must be filled in: nothing happens
        await it.press(*"hello", "enter", "enter")
        await it.composer_is("Say hello in French")
        await it.clear()
        assert it.app.services is not None
        await it.app.services.store.prompts.keep("Terse", "system", "Be terse.")
        await it.say("/prompts ters")
        await it.ask("hello")
        assert it.history.conversations()[0].system == "Be terse."


async def test_a_wide_terminal_tells_model_and_cost_of_each_chat_a_narrower_one_its_age(paths: Paths) -> None:
    await lived_in(paths)
    async with in_process(paths, (132, 40)) as it:
        await it.until(
            lambda: any("Names for a cat" in line and "$" in line for line in it.picture().text.splitlines())
        )
    async with in_process(paths, (131, 40)) as it:
        await it.screen_shows("Names for a cat")
        assert not any("Names for a cat" in line and "$" in line for line in it.picture().text.splitlines())
