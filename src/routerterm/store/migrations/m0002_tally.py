"""Sums kept beside the ledger, so that a million rows are looked through in milliseconds.

Triggers keep them: each settled row of ``attempt`` stands in five lines of ``tally``, and leaves them again when it is
changed or deleted.  A row that is still running stands in none.  ``slot`` counts quarters of an hour since the epoch
for kind ``time`` (every time zone's days begin at one) and days of UTC for the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlite_utils import Database

SUMS = {
    "attempts": "1",
    "failovers": "{row}.n > 1",
    "errors": "{row}.outcome IN ('failed', 'cut', 'lost')",
    "cancelled": "{row}.outcome = 'cancelled'",
    "estimated": "{row}.usage_source <> 'reported'",
    "unpriced": "{row}.cost_nanousd IS NULL",
    "input": "coalesce({row}.input_tokens, 0)",
    "cache_read": "coalesce({row}.cache_read_tokens, 0)",
    "cache_write": "coalesce({row}.cache_write_tokens, 0)",
    "output": "coalesce({row}.output_tokens, 0)",
    "reasoning": "coalesce({row}.reasoning_tokens, 0)",
    "cost": "coalesce({row}.cost_nanousd, 0)",
    "saved": "coalesce({row}.saved_nanousd, 0)",
}
"""What is summed, and of what; costs are nano-dollars."""
KEYS = {
    "time": ("{row}.started_at / 900000", "''"),
    "model": ("{row}.started_at / 86400000", "{row}.provider || '/' || {row}.model"),
    "route": ("{row}.started_at / 86400000", "coalesce({row}.route, '')"),
    "key": ("{row}.started_at / 86400000", "{row}.provider || ' ' || coalesce({row}.key_label, '')"),
    "conversation": ("{row}.started_at / 86400000", "coalesce({row}.conversation_id, '')"),
}
"""The kinds of line a row stands in: in which slot, and under which key."""


def into(
    row: str,
    sign: str,
    source: str = "",
    *,
    kinds: Mapping[str, tuple[str, str]] = KEYS,
    sums: Mapping[str, str] = SUMS,
) -> str:
    """The statement that puts a row (or all rows of a source) into the sums, or takes it out."""
    amounts = ", ".join(f"{sign}({formula.format(row=row)})" for formula in sums.values())
    lines = " UNION ALL ".join(
        f"SELECT '{kind}', {slot.format(row=row)}, {key.format(row=row)}, {amounts}{source}"
        for kind, (slot, key) in kinds.items()
    )
    adds = ", ".join(f"{name} = {name} + excluded.{name}" for name in sums)
    columns = ", ".join(sums)
    return (
        f"INSERT INTO tally (kind, slot, key, {columns}) SELECT * FROM ({lines}) WHERE true"
        f" ON CONFLICT (kind, slot, key) DO UPDATE SET {adds}"
    )


def tally(db: Database) -> None:
    """Make the table and its triggers, and count what is there."""
    columns = ", ".join(f"{name} INTEGER NOT NULL" for name in SUMS)
    db.execute("ALTER TABLE attempt ADD COLUMN saved_nanousd INTEGER")
    db.execute(
        "CREATE TABLE tally (kind TEXT NOT NULL, slot INTEGER NOT NULL, key TEXT NOT NULL,"
        f" {columns}, PRIMARY KEY (kind, slot, key)) WITHOUT ROWID"
    )
    added, taken = into("new", "+"), into("old", "-")
    for name, when, statement in (
        ("inserted", "INSERT ON attempt WHEN new.outcome <> 'running'", added),
        ("left", "UPDATE ON attempt WHEN old.outcome <> 'running'", taken),
        ("entered", "UPDATE ON attempt WHEN new.outcome <> 'running'", added),
        ("deleted", "DELETE ON attempt WHEN old.outcome <> 'running'", taken),
    ):
        db.execute(f"CREATE TRIGGER tally_{name} AFTER {when} BEGIN {statement}; END")
    db.execute(into("attempt", "+", " FROM attempt WHERE outcome <> 'running'"))
    db.execute("CREATE INDEX attempt_speed ON attempt (started_at) WHERE outcome = 'done' AND duration_ms IS NOT NULL")
