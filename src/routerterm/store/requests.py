"""Single requests of the ledger, chosen by what they are: the rows behind every figure."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from routerterm.core.ledger import AttemptRecord
from routerterm.store.statistics import KEYS, Kind

Which: TypeAlias = Literal[
    "all",
    "requests",
    "errors",
    "retries",
    "failovers",
    "hedges",
    "cancelled",
    "unpriced",
    "estimated",
    "cached",
    "running",
    "held",
    "charged",
]
Measured: TypeAlias = Literal["ttft_ms", "tokens_per_second"]
_MEASURED = {
    "ttft_ms": "ttft_ms",
    "tokens_per_second": "CASE WHEN output_tokens > 1 AND duration_ms > coalesce(ttft_ms, 0)"
    " THEN output_tokens * 1000.0 / (duration_ms - coalesce(ttft_ms, 0)) END",
}
_COLUMNS = AttemptRecord.__struct_fields__
_WHICH = {
    "all": "outcome <> 'running'",
    "requests": "outcome <> 'running' AND n = 1",
    "errors": "outcome IN ('failed', 'cut', 'lost')",
    "retries": "outcome <> 'running' AND cause = 'retry'",
    "failovers": "outcome <> 'running' AND n > 1 AND coalesce(cause, '') NOT IN ('retry', 'hedge')",
    "hedges": "outcome <> 'running' AND cause = 'hedge'",
    "cancelled": "outcome = 'cancelled'",
    "unpriced": "outcome <> 'running' AND cost_nanousd IS NULL",
    "estimated": "outcome <> 'running' AND usage_source <> 'reported'",
    "cached": "outcome <> 'running' AND (coalesce(saved_nanousd, 0) <> 0 OR coalesce(cache_read_tokens, 0) > 0)",
    "running": "outcome = 'running'",
    "held": "true",
    "charged": "cost_source IS NOT 'declared'",
}
"""The attempts that each of the figures counts; ``held`` and ``charged``: what a limit in dollars, or of requests and
tokens, is held against."""
_WORDS = (
    "provider || '/' || model",
    "coalesce(route, '')",
    "client",
    "coalesce(key_label, '')",
    "outcome",
    "coalesce(error_class, '')",
    "coalesce(cause, '')",
)
_ANYWHERE = " || ' ' || ".join(_WORDS)
"""What a word of a search is looked for in."""
FIELDS = {**KEYS, "outcome": "outcome", "error": "coalesce(error_class, '')"}
"""What can be named before a colon."""


class RequestFilter(Struct, frozen=True):
    """Which attempts.  Times are milliseconds since the epoch."""

    since: int = 0
    until: int = 2**62
    thing: Kind | Literal[""] = ""
    """``model``, ``provider``, ``project``, …; empty for all of them."""
    value: str = ""
    others: tuple[str, ...] = ()
    """Instead of one value: all but these."""
    which: Which = "all"
    spans: tuple[tuple[int, int], ...] = ()
    """Only those that began within one of these, such as each Monday from 9 to 10."""
    measured: tuple[Measured, float, float] | None = None
    """Only whole answers of which this was at least so much, and less than the other."""
    words: str = ""
    """As a person types them: ``openai error:rate_limited client:gateway``; all of them must fit."""


def rows_of_filter(connection: sqlite3.Connection, wanted: RequestFilter, limit: int) -> tuple[AttemptRecord, ...]:
    """The newest attempts that fit, newest first: metadata only."""
    conditions = ["started_at >= ?", "started_at < ?", _WHICH[wanted.which]]
    bound: list[object] = [wanted.since, wanted.until]
    if wanted.thing:
        marks = ", ".join("?" * len(wanted.others))
        conditions.append(f"{KEYS[wanted.thing]} " + (f"NOT IN ({marks})" if wanted.others else "= ?"))
        bound += wanted.others or (wanted.value,)
    if wanted.spans:
        spans = ", ".join(["(?, ?)"] * len(wanted.spans))
        conditions.append(
            f"EXISTS (SELECT 1 FROM (VALUES {spans}) s WHERE started_at >= s.column1 AND started_at < s.column2)"
        )
        bound += [edge for span in wanted.spans for edge in span]
    if wanted.measured is not None:
        name, low, high = wanted.measured
        conditions.append(f"outcome = 'done' AND duration_ms IS NOT NULL AND {_MEASURED[name]} >= ?")
        conditions.append(f"{_MEASURED[name]} < ?")
        bound += [low, high]
    for condition, value in _of_words(wanted.words):
        conditions.append(condition)
        bound.append(value)
    found = connection.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM attempt WHERE {' AND '.join(conditions)} ORDER BY started_at DESC LIMIT ?",
        (*bound, limit),
    )
    return tuple(AttemptRecord(**dict(zip(_COLUMNS, row, strict=True))) for row in found)


def _of_words(words: str) -> Iterator[tuple[str, object]]:
    for word in words.split():
        name, colon, value = word.partition(":")
        if colon and value and name in FIELDS:
            yield f"{FIELDS[name]} LIKE ? ESCAPE '\\'", _pattern(value)
        else:
            yield f"{_ANYWHERE} LIKE ? ESCAPE '\\'", _pattern(word)


def _pattern(word: str) -> str:
    """Anywhere, in upper or lower case; what SQL would take for a wildcard is a letter."""
    for letter in ("\\", "%", "_"):
        word = word.replace(letter, f"\\{letter}")
    return f"%{word}%"
