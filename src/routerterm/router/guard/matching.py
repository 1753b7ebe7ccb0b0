"""Matches a person's rules against a text, in bounded time whatever the rule.

The standard ``re`` cannot be stopped once it has begun to backtrack; ``regex`` can, and gives up at a deadline.
A rule that did not finish is said to have timed out, and its caller takes it for a hit: a guard that cannot look
does not wave through.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from routerterm.core.errors import SettingsError
from routerterm.router.guard.rules import Rule, Span

if TYPE_CHECKING:
    from regex import Pattern

SECONDS = 0.1
"""For one rule on one text."""
LONGEST_PATTERN = 2_000


class TimedOut(Exception):
    """The rule was still looking when its time was over."""


def compiled(rule: Rule) -> Pattern[str]:
    """The rule's expression.  Raises `SettingsError` that says what is wrong with it."""
    return _compile(rule.name, rule.regex or "")


@lru_cache(maxsize=256)
def _compile(name: str, pattern: str) -> Pattern[str]:
    import regex

    if len(pattern) > LONGEST_PATTERN:
        raise SettingsError(f"The regex of guard rule {name!r} is longer than {LONGEST_PATTERN} characters.")
    try:
        return regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise SettingsError(f"The regex of guard rule {name!r} is invalid: {error}.") from None


def find(rule: Rule, text: str, seconds: float = SECONDS) -> list[Span]:
    """Where a rule strikes.  Raises `TimedOut`, and `SettingsError` for a wrong expression."""
    if rule.regex is not None:
        try:
            spans = (match.span() for match in compiled(rule).finditer(text, timeout=seconds))
            return [Span(*span) for span in spans if span[0] < span[1]]
        except TimeoutError:
            raise TimedOut from None
    lowered = text.casefold()
    words = rule.contains_all or rule.contains_any
    found = {word: _occurrences(word.casefold(), lowered, text) for word in words}
    if rule.contains_all and not all(found.values()):
        return []
    return sorted(span for spans in found.values() for span in spans)


def _occurrences(word: str, lowered: str, text: str) -> list[Span]:
    """Where a word stands.  Where folding the case changes lengths (ß), the whole text is meant."""
    if not word or word not in lowered:
        return []
    if len(lowered) != len(text):
        return [Span(0, len(text))]
    spans, start = [], lowered.find(word)
    while start >= 0:
        spans.append(Span(start, start + len(word)))
        start = lowered.find(word, start + len(word))
    return spans
