"""Where one letter ends and the next begins, as a person sees letters: grapheme clusters.

After Unicode's annex 29 (https://www.unicode.org/reports/tr29/), with the marks of the `unicodedata` of this Python:
combining marks, joined emoji, flags, skin tones, Korean syllables, and the conjuncts of Indic scripts stay whole.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.sanitise import PICTURES

_BEGINNING = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0600-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0700-\u074a\u07a6-\u07b0\u07eb-\u07f5"
    "\u0816-\u082d\u0859-\u085b\u0890-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963"
)
_MAY_JOIN = LazyPattern(
    f"\r|[{_BEGINNING}\u0980-\u11ff\u1700-\u1cff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\u2cef-\u2cf1\u2d7f\u2de0-\u2dff"
    "\u302a-\u302f\u3099\u309a\ua66f-\ua69f\ua6f0\ua6f1\ua800-\uaaff\uabe3-\uabed\uac00-\ud7ff\ufb1e\ufe00-\ufe2f"
    "\uff9e\uff9f\U000101fd-\U00011fff\U00016000-\U00016fff\U0001b000-\U0001bcff\U0001d165-\U0001d1ad\U0001da00-\U0001e8ff"
    "\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
"""What may belong to the character before it; a text without one of these has a letter per character."""
_IS_PICTURE = LazyPattern(f"[{PICTURES}]")
_LINKERS = frozenset("\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d")
_CONSONANT = LazyPattern(
    "[\u0915-\u0939\u0958-\u095f\u0978-\u097f\u0995-\u09b9\u09dc-\u09df\u09f0\u09f1\u0a95-\u0ab9\u0b15-\u0b39\u0b5c-\u0b71"
    "\u0c15-\u0c39\u0c58-\u0c5a\u0d15-\u0d3a]"
)
_BEFORE = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e")
_ALSO_AFTER = frozenset("\u200c\u200d\u0e33\u0eb3\uff9e\uff9f")


def graphemes(text: str) -> Iterator[str]:
    """The letters of a text; together they are the text."""
    start = 0
    for end in ends(text):
        yield text[start:end]
        start = end


def ends(text: str) -> Iterator[int]:
    """Where each letter of a text ends."""
    if (text.isascii() and "\r" not in text) or not _MAY_JOIN.search(text):
        yield from range(1, len(text) + 1)
        return
    flags = 0  # regional indicators just before
    joined_picture = False  # a picture, marks, and what joins it to the next
    picture = linked = consonant = False
    for index, character in enumerate(text):
        if index and not _goes_on(text[index - 1], character, flags, joined_picture, linked and consonant):
            yield index
        flags = flags + 1 if _is_flag(character) else 0
        joined_picture = picture and character == "\u200d"
        if _IS_PICTURE.match(character):
            picture = True
        elif not extends(character):
            picture = False
        if _CONSONANT.match(character):
            consonant, linked = True, False
        elif character in _LINKERS:
            linked = True
        elif not extends(character):
            consonant = linked = False
    if text:
        yield len(text)


def extends(character: str) -> bool:
    """Whether it is a mark of the character before it."""
    return (
        unicodedata.category(character) in ("Mn", "Me", "Mc")
        or character in _ALSO_AFTER
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def before(text: str, index: int) -> int:
    """Where the letter begins that ends at, or reaches over, this place; 0 at the beginning."""
    last = 0
    for end in ends(text):
        if end >= index:
            break
        last = end
    return last


def after(text: str, index: int) -> int:
    """Where the letter ends that begins at, or reaches over, this place; the text's end at the end."""
    return next((end for end in ends(text) if end > index), len(text))


def _goes_on(last: str, character: str, flags: int, joined_picture: bool, conjunct: bool) -> bool:
    """Whether a character belongs to the letter that the one before it is part of."""
    if last == "\r":
        return character == "\n"
    if last < " " or character < " ":
        return False
    return (
        extends(character)
        or last in _BEFORE
        or (flags % 2 == 1 and _is_flag(character))
        or (joined_picture and _IS_PICTURE.match(character) is not None)
        or (conjunct and _CONSONANT.match(character) is not None)
        or _same_syllable(last, character)
    )


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _same_syllable(last: str, character: str) -> bool:
    """Whether two parts of a Korean syllable belong together."""
    if character < "\u1100" or character > "\ud7fb" or "\u1200" <= character < "\uac00":
        return False
    kind, next_kind = _part(last), _part(character)
    return (
        (kind == "L" and next_kind in ("L", "V", "LV", "LVT"))
        or (kind in ("LV", "V") and next_kind in ("V", "T"))
        or (kind in ("LVT", "T") and next_kind == "T")
    )


def _part(character: str) -> str:
    if "\u1100" <= character <= "\u115f":
        return "L"
    if "\u1160" <= character <= "\u11a7" or "\ud7b0" <= character <= "\ud7c6":
        return "V"
    if "\u11a8" <= character <= "\u11ff" or "\ud7cb" <= character <= "\ud7fb":
        return "T"
    if "\uac00" <= character <= "\ud7a3":
        return "LVT" if (ord(character) - 0xAC00) % 28 else "LV"
    return ""
