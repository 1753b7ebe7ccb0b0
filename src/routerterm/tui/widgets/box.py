"""A pane with the theme's frame round it and a title in that, drawn a row at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.containers import Vertical
from textual.strip import Strip

from routerterm.tui.textual_internals.screens import keep_lines
from routerterm.tui.widgets.frame import UNBOXED, Panes, draw
from routerterm.tui.widgets.styles import Toned

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Frame, Theme


class Box(Vertical, Toned):
    """What lies in it leaves the frame's row or column on each side free."""

    DEFAULT_CSS = "Box { padding: 1; }"

    def __init__(self, title: str, theme: Theme) -> None:
        super().__init__()
        keep_lines(self, whole=True)
        self._title, self._frame = title, _frame(theme)

    def render_line(self, y: int) -> Strip:
        """A row of the frame, blank where the pane is."""
        width, height = self.outer_size
        row, faint = draw(Panes(width, height), self._frame)[y], self.tone("faint")
        if y:
            return Strip([Segment(row, faint)], width)
        title = f" {self._title} "
        segments = [Segment(row[:1], faint), Segment(title, self.tone("bright")), Segment(row[1 + len(title) :], faint)]
        return Strip(segments).adjust_cell_length(width, faint)


def _frame(theme: Theme) -> Frame:
    """Where the theme draws none round its screen, what lies over others still needs one."""
    if theme.layout.dialog:
        return theme.layout.dialog
    if theme.frame not in UNBOXED:
        return theme.frame
    return "ascii" if theme.glyphs.line.isascii() else "single"
