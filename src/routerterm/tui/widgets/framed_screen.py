"""A screen that draws the lines around and between its panes itself, in the theme's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.containers import Container
from textual.strip import Strip

from routerterm.tui.widgets.fast_screen import FastScreen
from routerterm.tui.widgets.fields import FieldLine
from routerterm.tui.widgets.frame import GROUNDED, UNBOXED, Panes, draw
from routerterm.tui.widgets.styles import Toned

if TYPE_CHECKING:
    from textual.geometry import Region, Size

    from routerterm.tui.themes.values import Frame, Theme

BOX_FROM = 60
"""Columns from which a line goes round everything."""
BOTTOM_FROM = 22
"""Rows from which that line is closed at the foot."""
NARROW_BELOW = 80
"""Columns under which keys at the foot take two lines, and details a line of their own."""
SHORT = 14
"""Rows up to which there is no room for that."""


class FramedScreen(FastScreen[None], Toned):
    """Its panes lie on top of the frame; `panes` says where they end."""

    frame: Frame = "single"
    _drawn: Panes | None = None
    _lines: tuple[str, ...] = ()
    _box: Region | None = None

    def panes(self) -> Panes:
        """Where the lines go, at the present size and layout."""
        return Panes(self.size.width, self.size.height)

    def boxed_at(self, size: Size) -> bool:
        """Whether a line goes round everything at that size, on this theme."""
        return size.width >= BOX_FROM and self.frame not in UNBOXED

    def on_mount(self) -> None:
        """Draw the frame anew whenever the panes have moved."""
        self.screen_layout_refresh_signal.subscribe(self, lambda _: self._laid_out())

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows of the frame; where the panes end is asked once for all of them."""
        self.look_at_panes()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One row of the frame, for wherever no pane lies on it."""
        return self.frame_line(0, y, self.size.width)

    def look_at_panes(self) -> None:
        """Find where the lines go and which are bright, before some of them are drawn."""
        panes = self.panes()
        if self._drawn is None:
            self._drawn = panes
        self._lines = draw(panes, self.frame)
        self._box = self.focus_box()

    def frame_line(self, x: int, y: int, width: int) -> Strip:
        """A stretch of a row of the frame, as it was when the panes were last looked at."""
        text = (self._lines[y][x : x + width] if 0 <= y < len(self._lines) else "").ljust(width)
        bright, segments, at = self._bright_cells(y), list[Segment](), 0
        for begin, end in bright:
            begin, end = max(begin - x, at), min(end - x, width)
            if begin < end:
                segments += [Segment(text[at:begin], self.tone("faint")), Segment(text[begin:end], self.tone("text"))]
                at = end
        segments.append(Segment(text[at:], self.tone("faint")))
        return Strip(segments, width)

    def _bright_cells(self, y: int) -> tuple[tuple[int, int], ...]:
        """Stretches of this row that belong to the frame of the pane where the keys go."""
        box = self._box
        if box is None or not box.y <= y < box.bottom:
            return ()
        across = y in (box.y, box.bottom - 1)
        stretches = ((box.x, box.right),) if across else ((box.x, box.x + 1), (box.right - 1, box.right))
        if self.frame not in GROUNDED or not self.boxed_at(self.size):
            return stretches
        return tuple((max(begin, 1), min(end, self.size.width - 1)) for begin, end in stretches)

    def focus_box(self) -> Region | None:
        """The pane where the keys go, its frame included; that is drawn brighter."""
        return None

    def reframe(self) -> None:
        """Draw all lines anew."""
        self._drawn = self.panes()
        self.refresh()
        for pane in self.query(FramePart):
            pane.refresh()

    def focus_moved(self) -> None:
        """Draw the lines anew where they were drawn with another pane bright."""
        if self._lines and self.focus_box() != self._box:
            self.reframe()

    def _laid_out(self) -> None:
        if self.panes() != self._drawn:
            self.reframe()


def title_line(theme: Theme, *, gap: int = 3) -> FieldLine:
    """The first row of a screen, on the upper edge of its frame, in the theme's form."""
    line = FieldLine(id="title", fill=theme.edge, gap=gap)
    line.reversed, line.centred = theme.layout.title == "bar", theme.layout.title == "centre"
    return line


class FramePart(Container):
    """A container through whose gaps the frame is seen."""

    DEFAULT_CSS = "FramePart { width: 1fr; height: 1fr; }"

    def render_lines(self, crop: Region) -> list[Strip]:
        """The frame behind these rows."""
        if isinstance(self.screen, FramedScreen):
            self.screen.look_at_panes()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """The frame behind this row."""
        screen = self.screen
        if not isinstance(screen, FramedScreen):
            return Strip.blank(self.size.width, self.rich_style)
        region = self.content_region
        return screen.frame_line(region.x, region.y + y, region.width)
