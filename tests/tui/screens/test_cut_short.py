"""A program that ends while a screen opens ends; it does not crash."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import ComposeResult
from textual.widgets import Static

from routerterm.config.paths import Paths
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.fast_screen import FastScreen
from tests.driver import in_process
from tests.driver.homes import configure


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
