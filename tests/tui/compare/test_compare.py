"""Several models answer one question side by side; one goes on as the branch, the others stay beside it."""

from __future__ import annotations

import pytest

from routerterm.config.paths import Paths
from routerterm.tui.app import RoutertermApp
from tests.tui.chat.program import answered, configure, running, say, screen_text, shown, until


def comparing(app: RoutertermApp) -> bool:
    return type(app.screen).__name__ == "CompareScreen"


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (45, 20)])
async def test_two_answers_stream_and_one_goes_on(paths: Paths, size: tuple[int, int]) -> None:
    configure(paths)
    async with running(paths, size) as (app, pilot):
        await say(pilot, "/compare demo/echo demo/table")
        await until(pilot, lambda: app.chat.comparing.models == ("demo/echo", "demo/table"))
        await say(pilot, "which is better")
        await until(pilot, lambda: comparing(app))
        await until(pilot, lambda: " Leave" in screen_text(app))  # both have ended
        text = screen_text(app)
        assert "tok/s" in text
        assert "$0" in text
        await pilot.press("2")
        await until(pilot, lambda: app.screen is app.chat)
        await until(pilot, lambda: len(shown(app)) == 2)
        assert shown(app)[0] == "which is better"
        assert "|" in shown(app)[1]
        assert app.chat.stage.model == "demo/table"
        assert app.chat.comparing.models == ()
        tree = await app.chat.stage.session.tree()
        assert sorted(b.node.role for b in tree) == ["assistant", "assistant", "user"]
        assert (await app.chat.stage.session.page()).messages[-1].siblings == 2
        await say(pilot, "go on")
        await until(pilot, lambda: len(shown(app)) == 4 and not app.chat.turns.any)


async def test_the_last_question_is_asked_again_of_all(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "first")
        await answered(app, pilot)
        await say(pilot, "/compare demo/echo demo/table")
        await until(pilot, lambda: bool(app.chat.comparing.models))
        await pilot.press("enter")
        await until(pilot, lambda: comparing(app))
        await until(pilot, lambda: " Leave" in screen_text(app))
        await pilot.press("1")
        await until(pilot, lambda: app.screen is app.chat)
        assert (await app.chat.stage.session.page()).messages[-1].siblings == 3
        assert shown(app)[0] == "first"


async def test_one_that_fails_does_not_take_the_others_with_it(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        await say(pilot, "/compare demo/down demo/echo openai/gpt-4o")
        await until(pilot, lambda: bool(app.chat.comparing.models))
        await say(pilot, "still there")
        await until(pilot, lambda: comparing(app) and " Leave" in screen_text(app))
        text = screen_text(app)
        assert "failed" in text
        assert "no key" in text.lower()
        assert "still there" in text
        await pilot.press("1")  # it has said nothing: nothing happens
        await pilot.pause()
        assert comparing(app)
        await pilot.press("2")
        await until(pilot, lambda: app.screen is app.chat)
        await until(pilot, lambda: len(shown(app)) == 2)


async def test_escape_stops_then_leaves_and_nothing_is_lost(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        await say(pilot, "/compare demo/slow demo/echo")
        await until(pilot, lambda: bool(app.chat.comparing.models))
        await say(pilot, "hurry")
        await until(pilot, lambda: comparing(app) and "hurry" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "stopped" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.chat)
        page = await app.chat.stage.session.page()
        assert [message.role for message in page.messages] == ["user", "assistant"]
        assert page.messages[1].siblings == 2
        assert page.messages[1].status != "streaming"


async def test_leaving_the_program_meanwhile_keeps_everything(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        await say(pilot, "/compare demo/slow demo/markdown")
        await until(pilot, lambda: bool(app.chat.comparing.models))
        await say(pilot, "bye")
        await until(pilot, lambda: comparing(app) and "demonstration" in screen_text(app))
        await app.action_quit()
    async with running(paths) as (app, pilot):
        assert app.services is not None
        latest = await app.services.store.conversations.latest()
        assert latest is not None
        messages = await app.services.store.messages.tree(latest.id)
        assert sorted(node.status for node in messages if node.role == "assistant") == ["stopped", "stopped"]


@pytest.mark.parametrize(("words", "said"), [("demo/echo", "Two to 4"), ("demo/echo nonsense", "neither a model")])
async def test_what_cannot_be_compared_is_said(paths: Paths, words: str, said: str) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, f"/compare {words}")
        await until(pilot, lambda: any(said in n.message for n in app._notifications))
        assert not app.chat.comparing.models


async def test_models_are_picked_one_after_the_other(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "/compare")
        await until(pilot, lambda: type(app.screen).__name__ == "Picker")
        for name in ("demo/echo", "demo/table"):
            await until(pilot, lambda: type(app.screen).__name__ == "Picker" and "demo/echo" in screen_text(app))
            await pilot.press(*name.replace("/", ""), "enter")
            await pilot.pause(0.2)
        await until(pilot, lambda: "no more" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.chat.comparing.models == ("demo/echo", "demo/table"))
        await pilot.press("escape")
        assert not app.chat.comparing.models


async def test_the_mouse_alone_goes_on_with_one(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        await say(pilot, "/compare demo/echo demo/table")
        await until(pilot, lambda: bool(app.chat.comparing.models))
        await say(pilot, "click")
        await until(pilot, lambda: comparing(app) and " Leave" in screen_text(app))
        await pilot.click("#foot1", offset=(1, 0))
        await until(pilot, lambda: app.screen is app.chat and app.chat.stage.model == "demo/table")
