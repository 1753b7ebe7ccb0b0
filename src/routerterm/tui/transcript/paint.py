"""Lines into Textual's strips, with the gutter, the selection and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

if TYPE_CHECKING:
    from routerterm.tui.markdown.lines import Line
    from routerterm.tui.themes.palette import Palette

GUTTER = 2
"""Cells left of every line: the cursor's mark, and the bar beside what the person said."""


def paint(
    line: Line, width: int, measure: int, palette: Palette, *, bar: bool = False, mark: tuple[str, Style] | None = None
) -> Strip:
    """A line as a strip of exactly ``width`` cells, its text in the first ``measure`` after the gutter.

    ``bar`` is what stands beside the person's words, ``mark`` what stands beside a model's.
    """
    signs, style = palette.signs, palette.style
    first = Segment(*mark) if mark is not None else Segment(signs.bar if bar else " ", style("faint"))
    segments = [first, Segment(" ", style("text"))]
    segments += [Segment(text, style(key)) for text, key in line.runs]
    strip = Strip(segments)
    if line.fill:
        strip = strip.adjust_cell_length(min(measure + GUTTER, width), style(line.fill))
    return strip.adjust_cell_length(width, style("text"))


def overlay(strip: Strip, spans: Sequence[tuple[int, int]], style: Style, sign: str = "") -> Strip:
    """A strip with a style laid over spans of cells; a ``sign`` takes the place of what was there."""
    for begin, end in spans:
        end = min(end, strip.cell_length)
        if end > begin:
            middle = (
                Strip([Segment(sign, style)], 1)
                if sign
                else Strip(Segment.apply_style(list(strip.crop(begin, end)), post_style=style), end - begin)
            )
            strip = Strip.join([strip.crop(0, begin), middle, strip.crop(end)])
    return strip
