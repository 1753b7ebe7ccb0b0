"""A screen that is left, or a program that ends, while a screen opens: nothing crashes, and the chat is there again."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from textual import events
from textual.app import ComposeResult
from textual.widgets import Static

from routerterm.config.paths import Paths
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.fast_screen import FastScreen
from tests.driver import in_process
from tests.driver.homes import configure, lived_in

MOMENTS = (0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 30)
"""Turns of the event loop between a key that opens something and Escape: before, while and after it is put together."""
OPENING = {"composer": ("f1", "f3", "f4", "f5", "f6", "f7", "f8"), "messages": ("enter", "w", "slash"), "chats": "rt"}


class CutShort(FastScreen[None]):
    """Looks for its part when it is mounted, as screens do; the program ends before the part is added."""

    ended = True

    async def on_event(self, event: events.Event) -> None:
        self._closing = self.ended and isinstance(event, events.Compose)  # as of a screen that is being taken down
        await super().on_event(event)

    def compose(self) -> ComposeResult:
        yield Static("a part", id="part")

    def on_mount(self) -> None:
        self.query_one("#part", Static).update("a part that is there")


class DialogCutShort(CutShort, Modal[None]):
    """The same as a dialog."""


@pytest.mark.parametrize("kind", [CutShort, DialogCutShort], ids=["screen", "dialog"])
async def test_a_screen_that_is_cut_short_does_nothing(paths: Paths, kind: type[CutShort]) -> None:
    configure(paths)
    async with in_process(paths) as it:
        whole = kind()
        whole.ended = False
        await it.app.push_screen(whole)
        await it.screen_shows("a part that is there")
        await whole.dismiss()
        it.app.push_screen(kind())
        await it.pilot.pause()
        it.app.exit(0)
        assert await it.ended() == 0


@pytest.mark.parametrize("place", OPENING)
async def test_escape_right_behind_a_key_that_opens_something(paths: Paths, place: str) -> None:
    await lived_in(paths)
    async with in_process(paths) as it:
        await it.ask("an otter question")
        for key in OPENING[place]:
            for turns in MOMENTS:
                await it.go_to(place)
                it.app.post_message(events.Key(key, key if len(key) == 1 else None))
                for _ in range(turns):
                    await asyncio.sleep(0)
                it.app.post_message(events.Key("escape", None))
                await it.leave(lambda: it.focus() == "composer")
        await it.type("still here")
        await it.composer_is("still here")


async def test_work_that_is_given_up_before_it_begins_is_put_away(paths: Paths) -> None:
    """Else Python says of it that it was never awaited, at some later moment and amid whatever is done then."""
    configure(paths)

    async def look_up() -> None:
        raise AssertionError("it was to be given up")

    async with in_process(paths) as it:
        replaced, given_up = look_up(), look_up()
        it.app.run_worker(replaced, group="looks", exclusive=True, exit_on_error=False)
        it.app.run_worker(given_up, group="looks", exclusive=True, exit_on_error=False).cancel()
        await it.until(lambda: {inspect.getcoroutinestate(each) for each in (replaced, given_up)} == {"CORO_CLOSED"})
