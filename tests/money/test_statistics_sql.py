"""The sums beside the ledger equal the ledger's rows, whatever happens to the rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from routerterm.core.ledger import AttemptRecord
from routerterm.store.ledger import write_row
from routerterm.store.migrations.steps import ALL
from routerterm.store.statistics import Sums, answer_lengths, by_kind, by_time, running, speeds

HOUR, DAY = 3_600_000, 86_400_000
START = 20_000 * DAY


def fresh() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for step in ALL.values():
        step(connection)  # type: ignore[arg-type]  # it only executes
    return connection


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = fresh()
    yield connection
    connection.close()


amounts = st.none() | st.integers(0, 10**9)
records = st.builds(
    AttemptRecord,
    id=st.sampled_from("abcdef"),
    n=st.integers(1, 3),
    client=st.sampled_from(["tui", "gateway:editor"]),
    route=st.sampled_from(["smart", "fast"]),
    provider=st.sampled_from(["openai", "openrouter"]),
    model=st.sampled_from(["m", "vendor/m"]),
    started_at=st.integers(START, START + 4 * DAY),
    conversation_id=st.sampled_from([None, "C", "D"]),
    key_label=st.sampled_from([None, "work"]),
    outcome=st.sampled_from(["running", "done", "failed", "cancelled", "cut", "lost"]),
    input_tokens=amounts,
    cache_read_tokens=amounts,
    cache_write_tokens=amounts,
    output_tokens=amounts,
    reasoning_tokens=amounts,
    usage_source=st.sampled_from(["reserved", "estimated", "reported"]),
    cost_nanousd=amounts,
    saved_nanousd=st.none() | st.integers(-1000, 1000),
    tool=st.sampled_from([None, "fetch", "fetch, read_file"]),
    cause=st.sampled_from([None, "first", "retry", "failover", "hedge"]),
)
steps = st.lists(st.tuples(st.sampled_from(["write", "write", "write", "delete"]), records), max_size=25)
periods = st.tuples(st.integers(START - HOUR, START + 4 * DAY), st.integers(0, 4 * DAY)).map(
    lambda p: (p[0], p[0] + p[1])
)


def expected(rows: list[AttemptRecord]) -> Sums:
    def total(name: str) -> int:
        return sum(getattr(row, name) or 0 for row in rows)

    return Sums(
        attempts=len(rows),
        further=sum(row.n > 1 for row in rows),
        retries=sum(row.cause == "retry" for row in rows),
        hedges=sum(row.cause == "hedge" for row in rows),
        errors=sum(row.outcome in ("failed", "cut", "lost") for row in rows),
        cancelled=sum(row.outcome == "cancelled" for row in rows),
        estimated=sum(row.usage_source != "reported" for row in rows),
        unpriced=sum(row.cost_nanousd is None for row in rows),
        input=total("input_tokens"),
        cache_read=total("cache_read_tokens"),
        cache_write=total("cache_write_tokens"),
        output=total("output_tokens"),
        reasoning=total("reasoning_tokens"),
        cost=total("cost_nanousd"),
        saved=total("saved_nanousd"),
    )


@settings(max_examples=120)
@given(steps, periods, st.sampled_from([0, HOUR, 5 * HOUR + HOUR // 2, -8 * HOUR]), st.sampled_from([HOUR, DAY]))
def test_every_sum_equals_the_rows(
    steps: list[tuple[str, AttemptRecord]], period: tuple[int, int], offset: int, unit: int
) -> None:
    connection, kept = fresh(), {}
    for step, record in steps:
        if step == "delete":
            connection.execute("DELETE FROM attempt WHERE id = ?", (record.id,))
            kept.pop(record.id, None)
        else:
            write_row(connection, record, "me")
            kept[record.id] = record
    since, until = period
    inside = [row for row in kept.values() if since <= row.started_at < until]
    settled = [row for row in inside if row.outcome != "running"]
    groups: dict[object, list[AttemptRecord]] = {}
    for row in settled:
        groups.setdefault((row.started_at + offset) // unit, []).append(row)
    assert by_time(connection, since, until, unit, offset) == {key: expected(rows) for key, rows in groups.items()}
    keys = {
        "model": lambda row: f"{row.provider}/{row.model}",
        "provider": lambda row: row.provider,
        "route": lambda row: row.route,
        "key": lambda row: f"{row.provider} {row.key_label or ''}",
        "conversation": lambda row: row.conversation_id or "",
        "client": lambda row: row.client,
        "tool": lambda row: row.tool or "",
    }
    for kind, key in keys.items():
        groups = {}
        for row in settled:
            groups.setdefault(key(row), []).append(row)
        found = by_kind(connection, kind, since, until, 500)  # type: ignore[arg-type]
        assert found == {name: expected(rows) for name, rows in groups.items()}, kind
    assert running(connection, since, until) == expected([row for row in inside if row.outcome == "running"])
    connection.close()


def test_a_database_with_rows_is_tallied_when_it_is_migrated() -> None:
    old = sqlite3.connect(":memory:")
    first, *later = ALL.values()
    first(old)  # type: ignore[arg-type]
    old.execute(
        "INSERT INTO attempt (id, provider, model, outcome, started_at, cost_nanousd)"
        " VALUES ('a', 'p', 'm', 'done', ?, 5)",
        (START,),
    )
    for step in later:
        step(old)  # type: ignore[arg-type]
    assert by_kind(old, "model", START, START + DAY, 500)["p/m"].cost == 5


def test_old_rows_are_told_apart_by_the_attempt_before_theirs() -> None:
    old = sqlite3.connect(":memory:")
    steps = list(ALL.values())
    for step in steps[:9]:
        step(old)  # type: ignore[arg-type]
    for id, n, message, client, model in (
        ("a", 1, "M", "tui", "m"), ("b", 2, "M", "tui", "m"), ("c", 3, "M", "tui", "other"),
        ("d", 1, None, "gateway", "m"), ("e", 2, None, "gateway", "m"), ("f", 1, "N", "tui", "m"),
    ):  # fmt: skip
        old.execute(
            "INSERT INTO attempt (id, n, message_id, client, provider, model, outcome, started_at)"
            " VALUES (?, ?, ?, ?, 'p', ?, 'done', ?)",
            (id, n, message, client, model, START + ord(id)),
        )
    for step in steps[9:]:
        step(old)  # type: ignore[arg-type]
    total = sum(by_kind(old, "model", START, START + DAY, 500).values(), Sums())
    assert (total.requests, total.retries, total.failovers, total.hedges) == (3, 2, 1, 0)
    assert by_time(old, START, START + DAY, DAY, 0)[START // DAY] == total
    clients = by_kind(old, "client", START, START + DAY, 500)
    assert {name: (sums.requests, sums.retries) for name, sums in clients.items()} == {"tui": (2, 1), "gateway": (1, 1)}
    old.execute("UPDATE attempt SET cause = 'failover' WHERE id = 'b'")
    assert by_kind(old, "client", START, START + DAY, 500)["tui"].retries == 0


def row(n: int, **more: object) -> AttemptRecord:
    base = AttemptRecord(str(n), 1, "t", "r", "p", "m", START + n, outcome="done", duration_ms=2000, output_tokens=101)
    return replace(base, **more)  # type: ignore[arg-type]


def test_speed_is_of_whole_answers_after_their_first_token(connection: sqlite3.Connection) -> None:
    for record in (row(1, ttft_ms=1000), row(2, outcome="failed"), row(3, output_tokens=1, ttft_ms=5)):
        write_row(connection, record, "me")
    found = speeds(connection, None, START, START + DAY)
    assert [(speed.ttft_ms, speed.tokens_per_second) for speed in found] == [(5, None), (1000, 101.0)]


def test_lengths_are_a_models_newest_answers(connection: sqlite3.Connection) -> None:
    for record in (row(1, output_tokens=7), row(2, output_tokens=8), row(3, model="other"), row(4, outcome="cut")):
        write_row(connection, record, "me")
    assert answer_lengths(connection) == {("p", "m"): [8, 7], ("p", "other"): [101]}
