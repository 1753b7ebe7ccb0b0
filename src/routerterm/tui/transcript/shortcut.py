"""The way of a growing answer to the terminal that leaves Textual's compositor out.

For each update the compositor cuts the whole screen into strips; a piece of an answer changes a row or two.  Where the
view's rows lie open on the screen, and no new layout is due, its strips are what a composition would show: they go to
the driver as they are.  Anything else takes Textual's way: something over the view, another screen on top, another
driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Region

from routerterm.tui.terminal import driver_of
from routerterm.tui.textual_internals.screens import compositor_of, places_of
from routerterm.tui.themes.scanlines import ScanlineCompositor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.strip import Strip
    from textual.widget import Widget

    from routerterm.tui.transcript.painter import Painter


class Shortcut:
    """Knows of one view whether its rows lie open, and puts them on the terminal if so."""

    def __init__(self, view: Painter) -> None:
        self._view = view
        self._places: Mapping[Widget, tuple[Region, Region]] | None = None
        self._open: Region | None = None
        self.frames = 0
        """Frames that went this way."""

    def show(self, rows: Sequence[int]) -> bool:
        """Show these rows of the view, as they are now; whether that was possible."""
        view = self._view
        driver = driver_of(view.app) if view.is_attached else None
        region = self._region() if driver is not None and driver.takes_rows else None
        if driver is None or region is None:
            return False
        strips = view.render_lines(Region(0, rows[0], view.columns, rows[-1] + 1 - rows[0]))
        console, compositor = view.app.console, compositor_of(view.screen)
        shown: list[tuple[int, int, str]] = []
        for y in rows:
            strip: Strip = strips[y - rows[0]]
            if isinstance(compositor, ScanlineCompositor):
                strip = compositor.lit(strip, region.x, region.y + y)
            shown.append((region.y + y, region.x, strip.render(console)))
        driver.place(shown)
        self.frames += 1
        return True

    def _region(self) -> Region | None:
        """Where the view's lines are on the screen, if all of them can be seen and nothing lies over them."""
        places = places_of(self._view)
        if places is None:
            return None
        if places is not self._places:
            self._places, self._open = places, _open_region(self._view, places)
        return self._open


def _open_region(view: Painter, places: Mapping[Widget, tuple[Region, Region]]) -> Region | None:
    found = places.get(view)
    if found is None or view.styles.gutter != (0, 0, 0, 0):
        return None
    region, clip = found
    lines = Region(region.x, region.y, view.columns, view.rows)
    if region.height != view.rows or not 0 <= region.width - view.columns <= view.scrollbar_size_vertical:
        return None  # the view is about to be told of another size
    if lines.intersection(clip) != lines:
        return None
    beneath = {view, *view.ancestors}
    for widget, (other, other_clip) in places.items():
        if widget not in beneath and other.intersection(other_clip).overlaps(lines):
            return None
    return lines
