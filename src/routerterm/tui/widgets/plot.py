"""A pane for a drawing in letters: a title above it, tones in it, and clicks on what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.strip import Strip

from routerterm.engine.usage.plot import Drawing
from routerterm.tui.data_message import DataMessage
from routerterm.tui.widgets.styles import Toned

Draw: TypeAlias = Callable[[int, int], Drawing]
"""Makes the drawing for so many columns and rows."""


class Plot(Toned):
    """Told what to draw; draws it again for every size."""

    class Chosen(DataMessage):
        """Something was clicked: the number of its value."""

        plot: Plot
        index: int

    def __init__(self, *, titled: bool = True, id: str | None = None) -> None:
        super().__init__(id=id)
        self._titled = titled
        self._title = self._right = ""
        self._draw: Draw | None = None
        self._made: tuple[tuple[int, int], Drawing] | None = None

    def show(self, draw: Draw, title: str = "", right: str = "") -> None:
        """Draw this from now on; the title stands above it, ``right`` at the end of the title's row."""
        self._draw, self._title, self._right, self._made = draw, title, right, None
        self.refresh()

    @property
    def drawing(self) -> Drawing:
        """What is shown at the present size."""
        size = (self.size.width, self.size.height - self._titled)
        if self._draw is None:
            return Drawing()
        if self._made is None or self._made[0] != size:
            self._made = (size, self._draw(*size))
        return self._made[1]

    def render_line(self, y: int) -> Strip:
        """The title, or a row of the drawing."""
        width, drawing = self.size.width, self.drawing
        if self._titled and y == 0:
            room = max(0, width - cell_len(self._right) - 1) if self._right else width
            title = self._title
            while cell_len(title) > room and " " in title:  # whole words: what is left of them says more
                title = title.rpartition(" ")[0]
            title = set_cell_size(title, min(cell_len(title), room))
            gap = " " * max(0, width - cell_len(title) - cell_len(self._right))
            return Strip([Segment(title, self.tone("text")), Segment(gap + self._right, self.tone("dim"))], width)
        at = y - self._titled
        if at >= len(drawing.rows):
            return Strip.blank(width, self.tone("text"))
        segments = [Segment(run.text, self.tone(run.tone)) for run in drawing.rows[at]]
        return Strip(segments).adjust_cell_length(width, self.tone("text"))

    def on_click(self, event: events.Click) -> None:
        """Say what was hit."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = self.drawing.at(offset.x, offset.y - self._titled)
        if index is not None:
            event.stop()
            self.post_message(self.Chosen(self, index))
