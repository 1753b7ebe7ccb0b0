"""The place in a text where the words that were looked for stand, with the hits marked, and how well they fit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from msgspec import Struct

from routerterm.store.query import Term
from routerterm.store.words import fold_letters

WIDTH = 160
"""Characters of a snippet."""
_LOOKED_AT = 20_000
"""Characters of a text that are weighed: a hit beyond them is found, but weighs like a single one."""


class Snippet(Struct, frozen=True):
    """A piece of a text on one line; ``marks`` are the hits as start and end in it."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()


def pattern_of(terms: Sequence[Term], *, inside: bool = False) -> re.Pattern[str] | None:
    """Finds any of the wanted terms in a text that went through `fold`; ``inside`` longer words, too."""
    parts = [part for term in terms if not term.excluded and (part := _pattern(term, inside))]
    return re.compile("|".join(f"({part})" for part in parts)) if parts else None


def _pattern(term: Term, inside: bool) -> str:
    words = re.findall(r"[^\W_]+", fold(term.text)[0])
    if term.unspaced:
        return re.escape(fold(term.text)[0])
    if not words:
        return ""
    if inside:
        return r"[\W_]+".join(map(re.escape, words))
    return r"(?<![^\W_])" + r"[\W_]+".join(map(re.escape, words)) + ("" if term.prefix else r"(?![^\W_])")


def fold(text: str) -> tuple[str, Sequence[int]]:
    """The text without case and accents, as the index sees it, and where each of its letters came from."""
    if text.isascii():
        return text.lower(), range(len(text) + 1)
    letters: list[str] = []
    origins: list[int] = []
    for index, letter in enumerate(text):
        for part in unicodedata.normalize("NFKD", fold_letters(letter)).lower() if letter > "\x7f" else letter.lower():
            if not unicodedata.combining(part):
                letters.append(part)
                origins.append(index)
    return "".join(letters), [*origins, len(text)]


def weigh(text: str, pattern: re.Pattern[str] | None) -> float:
    """How well a text fits, 0 to 1: many of the terms, often, and not by sheer length."""
    if pattern is None:
        return 0.0
    looked_at, _ = fold(text[:_LOOKED_AT])
    counts: dict[int, int] = {}
    for hit in pattern.finditer(looked_at):
        group = hit.lastindex or 1
        counts[group] = counts.get(group, 0) + 1
    length = 0.75 + 0.25 * len(looked_at) / 1000
    return sum(n / (n + 1.2 * length) for n in counts.values()) / max(1, pattern.groups)


def snippet_of(text: str, pattern: re.Pattern[str] | None, width: int = WIDTH) -> Snippet:
    """The stretch with the most hits, on one line, cut at words."""
    folded, origins = fold(text)
    hits = (
        [(origins[hit.start()], _end(origins, hit.end(), len(text))) for hit in pattern.finditer(folded)]
        if pattern
        else []
    )
    start = _best_start(hits, width)
    if start > 0:
        gap = text.find(" ", start, start + 20)
        start = gap + 1 if gap >= 0 and not any(a <= gap < b for a, b in hits) else start
    end = min(len(text), start + width)
    if end < len(text) and (gap := text.rfind(" ", end - 20, end)) > start:
        end = gap
    before, after = "…" if start > 0 else "", "…" if end < len(text) else ""
    inside = [(max(a, start), min(b, end)) for a, b in hits if a < end and b > start]
    shift = len(before) - start
    line = "".join(" " if letter.isspace() or not letter.isprintable() else letter for letter in text[start:end])
    return Snippet(before + line + after, tuple((a + shift, b + shift) for a, b in inside))


def _end(origins: Sequence[int], folded_end: int, length: int) -> int:
    """Where a hit ends in the text itself: after the whole letter its last part came from."""
    return min(length, origins[folded_end - 1] + 1)


def _best_start(hits: Sequence[tuple[int, int]], width: int) -> int:
    best, most, last = 0, 0, 0
    for first, (start, _) in enumerate(hits):
        last = max(last, first)
        while last < len(hits) and hits[last][1] <= start + width * 3 // 4:
            last += 1
        if last - first > most:
            best, most = start, last - first
    return best - width // 4 if best > width // 2 else 0
