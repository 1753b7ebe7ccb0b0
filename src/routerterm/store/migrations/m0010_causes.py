"""Why an attempt was made, so that retries, failovers and hedges are counted apart; and sums by client and tool.

Rows of before say only their number.  The attempt before theirs, of the same message (or of the same client, where a
row has no message), tells a retry from a failover; what was a hedge is not known, and counts as a failover.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.store.migrations.m0002_tally import KEYS, SUMS, into

if TYPE_CHECKING:
    from sqlite_utils import Database

_COUNTED = {"retries": "coalesce({row}.cause = 'retry', 0)", "hedges": "coalesce({row}.cause = 'hedge', 0)"}
_NEW_KINDS = {
    "client": ("{row}.started_at / 86400000", "{row}.client"),
    "tool": ("{row}.started_at / 86400000", "coalesce({row}.tool, '')"),
}
_KINDS = KEYS | _NEW_KINDS
_SUMS = {("further" if name == "failovers" else name): formula for name, formula in SUMS.items()} | _COUNTED
_BEFORE = (
    "(SELECT b.provider || '/' || b.model FROM attempt b WHERE {same} AND b.n = attempt.n - 1"
    " AND b.started_at <= attempt.started_at ORDER BY b.started_at DESC LIMIT 1)"
)
_COLUMNS = (
    "id, message_id, conversation_id, n, client, route, provider, model, key_label, outcome, error_class, http_status,"
    " started_at, ttft_ms, duration_ms, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,"
    " reasoning_tokens, usage_source, cost_nanousd, cost_source, price_date, saved_nanousd, cached, step, tool, cause"
)


def causes(db: Database) -> None:
    """A column for it, the sums with it, and a view that has it too."""
    for name in ("inserted", "left", "entered", "deleted"):
        db.execute(f"DROP TRIGGER tally_{name}")
    for table in ("attempt", "imported_attempt"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN cause TEXT")
    of_message = _BEFORE.format(same="b.message_id = attempt.message_id")
    of_client = _BEFORE.format(same="b.client = attempt.client")
    db.execute(
        "UPDATE attempt SET cause = CASE WHEN provider || '/' || model ="
        f" CASE WHEN message_id IS NULL THEN {of_client} ELSE {of_message} END THEN 'retry' ELSE 'failover' END"
        " WHERE n > 1"
    )
    db.execute("ALTER TABLE tally RENAME COLUMN failovers TO further")
    for name in _COUNTED:
        db.execute(f"ALTER TABLE tally ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0")
    settled = " FROM attempt WHERE outcome <> 'running'"
    db.execute(into("attempt", "+", settled, kinds=_NEW_KINDS, sums=_SUMS))
    none = {**dict.fromkeys(_SUMS, "0"), **_COUNTED}
    db.execute(into("attempt", "+", f"{settled} AND cause IN ('retry', 'hedge')", kinds=KEYS, sums=none))
    added, taken = (into(row, sign, kinds=_KINDS, sums=_SUMS) for row, sign in (("new", "+"), ("old", "-")))
    for name, when, statement in (
        ("inserted", "INSERT ON attempt WHEN new.outcome <> 'running'", added),
        ("left", "UPDATE ON attempt WHEN old.outcome <> 'running'", taken),
        ("entered", "UPDATE ON attempt WHEN new.outcome <> 'running'", added),
        ("deleted", "DELETE ON attempt WHEN old.outcome <> 'running'", taken),
    ):
        db.execute(f"CREATE TRIGGER tally_{name} AFTER {when} BEGIN {statement}; END")
    db.execute("DROP VIEW every_attempt")
    db.execute(
        f"CREATE VIEW every_attempt AS SELECT {_COLUMNS} FROM attempt UNION ALL SELECT {_COLUMNS} FROM imported_attempt"
    )
