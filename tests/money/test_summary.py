"""Summaries: the person's days, every sum equal to the rows', and what the month will come to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from routerterm.core.ledger import AttemptRecord
from routerterm.engine.usage.clock import DAY, Clock, label_of, zone_of
from routerterm.engine.usage.lines import Percentiles, percentiles
from routerterm.engine.usage.statistics import BYS, summarise, summary
from routerterm.store.database import Store
from routerterm.store.ledger import write_row
from routerterm.store.migrations.steps import ALL
from routerterm.store.statistics import Book

WARSAW = ZoneInfo("Europe/Warsaw")


def ms(*when: int) -> int:
    return round(datetime(*when, tzinfo=WARSAW).timestamp() * 1000)  # type: ignore[arg-type, misc]


NOW = ms(2026, 11, 21, 13)
ROW = AttemptRecord(
    "a", 1, "tui", "smart", "openai", "gpt", NOW, outcome="done", ttft_ms=500, duration_ms=1500, input_tokens=10,
    cache_read_tokens=90, output_tokens=101, usage_source="reported", cost_nanousd=1_000_000_000, saved_nanousd=5,
    conversation_id="C", key_label="work",
)  # fmt: skip


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for step in ALL.values():
        step(connection)  # type: ignore[arg-type]  # it only executes
    yield connection
    connection.close()


def add(connection: sqlite3.Connection, *rows: AttemptRecord) -> None:
    for n, row in enumerate(rows):
        write_row(connection, replace(row, id=f"{row.id}{n}{row.started_at}"), "me")


def test_a_row_at_midnight_belongs_to_the_persons_day(connection: sqlite3.Connection) -> None:
    add(connection, replace(ROW, started_at=ms(2026, 11, 21)), replace(ROW, started_at=ms(2026, 11, 21) - 1))
    found = summarise(Book(connection), 3, "day", NOW, WARSAW)
    assert [(line.name, line.requests) for line in found.lines] == [
        ("2026-11-19", 0),
        ("2026-11-20", 1),
        ("2026-11-21", 1),
    ]
    assert summarise(Book(connection), 1, "day", NOW, WARSAW).total.requests == 1


def test_a_line_tells_everything_of_its_rows(connection: sqlite3.Connection) -> None:
    again = replace(ROW, n=2, outcome="failed", usage_source="estimated", cost_nanousd=None, cause="failover")
    add(connection, ROW, again)
    (line,) = summarise(Book(connection), 1, "model", NOW, WARSAW).lines
    assert (line.name, line.requests, line.input_tokens, line.output_tokens, line.cached_tokens) == (
        "openai/gpt", 1, 200, 202, 180,
    )  # fmt: skip
    assert (line.cost, line.unpriced, line.saved) == (Decimal(1), 1, Decimal("1e-8"))
    assert (line.estimated_share, line.errors, line.retries, line.failovers) == (0.5, 1, 0, 1)
    assert line.ttft_ms == Percentiles(500, 500)
    assert line.tokens_per_second == Percentiles(101.0, 101.0)


def test_what_is_under_way_is_told_apart(connection: sqlite3.Connection) -> None:
    add(connection, ROW, replace(ROW, outcome="running", cost_nanousd=3_000_000_000))
    found = summarise(Book(connection), 1, "day", NOW, WARSAW)
    assert (found.total.cost, found.reserved, found.under_way) == (Decimal(1), Decimal(3), 1)


def test_the_month_goes_on_as_the_last_days_did(connection: sqlite3.Connection) -> None:
    add(connection, *(replace(ROW, started_at=NOW - day * DAY) for day in range(30)))
    month = summarise(Book(connection), 1, "day", NOW, WARSAW).month
    assert month.so_far == 21
    assert month.days_left == pytest.approx(9.458, abs=0.01)
    assert month.expected is not None
    assert float(month.expected) == pytest.approx(21 + 14 / 13.54 * 9.458, abs=0.1)
    assert month.low == month.high == month.expected  # every day cost the same


def test_an_empty_book_is_no_error(connection: sqlite3.Connection) -> None:
    for by in BYS:
        found = summarise(Book(connection), None, by, NOW, WARSAW)  # type: ignore[arg-type]
        assert (found.total.requests, found.total.cost, found.month.expected) == (0, 0, None)


def test_conversations_are_called_by_their_titles(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO conversation (id, title, created_at, updated_at) VALUES ('C', 'Trip', 1, 1)")
    add(connection, ROW, replace(ROW, conversation_id="gone"), replace(ROW, conversation_id=None))
    names = {line.name for line in summarise(Book(connection), 1, "conversation", NOW, WARSAW).lines}
    assert names == {"Trip", "gone", "(none)"}


def test_many_things_share_a_last_line(connection: sqlite3.Connection) -> None:
    add(connection, *(replace(ROW, id=f"{n}-", model=f"m{n}", cost_nanousd=n) for n in range(503)))
    found = summarise(Book(connection), 1, "model", NOW, WARSAW)
    assert (len(found.lines), found.lines[-1].name, found.lines[-1].requests) == (501, "(all others)", 3)
    assert sum(line.cost for line in found.lines) == found.total.cost


moments = st.integers(NOW - 400 * DAY, NOW)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(moments, st.integers(0, 10**12)), max_size=12),
    st.sampled_from(BYS),
    st.sampled_from([1, 7, 250, None]),
    st.sampled_from(["Europe/Warsaw", "Asia/Kathmandu", "America/St_Johns", "UTC"]),
)
def test_the_sum_shown_is_the_sum_of_the_rows(
    rows: list[tuple[int, int]], by: str, days: int | None, zone_name: str
) -> None:
    connection = sqlite3.connect(":memory:")
    for step in ALL.values():
        step(connection)  # type: ignore[arg-type]  # it only executes
    add(connection, *(replace(ROW, id=str(n), started_at=at, cost_nanousd=cost) for n, (at, cost) in enumerate(rows)))
    found = summarise(Book(connection), days, by, NOW, zone_of(zone_name))  # type: ignore[arg-type]
    inside = [cost for at, cost in rows if found.since <= at < found.until]
    assert days is not None or len(inside) == len(rows)
    assert found.total.cost * 10**9 == sum(inside)
    assert sum(line.cost for line in found.lines) == found.total.cost
    assert sum(line.requests for line in found.lines) == found.total.requests == len(inside)
    connection.close()


@given(moments, moments, st.sampled_from(["Europe/Warsaw", "America/New_York", "Australia/Lord_Howe", "UTC"]))
def test_spans_cover_a_period_with_one_offset_each(a: int, b: int, name: str) -> None:
    since, until = min(a, b), max(a, b)
    clock = Clock(zone_of(name))
    at = since
    for start, end, offset in clock.spans(since, until):
        assert start == at < end
        assert clock.offset(start) == offset == clock.offset(end - 1)
        at = end
    assert at == until or since == until


@pytest.mark.parametrize(
    ("unit", "name"), [("hour", "13"), ("day", "2027-01-01"), ("week", "2026-W53"), ("month", "2027-01")]
)
def test_stretches_have_plain_names(unit: str, name: str) -> None:
    new_year = round(datetime(2027, 1, 1, 13, tzinfo=ZoneInfo("UTC")).timestamp() * 1000)
    assert label_of(unit, new_year) == name  # type: ignore[arg-type]


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentiles([]) is None
    assert percentiles([3, 1, 2]) == Percentiles(2, 3)
    assert percentiles(range(1, 101)) == Percentiles(50, 96)


async def test_a_store_is_summed_up(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "history.db")
    try:
        await store.ledger.settle(ROW)
        found = await summary(store, 7, "provider", now_ms=NOW, zone=WARSAW)
        assert [(line.name, line.cost) for line in found.lines] == [("openai", Decimal(1))]
    finally:
        await store.close()
