"""The shortest bytes, found cheaply, that turn what the terminal shows into what it should show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from routerterm.tui.terminal.cells import CONT, Graphemes, risky, special
from routerterm.tui.terminal.grid import Grid
from routerterm.tui.terminal.motion import motion
from routerterm.tui.terminal.order import Run, by_style
from routerterm.tui.terminal.scroll import Shift, differing, find_shift

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from routerterm.tui.terminal.style import StyleTable

_SAME = re.compile(r"(.)\1*", re.DOTALL)
_GAP = 4  # unchanged cells that are cheaper written again than jumped over
_FEW = 4  # rows that are too few for another order to be worth the search
_LOST = "\x1b[m\x1b[r\x1b[2J"  # plain style, no margins, all blank


class Abilities(Struct, frozen=True):
    """What the terminal at the other end can be trusted with."""

    coloured_erase: bool = True
    """Erased cells take the current background (BCE)."""
    scroll: bool = True
    """It has scrolling margins."""
    columns: bool = False
    """It has margins at left and right too (DECLRMM)."""


class Painter:
    """Knows what the terminal shows: its cells, its cursor, its current style."""

    def __init__(self, columns: int, rows: int, styles: StyleTable, graphemes: Graphemes, abilities: Abilities) -> None:
        self.shown = Grid(columns, rows)
        self.styles = styles
        self.graphemes = graphemes
        self.abilities = abilities
        self.lost = True
        self.x: int | None = None
        self.y: int | None = None
        self.style = 0
        self.touched = 0
        """Rows written (and blocks scrolled) by the last paint."""

    def lose(self) -> None:
        """The terminal's state is no longer known: the next paint begins with a clear."""
        self.lost = True

    def lose_cursor(self) -> None:
        """Something else was written: where the cursor is, and in which style, is not known."""
        self.x = self.y = None

    # -- painting ---------------------------------------------------------------------------------------
    def paint(self, wanted: Grid, budget: int | None = None, hot: int = 0) -> tuple[str, bool]:
        """The bytes to send, and whether they show everything.

        With a budget the rows nearest to the row ``hot`` (where the person types) come first, and painting
        stops at the first row past the budget: the rest waits for the next paint, and for what is newest then.
        """
        self.touched = 0
        out: list[str] = []
        if self.lost or (wanted.columns, wanted.rows) != (self.shown.columns, self.shown.rows):
            self.shown = Grid(wanted.columns, wanted.rows)
            out.append(_LOST)
            self.lost, self.style, self.x, self.y = False, 0, None, None
        shown = self.shown
        changed = [
            y
            for y, (old, new) in enumerate(zip(shown.text, wanted.text, strict=True))
            if old != new or shown.styles[y] != wanted.styles[y]
        ]
        if not changed:
            return "".join(out), True
        if self.abilities.scroll and (shift := find_shift(shown, wanted, changed, between=self.abilities.columns)):
            if shift.right is None:
                self._scroll(out, shift)
            else:
                self._scroll_between(out, shift, shift.right)
            self.touched += 2
        if budget is None:
            self._whole_rows(out, range(shown.rows) if self.touched else changed, wanted)
            return "".join(out), True
        used = sum(map(len, out))
        for y in sorted(range(shown.rows), key=lambda y: abs(y - hot)):
            old, new, old_styles, new_styles = shown.text[y], wanted.text[y], shown.styles[y], wanted.styles[y]
            if old == new and old_styles == new_styles:
                continue
            if used >= budget:
                return "".join(out), False
            begun = len(out)
            new, new_styles = _partly(old, new, old_styles, new_styles, max(16, budget - used))
            for run in self._runs(y, new, new_styles):
                self._run(out, run, new, new_styles)
            shown.text[y], shown.styles[y] = new, new_styles
            self.touched += 1
            used += sum(map(len, out[begun:]))
        return "".join(out), (shown.text, shown.styles) == (wanted.text, wanted.styles)

    def _whole_rows(self, out: list[str], rows: Iterable[int], wanted: Grid) -> None:
        """Write what is not yet as wanted of these rows, in the order that takes fewer bytes."""
        shown = self.shown
        runs: list[Run] = []
        changed: list[int] = []
        for y in rows:
            if shown.text[y] != wanted.text[y] or shown.styles[y] != wanted.styles[y]:
                runs += self._runs(y, wanted.text[y], wanted.styles[y])
                changed.append(y)
        begun = self.x, self.y, self.style
        text, end = self._written(runs, wanted)
        if len(changed) >= _FEW:
            self.x, self.y, self.style = begun
            other, other_end = self._written(by_style(runs, wanted, self.styles.blank, self.style), wanted)
            text, end = min((text, end), (other, other_end), key=lambda way: len(way[0]))
        out.append(text)
        self.x, self.y, self.style = end
        for y in changed:
            shown.text[y], shown.styles[y] = wanted.text[y], wanted.styles[y]
        self.touched += len(changed)

    def _written(self, runs: Iterable[Run], wanted: Grid) -> tuple[str, tuple[int | None, int | None, int]]:
        """The bytes for these runs, one after the other, and where they leave cursor and style."""
        out: list[str] = []
        for run in runs:
            self._run(out, run, wanted.text[run.y], wanted.styles[run.y])
        return "".join(out), (self.x, self.y, self.style)

    def park(self, x: int, y: int) -> str:
        """Put the cursor where the program wants it."""
        move = motion(self.x, self.y, x, y)
        self.x, self.y = x, y
        return move

    def _scroll(self, out: list[str], shift: Shift) -> None:
        top, bottom, by, _, _ = shift
        self._wear(out, 0)  # not every terminal colours the rows that come in; all agree on plain ones
        whole = top == 0 and bottom == self.shown.rows - 1
        if not whole:
            out.append(f"\x1b[{top + 1};{bottom + 1}r")
            self.x = self.y = 0  # setting margins homes the cursor
        if by > 0:
            out.append(motion(self.x, self.y, 0, bottom) if self.y != bottom else "")
            out.append("\n" * by)
            self.y = bottom
        else:
            out.append(motion(self.x, self.y, 0, top) if self.y != top else "")
            out.append("\x1bM" * -by)
            self.y = top
        self.x = None
        if not whole:
            out.append("\x1b[r")
            self.x = self.y = None  # most home the cursor here, some do not
        self.shown.scroll(top, bottom, by)

    def _scroll_between(self, out: list[str], shift: Shift, right: int) -> None:
        """Scroll a block that others stand beside, by deleting or inserting lines between margins."""
        top, bottom, by, left, _ = shift
        self._wear(out, 0)
        count = str(abs(by)) if abs(by) > 1 else ""
        out.append(f"\x1b[?69h\x1b[{left + 1};{right}s\x1b[{top + 1};{bottom + 1}r\x1b[{top + 1};{left + 1}H")
        out.append(f"\x1b[{count}{'M' if by > 0 else 'L'}\x1b[r\x1b[?69l")
        self.x = self.y = None
        self.shown.scroll(top, bottom, by, left, right)

    # -- one row ------------------------------------------------------------------------------------------
    def _runs(self, y: int, new: str, new_styles: str) -> Iterator[Run]:
        """The cells of a row that are not yet as they should be."""
        size = len(new)
        tail, tail_style = self._tail(new, new_styles)
        for first, last in _spans(self.shown.text[y], new, self.shown.styles[y], new_styles):
            if last > tail and last - max(first, tail) >= 4 and (last == size or self._erasable(tail_style)):
                # The row ends in blanks of one kind, and some of them are new: erase to its end.
                if first < tail:
                    yield Run(y, first, tail)
                yield Run(y, max(first, tail), size, erase=True)
                return
            yield Run(y, first, last)

    def _run(self, out: list[str], run: Run, new: str, new_styles: str) -> None:
        if not run.erase:
            self._write(out, run.y, run.first, last=run.last, new=new, new_styles=new_styles)
            return
        self._go(out, run.first, run.y)
        self._wear_blank(out, ord(new_styles[-1]))
        out.append("\x1b[K")

    def _tail(self, new: str, styles: str) -> tuple[int, int]:
        """Where the erasable blanks at the row's end begin, and their style."""
        size, style = len(new), ord(styles[-1])
        if new[-1] != " " or not self._erasable(style):
            return size, 0
        return max(len(new.rstrip(" ")), len(styles.rstrip(styles[-1]))), style

    def _erasable(self, style: int) -> bool:
        return style == 0 or (self.abilities.coloured_erase and self.styles.blank[style] == style)

    def _write(self, out: list[str], y: int, first: int, last: int, new: str, new_styles: str) -> None:
        blank = self.styles.blank
        self._reach(out, first, y, new, new_styles)
        at = first
        for match in _SAME.finditer(new_styles, first, last):
            end = match.end()
            style = ord(match[1])
            text = new[at:end]
            if blank[style] == style and (blank[self.style] == style or end - at > 8) and not text.strip(" "):
                # Blanks need only the right background, and many of them are erased.
                if end - at > 8 and self._erasable(style):
                    self._wear_blank(out, style)
                    out.append(f"\x1b[{end - at}X")
                    if end < last:
                        self._go(out, end, y)
                    at = end
                    continue
                if blank[self.style] == style:
                    out.append(text)
                    self._advance(end - at)
                    at = end
                    continue
            self._wear(out, style)
            if special(text):
                self._special(out, y, at, text)
            else:
                out.append(text)
                self._advance(end - at)
            at = end

    def _special(self, out: list[str], y: int, x: int, text: str) -> None:
        """Cells that are wide or risky: after a risky one the cursor is told where it is."""
        for i, cell in enumerate(text):
            if cell == CONT:
                continue
            width = 1
            while text[i + width : i + width + 1] == CONT:
                width += 1
            if risky(cell):
                self._go(out, x + i, y)
                if width > 1:  # a narrower drawing must not leave old cells
                    out.append(" " * width)
                    self._advance(width)
                    self._go(out, x + i, y)
                out.append(self.graphemes.text(cell))
                self.x, self.y = None, y
                if x + i + width < self.shown.columns:
                    out.append(motion(None, y, x + i + width, y))
                    self.x = x + i + width
            else:
                out.append(cell)
                self._advance(width)

    def _reach(self, out: list[str], x: int, y: int, new: str, new_styles: str) -> None:
        """Get to a cell; over a few that are right already by writing them again, where that is shorter."""
        if self.y == y and self.x is not None and 0 < x - self.x < _GAP:
            text = new[self.x : x]
            same = new_styles[self.x : x] == chr(self.style) * (x - self.x)
            if (
                (same or (text.isspace() and self._blank_alike(new_styles[self.x : x])))
                and text.isascii()
                and CONT not in text
            ):
                out.append(text)
                self.x = x
                return
        self._go(out, x, y)

    def _blank_alike(self, styles: str) -> bool:
        """Do these styles look, on blanks, like the current one?"""
        return styles == chr(self.styles.blank[self.style]) * len(styles)

    def _go(self, out: list[str], x: int, y: int) -> None:
        if self.x != x or self.y != y:
            out.append(motion(self.x, self.y, x, y))
            self.x, self.y = x, y

    def _advance(self, cells: int) -> None:
        """The cursor after writing; at the right edge terminals differ."""
        if self.x is not None:
            self.x += cells
            if self.x >= self.shown.columns:
                self.x = None

    def _wear(self, out: list[str], style: int) -> None:
        if style != self.style:
            out.append(self.styles.transition(self.style, style))
            self.style = style

    def _wear_blank(self, out: list[str], style: int) -> None:
        """A style in which erased cells look like blanks in ``style``."""
        if self.styles.blank[self.style] != style:
            self._wear(out, style)


def _partly(old: str, new: str, old_styles: str, new_styles: str, cells: int) -> tuple[str, str]:
    """A row on its way from old to new: at most so many cells from the first that differs."""
    first = min(differing(a, b)[0] for a, b in ((old, new), (old_styles, new_styles)) if a != b)
    cut = first + cells
    while cut < len(new) and (new[cut] == CONT or old[cut] == CONT):
        cut += 1
    return new[:cut] + old[cut:], new_styles[:cut] + old_styles[cut:]


def _spans(old: str, new: str, old_styles: str, new_styles: str) -> list[tuple[int, int]]:
    """The parts of a row to write: changed cells, whole wide characters, small gaps between them."""
    bounds = [differing(a, b) for a, b in ((old, new), (old_styles, new_styles)) if a != b]
    first, last = min(b[0] for b in bounds), max(b[1] for b in bounds)
    spans: list[tuple[int, int]] = []
    start, end = first, first + 1
    if last - first > _GAP:
        for x in range(first, last):
            if old[x] != new[x] or old_styles[x] != new_styles[x]:
                if x - end >= _GAP:
                    spans.append((start, end))
                    start = x
                end = x + 1
    else:
        end = last
    spans.append((start, end))
    if CONT in new:
        spans = [_whole(new, a, b) for a, b in spans]
    return spans


def _whole(new: str, start: int, end: int) -> tuple[int, int]:
    """A span that begins and ends with whole characters, however wide."""
    while new[start] == CONT:
        start -= 1
    while end < len(new) and new[end] == CONT:
        end += 1
    return start, end
