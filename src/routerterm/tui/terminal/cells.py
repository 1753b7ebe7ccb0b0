"""Text as cells: one character a cell, whatever the script.

A wide character is followed by :data:`CONT`; a grapheme of several code points is interned as one
private code point, so that rows stay plain strings.  Widths are Rich's, since Textual laid the
screen out with them; what terminals may see otherwise is *risky* and is anchored when it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.tui.terminal.style import Overflow
from routerterm.tui.textual_internals.text import is_spacing, letters_of

CONT = "\0"
"""The right half of a wide character."""

_FIRST, _LAST = 0x100000, 0x10FFFD
_PLAIN = LazyPattern(
    "[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e"
    "\u20a0-\u20bf\u2500-\u25fc\u2800-\u28ff]*"
)
# Dropped whatever wrote them: bidirectional controls, line separators, byte order marks, tags, halves of pairs.
_NEVER = LazyPattern(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SURROGATE = LazyPattern("[\ud800-\udfff]")
# Of these, terminals disagree on the width: symbols that may be drawn as emoji, emoji, private use, complex scripts.
_RISKY = LazyPattern(
    "[\u0600-\u0605\u0900-\u0dff\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u231a-\u23ff\u25fd-\u27bf\u2934\u2935\u2b05-\u2b55"
    "\ue000-\uf8ff\U0001f000-\U0001faff\U000f0000-\U0010ffff]"
)


class Graphemes:
    """The graphemes of several code points in use, by their private code points."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}
        self._texts: list[str] = []

    def cells(self, text: str) -> str:
        """The cells of a piece of text: as many characters as it takes columns."""
        if text.isascii() or _PLAIN.fullmatch(text):
            return text
        text = _SURROGATE.sub("\ufffd", _NEVER.sub("", text))
        out: list[str] = []
        for start, end, width in _with_their_signs(text, letters_of(text)[0]):
            if width > 0:
                grapheme = text[start:end]
                out.append(grapheme if end - start == 1 and ord(grapheme) < _FIRST else self._code(grapheme))
                if width > 1:
                    out.append(CONT * (width - 1))
        return "".join(out)

    def _code(self, grapheme: str) -> str:
        code = self._codes.get(grapheme)
        if code is None:
            number = _FIRST + len(self._texts)
            if number > _LAST:
                raise Overflow
            code = self._codes[grapheme] = chr(number)
            self._texts.append(grapheme)
        return code

    def text(self, cell: str) -> str:
        """What is written for a cell; nothing for the right half of a wide character."""
        if cell == CONT:
            return ""
        number = ord(cell)
        return self._texts[number - _FIRST] if number >= _FIRST else cell


def _with_their_signs(text: str, spans: list[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Spans of letters, each with the signs that follow it: drawn apart, a sign would be lost with its letter."""
    begun: tuple[int, int, int] | None = None
    for start, end, width in spans:
        if begun is not None and is_spacing(text[start]):
            begun = (begun[0], end, begun[2] + width)
            continue
        if begun is not None:
            yield begun
        begun = (start, end, width)
    if begun is not None:
        yield begun


def special(cells: str) -> bool:
    """Do these cells need to be written one by one?"""
    return (not cells.isascii() and _RISKY.search(cells) is not None) or CONT in cells


def risky(cell: str) -> bool:
    """May a terminal see another width in this cell than we do?"""
    return _RISKY.match(cell) is not None
