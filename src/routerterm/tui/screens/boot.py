"""The theme starting, watched on purpose: a letter after the other, until a key or a click ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.widgets import Static

from routerterm.tui.widgets.fast_screen import FastScreen

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Theme

PACE = 0.05
"""Seconds between two steps."""
STEP = 2
"""Letters in a step."""


class BootScreen(FastScreen[None]):
    """Types the boot lines of a theme."""

    DEFAULT_CSS = """
    BootScreen { background: $t-background; padding: 2 4; }
    BootScreen > Static { color: $t-bright; }
    BootScreen > #away { dock: bottom; color: $t-dim; }
    """

    def __init__(self, theme: Theme, *, moves: bool) -> None:
        super().__init__()
        self._text = "\n".join((*theme.boot, "", *theme.voice))
        self._cursor = theme.glyphs.cursor
        self._shown = 0 if moves else len(self._text)

    def compose(self) -> ComposeResult:
        """What has been typed so far."""
        yield Static("", id="typed", markup=False)
        yield Static("press any key", id="away", markup=False)

    def on_mount(self) -> None:
        """Begin."""
        self.set_interval(PACE, self._step)
        self._show()

    def _step(self) -> None:
        if self._shown < len(self._text):
            self._shown = min(len(self._text), self._shown + STEP)
            self._show()

    def _show(self) -> None:
        self.query_one("#typed", Static).update(self._text[: self._shown] + self._cursor)

    def on_key(self, event: events.Key) -> None:
        """Skip to the end, then leave."""
        event.stop()
        self._on()

    def on_click(self) -> None:
        """The same by mouse."""
        self._on()

    def _on(self) -> None:
        if self._shown < len(self._text):
            self._shown = len(self._text)
            self._show()
        else:
            self.dismiss(None)
