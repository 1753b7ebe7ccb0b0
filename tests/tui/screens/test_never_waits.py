"""No screen waits for the disk before it is there, and typing waits for nothing at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from routerterm.config.paths import Paths
from routerterm.tui.app import RoutertermApp
from tests.tui.chat.program import configure, running, screen_text, until

SCREENS = {"f3": "Which model answers?", "f4": "STATS", "f7": "ROUTES", "f8": "Which machine?", "f1": "What can I do?"}


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
    async with running(paths) as (app, pilot):
        with stuck_disk(app):
            await pilot.press(key)
            await until(pilot, lambda: SCREENS[key] in screen_text(app))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.chat)


async def test_typing_waits_for_no_disk_and_no_count(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        with stuck_disk(app):
            await pilot.press(*"not a word is late")
            assert app.chat.composer.text == "not a word is late"
            await pilot.pause(0.6)  # the forecast is asked for now, and hangs
            await pilot.press(*", nor this")
            assert app.chat.composer.text == "not a word is late, nor this"
            assert "nor this" in screen_text(app)
