"""A title for a conversation from its first words: no model is asked, no money is spent."""

from __future__ import annotations

import re
import unicodedata

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.redact import secret_redactor

LONGEST = 48
"""Characters of a title."""

_FENCE = LazyPattern(r"```.*?(?:```|\Z)", re.DOTALL, needs=("```",))
_LINK = LazyPattern(r"!?\[([^\]]*)\]\([^)]*\)", needs=("](",))
_ADDRESS = LazyPattern(r"https?://([^/\s]+)\S*", needs=("://",))
_LINE_MARKS = LazyPattern(r"^\s*(?:#{1,6}|[-*+>]|\d+[.)])\s+", re.MULTILINE, needs=("#", "-", "*", "+", ">", ".", ")"))
_INLINE_MARKS = LazyPattern(r"(\*\*|__|`|~~)", needs=("**", "__", "`", "~~"))
_GREETING = LazyPattern(
    r"^(?:(?:hi|hello|hey|dear|good (?:morning|evening|afternoon))(?:\s+there)?[\s,.!]+)?"
    r"(?:(?:please|could you|can you|would you|i(?:'d| would) like you to)\s+(?:please\s+)?)?",
    re.IGNORECASE,
)
_SENTENCE_END = LazyPattern(r"(?<=[^\s.][.!?])\s")


def title_of(text: str) -> str:
    """The first words, tidied, keys masked; empty if there is nothing to read in them."""
    words = _plain(secret_redactor(text).replace("****", "…"))  # asterisks would be taken for marks of Markdown
    tidied = _GREETING.sub("", words, count=1)
    if tidied.count(" ") < 2:  # a greeting and hardly more: then that is what it is about
        tidied = words
    first = _SENTENCE_END.split(tidied, maxsplit=1)[0] if " " in tidied else tidied
    first = first if len(first) >= 8 else tidied
    short = _shorten(first).rstrip(" .,;:!?-–—")
    return short[:1].upper() + short[1:]


def _plain(text: str) -> str:
    prose = _FENCE.sub(" ", text).strip() or text.replace("```", " ")
    prose = _ADDRESS.sub(r"\1", _LINK.sub(r"\1", prose))
    prose = _INLINE_MARKS.sub("", _LINE_MARKS.sub("", prose))
    visible = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in prose)
    return " ".join(visible.split())


def _shorten(words: str) -> str:
    """Cut at the last gap between words that fits, if there is one in the second half."""
    if len(words) <= LONGEST:
        return words
    cut = words[: LONGEST - 1]
    gap = cut.rfind(" ")
    return (cut[:gap] if gap >= LONGEST // 2 else cut).rstrip(" .,;:!?-–—") + "…"
