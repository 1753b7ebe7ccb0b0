"""No screen waits for the disk before it is there, and typing waits for nothing at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from routerterm.config.paths import Paths
from routerterm.tui.app import RoutertermApp
from tests.driver import in_process
from tests.driver.homes import configure

SCREENS = {"f3": "Model", "f4": "STATS", "f7": "ROUTES", "f8": "Theme", "f1": "Help"}


@contextmanager
def stuck_disk(app: RoutertermApp) -> Iterator[None]:
    """Nothing can be read from the history, until the block ends."""
    assert app.services is not None
    go = threading.Event()
    reader = app.services.store.reader
    holding = reader._pool.submit(go.wait)  # everything else queues behind it
    try:
        yield
    finally:
        go.set()
        holding.result()


@pytest.mark.parametrize("key", SCREENS)
async def test_a_screen_is_there_before_the_disk_has_answered(paths: Paths, key: str) -> None:
    configure(paths)
    async with in_process(paths) as it:
        with stuck_disk(it.app):
            await it.press(key)
            await it.dialog_is(SCREENS[key])
            await it.press("escape")
            await it.chat_is_open()


async def test_typing_waits_for_no_disk_and_no_count(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        with stuck_disk(it.app):
            await it.press(*"not a word is late")
            await it.composer_is("not a word is late")
            await it.pilot.pause(0.6)  # the forecast is asked for now, and hangs
            await it.press(*", nor this")
            await it.composer_is("not a word is late, nor this")
            assert "nor this" in it.picture().text
