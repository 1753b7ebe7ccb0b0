"""The tree of a conversation, by key, by slash command and in its own screen; nothing is ever overwritten."""

from __future__ import annotations

import pytest
from textual import events

from routerterm.config.paths import Paths
from routerterm.tui.app import RoutertermApp
from routerterm.tui.chat.entries import SUMMED_UP
from routerterm.tui.screens.tree import TreeScreen
from tests.tui.chat.program import answered, configure, running, say, screen_text, shown, until


def on_top(app: RoutertermApp) -> str:
    return type(app.screen).__name__


def troubles(app: RoutertermApp) -> str:
    """All that is said beneath messages."""
    return "\n".join(slot.entry.trouble for slot in app.chat.transcript.shelf.slots)


async def ended(app: RoutertermApp) -> str:
    page = await app.chat.stage.session.page(1)
    return page.messages[-1].status


async def previews(app: RoutertermApp) -> list[str]:
    return sorted(branch.node.preview for branch in await app.chat.stage.session.tree())


async def test_the_same_prompt_goes_to_another_model_and_both_answers_stay(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "hello there")
        await answered(app, pilot)
        first = shown(app)[1]
        await say(pilot, "/other demo/markdown")
        await until(pilot, lambda: not app.chat.turns.any and shown(app)[1:2] not in ([], [first]))
        await until(pilot, lambda: app.chat.transcript.shelf.slots[1].entry.header.siblings == "2/2")
        second = shown(app)[1]
        await say(pilot, "/previous")
        await until(pilot, lambda: shown(app)[1] == first)
        await say(pilot, "/following")
        await until(pilot, lambda: shown(app)[1] == second)


async def test_the_transcripts_keys_walk_fork_undo_and_redo(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        for text in ("one", "two"):
            await say(pilot, text)
            await answered(app, pilot)
        app.chat.transcript.focus()
        await pilot.press("u")
        await until(pilot, lambda: len(shown(app)) == 2)
        assert app.chat.composer.text == "two"
        app.chat.composer.put("")
        app.chat.transcript.focus()
        await pilot.press("U")
        await until(pilot, lambda: len(shown(app)) == 4)
        app.chat.transcript.focus()
        await pilot.press("home", "f")
        await until(pilot, lambda: len(shown(app)) == 1)
        await say(pilot, "elsewhere")
        await answered(app, pilot)
        assert shown(app)[:2] == ["one", "elsewhere"]
        tree = await app.chat.stage.session.tree()
        assert {"one", "two", "elsewhere"} <= {b.node.preview for b in tree}


@pytest.mark.parametrize("size", [(120, 40), (45, 20)])
async def test_the_tree_shows_every_branch_and_jumps_to_it(paths: Paths, size: tuple[int, int]) -> None:
    configure(paths)
    async with running(paths, size) as (app, pilot):
        for text in ("begin", "left"):
            await say(pilot, text)
            await answered(app, pilot)
        await say(pilot, "/edit")
        await until(pilot, lambda: app.chat.composer.text == "left")
        app.chat.composer.put("right")
        await pilot.press("enter")
        await until(pilot, lambda: "right" in shown(app) and not app.chat.turns.any)
        await pilot.press("alt+t")
        await until(pilot, lambda: on_top(app) == "TreeScreen")
        assert isinstance(app.screen, TreeScreen)
        await until(pilot, lambda: "2/2 you  right" in screen_text(app))
        assert "1/2 you  left" in screen_text(app)
        assert "2 branches" in screen_text(app)
        await pilot.press("a")  # every message
        await until(pilot, lambda: "answer" in screen_text(app))
        await pilot.press("a", "up", "enter")
        await until(pilot, lambda: on_top(app) == "ChatScreen" and "left" in shown(app))
        assert "right" not in shown(app)
        app.chat.composer.focus()
        await say(pilot, "/tree")
        await until(pilot, lambda: on_top(app) == "TreeScreen")
        await pilot.press("home", "c")  # the branch down to the first message becomes a conversation of its own
        await until(pilot, lambda: on_top(app) == "ChatScreen" and shown(app) == ["begin"])
        assert await previews(app) == ["begin"]


async def test_alt_keys_are_no_letters_in_the_composer(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "hello")
        await answered(app, pilot)
        app.post_message(events.Key("alt+t", "t"))  # as a real terminal sends it, with the letter
        await until(pilot, lambda: on_top(app) == "TreeScreen")
        assert app.chat.composer.text == ""


async def test_a_message_that_is_kept_says_so_and_is_always_sent(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "remember this")
        await answered(app, pilot)
        app.chat.transcript.focus()
        await pilot.press("home", "p")
        await until(pilot, lambda: "always sent" in screen_text(app))
        assert app.services is not None
        head = app.chat.stage.session.head
        assert head is not None
        assert [m.text for m in await app.services.store.messages.pinned(head)] == ["remember this"]
        await pilot.press("p")
        await until(pilot, lambda: "always sent" not in screen_text(app))


async def test_what_did_not_fit_is_said_in_the_transcript_and_can_be_summed_up(paths: Paths) -> None:
    configure(paths, '[models."demo/echo"]\ncontext = 1200\n')
    async with running(paths, (120, 50)) as (app, pilot):
        for n in range(3):
            app.chat.composer.put(f"{n} " + "word " * 40)
            await pilot.press("enter")
            await answered(app, pilot)
            assert await ended(app) == "done"
        await until(pilot, lambda: "stayed behind" in troubles(app))
        assert app.services is not None
        await say(pilot, "/summary demo/echo")
        await until(pilot, lambda: SUMMED_UP in troubles(app))
        rows = await app.services.store.reader.read(
            lambda connection: connection.execute("SELECT client, outcome FROM attempt").fetchall()
        )
        assert "summary" in {row["client"] for row in rows}, "its cost is not in the ledger"
        await say(pilot, "/summary off")
        await until(pilot, lambda: SUMMED_UP not in troubles(app))


async def test_the_menu_of_a_message_does_what_is_chosen(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "hello")
        await answered(app, pilot)
        app.chat.transcript.focus()
        await pilot.press("m")
        await until(pilot, lambda: on_top(app) == "Picker" and "Edit and resend" in screen_text(app))
        await pilot.press(*"undo the", "enter")
        await until(pilot, lambda: shown(app) == [] and app.chat.composer.text == "hello")
        await pilot.press("escape")
