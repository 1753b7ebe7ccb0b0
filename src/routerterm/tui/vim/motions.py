"""Where vim's motions lead in a text, and what its text objects hold.  Pure; places are offsets in the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from routerterm.core.graphemes import after, before

Kind: TypeAlias = Literal["exclusive", "inclusive", "lines"]
"""Whether an operator takes what the motion leads to with it, or whole lines."""


class Move(Struct, frozen=True):
    """Where a motion leads."""

    to: int
    kind: Kind = "exclusive"


class Span(Struct, frozen=True):
    """A stretch of the text that an object holds."""

    start: int
    end: int


def line_start(text: str, at: int) -> int:
    """Where the line of a place begins."""
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """Where the line of a place ends: its line break, or the end of the text."""
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def letter_after(text: str, at: int) -> int:
    """The place after the letter at this place, within its line."""
    start, end = line_start(text, at), line_end(text, at)
    return start + after(text[start:end], at - start) if at < end else at


def letter_before(text: str, at: int) -> int:
    """The place of the letter before this place, within its line."""
    start = line_start(text, at)
    return start + before(text[start : line_end(text, at)], at - start) if at > start else at


def last_letter(text: str, at: int) -> int:
    """The place of the last letter of a line; of an empty line its only place."""
    return letter_before(text, line_end(text, at))


def first_word(text: str, at: int) -> int:
    """The first letter of a line that is no blank."""
    start, end = line_start(text, at), line_end(text, at)
    line = text[start:end]
    blanks = len(line) - len(line.lstrip())
    return start + blanks if blanks < len(line) else last_letter(text, at)


def _class(letter: str, big: bool) -> int:
    """0 a blank, 1 what words are made of, 2 signs; for the ``big`` motions signs are words too."""
    if letter.isspace():
        return 0
    return 1 if big or letter.isalnum() or letter == "_" or ord(letter) > 0x2FFF else 2


def word_forward(text: str, at: int, big: bool = False) -> int:
    """The beginning of the next word; an empty line is one."""
    end = len(text)
    if at >= end:
        return end
    if kind := _class(text[at], big):
        while at < end and _class(text[at], big) in (kind, 3):
            at += 1
    while at < end and not _class(text[at], big):
        if text[at] == "\n" and text[at + 1 : at + 2] == "\n":
            return at + 1
        at += 1
    return at


def word_back(text: str, at: int, big: bool = False) -> int:
    """The beginning of this word, or of the one before."""
    at -= 1
    while at > 0 and not _class(text[at], big):
        if text[at] == "\n" and text[at - 1] == "\n":
            return at
        at -= 1
    if at <= 0:
        return 0
    kind = _class(text[at], big)
    while at > 0 and _class(text[at - 1], big) == kind:
        at -= 1
    return at


def word_end(text: str, at: int, big: bool = False) -> int:
    """The last letter of this word, or of the next."""
    end = len(text)
    at += 1
    while at < end and not _class(text[at], big):
        at += 1
    if at >= end:
        return last_letter(text, end)
    kind = _class(text[at], big)
    while at + 1 < end and _class(text[at + 1], big) == kind:
        at += 1
    return at


def find(text: str, at: int, how: str, letter: str, count: int = 1, *, again: bool = False) -> Move | None:
    """``f``, ``F``, ``t`` and ``T``: a letter in this line; None where it is not there so many times.

    ``again``: by ``;`` or ``,``, where ``t`` passes over the letter that it stands before.
    """
    start, end, place = line_start(text, at), line_end(text, at), at
    forward = how in "ft"
    if again and how == "t" and text[at + 1 : at + 2] == letter:
        place += 1
    if again and how == "T" and at > start and text[at - 1] == letter:
        place -= 1
    for _ in range(count):
        place = text.find(letter, place + 1, end) if forward else text.rfind(letter, start, place)
        if place < 0:
            return None
    if how == "t":
        place -= 1
    elif how == "T":
        place += 1
    return Move(place, "inclusive" if forward else "exclusive")


def _times(step: Callable[[str, int], int]) -> Callable[[str, int, int], int]:
    def repeated(text: str, at: int, count: int) -> int:
        for _ in range(count):
            before_step, at = at, step(text, at)
            if at == before_step:
                break
        return at

    return repeated


def _vertical(text: str, at: int, lines: int, column: int) -> int:
    """So many lines down (or up, below 0), in the column that was wanted; the last line there is."""
    place = line_start(text, at)
    for _ in range(abs(lines)):
        if lines > 0:
            end = line_end(text, place)
            if end == len(text):
                break
            place = end + 1
        else:
            if place == 0:
                break
            place = line_start(text, place - 1)
    return min(place + column, last_letter(text, place))


def _line_number(text: str, number: int) -> int:
    place = 0
    for _ in range(number - 1):
        end = line_end(text, place)
        if end == len(text):
            break
        place = end + 1
    return first_word(text, place)


def move(text: str, at: int, verb: str, count: int | None, column: int) -> Move | None:
    """Where a motion leads; None where it leads nowhere, and an operator does nothing.

    ``column`` is where ``j`` and ``k`` want to be.  ``count`` None: nobody said.
    """
    times = count or 1
    match verb:
        case "h":
            to = _times(letter_before)(text, at, times)
            return Move(to) if to != at else None
        case "l":
            return Move(_times(letter_after)(text, at, times))
        case "j" | "k":
            to = _vertical(text, at, times if verb == "j" else -times, column)
            return Move(to, "lines") if line_start(text, to) != line_start(text, at) else None
        case "0":
            return Move(line_start(text, at))
        case "^":
            return Move(first_word(text, at))
        case "$":
            return Move(last_letter(text, _vertical(text, at, times - 1, 0)), "inclusive")
        case "%":
            found = matching(text, at)
            return Move(found, "inclusive") if found is not None else None
        case "gg":
            return Move(_line_number(text, times), "lines")
        case "G":
            return Move(first_word(text, len(text)) if count is None else _line_number(text, count), "lines")
    words = _WORDS.get(verb.lower())
    if words is None:
        return None
    big = verb.isupper()
    to = _times(lambda text, at: words(text, at, big))(text, at, times)
    return Move(to, "inclusive" if verb in "eE" else "exclusive")


_WORDS: Mapping[str, Callable[[str, int, bool], int]] = {"w": word_forward, "b": word_back, "e": word_end}
_PAIRS: Mapping[str, str] = {
    **dict.fromkeys("()b", "()"),
    **dict.fromkeys("[]", "[]"),
    **dict.fromkeys("{}B", "{}"),
    **dict.fromkeys("<>", "<>"),
}
OBJECTS = frozenset("wW\"'`") | frozenset(_PAIRS)
"""What may stand after ``i`` and ``a``."""


def span_of(text: str, at: int, name: str, around: bool, count: int = 1) -> Span | None:
    """What the text object holds; None where there is none."""
    if name in "wW":
        return _word(text, at, name == "W", around, count)
    if name in "\"'`":
        return _quoted(text, at, name, around)
    pair = _PAIRS[name]
    opening, closing = pair[0], pair[1]
    return _between(text, at, opening, closing=closing, around=around, count=count)


def _word(text: str, at: int, big: bool, around: bool, count: int) -> Span | None:
    start, end = line_start(text, at), line_end(text, at)
    if start == end:
        return None
    at = min(at, end - 1)
    kind = _class(text[at], big)
    first = at
    while first > start and _class(text[first - 1], big) == kind:
        first -= 1
    last = first
    for _ in range(count * 2 if around else count):
        if last >= end:
            break
        kind = _class(text[last], big)
        while last < end and _class(text[last], big) == kind:
            last += 1
    if around and last == end and text[last - 1 : last].strip():  # no blanks after it: those before it
        while first > start and not _class(text[first - 1], big):
            first -= 1
    return Span(first, last)


def _quoted(text: str, at: int, quote: str, around: bool) -> Span | None:
    """The pair of quotation marks in this line that the place is in, or the next one."""
    start, end = line_start(text, at), line_end(text, at)
    marks = [place for place in range(start, end) if text[place] == quote and text[place - 1 : place] != "\\"]
    for opening, closing in zip(marks[::2], marks[1::2], strict=False):
        if at <= closing:
            if not around:
                return Span(opening + 1, closing)
            last = closing + 1
            while last < end and text[last] in " \t":
                last += 1
            return Span(opening, last)
    return None


def matching(text: str, at: int) -> int | None:
    """The bracket that belongs to the one at a place, or to the next one in this line; None where there is none."""
    start = next((place for place in range(at, line_end(text, at)) if text[place] in "()[]{}"), None)
    if start is None:
        return None
    pair = next(pair for pair in ("()", "[]", "{}") if text[start] in pair)
    forward = text[start] == pair[0]
    depth = 0
    for place in range(start, len(text)) if forward else range(start, -1, -1):
        depth += (text[place] == pair[0]) - (text[place] == pair[1])
        if depth == 0:
            return place
    return None


def _between(text: str, at: int, opening: str, closing: str, around: bool, count: int) -> Span | None:
    """The innermost pair of brackets around the place, or one further out by ``count``."""
    start = at if text[at : at + 1] == opening else -1
    depth, place = 0, at - 1
    while start < 0 and place >= 0:
        if text[place] == closing:
            depth += 1
        elif text[place] == opening:
            if depth == 0:
                start = place
            depth -= 1
        place -= 1
    if start < 0:
        return None
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == opening) - (text[place] == closing)
        if depth == 0:
            if count > 1 and not start:
                return None
            if count > 1:
                return _between(text, start - 1, opening, closing=closing, around=around, count=count - 1)
            return Span(start, place + 1) if around else Span(start + 1, place)
    return None
