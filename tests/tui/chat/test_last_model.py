"""A new conversation begins with the model that was chosen last, also after a new start, unless the settings say no."""

from __future__ import annotations

from routerterm.config.paths import Paths
from tests.driver import in_process
from tests.driver.homes import configure


async def test_a_new_conversation_keeps_the_model_that_was_chosen(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        assert it.model == "demo/echo"
        await it.say("/model demo/table")
        await it.until(lambda: it.model == "demo/table")
        await it.say("hello")
        await it.answered()
        await it.press("f2")
        await it.until(lambda: it.open_id is None)
        assert it.model == "demo/table"
    async with in_process(paths) as it:
        assert it.model == "demo/table"


async def test_a_default_that_was_set_since_is_the_later_word(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("/model demo/table")
        await it.until(lambda: it.model == "demo/table")
    configure(paths, default="demo/slow")
    async with in_process(paths) as it:
        assert it.model == "demo/slow"


async def test_what_was_chosen_and_cannot_be_found_any_more_is_left(paths: Paths) -> None:
    configure(paths, '[routes.mine]\nmodels = ["demo/table"]\n')
    async with in_process(paths) as it:
        await it.say("/model mine")
        await it.until(lambda: it.model == "mine")
    configure(paths)
    async with in_process(paths) as it:
        assert it.model == "demo/echo"


async def test_the_settings_can_want_the_default(paths: Paths) -> None:
    configure(paths, '[ui]\nnew_chat = "default"\n')
    async with in_process(paths) as it:
        await it.say("/model demo/table")
        await it.until(lambda: it.model == "demo/table")
        await it.press("f2")
        await it.until(lambda: it.model == "demo/echo")
