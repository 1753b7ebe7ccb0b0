"""A bar chart of a few rows, drawn in eighths of a cell: what each day has cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

EIGHTHS = " ▁▂▃▄▅▆▇█"
ASCII_STEPS = " ....::##"


def bar_rows(values: Sequence[float], height: int, width: int, steps: str = EIGHTHS) -> list[str]:
    """The chart as text, from the top; the newest values at the right, as wide as there is room."""
    if not values or height < 1 or width < 1:
        return [""] * max(0, height)
    each = max(1, min(6, width // len(values)))
    shown = values[-(width // each) :]
    gap = 1 if each > 2 else 0
    most = max(shown) or 1.0
    heights = [round(value / most * height * 8) or (1 if value > 0 else 0) for value in shown]
    rows = []
    for row in range(height - 1, -1, -1):
        cells = (steps[max(0, min(8, eighths - row * 8))] * (each - gap) + " " * gap for eighths in heights)
        rows.append("".join(cells))
    return rows


class Bars(Widget):
    """Values over time, with their first and last name beneath."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"bars--bar", "bars--label"}

    values: reactive[tuple[float, ...]] = reactive(())
    ends: reactive[tuple[str, str]] = reactive(("", ""))
    top: reactive[str] = reactive("")
    """What the highest bar stands for."""
    steps = EIGHTHS

    def render_line(self, y: int) -> Strip:
        """A row of the chart, or the names beneath it."""
        width, height = self.size.width, self.size.height - 1
        if y == height:
            first, last = self.ends
            text = first + last.rjust(max(1, width - len(first)))
            return Strip([Segment(text[:width].ljust(width), self.get_component_rich_style("bars--label"))], width)
        room = width - len(self.top) - 1
        label = self.top if y == 0 else ""
        rows = bar_rows(self.values, height, room, self.steps)
        bar = rows[y].rjust(room) if y < len(rows) else ""
        return Strip(
            [
                Segment(label.ljust(len(self.top) + 1), self.get_component_rich_style("bars--label")),
                Segment(bar.ljust(room), self.get_component_rich_style("bars--bar")),
            ]
        ).adjust_cell_length(width, self.rich_style)
