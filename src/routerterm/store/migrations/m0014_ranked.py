"""Whom a request could be sent to at its moment, in the order of then: so that a replay makes the same choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

_COLUMNS = (
    "id, message_id, conversation_id, n, client, route, provider, model, key_label, outcome, error_class, http_status,"
    " started_at, ttft_ms, duration_ms, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,"
    " reasoning_tokens, usage_source, cost_nanousd, cost_source, price_date, saved_nanousd, cached, step, tool, cause,"
    " held_nanousd, ranked"
)


def ranked(db: Database) -> None:
    """A column for it, and a view that has it too."""
    for table in ("attempt", "imported_attempt"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN ranked TEXT")
    db.execute("DROP VIEW every_attempt")
    db.execute(
        f"CREATE VIEW every_attempt AS SELECT {_COLUMNS} FROM attempt UNION ALL SELECT {_COLUMNS} FROM imported_attempt"
    )
