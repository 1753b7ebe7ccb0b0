"""Rows of widgets that draw themselves line by line, kept until they change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.tui.textual_internals import StylesCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.color import Color
    from textual.filter import LineFilter
    from textual.geometry import Region
    from textual.strip import Strip
    from textual.widget import Widget


class LineCache(StylesCache):
    """Takes a widget's rows as they are; Textual would look for borders, padding and shades on each of them."""

    def __init__(self, *, whole: bool = False) -> None:
        """``whole``: the widget draws its borders and padding too."""
        super().__init__()
        self._whole = whole
        self._through: tuple[Sequence[LineFilter], Color] | None = None

    def render_widget(self, widget: Widget, crop: Region) -> list[Strip]:
        """The rows of ``crop``."""
        if widget.styles.gutter and not self._whole:
            return super().render_widget(widget, crop)
        width = widget.outer_size.width if self._whole else widget.size.width
        background = widget.background_colors[1]
        through = (widget.get_line_filters(), background)
        if width != self._width or through != self._through:
            self.clear()
            self._width, self._through = width, through
        strips = []
        for y in crop.line_range:
            strip = self._cache.get(y)
            if strip is None or y in self._dirty_lines:
                strip = widget.render_line(y)
                for line_filter in through[0]:
                    strip = strip.apply_filter(line_filter, background)
                self._cache[y] = strip
            strips.append(strip)
        self._dirty_lines.difference_update(crop.line_range)
        if crop.column_span != (0, width):
            return [strip.crop(*crop.column_span) for strip in strips]
        return strips
