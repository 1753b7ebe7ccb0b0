"""Python's sweeps for garbage are put off while the program starts, and come back whatever becomes of the start."""

from __future__ import annotations

import pytest
from tests.contracts.test_imports import loaded_by

START = """
import asyncio, gc, pathlib, tempfile
from routerterm.config.paths import Paths
from routerterm.core.gc_control import put_off
from tests.tui.chat.program import RoutertermApp, configure, quick_ui, until

async def main():
    with tempfile.TemporaryDirectory() as home:
        paths = Paths.find({{"ROUTERTERM_HOME": home}})
        configure(paths)
        {spoilt}
        put_off()
        app = RoutertermApp(paths, quick_ui(paths))
        async with app.run_test() as pilot:
            await until(pilot, gc.isenabled)
            assert (app.services is not None) is {starts}
            assert gc.get_freeze_count() > 10_000
asyncio.run(main())
"""


def test_they_come_back_when_all_is_put_together() -> None:
    loaded_by(START.format(spoilt="", starts=True))


def test_they_come_back_where_the_start_fails() -> None:
    loaded_by(START.format(spoilt='paths.config_file.write_text("[nonsense")', starts=False))


OPENED = """
import asyncio, gc, pathlib, os, tempfile
from routerterm.config.paths import Paths
from routerterm.core.gc_control import put_off

async def main():
    with tempfile.TemporaryDirectory() as home:
        os.environ["ROUTERTERM_HOME"] = home
        paths = Paths.find()
        paths.make()
        put_off()
        {opened}
asyncio.run(main())
"""
HISTORY = """from routerterm.cli.history import open_history
        async with open_history(paths.database):
            assert gc.isenabled()"""
APP = """from routerterm.wiring import open_app
        async with open_app(paths):
            assert gc.isenabled()"""
TOOLS = """from routerterm.wiring.tools import open_toolbox
        box = await open_toolbox()
        assert gc.isenabled()
        await box.aclose()"""


@pytest.mark.parametrize("opened", [HISTORY, APP, TOOLS], ids=["history", "app", "tools"])
def test_they_come_back_in_commands_that_may_run_long(opened: str) -> None:
    loaded_by(OPENED.format(opened=opened))


def test_nothing_is_set_aside_where_they_were_not_put_off() -> None:
    loaded_by("import gc; from routerterm.core.gc_control import resume; resume(); assert gc.get_freeze_count() == 0")
