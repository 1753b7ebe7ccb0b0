"""The lines around and between the panes, with their joints, as rows of text.

Pure: a drawing is made of straight strokes on a grid of cells; where they meet, the joint follows from
the directions in which they leave the cell.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Frame

UNBOXED: frozenset[Frame] = frozenset(("rules", "ruler", "dashes", "mosaic", "ascii-rules", "none"))
"""Frames of machines that draw no line round their screen."""
GROUNDED: frozenset[Frame] = frozenset(("wide", "window", "tractor"))
"""Frames whose edge is what the screen lies on, and no pane's own line."""
_UP, _RIGHT, _DOWN, _LEFT = 1, 2, 4, 8

# Indexed by the sum of the directions in which strokes leave a cell.
_SINGLE = " │─└││┌├─┘─┴┐┤┬┼"
_JOINTS: dict[Frame, str] = {
    "single": _SINGLE,
    "double": " ║═╚║║╔╠═╝═╩╗╣╦╬",
    "mixed": _SINGLE,
    "heavy": " ┃━┗┃┃┏┣━┛━┻┓┫┳╋",
    "round": " │─╰││╭├─╯─┴╮┤┬┼",
    "rows": " │═╘││╒╞═╛═╧╕╡╤╪",
    "wide": " " + "█" * 15,
    "block": " ┃━┗┃┃┏┣━┛━┻┓┫┳╋",
    "thick": " █▄█████▄█▄█████",
    "pixel": " ▐▄▐▐▐▄▐▄▐▄▐▄▐▄▐",
    "window": _SINGLE,
    "tractor": "  --  ----------",
    "dashes": "  --  ----------",
    "mosaic": "  ▖▖  ▖▖▖▖▖▖▖▖▖▖",
    "rules": _SINGLE,
    "ruler": _SINGLE,
    "none": " " * 16,
    "ascii": " |-+||++-+-+++++",
    "ascii-rules": " |-+||++-+-+++++",
}
_EDGES: dict[Frame, str] = {
    "mixed": "╔═╗║║╚═╝╤╟╢╧",
    "block": "▛▀▜▌▐▙▄▟▀▌▐▄",
    "thick": "█▀████▄█████",
    "pixel": "▄▄▄██▀▀▀▄██▀",
    "window": "▒▒▒▒▒▒▒▒▒▒▒▒",
    "tractor": "o-oooo-o-oo-",
}
"""Where the line round everything is another than those within: its corners and sides from the top left, then what
stands where a line from within meets the top, the left, the right and the bottom."""


class Stroke(Struct, frozen=True):
    """A straight line from one cell to another, both included, in the same row or column."""

    x0: int
    y0: int
    x1: int
    y1: int


class Panes(Struct, frozen=True):
    """Where the panes of a screen end; what is None is not there."""

    width: int
    height: int
    boxed: bool = True
    """Whether a line goes round everything; otherwise there are only rules between panes."""
    bottom: bool = True
    """Whether that line is closed at the foot."""
    top: int = 0
    """The row of its upper edge."""
    rules: tuple[int, ...] = ()
    """Rows of lines across the whole width."""
    split: int | None = None
    """Column of the line between two panes side by side, from the first row to the first of ``rules``."""
    splits: tuple[int, ...] = ()
    """Columns of further lines between the first of ``rules`` and the last; from the top where there is only one."""
    right_rules: tuple[int, ...] = ()
    """Rows of lines from the split to the right edge."""


@lru_cache(maxsize=32)
def draw(panes: Panes, frame: Frame) -> tuple[str, ...]:
    """The frame as one text per row, blank where the panes are."""
    joints, edges = _JOINTS[frame], _EDGES.get(frame)
    within, around = ([[0] * panes.width for _ in range(panes.height)] for _ in range(2))
    boxed = edges is not None and panes.boxed
    for stroke in _around(panes):
        _engrave(around if boxed else within, stroke)
    for stroke in _between(panes) if frame != "wide" else ():
        _engrave(within, stroke)
    rows: list[str] = []
    made: dict[tuple[bool, bytes, bytes], str] = {}  # most rows look like the one before
    for y, (row, outer) in enumerate(zip(within, around, strict=True)):
        key = y == panes.top, bytes(row), bytes(outer)
        if key not in made:
            last = panes.width - 1
            made[key] = "".join(
                _edge(edges or "", x, y - panes.top, last=last, outer=outer[x], inner=cell)
                if outer[x]
                else joints[cell]
                for x, cell in enumerate(row)
            )
        rows.append(made[key])
    return tuple(map(_with_stops, rows)) if frame == "ruler" else tuple(rows)


def _with_stops(row: str) -> str:
    """A line as a ruler with a tab stop every eight columns."""
    ruler = ("T" if x % 8 == 0 else "." for x in range(len(row)))
    return "".join(mark if cell == "─" else cell for mark, cell in zip(ruler, row, strict=True))


def _edge(edges: str, x: int, y: int, last: int, outer: int, inner: int) -> str:
    """What stands on the line round everything, where ``inner`` are the directions of lines from within."""
    top_left, top, top_right, left, right, bottom_left, bottom, bottom_right, *meets = list(edges)
    if outer & (_UP | _DOWN) and outer & (_LEFT | _RIGHT):
        upper, lower = (top_left, bottom_left) if x == 0 else (top_right, bottom_right)
        return upper if outer & _DOWN else lower
    if outer & (_LEFT | _RIGHT):
        if y == 0:
            return meets[0] if inner & _DOWN else top
        return meets[3] if inner & _UP else bottom
    if x == 0:
        return meets[1] if inner & _RIGHT else left
    return meets[2] if inner & _LEFT and x == last else right


def _around(panes: Panes) -> Iterable[Stroke]:
    """The line round everything, as far as there is one."""
    right, foot = panes.width - 1, panes.height - 1
    yield Stroke(0, panes.top, right, panes.top)
    if panes.boxed:
        yield Stroke(0, panes.top, 0, foot)
        yield Stroke(right, panes.top, right, foot)
        if panes.bottom:
            yield Stroke(0, foot, right, foot)


def _between(panes: Panes) -> Iterable[Stroke]:
    """The straight lines between the panes."""
    right, foot = panes.width - 1, panes.height - 1
    for row in panes.rules:
        yield Stroke(0, row, right, row)
    left = 0
    if panes.split is not None:
        left = panes.split
        yield Stroke(left, panes.top, left, min(panes.rules, default=foot))
    for column in panes.splits:
        yield Stroke(
            column, min(panes.rules) if len(panes.rules) > 1 else panes.top, column, max(panes.rules, default=foot)
        )
    for row in panes.right_rules:
        yield Stroke(left, row, right, row)


def _engrave(cells: list[list[int]], stroke: Stroke) -> None:
    height, width = len(cells), len(cells[0]) if cells else 0
    if stroke.y0 == stroke.y1 and 0 <= stroke.y0 < height:
        for x in range(max(0, stroke.x0), min(width, stroke.x1 + 1)):
            cells[stroke.y0][x] |= (_LEFT if x > stroke.x0 else 0) | (_RIGHT if x < stroke.x1 else 0)
    elif stroke.x0 == stroke.x1 and 0 <= stroke.x0 < width:
        for y in range(max(0, stroke.y0), min(height, stroke.y1 + 1)):
            cells[y][stroke.x0] |= (_UP if y > stroke.y0 else 0) | (_DOWN if y < stroke.y1 else 0)
