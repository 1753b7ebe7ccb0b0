"""In which order cells are written: all of one style, then all of the next, where that takes fewer bytes.

Row by row, a list whose rows have a name and a dimmer age changes its colour twice a row, and a colour is three times
as long as the way to another row.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from routerterm.tui.terminal.cells import special

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from routerterm.tui.terminal.grid import Grid

_SAME = re.compile(r"(.)\1*", re.DOTALL)
_MANY = 3  # runs of one style from which on they are written together
_SHORT = 8  # blanks that are written, not erased


class Run(NamedTuple):
    """Cells [first, last) of a row that are written; ``erase``: they are the row's end, blank and of one style."""

    y: int
    first: int
    last: int
    erase: bool = False


class _Piece(NamedTuple):
    style: int
    run: Run


def by_style(runs: Iterable[Run], wanted: Grid, blank: Sequence[int], worn: int) -> list[Run]:
    """The same cells, those of a common style one after the other, beginning with the style that is ``worn``.

    ``blank`` says what a space looks like in each style.  Runs that a terminal may draw wider than they are come first:
    what they spill over is written after them.
    """
    wide: list[Run] = []
    plain: list[Run] = []
    for run in runs:
        (wide if special(wanted.text[run.y][run.first : run.last]) else plain).append(run)
    pieces = [piece for run in plain for piece in _pieces(run, wanted, blank)]
    count = Counter(piece.style for piece in pieces)
    found: dict[int, list[Run]] = {worn: []}
    last: _Piece | None = None
    for piece in pieces:
        style, run = piece
        if last is not None and count[style] < _MANY and _follows(last.run, run):
            group = found[last.style]  # a rare colour stays behind what stands before it
            group[-1] = run._replace(first=last.run.first)
            last = _Piece(last.style, group[-1])
        else:
            found.setdefault(style, []).append(run)
            last = piece
    return [*wide, *(run for group in found.values() for run in group)]


def _follows(one: Run, other: Run) -> bool:
    return one.y == other.y and one.last == other.first and not (one.erase or other.erase)


def _pieces(run: Run, wanted: Grid, blank: Sequence[int]) -> Iterator[_Piece]:
    """A run by its styles; blanks go with the letters beside them where their backgrounds are the same."""
    text, styles = wanted.text[run.y], wanted.styles[run.y]
    if run.erase:
        yield _Piece(ord(styles[-1]), run)
        return
    held: _Piece | None = None
    for match in _SAME.finditer(styles, run.first, run.last):
        first, last = match.span()
        style = ord(match[1])
        empty = blank[style] == style and not text[first:last].strip(" ")
        if held is None:
            held = _Piece(style, Run(run.y, first, last))
        elif empty and blank[held.style] == style:
            held = _Piece(held.style, held.run._replace(last=last))
        elif held.style == blank[style] and first - held.run.first <= _SHORT and _is_blank(text, held.run):
            held = _Piece(style, held.run._replace(last=last))
        else:
            yield held
            held = _Piece(style, Run(run.y, first, last))
    if held is not None:
        yield held


def _is_blank(text: str, run: Run) -> bool:
    return not text[run.first : run.last].strip(" ")
