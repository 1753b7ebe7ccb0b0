"""Scanlines: every other row of the screen a little darker, as on a tube.

The pattern moves along with what scrolls, so that rows which move up on the terminal stay as they are: a driver that
scrolls the terminal instead of writing it anew has nothing to write for them.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip

from routerterm.tui.textual_internals.screens import ScreenCompositor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.geometry import Region
    from textual.widget import Widget

Shades: TypeAlias = tuple[tuple[str, str], ...]
"""Grounds, each with what it is on the darker rows, as ``#rrggbb``."""
NAMES = ("t-scan-background", "t-scan-panel")
"""The theme's variables that say how dark; absent where there are no scanlines."""


class ScanlineCompositor(ScreenCompositor):
    """Puts a screen together; its root's theme says whether with scanlines."""

    def changed(self, crop: Region, wanted: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        """With every other row darker, where the theme says so."""
        chops = self.unlit(crop, wanted)
        shades = shades_of(self.root)
        if not shades:
            return chops
        moved = self._moved()
        return [
            {
                x: strip and _darker(strip, shades) if (y + _shift(moved, x, y)) % 2 else strip
                for x, strip in row.items()
            }
            if crop.y <= y < crop.bottom and wanted(y)
            else row
            for y, row in enumerate(chops)
        ]

    def lit(self, strip: Strip, x: int, y: int) -> Strip:
        """A strip as it stands there on the screen, where it was not put together here."""
        shades = shades_of(self.root)
        return _darker(strip, shades) if shades and (y + _shift(self._moved(), x, y)) % 2 else strip

    def unlit(self, crop: Region, wanted: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        """The same without scanlines."""
        chops = self.composed(crop, wanted)
        if crop == self.size.region:
            for cuts, row in zip(self.cuts, chops, strict=False):
                _fill(cuts, row)
        return chops

    def _moved(self) -> list[tuple[Region, int]]:
        """What scrolls, and by how many rows it stands above where it began."""
        seen = self.visible_widgets.items()
        return [(region, widget.scroll_offset.y) for widget, (region, _) in seen if isinstance(widget, ScrollView)]


def _fill(cuts: Sequence[int], row: Mapping[int, Strip | None]) -> None:
    """Blanks where a widget drew less than its place: in a storm of sizes it may have been laid out for another."""
    if None in row.values() and isinstance(row, dict):
        for cut, end in pairwise(cuts):
            if row.get(cut) is None:
                row[cut] = Strip.blank(end - cut)


def shades_of(root: Widget | None) -> Shades:
    """What the theme of the moment darkens; nothing where there are no scanlines."""
    variables = root.app.theme_variables if root is not None else {}
    if NAMES[0] not in variables:
        return ()
    return tuple((variables[name.replace("scan-", "")].lower(), variables[name].lower()) for name in NAMES)


def _shift(moved: Sequence[tuple[Region, int]], x: int, y: int) -> int:
    return next((rows for region, rows in moved if region.contains(x, y)), 0)


def _darker(strip: Strip, shades: Shades) -> Strip:
    return Strip(
        [Segment(text, style and _shaded(style, shades), control) for text, style, control in strip], strip.cell_length
    )


@lru_cache(maxsize=2048)
def _shaded(style: Style, shades: Shades) -> Style:
    ground = style.bgcolor
    if ground is None or ground.triplet is None:
        return style
    darker = dict(shades).get(ground.triplet.hex)
    return style + Style(bgcolor=Color.parse(darker)) if darker else style
