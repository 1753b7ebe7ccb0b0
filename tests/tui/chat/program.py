"""The whole program in a headless terminal, with the demonstration providers as its models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from routerterm.config.early_settings import quick_ui
from routerterm.config.paths import Paths
from routerterm.tui.app import RoutertermApp

PATIENCE = 60.0
"""Seconds until a test gives up: far more than anything takes."""


def configure(paths: Paths, text: str = "", default: str = "demo/echo") -> None:
    """Write the settings of a test."""
    paths.make()
    paths.config_file.write_text(f'[router]\ndefault = "{default}"\n{text}')


@asynccontextmanager
async def running(paths: Paths, size: tuple[int, int] = (100, 30)) -> AsyncIterator[tuple[RoutertermApp, Pilot[int]]]:
    """The program, once everything is put together."""
    app = RoutertermApp(paths, quick_ui(paths))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.services is not None and bool(app.chat.stage.model))
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
    """Wait until an answer has begun and none is running any more."""
    await until(pilot, lambda: app.chat.turns.any or bool(shown(app)))
    await until(pilot, lambda: not app.chat.turns.any)


def shown(app: RoutertermApp) -> list[str]:
    """The texts of the entries in the transcript."""
    return [slot.entry.text for slot in app.chat.transcript.shelf.slots]


def screen_text(app: RoutertermApp) -> str:
    """Everything that is on the screen, a line each."""
    _width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in lines[:height])
