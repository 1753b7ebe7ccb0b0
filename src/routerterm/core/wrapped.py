"""Finds what has a shape in a text where it was wrapped over lines, or split by letters that nobody sees.

Mail programs and terminals wrap keys; web pages put zero-width letters into them.  The text is looked through as if
these were not there, and the places are told in the text as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from routerterm.core.lazy_pattern import LazyPattern

_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_GAP = LazyPattern(
    rf"(?<=[A-Za-z0-9_+/=.-])(?:[{_INVISIBLE}]+|[{_INVISIBLE}]*\\?[ \t]*\r?\n[ \t>|]*(?=([A-Za-z0-9_+/.-]{{4,}})(=?)))"
)
"""A gap inside a key: invisible letters, or the end of a line with the indent or quotation marks of the next."""


def find_joined(pattern: re.Pattern[str] | LazyPattern, text: str) -> Iterator[tuple[int, int, re.Match[str]]]:
    """Where the pattern strikes only once gaps are taken out: start, end, and the match without the gaps."""
    gaps = [match.span() for match in _GAP.finditer(text) if _goes_on(match)]
    if not gaps:
        return
    pieces, starts, at, length = [], [0], 0, 0
    offsets = [0]
    for start, end in gaps:
        pieces.append(text[at:start])
        length += start - at
        at = end
        starts.append(length)
        offsets.append(end - length)
    pieces.append(text[at:])
    for match in pattern.finditer("".join(pieces)):
        first = _offset(starts, offsets, match.start())
        last = _offset(starts, offsets, match.end() - 1)
        if first != last:
            yield match.start() + first, match.end() + last, match


def _offset(starts: list[int], offsets: list[int], place: int) -> int:
    """How many letters of gaps stand before a place in the joined text."""
    from bisect import bisect_right

    return offsets[bisect_right(starts, place) - 1]


def _goes_on(gap: re.Match[str]) -> bool:
    """Whether what follows a line's end looks like the rest of a key rather than a word or a name with a value."""
    rest = gap[1]
    if rest is None:
        return True
    if gap[2]:
        return False
    digits = any(letter.isdigit() for letter in rest) and any(letter.isalpha() for letter in rest)
    return digits or (len(rest) >= 16 and not rest.islower() and not rest.isupper())
