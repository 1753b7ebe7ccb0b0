"""Fuzzy matching for pickers: letters in order, better the closer together and the nearer a word's beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def score(query: str, text: str) -> float | None:
    """How well the text fits, higher is better; None if a word of the query is not in it, letters in order."""
    text = text.casefold()
    total = 0.0
    for word in query.casefold().split():
        best = _word(word, text)
        if best is None:
            return None
        total += best
    return total - len(text) / 1000


def best(query: str, items: Iterable[T], text_of: Callable[[T], str]) -> list[T]:
    """The items that fit, best first; all of them, in their order, where nothing is asked."""
    if not query.strip():
        return list(items)
    scored = [(fit, n, item) for n, item in enumerate(items) if (fit := score(query, text_of(item))) is not None]
    return [item for _, _, item in sorted(scored, key=lambda each: (-each[0], each[1]))]


def _word(word: str, text: str) -> float | None:
    at = text.find(word)
    if at >= 0:
        begins = at == 0 or not text[at - 1].isalnum()
        return 100.0 + (50.0 if begins else 0.0) - min(at, 40) / 4
    place, gaps = -1, 0
    for letter in word:
        found = text.find(letter, place + 1)
        if found < 0:
            return None
        gaps += found - place - 1 if place >= 0 else 0
        place = found
    return 50.0 - min(gaps, 45)
