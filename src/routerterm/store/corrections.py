"""Words that are nowhere, and the nearest one that is: for typing errors of one letter."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from routerterm.store.query import Term
from routerterm.store.snippet import fold

SHORTEST = 4
"""Letters of a word that may be corrected: a letter away from a shorter one is another word."""
_VOCABULARY = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, message_fts, row)"


def corrections(connection: sqlite3.Connection, terms: Sequence[Term]) -> tuple[tuple[str, str], ...]:
    """Each wanted word that stands nowhere, with the most frequent word one letter away, where there is one."""
    wanted = [term.text for term in terms if not term.excluded and not term.unspaced and term.text.isalpha()]
    wanted = [word for word in dict.fromkeys(wanted) if len(word) >= SHORTEST]
    if not wanted:
        return ()
    # The temporary table lies in memory; a connection that may not write would refuse it all the same.
    before = connection.execute("PRAGMA query_only").fetchone()[0]
    connection.execute("PRAGMA query_only = OFF")
    try:
        connection.execute(_VOCABULARY)
    finally:
        connection.execute(f"PRAGMA query_only = {before}")
    found = [(word, _nearest(connection, fold(word)[0])) for word in wanted]
    return tuple((word, nearest) for word, nearest in found if nearest)


def _nearest(connection: sqlite3.Connection, word: str) -> str | None:
    """The most frequent word of the index at a distance of one letter; None for a word that is there itself.

    One change leaves one half of a word as it was: only words that share a half are compared.
    """
    half = len(word) // 2 - (len(word) > SHORTEST)
    if connection.execute("SELECT 1 FROM vocabulary WHERE term = ?", (word,)).fetchone():
        return None
    rows = connection.execute(
        "SELECT term, doc FROM vocabulary WHERE length(term) BETWEEN ? AND ?"
        " AND (substr(term, 1, ?) = ? OR substr(term, -?) = ?) ORDER BY doc DESC",
        (len(word) - 1, len(word) + 1, half, word[:half], half, word[-half:]),
    )
    return next((row[0] for row in rows if one_edit(word, row[0])), None)


def one_edit(a: str, b: str) -> bool:
    """Whether one letter more, less or another, or two neighbours exchanged, make one of the other."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[start:], b[start:]
    if len(a) == len(b):
        return rest_a[1:] == rest_b[1:] or (rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:])
    longer, shorter = (rest_a, rest_b) if len(a) > len(b) else (rest_b, rest_a)
    return longer[1:] == shorter
