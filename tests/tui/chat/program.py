"""The whole program in a headless terminal, with the demonstration providers as its models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from routerterm.config.early_settings import quick_ui
from routerterm.config.paths import Paths
from routerterm.tui.app import RoutertermApp
from tests.driver.headless import HeadlessDriver
from tests.driver.history import History
from tests.driver.homes import configure
from tests.driver.probe import focus_of, picture_of

__all__ = [
    "RoutertermApp",
    "answered",
    "configure",
    "in_chat",
    "quick_ui",
    "running",
    "say",
    "screen_text",
    "shown",
    "until",
]
PATIENCE = 150.0
"""Seconds until a test gives up: far more than anything takes."""


@asynccontextmanager
async def running(paths: Paths, size: tuple[int, int] = (100, 30)) -> AsyncIterator[tuple[RoutertermApp, Pilot[int]]]:
    """The program, once everything is put together."""
    app = RoutertermApp(paths, quick_ui(paths))
    async with app.run_test(size=size, notifications=True) as pilot:
        await HeadlessDriver(paths, app, pilot).ready()
        yield app, pilot


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await pilot.pause(0.02)
    except TimeoutError:
        raise AssertionError(f"it never came; the screen is:\n{screen_text(pilot.app)}") from None


async def say(pilot: Pilot[int], text: str) -> None:
    """Type a line and press Enter."""
    names = {" ": "space", "/": "slash", "?": "question_mark", ",": "comma", ".": "full_stop", "-": "minus"}
    await pilot.press(*(names.get(letter, letter) for letter in text), "enter")


async def answered(app: RoutertermApp, pilot: Pilot[int]) -> None:
    """Wait until something was said and no answer is running."""
    history = History(app.paths.database)
    await until(pilot, lambda: bool(history.count()))
    await until(pilot, lambda: not history.running() and not picture_of(app).busy)


def in_chat(app: RoutertermApp) -> bool:
    """Whether nothing lies over the chat."""
    return focus_of(app) != "dialog"


def shown(app: RoutertermApp) -> list[str]:
    """The texts of the conversation that was written to last."""
    return [message.text for message in History(app.paths.database).branch()]


def screen_text(app: RoutertermApp) -> str:
    """Everything that is on the screen, a line each."""
    return picture_of(app).text
