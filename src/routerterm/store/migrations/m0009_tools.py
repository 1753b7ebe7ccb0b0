"""Which step of an answer with tools an attempt was."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

_COLUMNS = (
    "id, n, client, route, provider, model, started_at, message_id, conversation_id, key_label, outcome, error_class,"
    " http_status, ttft_ms, duration_ms, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,"
    " reasoning_tokens, usage_source, cost_nanousd, cost_source, price_date, saved_nanousd, cached, step, tool"
)


def tools(db: Database) -> None:
    """The step's number and the names of the tools whose results it took along; NULL without tools."""
    for table in ("attempt", "imported_attempt"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN step INTEGER")
        db.execute(f"ALTER TABLE {table} ADD COLUMN tool TEXT")
    db.execute("DROP VIEW every_attempt")
    db.execute(
        f"CREATE VIEW every_attempt AS SELECT {_COLUMNS} FROM attempt UNION ALL SELECT {_COLUMNS} FROM imported_attempt"
    )
