"""Which block of rows has moved up or down, if one has, and whether scrolling it is worth it."""

from __future__ import annotations

from collections import Counter, defaultdict
from operator import ne
from typing import TYPE_CHECKING, NamedTuple

from routerterm.tui.terminal.cells import CONT

if TYPE_CHECKING:
    from routerterm.tui.terminal.grid import Grid


class Shift(NamedTuple):
    """Rows top…bottom moved up by ``by`` (down where negative), between two columns or over their whole width."""

    top: int
    bottom: int
    by: int
    left: int = 0
    right: int | None = None


_MOVE = 6  # bytes for getting to a row
_TWINS = 6  # rows with the same text that are looked at
_COST = 24  # bytes for the margins, the moves and the line feeds
_COST_BETWEEN = 42  # the same with margins at left and right


def find_shift(shown: Grid, wanted: Grid, changed: list[int], *, between: bool = False) -> Shift | None:
    """The block that moved, found by rows that are the same in what changed of them.

    ``between``: the terminal can scroll between two columns, so that what stands beside the block stays.
    """
    if len(changed) < 3:
        return None
    left, right = _changed_columns(shown, wanted, changed)
    where: defaultdict[str, list[int]] = defaultdict(list)
    for y in range(changed[0], changed[-1] + 1):
        if key := shown.text[y][left:right].strip():
            where[key].append(y)
    keys = {y: key for y in changed if (key := wanted.text[y][left:right].strip()) in where}
    votes: Counter[int] = Counter()
    for y, key in keys.items():
        for source in where[key][:_TWINS]:  # text that repeats itself may have come from several rows
            if source != y:
                votes[source - y] += len(key)
    if not votes:
        return None
    by = max(votes, key=lambda shift: (votes[shift], -abs(shift)))
    voters = [y for y, key in keys.items() if y + by in where[key]]
    top, bottom = (voters[0], voters[-1] + by) if by > 0 else (voters[0] + by, voters[-1])
    top, bottom = _grown(shown, wanted, Shift(top, bottom, by), (changed[0], changed[-1]))
    shift = Shift(top, bottom, by)
    gain = _gain(shown, wanted, shift) - _COST - abs(by)
    if between:
        left, right = _columns_of(shown, wanted, top, bottom)
        narrow = Shift(top, bottom, by, left, right)
        # Terminals ignore margins (DECSLRM) that hold a single column, and would scroll the whole width.
        if 1 < right - left < shown.columns and _gain(shown, wanted, narrow) - _COST_BETWEEN > max(gain, 0):
            return narrow
    return shift if gain > 0 else None


def _changed_columns(shown: Grid, wanted: Grid, changed: list[int]) -> tuple[int, int]:
    """The columns outside of which hardly anything changed, by a sample of the changed rows.

    A few rows may lie: a clock in the title, a spinner in the status line, are beside what moved.
    """
    sample = changed[:: max(1, len(changed) // 12)]
    bounds = [differing(shown.text[y], wanted.text[y]) for y in sample if shown.text[y] != wanted.text[y]]
    if not bounds:
        return 0, shown.columns
    few = len(bounds) // 6
    left, right = sorted(first for first, _ in bounds)[few], sorted(last for _, last in bounds)[-1 - few]
    return (left, right) if left < right else (0, shown.columns)


def _columns_of(shown: Grid, wanted: Grid, top: int, bottom: int) -> tuple[int, int]:
    """The columns in which anything of a block changed, no wide character cut."""
    left, right = shown.columns, 0
    for y in range(top, bottom + 1):
        for old, new in ((shown.text[y], wanted.text[y]), (shown.styles[y], wanted.styles[y])):
            if old != new:
                first, last = differing(old, new)
                left, right = min(left, first), max(right, last)
    if any(shown.text[y][left] == CONT for y in range(top, bottom + 1) if left < shown.columns):
        left -= 1
    if any(shown.text[y][right] == CONT for y in range(top, bottom + 1) if right < shown.columns):
        right += 1
    return left, right


def differing(old: str, new: str) -> tuple[int, int]:
    """The part [first, last) outside of which two different rows of equal length are the same."""
    low, high = 0, len(old)
    while low < high:  # the longest common prefix, by halves
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    first, low, high = low, 0, len(old) - low
    size = len(old)
    while low < high:
        middle = (low + high + 1) // 2
        if old[size - middle : size - low] == new[size - middle : size - low]:
            low = middle
        else:
            high = middle - 1
    return first, size - low


def _grown(shown: Grid, wanted: Grid, shift: Shift, limits: tuple[int, int]) -> tuple[int, int]:
    """The block with the rows at its edges that moved with it: blank, repeated, or changed a little on the way."""
    top, bottom, by, _, _ = shift
    lowest, highest = limits

    def moved(y: int) -> bool:
        if not (lowest <= y <= highest and lowest <= y + by <= highest):
            return False
        there, here = shown.text[y + by], wanted.text[y]
        return there == here or _distance(there, here) < _distance(shown.text[y], here)

    while moved(top - 1 if by > 0 else top - 1 - by):
        top -= 1
    while moved(bottom + 1 - by if by > 0 else bottom + 1):
        bottom += 1
    return top, bottom


def _gain(shown: Grid, wanted: Grid, shift: Shift) -> int:
    """How many bytes fewer there are to send once the block has been scrolled."""
    top, bottom, by, left, right = shift
    blank = " " * shown.columns
    gain = 0
    for y in range(top, bottom + 1):
        source = y + by
        new = wanted.text[y][left:right]
        moved = shown.text[source] if top <= source <= bottom else blank
        gain += _distance(shown.text[y][left:right], new) - _distance(moved[left:right], new)
    return gain


def _distance(old: str, new: str) -> int:
    return 0 if old == new else sum(map(ne, old, new)) + _MOVE
