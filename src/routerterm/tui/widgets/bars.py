"""A bar chart of a few rows, drawn in eighths of a cell: what each day has cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from msgspec import Struct
from rich.cells import set_cell_size
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from routerterm.tui.widgets.styles import Toned

EIGHTHS = " ▁▂▃▄▅▆▇█"
ASCII_STEPS = " ....::##"


class Chart(Struct, frozen=True):
    """What is drawn: values over time, what they are, and their first and last name."""

    values: tuple[float, ...] = ()
    title: str = ""
    """``cost a day``; where a bar stands for several, that is said."""
    most: str = ""
    """What the highest value is, in words."""
    ends: tuple[str, str] = ("", "")


def merged(values: Sequence[float], most: int) -> tuple[tuple[float, ...], int]:
    """Sums of so many neighbours that no more than ``most`` are left, and how many went into each."""
    each = max(1, -(-len(values) // max(1, most)))
    first = len(values) % each
    groups = [values[:first]] if first else []
    groups += [values[at : at + each] for at in range(first, len(values), each)]
    return tuple(sum(group) for group in groups), each


def places(count: int, width: int) -> list[tuple[int, int]]:
    """Where each of so many bars begins, and how wide it is: alike, with gaps, or close together over all of it."""
    each = width // count
    if each >= 3:
        first = width - each * count + 1
        return [(first + n * each, each - 1) for n in range(count)]
    edges = [round(n * width / count) for n in range(count + 1)]
    return [(start, end - start) for start, end in pairwise(edges)]


def bar_rows(values: Sequence[float], height: int, width: int, steps: str = EIGHTHS) -> list[str]:
    """The chart as text, from the top, over the whole width; neighbours are summed where they are too many."""
    if not values or height < 1 or width < 1:
        return [""] * max(0, height)
    shown, _ = merged(values, width)
    most = max(shown) or 1.0
    heights = [round(value / most * height * 8) or (1 if value > 0 else 0) for value in shown]
    rows = []
    for row in range(height - 1, -1, -1):
        line = [" "] * width
        for eighths, (start, size) in zip(heights, places(len(shown), width), strict=True):
            line[start : start + size] = steps[max(0, min(8, eighths - row * 8))] * size
        rows.append("".join(line))
    return rows


class Bars(Toned):
    """A chart with its title above and the ends of its time beneath."""

    chart: reactive[Chart] = reactive(Chart())
    steps = EIGHTHS

    @dataclass
    class Chosen(Message):
        """A bar was clicked: the first and last of the values that it stands for."""

        first: int
        last: int

    def render_line(self, y: int) -> Strip:
        """The title, a row of the chart, or the names beneath it."""
        width, height = self.size.width, self.size.height - 2
        label = self.tone("dim")
        if y == 0 or y > height:
            left, right = self._heading() if y == 0 else self.chart.ends
            text = left + right.rjust(max(1, width - len(left)))
            return Strip([Segment(set_cell_size(text, width), label)], width)
        rows = bar_rows(self.chart.values, height, width, self.steps)
        return Strip([Segment(rows[y - 1].ljust(width), self.tone("text"))], width)

    def _heading(self) -> tuple[str, str]:
        if not self.chart.values:
            return "", ""
        _, each = merged(self.chart.values, self.size.width)
        return self.chart.title + (f", {each} to a bar" if each > 1 else ""), f"most {self.chart.most}"

    def on_click(self, event: events.Click) -> None:
        """Say which bar was hit."""
        offset = event.get_content_offset(self)
        if offset is None or not self.chart.values:
            return
        shown, each = merged(self.chart.values, self.size.width)
        for number, (start, size) in enumerate(places(len(shown), self.size.width)):
            if start <= offset.x <= start + size:
                last = len(self.chart.values) - 1 - (len(shown) - 1 - number) * each
                event.stop()
                self.post_message(self.Chosen(max(0, last - each + 1), last))
                return
