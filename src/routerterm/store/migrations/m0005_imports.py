"""A table for attempts that were read from a file: shown with their answers, counted by no sum and no cap."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

_COLUMNS = (
    "id, message_id, conversation_id, n, client, route, provider, model, key_label, outcome, error_class, http_status,"
    " started_at, ttft_ms, duration_ms, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,"
    " reasoning_tokens, usage_source, cost_nanousd, cost_source, price_date, saved_nanousd, cached"
)


def imports(db: Database) -> None:
    """The same columns as ``attempt`` without its sums, and a view of both for what asks about one message."""
    db.execute(f"CREATE TABLE imported_attempt AS SELECT {_COLUMNS} FROM attempt WHERE false")
    db.execute("CREATE UNIQUE INDEX imported_attempt_id ON imported_attempt (id)")
    db.execute("CREATE INDEX imported_attempt_message ON imported_attempt (message_id)")
    db.execute("CREATE INDEX imported_attempt_conversation ON imported_attempt (conversation_id)")
    db.execute(
        f"CREATE VIEW every_attempt AS SELECT {_COLUMNS} FROM attempt UNION ALL SELECT {_COLUMNS} FROM imported_attempt"
    )
