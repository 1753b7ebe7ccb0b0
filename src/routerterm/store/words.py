"""Words that the index does not see by itself: Latin ones beside CJK, parts of identifiers, letters without accents.

SQLite's tokenizer takes ``Docker日本語Compose`` and ``getUserName`` for one word each, and knows no accent in ł or ß,
which Unicode does not decompose.  What is missing stands in an index of its own, which is completed before a search.
"""

from __future__ import annotations

import sqlite3
import time
import unicodedata
from functools import lru_cache
from itertools import pairwise

from routerterm.core.lazy_pattern import LazyPattern

MOST = 2_000
"""Words added for one message."""
_LOOKED_AT = 200_000
"""Letters of a message that are looked through: beyond that it is a pasted file."""
_FOLDS = str.maketrans(
    {
        "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ß": "ss", "ẞ": "SS",
        "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ı": "i", "þ": "th", "Þ": "TH", "ħ": "h", "Ħ": "H", "ŧ": "t",
        "Ŧ": "T", "ŋ": "n", "Ŋ": "N",
    }
)  # fmt: skip
_FOLDED = LazyPattern(f"[{''.join(map(chr, _FOLDS))}]")
_WORD = LazyPattern(r"[^\W_](?:[^\W_]|[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed])*")
"""A word with its accents and vowel signs, also where they stand as letters of their own."""
_MIXED = LazyPattern(r"(?<![^\W_])[^\W_]*(?:[a-z0-9][A-Z]|[A-Z]{2}[a-z]|[a-zA-Z][0-9])[^\W_]*")
"""Words with a change of case or kind inside, among ASCII ones.

Looked for from the beginnings of words only: from every letter of a long one it would take hours.
"""
_PIECE = LazyPattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def fold_letters(text: str) -> str:
    """The text with ł, ß and their like as one types them on any keyboard."""
    return text.translate(_FOLDS) if not text.isascii() and _FOLDED.search(text) else text


def fold_word(text: str, *, latin_only: bool = False) -> str:
    """The text as one types it plainly: no accents or vowel signs in any script, no ligatures, usual digits.

    ``latin_only`` is what SQLite's tokenizer does by itself: accents of Latin letters.
    """
    if text.isascii():
        return text
    bare, base = [], ""
    for letter in unicodedata.normalize("NFD" if latin_only else "NFKD", text if latin_only else fold_letters(text)):
        if unicodedata.combining(letter) >= _ACCENTS and (base.isascii() or not latin_only):
            continue
        base = letter
        bare.append(letter)
    return unicodedata.normalize("NFC", "".join(bare))


_ACCENTS = 10
"""The lowest class of marks that may be left out: those below, as India's virama, make another word."""


def is_unspaced(letter: str) -> bool:
    """Whether it is of a script without spaces between words."""
    return letter >= "\u0e00" and unicodedata.category(letter) == "Lo"


def search_words(text: str | None) -> str:
    """The words to be found besides those that the tokenizer finds; empty for most texts."""
    if not text:
        return ""
    text = text[:_LOOKED_AT]
    found: dict[str, None] = {}
    words = _MIXED.findall(text) if text.isascii() else _WORD.findall(text)
    for word in dict.fromkeys(words):
        if len(found) > MOST:
            break
        for part in _parts_of(word):
            found[part.lower()] = None
    return " ".join(found)


_LONGEST_KEPT = 64
"""Letters of a word whose parts are kept: what is longer is data, and would fill the memory."""


def _parts_of(word: str) -> tuple[str, ...]:
    """What a word is made of, where that is more than itself."""
    return _kept_parts(word) if len(word) <= _LONGEST_KEPT else _find_parts(word)


@lru_cache(20_000)  # a language has that many words; the same come in every message
def _kept_parts(word: str) -> tuple[str, ...]:
    return _find_parts(word)


def _find_parts(word: str) -> tuple[str, ...]:
    if word.isascii():
        pieces = _PIECE.findall(word)
        numbered = [one + two for one, two in pairwise(pieces) if two.isdigit()] if len(pieces) > 2 else []
        return (*pieces, *numbered) if len(pieces) > 1 else ()
    parts: list[str] = []
    runs = _runs(word)
    if len(runs) > 1:
        for run in runs:
            parts += [run, *_parts_of(run)]
    if (folded := fold_word(word)).lower() != fold_word(word, latin_only=True).lower():
        parts.append(folded)
    return tuple(parts)


def _runs(word: str) -> list[str]:
    """The stretches of a word that are of scripts with spaces."""
    if not any(map(is_unspaced, word)):
        return [word]
    spaced = "".join(" " if is_unspaced(letter) or letter == "ー" else letter for letter in word)
    return [*spaced.split(), ""]


def is_complete(connection: sqlite3.Connection) -> bool:
    """Whether the index has every row."""
    return connection.execute("SELECT 1 FROM word_due LIMIT 1").fetchone() is None


def complete(connection: sqlite3.Connection, seconds: float) -> bool:
    """Add what the index lacks, the newest first, for about so long; whether it has every row then."""
    end = time.monotonic() + seconds
    while rows := connection.execute(_DUE).fetchall():
        for number, text in reversed(rows):  # FTS5 writes out what it holds for each number that is not the next
            if words := search_words(text):
                connection.execute("INSERT OR REPLACE INTO word_fts (rowid, words) VALUES (?, ?)", (number, words))
        connection.executemany("DELETE FROM word_due WHERE number = ?", [(row[0],) for row in rows])
        if time.monotonic() > end:
            return False
    return True


_DUE = """
    SELECT d.number, coalesce(m.text, c.title) FROM word_due d LEFT JOIN message m ON m.rowid = d.number
    LEFT JOIN conversation c ON c.rowid = -d.number ORDER BY d.number DESC LIMIT 500
"""
