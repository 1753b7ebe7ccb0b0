"""An overlay that shows how far something long has come, and lets the person stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.fields import FieldLine
from routerterm.tui.widgets.keybar import foot

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Glyphs

WIDTH = 40
"""Cells of the bar."""


class Progress(Modal[bool]):
    """Answers with True when it is done, and with False when the person stopped it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(False)", "Stop", priority=True)]
    DEFAULT_CSS = """
    Progress { align: center middle; background: $t-background 60%; }
    Progress > Box {
        width: 94%; max-width: 60; height: auto; padding: 1 2;
        background: $t-panel;
    }
    Progress Static { color: $t-text; margin-bottom: 1; }
    Progress FieldLine { background: $t-panel; }
    """

    def __init__(self, title: str, glyphs: Glyphs) -> None:
        super().__init__()
        self._title = title
        self._glyphs = glyphs
        self._told = ""

    def compose(self) -> ComposeResult:
        """The bar, and how to stop."""
        with Box(self._title, self.app.active_theme):
            yield Static("…", markup=False)
            ways = FieldLine(gap=2)
            ways.fields = foot(
                "Esc stops; finished work is kept", {"Esc": "screen.dismiss(False)"}, self.app.active_theme.keys
            )
            yield ways

    def tell(self, done: int, total: int | None) -> None:
        """How far it is."""
        text = bar(done, total, self._glyphs)
        if self.is_mounted and text != self._told:
            self._told = text
            self.query_one(Static).update(text)


def bar(done: int, total: int | None, glyphs: Glyphs, width: int = WIDTH) -> str:
    """``▓▓▓░░░ 120 of 400``; only the number where nobody knows how much there is."""
    if not total:
        return f"{done:,}"
    full = min(width, done * width // total)
    return f"{glyphs.full * full}{glyphs.empty * (width - full)}\n{done:,} of {total:,}"
