"""The transcript's scroll bar: whole cells, painted only when one of them changes.

Textual's own draws eighths of a cell and paints all of itself with every line that comes in; here a long
conversation's bar stays as it is for dozens of lines, on the screen and on the line to the terminal.
"""

from __future__ import annotations

from typing import Any, Self

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.scrollbar import ScrollBar
from textual.strip import Strip

from routerterm.tui.themes.adapt import layout_of

Look = tuple[int, int, int, Style, str]
"""Rows of the bar, where its thumb begins and ends, its colours, and the theme's signs for the thumb and the rest."""


class Bar(ScrollBar):
    """A vertical scroll bar that is dragged and clicked like Textual's."""

    _look: Look | None = None
    _strips: tuple[Strip, ...] = ()

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Paint anew, unless it would look the same."""
        if repaint and not layout and self._look is not None and self.is_attached and self._now() == self._look:
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of the bar."""
        look = self._now()
        if look != self._look:
            self._look, self._strips = look, self._paint(look)
        return list(self._strips[crop.y : crop.bottom])

    def _now(self) -> Look:
        rows, window, total = self.size.height, self.window_size, self.window_virtual_size
        parent: Any = self.parent
        styles = parent.styles
        if self.grabbed:
            ground, colour = styles.scrollbar_background_active, styles.scrollbar_color_active
        elif self.mouse_over:
            ground, colour = styles.scrollbar_background_hover, styles.scrollbar_color_hover
        else:
            ground, colour = styles.scrollbar_background, styles.scrollbar_color
        if ground.a < 1:
            ground = parent.background_colors[0] + ground
        style = Style.from_color((ground + colour).rich_color, ground.rich_color)
        begin, end = thumb(rows, window, total, self.position)
        return rows, begin, end, style, layout_of(self.app).scrollbar

    def _paint(self, look: Look) -> tuple[Strip, ...]:
        rows, begin, end, style, signs = look
        filters, ground = self.app.get_line_filters(), self.background_colors[1]

        def row(action: str, thumb: bool) -> Strip:
            cell = style + Style(reverse=thumb and not signs, meta={"@mouse.down": action})
            sign = " "
            if signs and (thumb or end > begin):
                sign = signs[0] if thumb else signs[1]
            strip = Strip([Segment(sign * self.thickness, cell)], self.thickness)
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, ground)
            return strip

        above, on, below = row("scroll_up", False), row("grab", True), row("scroll_down", False)
        return (above,) * begin + (on,) * (end - begin) + (below,) * (rows - end)


def thumb(rows: int, window: int, total: int, position: float) -> tuple[int, int]:
    """Where the thumb begins and ends, in whole cells; nowhere where all is in view."""
    if rows <= 0 or total <= window or total <= 0:
        return 0, 0
    size = max(1, min(rows, round(rows * window / total)))
    begin = round((rows - size) * min(max(position / (total - window), 0.0), 1.0))
    if begin == 0 and position > 0 and rows > size:
        begin = 1  # there is something above
    return begin, begin + size
