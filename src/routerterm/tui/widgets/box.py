"""A pane with the theme's frame round it and a title in that, drawn a row at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.containers import Vertical
from textual.reactive import reactive
from textual.strip import Strip

from routerterm.tui.textual_internals.screens import keep_lines
from routerterm.tui.widgets.frame import UNBOXED, Panes, draw
from routerterm.tui.widgets.styles import Tone, Toned

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Frame, Theme


class Box(Vertical, Toned):
    """What lies in it leaves the frame's row or column on each side free."""

    DEFAULT_CSS = "Box { padding: 1; }"
    footing: reactive[str] = reactive("")
    """A few words more, on the lower edge at the right."""

    def __init__(
        self, title: str, theme: Theme, *, tone: Tone = "bright", id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        keep_lines(self, whole=True)
        self._title = title
        self._tone = tone
        self._theme = theme

    def render_line(self, y: int) -> Strip:
        """A row of the frame, blank where the pane is."""
        width, height = self.outer_size
        row, faint = draw(Panes(width, height), frame_of(self._theme))[y], self.tone("faint")
        if y == 0:
            return self._upper(row, width)
        if y == height - 1 and self.footing:
            words = f" {self.footing} "
            begin = max(1, width - cell_len(words) - 2)
            segments = [Segment(row[:begin], faint), Segment(words, self.tone("dim"))]
            return Strip([*segments, Segment(row[begin + cell_len(words) :], faint)]).adjust_cell_length(width, faint)
        return Strip([Segment(row, faint)], width)

    def _upper(self, row: str, width: int) -> Strip:
        """The edge with the title, in the theme's form."""
        faint, caption = self.tone("faint"), self._theme.layout.caption
        title = f" {self._title} " if self._title else ""
        if cell_len(title) > width - 2:
            title = set_cell_size(title, max(0, width - 2))
        room = cell_len(title)
        if caption == "bar" and title:
            left = (width - 2 - room) // 2
            bar = f"{' ' * left}{title}{' ' * (width - 2 - left - room)}"
            segments = [Segment(row[:1], faint), Segment(bar, self.tone("key")), Segment(row[-1:], faint)]
            return Strip(segments).adjust_cell_length(width, faint)
        begin = max(1, (width - room) // 2) if caption == "centre" else 1
        style = self.tone("key" if caption == "chip" else self._tone)
        segments = [Segment(row[:begin], faint), Segment(title, style), Segment(row[begin + room :], faint)]
        return Strip(segments).adjust_cell_length(width, faint)


def frame_of(theme: Theme) -> Frame:
    """Where the theme draws none round its screen, what lies over others still needs one."""
    if theme.layout.dialog:
        return theme.layout.dialog
    if theme.frame not in UNBOXED:
        return theme.frame
    return "ascii" if theme.glyphs.line.isascii() else "single"
