"""Scanlines: every other row of the screen a little darker, as on a tube.

The pattern moves along with what scrolls, so that rows which move up on the terminal stay as they are: a line driver
that scrolls the terminal instead of writing it anew has nothing to write for them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual._compositor import Compositor
from textual.scroll_view import ScrollView
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.geometry import Region
    from textual.widget import Widget

Shades: TypeAlias = tuple[tuple[str, str], ...]
"""Grounds, each with what it is on the darker rows, as ``#rrggbb``."""
NAMES = ("t-scan-background", "t-scan-panel")
"""The theme's variables that say how dark; absent where there are no scanlines."""


class Tube(Compositor):
    """Puts a screen together; its root's theme says whether with scanlines."""

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        chops = list(self.unlit(crop, is_rendered_line))
        shades = shades_of(self.root)
        if shades:
            shifts = self._shifts()
            for y in range(crop.y, min(crop.bottom, len(chops))):
                if (y + shifts.get(y, 0)) % 2 and is_rendered_line(y):
                    chops[y] = {x: strip and _darker(strip, shades) for x, strip in chops[y].items()}
        return chops

    def unlit(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        """The same without scanlines."""
        return super()._render_chops(crop, is_rendered_line)

    def _shifts(self) -> dict[int, int]:
        """How far each row has moved up with the widest thing that scrolls there."""
        shifts: dict[int, int] = {}
        scrolling = [(region, widget) for widget, (region, _) in self.visible_widgets.items() if _scrolls(widget)]
        for region, widget in sorted(scrolling, key=lambda pair: pair[0].width):
            shifts |= dict.fromkeys(region.line_range, widget.scroll_offset.y)
        return shifts


def shades_of(root: Widget | None) -> Shades:
    """What the theme of the moment darkens; nothing where there are no scanlines."""
    variables = root.app.theme_variables if root is not None else {}
    if NAMES[0] not in variables:
        return ()
    return tuple((variables[name.replace("scan-", "")].lower(), variables[name].lower()) for name in NAMES)


def _scrolls(widget: Widget) -> bool:
    return isinstance(widget, ScrollView)


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
