"""Conversations in order: rename, pin, tag, archive, delete; by slash command, and by key on the list."""

from __future__ import annotations

from routerterm.config.paths import Paths
from routerterm.store.values import Conversation
from routerterm.tui.app import RoutertermApp
from tests.tui.chat.program import answered, configure, running, say, screen_text, shown, until


async def stored(app: RoutertermApp, id: str | None) -> Conversation:
    assert app.services is not None
    found = await app.services.store.conversations.get(id or "")
    assert found is not None
    return found


def titles(app: RoutertermApp) -> list[str]:
    return [item.title for item in app.chat.sidebar._items]


async def test_the_list_renames_pins_and_copies_what_the_cursor_is_on(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        for text in ("first talk here", "second talk here"):
            await app.action_command("new")
            await say(pilot, text)
            await answered(app, pilot)
        opened = app.chat.stage.id
        app.chat.sidebar.focus()
        await pilot.press("end", "r")
        await until(pilot, lambda: type(app.screen).__name__ == "PromptDialog")
        await pilot.press(*" again", "enter")
        await until(pilot, lambda: "First talk here again" in titles(app))
        assert app.chat.stage.id == opened, "the open conversation was changed"
        app.chat.sidebar.focus()
        await pilot.press("end", "p")
        await until(pilot, lambda: titles(app)[0] == "First talk here again")
        await pilot.press("home", "c")
        await until(pilot, lambda: len(titles(app)) == 3 and len(shown(app)) == 2)


async def test_tags_are_given_shown_and_found(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "about databases")
        await answered(app, pilot)
        id = app.chat.stage.id
        await say(pilot, "/tag work, sqlite")
        await pilot.pause(0.2)
        assert (await stored(app, id)).tags == ("work", "sqlite")
        await app.action_command("new")
        await say(pilot, "/tags")
        await until(pilot, lambda: type(app.screen).__name__ == "Picker" and "sqlite" in screen_text(app))
        await pilot.press(*"sql", "enter")
        await until(pilot, lambda: "Tagged sqlite" in screen_text(app) and "About databases" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.chat.stage.id == id)
        await app.action_command("new")
        await pilot.press("f5")
        await until(pilot, lambda: type(app.screen).__name__ == "Picker")
        app.screen.query_one("Input").value = "tag:work databases"  # type: ignore[attr-defined]
        await until(pilot, lambda: "about databases" in screen_text(app))
        await pilot.press("escape")


async def test_the_archive_takes_out_of_the_list_and_gives_back(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "put me away")
        await answered(app, pilot)
        id = app.chat.stage.id
        await say(pilot, "/archive")
        await until(pilot, lambda: app.chat.stage.id is None and titles(app) == [])
        await say(pilot, "/archived")
        await until(pilot, lambda: type(app.screen).__name__ == "Picker" and "Put me away" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.chat.stage.id == id)
        await say(pilot, "/archive")
        await until(pilot, lambda: titles(app) == ["Put me away"])
        assert app.chat.stage.id == id


async def test_the_bin_gives_back_any_of_the_deleted_ones(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        for text in ("older one", "newer one"):
            await app.action_command("new")
            await say(pilot, text)
            await answered(app, pilot)
            app.chat.sidebar.focus()
            await pilot.press("home", "d")
            await until(pilot, lambda: app.chat.stage.id is None)
        await app.action_command("bin")
        await until(pilot, lambda: type(app.screen).__name__ == "Picker" and "Older one" in screen_text(app))
        await pilot.press(*"older")
        await until(pilot, lambda: "Newer one" not in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: titles(app) == ["Older one"])


async def test_a_system_prompt_is_written_in_its_own_window(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "/system")
        await until(pilot, lambda: type(app.screen).__name__ == "EditText")
        await pilot.press(*"Be brief")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.chat.stage.system == "Be brief")
        await say(pilot, "hello")
        await answered(app, pilot)
        assert (await stored(app, app.chat.stage.id)).system == "Be brief"


async def test_a_template_is_written_filled_in_and_put_into_the_composer(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "/prompts")
        await until(pilot, lambda: type(app.screen).__name__ == "PromptsScreen" and "Nothing here" in screen_text(app))
        await pilot.press("t")
        await until(pilot, lambda: type(app.screen).__name__ == "EditText")
        await pilot.press(*"Translate", "enter")
        app.screen.query_one("TextArea").load_text("Say {{what}} in {{language=French}}")  # type: ignore[attr-defined]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: type(app.screen).__name__ == "PromptsScreen" and "{{what}}" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: type(app.screen).__name__ == "FormDialog")
        await pilot.press("enter")  # it must be filled in: nothing happens
        await pilot.press(*"hello", "enter", "enter")
        await until(pilot, lambda: app.chat.composer.text == "Say hello in French")
        app.chat.composer.put("")
        assert app.services is not None
        await app.services.store.prompts.keep("Terse", "system", "Be terse.")
        await say(pilot, "/prompts ters")
        await until(pilot, lambda: app.chat.stage.system == "Be terse.")
