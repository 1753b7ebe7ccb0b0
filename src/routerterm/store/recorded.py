"""What the ledger has of one provider by hour and model: to be held against the provider's own bill."""

from __future__ import annotations

import sqlite3

from msgspec import Struct


class Recorded(Struct, frozen=True):
    """The settled attempts of one model in one hour, added up.  Money is nano-dollars."""

    hour: int
    """Since the epoch, UTC."""
    model: str
    requests: int
    input: int
    cache_read: int
    cache_write: int
    output: int
    cost: int
    unpriced: int
    """Attempts whose cost is unknown: they are not in ``cost``."""
    estimated: int
    """Attempts whose tokens nobody reported."""
    broken: int
    """Attempts that were stopped or broke off in the middle of an answer."""


def recorded(connection: sqlite3.Connection, provider: str, since: int, until: int) -> list[Recorded]:
    """By hour and model, of a time in milliseconds.  What the gateway answered from its memory was never asked."""
    rows = connection.execute(
        "SELECT started_at / 3600000, model, count(*), sum(coalesce(input_tokens, 0)),"
        " sum(coalesce(cache_read_tokens, 0)), sum(coalesce(cache_write_tokens, 0)), sum(coalesce(output_tokens, 0)),"
        " sum(coalesce(cost_nanousd, 0)), sum(cost_nanousd IS NULL AND outcome <> 'failed'),"
        " sum(usage_source <> 'reported' AND outcome <> 'failed'), sum(outcome IN ('cut', 'cancelled', 'lost'))"
        " FROM attempt WHERE started_at >= ? AND started_at < ? AND provider = ? AND outcome <> 'running'"
        " AND NOT cached GROUP BY 1, 2",
        (since, until, provider),
    )
    return [Recorded(*row) for row in rows]
