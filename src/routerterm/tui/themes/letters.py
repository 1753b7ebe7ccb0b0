"""Block letters: words made of cells, drawn in a theme's ink.

The shapes are in ``letters.txt``, five rows each; what they are made of is the theme's.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from routerterm.tui.themes.values import Ink

ROWS = 5
"""Of every letter."""
GAP = 1
"""Columns between two letters."""
Pixels = tuple[str, ...]
"""Rows of a word, ``#`` where something is drawn."""
# By which neighbours are drawn: up 1, right 2, down 4, left 8.
_STROKES = "·│─└││┌├─┘─┴┐┤┬┼"
_HALVES = {("#", "#"): "█", ("#", "."): "▀", (".", "#"): "▄", (".", "."): " "}


@lru_cache(maxsize=1)
def shapes() -> dict[str, Pixels]:
    """Every letter's rows, by the letter."""
    lines = [line for line in _text().splitlines() if line and not line.startswith("# ")]
    step = ROWS + 1
    return {lines[at]: tuple(lines[at + 1 : at + step]) for at in range(0, len(lines), step)}


def _text() -> str:
    return Path(__file__).with_name("letters.txt").read_text("utf-8")


def pixels(word: str) -> Pixels:
    """A word's rows; what has no shape is left out."""
    letters = [shapes()[letter] for letter in word.upper() if letter in shapes()]
    return tuple(("." * GAP).join(letter[row] for letter in letters) for row in range(ROWS))


def block_letters(word: str, ink: Ink, room: int) -> tuple[str, ...]:
    """A word in block letters, at most ``room`` cells wide; none where there is no room, or the theme has none."""
    drawn = pixels(word)
    if ink == "none" or not drawn[0]:
        return ()
    rows = _INKS[ink](drawn, word.upper()) if ink in _INKS else _filled(drawn, "█")
    return rows if len(rows[0]) <= room else ()


def _filled(drawn: Pixels, sign: str) -> tuple[str, ...]:
    return tuple(row.replace("#", sign).replace(".", " ") for row in drawn)


def _half(drawn: Pixels, _: str) -> tuple[str, ...]:
    """Two rows in one."""
    even = (*drawn, "." * len(drawn[0]))
    return tuple("".join(_HALVES[pair] for pair in zip(*even[at : at + 2], strict=True)) for at in range(0, ROWS, 2))


def _lines(drawn: Pixels, _: str) -> tuple[str, ...]:
    """Hairlines from one to the next."""

    def at(x: int, y: int) -> bool:
        return 0 <= y < ROWS and 0 <= x < len(drawn[0]) and drawn[y][x] == "#"

    def sign(x: int, y: int) -> str:
        if not at(x, y):
            return " "
        return _STROKES[at(x, y - 1) + 2 * at(x + 1, y) + 4 * at(x, y + 1) + 8 * at(x - 1, y)]

    return tuple("".join(sign(x, y) for x in range(len(drawn[0]))) for y in range(ROWS))


def _selves(drawn: Pixels, word: str) -> tuple[str, ...]:
    """Each letter made of itself, as line printers did."""
    names = ""
    for letter in word:
        if letter in shapes():
            names += letter * len(shapes()[letter][0]) + " " * GAP
    return tuple("".join(n if cell == "#" else " " for n, cell in zip(names, row, strict=False)) for row in drawn)


_SHADED = {(True, False): "█", (True, True): "█", (False, True): "░", (False, False): " "}
"""By whether a cell is lit, and whether it lies in the shadow of one that is."""


def _shadowed(drawn: Pixels, _: str) -> tuple[str, ...]:
    """With a shadow to the right and below."""
    blank = "." * (len(drawn[0]) + 1)
    upper, lower = (*(row + "." for row in drawn), blank), (blank, *("." + row for row in drawn))
    return tuple(
        "".join(_SHADED[one == "#", other == "#"] for one, other in zip(*rows, strict=True))
        for rows in zip(upper, lower, strict=True)
    )


def _faded(drawn: Pixels, _: str) -> tuple[str, ...]:
    """From full light at the top to little at the foot."""
    return tuple(_filled((row,), sign)[0] for row, sign in zip(drawn, "██▓▒░", strict=True))


def _striped(drawn: Pixels, _: str) -> tuple[str, ...]:
    """With a gap in each row."""
    return _filled(drawn, "▆")


_INKS: dict[str, Callable[[Pixels, str], tuple[str, ...]]] = {
    "half": _half,
    "scan": lambda drawn, _: _filled(drawn, "▀"),
    "line": _lines,
    "self": _selves,
    "dots": lambda drawn, _: _filled(drawn, "■"),
    "mesh": lambda drawn, _: _filled(drawn, "▒"),
    "shadow": _shadowed,
    "stripe": _striped,
    "fade": _faded,
    "hash": lambda drawn, _: _filled(drawn, "#"),
}
