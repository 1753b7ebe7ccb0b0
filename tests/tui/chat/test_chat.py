"""A conversation as a person has one: send, watch, stop, edit, go back, come back."""

from __future__ import annotations

import pytest
from textual.events import Key

from routerterm.config.paths import Paths
from routerterm.tui.chat.turns import Asked
from tests.tui.chat.program import answered, configure, running, say, screen_text, shown, until


async def test_an_answer_is_shown_and_kept(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "hello machine")
        await answered(app, pilot)
        assert shown(app)[0] == "hello machine"
        assert "hello machine" in shown(app)[1]
        assert app.chat.composer.text == ""
        assert "hello machine" in app.chat.stage.title.lower()
    async with running(paths) as (app, pilot):
        await until(pilot, lambda: app.chat.sidebar.current is not None)
        app.chat.sidebar.focus()
        await pilot.press("enter")
        await until(pilot, lambda: len(shown(app)) == 2)
        assert shown(app)[0] == "hello machine"


async def test_what_is_sent_before_everything_is_ready_is_sent_then(paths: Paths) -> None:
    configure(paths)
    from routerterm.config.early_settings import quick_ui
    from routerterm.tui.app import RoutertermApp

    app = RoutertermApp(paths, quick_ui(paths))
    async with app.run_test(size=(100, 30)) as pilot:
        app.chat.composer.put("early")
        await pilot.press("enter")
        await until(pilot, lambda: len(shown(app)) == 2)
        assert shown(app)[0] == "early"


async def test_escape_stops_and_keeps_what_was_said(paths: Paths) -> None:
    configure(paths, default="demo/slow")
    async with running(paths) as (app, pilot):
        await say(pilot, "go")
        await until(pilot, lambda: (turn := app.chat.turns.current) is not None and turn.pieces > 2)
        await pilot.press("escape")
        await until(pilot, lambda: not app.chat.turns.any)
        said = shown(app)[1]
        assert said
        assert app.services is not None
        page = await app.services.store.messages.page(app.chat.stage.id or "")
        assert page.messages[-1].status == "stopped"
        assert page.messages[-1].text == said
        assert "stopped by you" in screen_text(app)


async def test_what_is_queued_comes_back_on_escape(paths: Paths) -> None:
    configure(paths, default="demo/slow")
    async with running(paths) as (app, pilot):
        await say(pilot, "first")
        await until(pilot, lambda: app.chat.turns.current is not None)
        await say(pilot, "second")
        await say(pilot, "third")
        assert app.chat.turns.current is not None
        assert app.chat.turns.current.queue == [Asked("second"), Asked("third")]
        assert "2 queued" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: not app.chat.turns.any)
        assert app.chat.composer.text == "second\n\nthird"


async def test_what_is_queued_is_sent_in_order(paths: Paths) -> None:
    configure(paths, default="demo/slow")
    async with running(paths) as (app, pilot):
        await say(pilot, "one")
        await until(pilot, lambda: app.chat.turns.current is not None)
        await say(pilot, "two")
        await until(pilot, lambda: len(shown(app)) == 4 and not app.chat.turns.any)
        assert shown(app)[0::2] == ["one", "two"]


async def test_what_is_queued_is_sent_also_when_another_conversation_is_open(paths: Paths) -> None:
    configure(paths, default="demo/slow")
    async with running(paths) as (app, pilot):
        await say(pilot, "one")
        await until(pilot, lambda: app.chat.turns.current is not None and app.chat.stage.id is not None)
        first = app.chat.stage.id
        await say(pilot, "two")
        await pilot.press("f2")
        await until(pilot, lambda: app.chat.stage.id != first)
        assert app.services is not None
        for _ in range(300):
            page = await app.services.store.messages.page(first or "")
            if [message.status for message in page.messages] == ["done"] * 4:
                break
            await pilot.pause(0.1)
        assert [message.text for message in page.messages if message.role == "user"] == ["one", "two"]
        assert [message.status for message in page.messages] == ["done"] * 4


@pytest.mark.parametrize(("model", "word"), [("demo/flaky", "rate limited"), ("demo/cut", "cut")])
async def test_failures_that_were_survived_can_be_seen(paths: Paths, model: str, word: str) -> None:
    configure(paths, default=model)
    async with running(paths) as (app, pilot):
        await say(pilot, "go")
        await answered(app, pilot)
        assert word in screen_text(app)
        await say(pilot, "/why")
        await until(pilot, lambda: type(app.screen).__name__ == "WhyScreen")
        assert "What happened" in screen_text(app)
        assert word in screen_text(app)
        await pilot.press("escape")


async def test_a_failure_says_what_to_do_and_keeps_the_question(paths: Paths) -> None:
    configure(paths, default="openai/gpt-4o")
    async with running(paths) as (app, pilot):
        await say(pilot, "anybody there")
        await answered(app, pilot)
        text = screen_text(app)
        assert "no key for openai" in text
        assert "routerterm keys add" in text
        assert shown(app)[0] == "anybody there"


async def test_editing_asks_anew_and_keeps_the_old_question(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "first try")
        await answered(app, pilot)
        await say(pilot, "/edit")
        await until(pilot, lambda: app.chat.composer.text == "first try")
        app.chat.composer.put("second try")
        await pilot.press("enter")
        await until(pilot, lambda: bool(shown(app)) and shown(app)[0] == "second try" and not app.chat.turns.any)
        assert app.services is not None
        tree = await app.chat.stage.session.tree()
        assert sorted(b.node.preview for b in tree if b.node.role == "user") == ["first try", "second try"]
        assert "2/2" in screen_text(app)


async def test_undo_gives_the_text_back_and_redo_the_turn(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "oops")
        await answered(app, pilot)
        await say(pilot, "/undo")
        await until(pilot, lambda: shown(app) == [])
        assert app.chat.composer.text == "oops"
        app.chat.composer.put("")
        await say(pilot, "/redo")
        await until(pilot, lambda: len(shown(app)) == 2)


async def test_a_cap_asks_before_anything_is_spent(paths: Paths) -> None:
    priced = '[providers.shop]\nprotocol = "openai-chat"\nbase_url = "http://127.0.0.1:9/v1"\nneeds_key = false\n'
    priced += '[models."shop/dear"]\nprice_in = 1000\nprice_out = 1000\n[budget]\nrequest = 0.01\n'
    configure(paths, priced, default="shop/dear")
    async with running(paths) as (app, pilot):
        await say(pilot, "how much")
        await until(pilot, lambda: type(app.screen).__name__ == "Confirm")
        assert "would break" in screen_text(app)
        assert app.services is not None
        before = await app.services.store.messages.page(app.chat.stage.id or "")
        assert before.messages[-1].status == "error"
        await pilot.press("n")
        await pilot.pause()
        assert not app.chat.turns.any


async def test_drafts_stay_with_their_conversations(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "one")
        await answered(app, pilot)
        first = app.chat.stage.id
        app.chat.composer.put("half a thought")
        await app.action_command("new")
        assert app.chat.stage.id is None
        assert app.chat.composer.text in ("", "half a thought")
        await app.chat.stage.open(first)
        assert app.chat.composer.text == "half a thought"


async def test_delete_and_undelete(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "keep me")
        await answered(app, pilot)
        id = app.chat.stage.id
        await say(pilot, "/delete")
        await until(pilot, lambda: app.chat.stage.id is None)
        assert app.chat.sidebar.current is None
        await say(pilot, "/undelete")
        await until(pilot, lambda: app.chat.stage.id == id)


async def test_typing_in_bursts_keeps_its_order(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        composer = app.chat.composer
        for key, letter in [*((c, c) for c in "hello"), ("backspace", "\x7f"), *((c, c) for c in "p me")]:
            app.post_message(Key({" ": "space"}.get(key, key), letter))  # all at once, as a paste of keys would
        await until(pilot, lambda: composer.text.endswith("me"))
        assert composer.text == "hellp me"
