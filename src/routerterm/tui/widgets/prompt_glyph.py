"""The sign before the composer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Static

from routerterm.tui.widgets.composer import Composer

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Theme


class PromptGlyph(Static):
    """A click on it sends, for a hand that only has a mouse."""

    _shown: tuple[str, str] | None = None

    def on_click(self) -> None:
        """Send what is written."""
        self.screen.query_one(Composer).action_submit()

    def show(self, theme: Theme, *, writing: bool) -> None:
        """The theme's own sign where keys go to the composer; else only a mark for where it is."""
        shown = theme.sign, theme.sign if writing else theme.glyphs.dot.ljust(len(theme.sign))
        if shown != self._shown:
            self._shown = shown
            self.styles.width = len(theme.sign) + 1
            self.update(shown[1])
