"""A screen that is styled, laid out and drawn once when it opens; Textual does each of it two or three times."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from textual import events, on
from textual.await_complete import AwaitComplete
from textual.worker import Worker

from routerterm.tui.terminal import driver_of
from routerterm.tui.textual_internals.leaving import LeavableScreen
from routerterm.tui.textual_internals.screens import compositor_of, set_compositor
from routerterm.tui.themes.scanlines import ScanlineCompositor
from routerterm.tui.widgets.fields import FieldLine

if TYPE_CHECKING:
    from typing import Self

    from textual.geometry import Region

Answer = TypeVar("Answer")


class FastScreen(LeavableScreen[Answer]):
    """What is taken as its answer, `dismiss` gives."""

    _opened = False
    _drawn_already = False

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name, id, classes)
        set_compositor(self, ScanlineCompositor())

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Close it with its answer, once: a click or key right behind the first would close what lies beneath."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    async def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Its styles were found when it was put together, and laying it out draws it: neither is to be done again.

        What was typed before there was anything to see is in the first picture.
        """
        if not self._opened:
            self._opened = self._drawn_already = True
            event.refresh_styles = False
            if (driver := driver_of(self.app)) is not None:
                await driver.before_picture()

    @on(FieldLine.Clicked)
    async def _field_clicked(self, event: FieldLine.Clicked) -> None:
        event.stop()
        await self.run_clicked(event.action)

    async def run_clicked(self, action: str) -> None:
        """Do what a field that was clicked says."""
        await self.run_action(action)

    @on(events.Resize)
    def _same_size(self, event: events.Resize) -> None:
        """A screen tells itself of the size that it has just been laid out for."""
        if event.size == compositor_of(self).size:
            event.prevent_default()
            event.stop()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Pass it on to the app, which tells what went wrong: Textual tells only whoever began the work."""
        self.app.post_message(Worker.StateChanged(event.worker, event.state))

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw again, unless it was drawn a moment ago for the first time."""
        if self._drawn_already and not (regions or layout or recompose):
            self._drawn_already = False
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
