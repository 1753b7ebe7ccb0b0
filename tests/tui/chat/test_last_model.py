"""A new conversation begins with the model that was chosen last, also after a new start, unless the settings say no."""

from __future__ import annotations

from routerterm.config.paths import Paths
from tests.tui.chat.program import answered, configure, running, say, until


async def test_a_new_conversation_keeps_the_model_that_was_chosen(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        assert app.chat.stage.model == "demo/echo"
        await say(pilot, "/model demo/table")
        await until(pilot, lambda: app.chat.stage.model == "demo/table")
        await say(pilot, "hello")
        await answered(app, pilot)
        await pilot.press("f2")
        await until(pilot, lambda: app.chat.stage.id is None)
        assert app.chat.stage.model == "demo/table"
    async with running(paths) as (app, pilot):
        assert app.chat.stage.model == "demo/table"


async def test_a_default_that_was_set_since_is_the_later_word(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "/model demo/table")
        await until(pilot, lambda: app.chat.stage.model == "demo/table")
    configure(paths, default="demo/slow")
    async with running(paths) as (app, pilot):
        assert app.chat.stage.model == "demo/slow"


async def test_what_was_chosen_and_cannot_be_found_any_more_is_left(paths: Paths) -> None:
    configure(paths, '[routes.mine]\nmodels = ["demo/table"]\n')
    async with running(paths) as (app, pilot):
        await say(pilot, "/model mine")
        await until(pilot, lambda: app.chat.stage.model == "mine")
    configure(paths)
    async with running(paths) as (app, pilot):
        assert app.chat.stage.model == "demo/echo"


async def test_the_settings_can_want_the_default(paths: Paths) -> None:
    configure(paths, '[ui]\nnew_chat = "default"\n')
    async with running(paths) as (app, pilot):
        await say(pilot, "/model demo/table")
        await until(pilot, lambda: app.chat.stage.model == "demo/table")
        await pilot.press("f2")
        await until(pilot, lambda: app.chat.stage.model == "demo/echo")
