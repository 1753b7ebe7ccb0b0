"""A screen that draws the lines around and between its panes itself, in the theme's way."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.screen import Screen
from textual.strip import Strip

from routerterm.tui.frame import Panes, draw
from routerterm.tui.themes.values import Frame


class FramedScreen(Screen[None]):
    """Its panes lie on top of the frame; `panes` says where they end."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"frame--line"}

    frame: Frame = "single"

    def panes(self) -> Panes:
        """Where the lines go, at the present size and layout."""
        return Panes(self.size.width, self.size.height)

    def render_line(self, y: int) -> Strip:
        """One row of the frame, for wherever no pane lies on it."""
        rows = draw(self.panes(), self.frame)
        text = rows[y] if y < len(rows) else " " * self.size.width
        return Strip([Segment(text, self.get_component_rich_style("frame--line"))], self.size.width)
