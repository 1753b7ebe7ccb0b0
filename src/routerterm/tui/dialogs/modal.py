"""A screen over another one, which is seen around it as it is.

Textual would draw all that lies beneath anew, and take every piece of it apart, for each redraw of the overlay.  Here
each row beneath is drawn once, and again when something on it has changed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region
from textual.screen import ModalScreen, Screen
from textual.strip import Strip

from routerterm.tui.app_context import AppContext
from routerterm.tui.textual_internals.screens import composed_by, compositor_of, forget_lines, keep_lines
from routerterm.tui.themes.scanlines import ScanlineCompositor
from routerterm.tui.widgets.fast_screen import Answer, FastScreen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from textual.geometry import Size


SHADOW = 2
"""Cells that a dialog's shadow reaches beyond it."""
SCRAPS = 24
"""Cells beside a dialog in which no line can be read."""
_BLANKS = re.compile(" {12,}")
"""Room between words that a theme may fill: less would be spots between them."""
DARK = Color.parse("#000000").rich_color


class Modal(ModalScreen[Answer], FastScreen[Answer]):
    """What is taken as its answer, `dismiss` gives."""

    app: AppContext
    dims: bool = True
    """Whether what lies beneath is dimmed; not where it is what is being chosen, as with themes."""
    _rows: dict[int, Strip]
    _rows_for: Size | None = None

    def __init__(self) -> None:
        super().__init__()
        keep_lines(self)
        self._lies_at = Region()
        """Where the dialog lies."""

    def on_mount(self) -> None:
        """Follow where the dialog lies: its shadow does, and what is left of the words beside it."""
        self.screen_layout_refresh_signal.subscribe(self, lambda _: self._laid_out())

    def _laid_out(self) -> None:
        own = (child.region for child in self.children if not child.has_class("-textual-system"))
        box = next(own, Region())
        self.set_class(box.bottom >= self.size.height, "-to-the-end")
        if box != self._lies_at:
            self._lies_at = box
            keep_lines(self)  # those kept so far are of where the dialog was before
            self.refresh()

    def notify_style_update(self) -> None:
        """What lies beneath is in other tones now."""
        self._rows_for = None
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """A row of the screen beneath, for wherever nothing of ours lies on it."""
        beneath = self._beneath
        if beneath is None or compositor_of(beneath).size != self.size:
            return Strip.blank(self.size.width, self.rich_style)
        if self._rows_for != self.size:
            chops = _unlit(beneath, self.size.region)
            self._rows = {row: self._ground(Strip.join(chop.values())) for row, chop in enumerate(chops)}
            self._rows_for = self.size
        if y not in self._rows:
            row = _unlit(beneath, Region(0, y, self.size.width, 1))[y]
            self._rows[y] = self._ground(Strip.join(row.values()))
        return self._shaded(self._tidied(self._rows[y], y), y)

    def _tidied(self, strip: Strip, y: int) -> Strip:
        """A row without the scraps of words beside a dialog and its shadow; the frame at the edge is kept.

        Where little room is left no words stay; elsewhere only those go that the dialog cuts through.
        """
        box, layout = self._lies_at, self.app.active_theme.layout
        fill = layout.dither if self.dims else ""
        opaque = layout.shadow.strip() and box.right + SHADOW <= self.size.width  # nothing is seen through it
        if box and opaque and y > box.y:
            under = y == box.bottom
            box = Region(box.x + SHADOW * under, box.y, box.width + SHADOW * (not under), box.height + 1)
        if not box or not box.y <= y < box.bottom:
            return strip
        left, right = strip.crop(0, box.x), strip.crop(box.right)
        if 0 < left.cell_length < SCRAPS:
            left = Strip.join([_edge(left.crop(0, 1)), _blank(left.crop(1), fill)])
        elif (cut := cut_word(strip.text, box.x, -1)) > 0:
            left = Strip.join([left.crop(0, box.x - cut), _blank(left.crop(box.x - cut))])
        if 0 < right.cell_length < SCRAPS:
            last = right.cell_length - 1
            right = Strip.join([_blank(right.crop(0, last), fill), _edge(right.crop(last))])
        elif (cut := cut_word(strip.text, box.right, 1)) > 0:
            right = Strip.join([_blank(right.crop(0, cut)), right.crop(cut)])
        return Strip.join([left, strip.crop(box.x, box.right), right])

    def _shaded(self, strip: Strip, y: int) -> Strip:
        """A row of what lies beneath, with the dialog's shadow on it where the theme has one."""
        sign = self.app.active_theme.layout.shadow
        box = self._lies_at if sign else Region()
        if not box or not box.y < y <= box.bottom or box.right + SHADOW > self.size.width:
            return strip
        begin, end = (box.x + SHADOW, box.right + SHADOW) if y == box.bottom else (box.right, box.right + SHADOW)
        shade = Style(color=Color.parse(self.app.theme_variables["t-faint"]).rich_color, bgcolor=DARK)
        if sign.isspace():
            under = strip.crop(begin, end).text
            shadow = Segment(under, shade)
        else:
            shadow = Segment(sign * (end - begin), next(iter(self._ground(strip))).style)
        middle = Strip([shadow])
        return Strip.join([strip.crop(0, begin), middle, strip.crop(end)])

    def _ground(self, strip: Strip) -> Strip:
        """A row of what lies beneath: in one faint tone, so that the dialog alone stands out."""
        if not self.dims:
            return strip.discard_meta()
        variables = self.app.theme_variables
        colours = (Color.parse(variables[name]).rich_color for name in ("t-faint", "t-background"))
        foreground, background = colours
        text = strip.text
        if dither := self.app.active_theme.layout.dither:
            text = _BLANKS.sub(lambda found: f" {_run(dither, found.end() - found.start() - 2)} ", text)
        faint = self.app.active_theme.fading or None
        return Strip([Segment(text, Style(color=foreground, bgcolor=background, dim=faint))], strip.cell_length)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw again; ``regions`` are those where the screen beneath has changed."""
        self._forget(regions)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _forget(self, regions: Sequence[Region]) -> None:
        """What lies beneath has changed there, for every dialog that waits under this one as well."""
        stack = self.app.screen_stack
        waiting = stack[: stack.index(self)] if regions and self in stack else []
        for dialog in [self, *(screen for screen in waiting if isinstance(screen, Modal))]:
            if dialog is not self:
                forget_lines(dialog, regions)
            if dialog._rows_for is not None:
                for row in {row for region in regions for row in region.line_range}:
                    dialog._rows.pop(row, None)

    @property
    def _beneath(self) -> Screen[Any] | None:
        """The screen that is seen behind: of several dialogs only the one on top is."""
        stack = self.app.screen_stack
        place = stack.index(self) if self in stack else 0
        return next((screen for screen in reversed(stack[:place]) if not isinstance(screen, Modal)), None)


def _blank(strip: Strip, fill: str = "") -> Strip:
    """Blanks in the strip's place, or what a theme fills them with."""
    width = strip.cell_length
    text = f" {_run(fill, width - 2)} " if fill and width > SHADOW else " " * width
    style = next((segment.style for segment in reversed(list(strip)) if not segment.text.strip()), None)
    return Strip([Segment(text, style or next((segment.style for segment in strip), None))])


def cut_word(text: str, at: int, step: int) -> int:
    """Cells beside the place ``at``, to its left with -1, of a word that goes on beyond it."""
    cells = "".join(char if cell_len(char) < 2 else char * 2 for char in text)
    if not 0 < at < len(cells) or not (cells[at - 1].isalnum() and cells[at].isalnum()):
        return 0
    beside = cells[at:] if step > 0 else cells[:at][::-1]
    return len(beside.split(" ", 1)[0])


def _edge(strip: Strip) -> Strip:
    """The cell at the edge of the terminal: a frame stays, all else does not."""
    return strip if "\u2500" <= strip.text <= "\u259f" or strip.text == "|" else _blank(strip)


def _run(signs: str, width: int) -> str:
    """These signs again and again, so many cells."""
    return (signs * (width // len(signs) + 1))[:width]


def _unlit(screen: Screen[Any], crop: Region) -> Sequence[Mapping[int, Strip]]:
    """Rows of a screen without scanlines: the overlay's own lie over them."""
    compositor, wanted = compositor_of(screen), crop.line_range.__contains__
    if isinstance(compositor, ScanlineCompositor):
        return compositor.unlit(crop, wanted)
    return composed_by(compositor, crop, wanted)
