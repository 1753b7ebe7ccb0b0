"""The cockpit: every figure equals an independent sum, in plain SQL and in Python, over random ledgers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from routerterm.core.ledger import AttemptRecord, Cap
from routerterm.engine.usage.accounts import Account
from routerterm.engine.usage.clock import DAY, HOUR, zone_of
from routerterm.engine.usage.cockpit import GROUPINGS, Cockpit, Look, seen
from routerterm.engine.usage.export import cockpit_object
from routerterm.engine.usage.lines import Line
from routerterm.engine.usage.periods import ZOOMS, bars_of, last_days, period_of
from routerterm.engine.usage.plot import binned
from routerterm.engine.usage.projection import RECENT_DAYS, project
from routerterm.engine.usage.snapshot import Snapshot
from routerterm.engine.usage.statistics import OTHERS, summarise
from routerterm.engine.usage.views import change_words, projection_words, sample_words
from routerterm.router.decide.budget import Gauge
from routerterm.store.ledger import _spent, used, wanted, write_row
from routerterm.store.migrations.steps import ALL
from routerterm.store.requests import RequestFilter, rows_of_filter
from routerterm.store.statistics import Book, Sums
from routerterm.tui.screens.stats.behind import (
    behind_figure,
    behind_gauge,
    behind_line,
    behind_projection,
    behind_spot,
)
from routerterm.tui.screens.stats.rows import quality_fields

ZONES = ("Europe/Warsaw", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "UTC")
NOW = round(datetime(2026, 11, 21, 13, 5, tzinfo=zone_of("UTC")).timestamp() * 1000)
amounts = st.none() | st.integers(0, 10**9)
moments = st.one_of(
    st.integers(NOW - 2 * HOUR, NOW), st.integers(NOW - 40 * DAY, NOW), st.integers(NOW - 800 * DAY, NOW)
)
CAUSES = st.sampled_from([(1, "first"), (1, None), (2, "retry"), (2, "failover"), (3, "hedge"), (2, None)])


@st.composite
def ledgers(draw: st.DrawFn) -> list[AttemptRecord]:
    """Requests of three conversations, two of which belong to a project."""
    rows = []
    for number in range(draw(st.integers(0, 14))):
        n, cause = draw(CAUSES)
        rows.append(
            AttemptRecord(
                f"{number}",
                n,
                draw(st.sampled_from(["tui", "gateway:editor"])),
                draw(st.sampled_from(["smart", "fast"])),
                draw(st.sampled_from(["openai", "openrouter"])),
                draw(st.sampled_from(["m", "vendor/m"])),
                draw(moments),
                conversation_id=draw(st.sampled_from([None, "C", "D", "E"])),
                key_label=draw(st.sampled_from([None, "work"])),
                outcome=draw(st.sampled_from(["running", "done", "done", "failed", "cancelled", "cut", "lost"])),
                ttft_ms=draw(amounts),
                duration_ms=draw(st.none() | st.integers(1, 10**6)),
                input_tokens=draw(amounts),
                cache_read_tokens=draw(amounts),
                output_tokens=draw(amounts),
                usage_source=draw(st.sampled_from(["estimated", "reported"])),
                cost_nanousd=draw(amounts),
                saved_nanousd=draw(st.none() | st.integers(-1000, 1000)),
                tool=draw(st.sampled_from([None, "fetch"])),
                cause=cause,  # type: ignore[arg-type]
            )
        )
    return rows


def ledger(rows: Iterable[AttemptRecord]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for step in ALL.values():
        step(connection)  # type: ignore[arg-type]  # it only executes
    for id, folder in (("C", "/home/me/one"), ("D", "/home/me/two"), ("E", None)):
        connection.execute(
            "INSERT INTO conversation (id, title, created_at, updated_at, project) VALUES (?, ?, 1, 1, ?)",
            (id, f"Talk {id}", folder),
        )
    for row in rows:
        write_row(connection, row, "me")
    connection.commit()
    return connection


def figures(line: Line) -> tuple[Any, ...]:
    """What must be equal, as whole numbers."""
    return (
        line.requests, line.retries, line.failovers, line.hedges,
        line.input_tokens, line.output_tokens, line.cached_tokens,
        int(line.cost * 10**9), line.unpriced, int(line.saved * 10**9), line.estimated, line.errors, line.cancelled,
    )  # fmt: skip


NOTHING = (0,) * 13


def in_python(rows: Iterable[AttemptRecord]) -> tuple[Any, ...]:
    rows = [row for row in rows if row.outcome != "running"]

    def count(holds: Callable[[AttemptRecord], bool]) -> int:
        return sum(map(holds, rows))

    def total(*names: str) -> int:
        return sum(getattr(row, name) or 0 for row in rows for name in names)

    return (
        count(lambda r: r.n == 1), count(lambda r: r.cause == "retry"),
        count(lambda r: r.n > 1 and r.cause not in ("retry", "hedge")), count(lambda r: r.cause == "hedge"),
        total("input_tokens", "cache_read_tokens", "cache_write_tokens"), total("output_tokens"),
        total("cache_read_tokens"),
        total("cost_nanousd"), count(lambda r: r.cost_nanousd is None), total("saved_nanousd"),
        count(lambda r: r.usage_source != "reported"), count(lambda r: r.outcome in ("failed", "cut", "lost")),
        count(lambda r: r.outcome == "cancelled"),
    )  # fmt: skip


def in_sql(connection: sqlite3.Connection, since: int, until: int) -> tuple[Any, ...]:
    """The same without any of our own SQL, sums or triggers."""
    found = connection.execute(
        """SELECT total(n = 1), total(cause IS 'retry'),
        total(n > 1 AND cause IS NOT 'retry' AND cause IS NOT 'hedge'), total(cause IS 'hedge'),
        total(ifnull(input_tokens, 0) + ifnull(cache_read_tokens, 0) + ifnull(cache_write_tokens, 0)),
        total(output_tokens), total(cache_read_tokens), total(cost_nanousd), total(cost_nanousd IS NULL),
        total(saved_nanousd), total(usage_source IS NOT 'reported'), total(outcome IN ('failed', 'cut', 'lost')),
        total(outcome = 'cancelled')
        FROM attempt WHERE outcome IS NOT 'running' AND started_at BETWEEN ? AND ?""",
        (since, until - 1),
    ).fetchone()
    return tuple(map(int, found))


@settings(max_examples=60)
@given(
    ledgers(),
    st.sampled_from(ZOOMS),
    st.integers(0, 2),
    st.sampled_from(GROUPINGS),
    st.sampled_from(["", "before", "year"]),
    st.sampled_from(ZONES),
    st.sampled_from([2, 500]),
)
def test_every_figure_equals_an_independent_sum(
    rows: list[AttemptRecord], zoom: Any, back: int, by: Any, against: Any, zone: str, most: int
) -> None:
    """``most``: things that get a line of their own; what is cheaper shares one."""
    connection = ledger(rows)
    snapshot = Snapshot(zone_of(zone))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("routerterm.engine.usage.snapshot.MOST_LINES", most)
        found = seen(Book(connection), snapshot, Look(zoom, back, by, against), NOW)
    inside = [row for row in rows if found.period.since <= row.started_at < found.period.until]
    assert figures(found.total) == in_python(inside) == in_sql(connection, found.period.since, found.period.until)
    for bar, part in zip(found.bars, found.parts, strict=True):
        assert figures(part) == in_sql(connection, bar.since, bar.until), bar
    check_sums(found)
    check_what_is_behind(connection, snapshot, found, rows)
    check_heat(found, inside, rows, zone)
    connection.close()


def check_sums(found: Cockpit) -> None:
    assert found.bars[0].since == found.period.since
    assert found.bars[-1].until == found.period.until
    assert all(a.until == b.since for a, b in pairwise(found.bars))
    for lines in (found.lines, found.parts):
        columns = list(zip(*map(figures, lines), strict=True))
        assert tuple(map(sum, columns)) == figures(found.total) or not (columns or found.total.attempts)
    if found.before is not None:
        columns = list(zip(*map(figures, found.lines_before), strict=True))
        assert tuple(map(sum, columns)) == figures(found.before) or not (columns or found.before.attempts)


def check_what_is_behind(
    connection: sqlite3.Connection, snapshot: Snapshot, found: Cockpit, rows: list[AttemptRecord]
) -> None:
    """Each line opens exactly the requests that it counts, and so does each bar and cell."""
    was = {line.id: figures(line) for line in found.lines_before}
    if found.look.by == "time":
        was = {line.id: figures(old) for line, old in zip(found.lines, found.lines_before, strict=False)}
    is_now = {line.id for line in found.lines}
    for line in (*found.lines, *(line for line in found.lines_before if found.look.by not in ("time", "hour"))):
        within_others = OTHERS in is_now and line.id not in is_now  # it opens what it is now, too, which no line says
        if line.attempts and OTHERS not in (line.id, *was) and not within_others:
            behind = behind_line(found, line.id, snapshot)
            now = next((figures(each) for each in found.lines if each.id == line.id), NOTHING)
            both = tuple(a + b for a, b in zip(now, was.get(line.id, NOTHING), strict=True))
            assert in_python(rows_of_filter(connection, behind[1], 500)) == both, (behind, line)
        elif line.id == OTHERS and found.before is None:
            behind = behind_line(found, line.id, snapshot)
            assert in_python(rows_of_filter(connection, behind[1], 500)) == figures(line), (behind, line)
    if found.before is not None:
        for which, count in (("all", found.before.attempts), ("requests", found.before.requests)):
            _, wanted = behind_figure(found, which, before=True)  # type: ignore[arg-type]
            assert len(rows_of_filter(connection, wanted, 500)) == count
    for at, part in enumerate(found.parts):
        behind = behind_spot(found, "cost", at, snapshot)
        assert in_python(rows_of_filter(connection, behind[1], 500)) == figures(part)
    for which, count in (
        ("all", found.total.attempts), ("requests", found.total.requests), ("errors", found.total.errors),
        ("retries", found.total.retries), ("failovers", found.total.failovers), ("hedges", found.total.hedges),
        ("cancelled", found.total.cancelled), ("unpriced", found.total.unpriced), ("estimated", found.total.estimated),
    ):  # fmt: skip
        _, wanted = behind_figure(found, which)  # type: ignore[arg-type]
        assert len(rows_of_filter(connection, wanted, 500)) == count, which
    for view, values in (("ttft", [v / 1000 for v in found.ttft_ms]), ("speed", list(found.tokens_per_second))):
        for at, count in enumerate(binned(values)[1]):
            behind = behind_spot(found, view, at, snapshot)  # type: ignore[arg-type]
            assert len(rows_of_filter(connection, behind[1], 500)) == count, (view, at)
    running = [row for row in rows if row.outcome == "running"]
    assert found.under_way == len(running)
    assert found.reserved * 10**9 == sum(row.cost_nanousd or 0 for row in running)


def check_heat(found: Cockpit, inside: list[AttemptRecord], rows: list[AttemptRecord], zone: str) -> None:
    settled = [row for row in inside if row.outcome != "running"]

    def local(row: AttemptRecord) -> datetime:
        return datetime.fromtimestamp(row.started_at / 1000, zone_of(zone))

    for at, cell in enumerate(found.week):
        here = [row for row in settled if local(row).weekday() * 24 + local(row).hour == at]
        assert cell.cost * 10**9 == sum(row.cost_nanousd or 0 for row in here)
        assert cell.requests == sum(row.n == 1 for row in here)
    last = found.calendar[-1].name
    for cell in found.calendar:
        here = [row for row in rows if row.outcome != "running" and local(row).date().isoformat() == cell.name]
        assert cell.cost * 10**9 == sum(row.cost_nanousd or 0 for row in here), (cell, last)
    assert datetime.fromisoformat(found.calendar[0].name).weekday() == 0


CAPS = st.builds(
    lambda scope, unit, since: Cap(scope[0], unit, 10**9, since, scope[1]),
    st.sampled_from(
        [("day", None), ("month", None), ("provider", "openai"), ("model", "openai/vendor/m"), ("route", "smart"),
         ("conversation", "C"), ("client", "tui"), ("project", "/home/me/one")]
    ),
    st.sampled_from(["usd", "requests", "tokens"]),
    st.integers(NOW - 40 * DAY, NOW),
)  # fmt: skip


@given(ledgers(), CAPS, st.booleans())
def test_a_gauge_opens_what_its_limit_is_held_against(rows: list[AttemptRecord], cap: Cap, local: bool) -> None:
    rows = [replace(row, held_nanousd=n * 7 if row.cost_nanousd is None else None) for n, row in enumerate(rows)]
    if local:
        rows = [replace(row, cost_source="declared") if n % 2 else row for n, row in enumerate(rows)]
    connection = ledger(rows)
    found = rows_of_filter(connection, behind_gauge(Account(Gauge(cap, 0, None), None))[1], 500)
    assert sum(wanted(row, cap.unit) for row in found) == used(connection, cap)
    if cap.unit == "usd":
        assert _spent(connection, cap)[1] == sum(row.cost_nanousd is None for row in found)
    connection.close()


@given(ledgers(), st.sampled_from(ZONES))
def test_the_projection_opens_the_days_that_it_rests_on(rows: list[AttemptRecord], zone: str) -> None:
    connection, snapshot = ledger(rows), Snapshot(zone_of(zone))
    found = seen(Book(connection), snapshot, Look(), NOW)
    behind = [row for row in rows_of_filter(connection, behind_projection(found)[1], 500) if row.started_at <= NOW]
    today = datetime.fromtimestamp(NOW / 1000, zone_of(zone))
    month = [r for r in behind if datetime.fromtimestamp(r.started_at / 1000, zone_of(zone)).month == today.month]
    assert sum(row.cost_nanousd or 0 for row in month) == found.month.so_far * 10**9
    recent = [row for row in behind if (today.date() - datetime.fromtimestamp(
        row.started_at / 1000, zone_of(zone)).date()).days < RECENT_DAYS]  # fmt: skip
    if found.month.expected is not None:
        passed = found.month.per_day and sum(row.cost_nanousd or 0 for row in recent) / (found.month.per_day * 10**9)
        assert passed <= RECENT_DAYS
    connection.close()


def test_percentiles_of_more_answers_than_are_looked_at_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row_at(NOW - n * 1000, ttft_ms=n + 1, duration_ms=10**6, output_tokens=100) for n in range(20)]
    connection = ledger(rows)
    look = Look("day", by="time")
    whole = seen(Book(connection), Snapshot(zone_of("UTC")), look, NOW)
    assert (whole.sampled_since, sample_words(whole), len(whole.ttft_ms)) == (0, "", 20)
    monkeypatch.setattr("routerterm.store.statistics.SPEED_SAMPLE", 5)
    monkeypatch.setattr("routerterm.engine.usage.cockpit.SPEED_SAMPLE", 5)
    snapshot = Snapshot(zone_of("UTC"))
    found = seen(Book(connection), snapshot, look, NOW)
    assert found.ttft_ms == (1, 2, 3, 4, 5)
    assert "newest" in sample_words(found)
    told = [cockpit_object(each, ())["sampled_since"] for each in (whole, found)]
    assert told == [None, rows[4].started_at]
    for at, count in enumerate(binned([value / 1000 for value in found.ttft_ms])[1]):
        wanted = behind_spot(found, "ttft", at, snapshot)[1]
        assert len(rows_of_filter(connection, wanted, 500)) == count
    assert any("newest" in "".join(span.text for span in field.spans) for field in quality_fields(found))


def test_all_is_all_whatever_the_clock_was() -> None:
    """It began in 1970, and was once weeks ahead: what was recorded then counts, and opens, like everything else."""
    rows = [row_at(5_000), row_at(NOW - HOUR), row_at(NOW + 20 * DAY)]
    connection, snapshot = ledger(rows), Snapshot(zone_of("Asia/Kathmandu"))
    for by in GROUPINGS:
        found = seen(Book(connection), snapshot, Look("all", by=by), NOW)
        assert (found.total.requests, sum(line.requests for line in found.lines)) == (3, 3), by
        for line in found.lines:
            behind = behind_line(found, line.id, snapshot)
            assert len(rows_of_filter(connection, behind[1], 9)) == line.requests
    assert summarise(Book(connection), None, "month", NOW, zone_of("UTC")).total.requests == 3
    connection.close()


def row_at(at: int, **more: Any) -> AttemptRecord:
    base = AttemptRecord(
        f"r{at}", 1, "tui", "smart", "openai", "gpt", at, outcome="done", cost_nanousd=10**9, cause="first"
    )
    return replace(base, **more)


def test_a_snapshot_follows_what_is_written_and_settled_later(tmp_path: Any) -> None:
    writer = ledger([])
    target = sqlite3.connect(tmp_path / "l.db")
    writer.backup(target)
    reader = sqlite3.connect(tmp_path / "l.db")
    snapshot = Snapshot(zone_of("UTC"))

    def cost(by: Any = "model") -> Decimal:
        found = seen(Book(reader), snapshot, Look("year", by=by), NOW)
        assert sum(line.cost for line in found.lines) == found.total.cost
        return found.total.cost

    assert cost() == 0
    steps = [row_at(NOW - 9 * DAY), row_at(NOW - 5), row_at(NOW - 3 * DAY, id="x", outcome="running"), row_at(NOW)]
    for step, expected in zip(steps, (1, 2, 2, 3), strict=True):
        write_row(target, step, "me")
        target.commit()
        assert cost() == cost("conversation") == cost("project") == expected
    write_row(target, row_at(NOW - 3 * DAY, id="x", cost_nanousd=5 * 10**9), "me")
    target.commit()
    assert cost("client") == 8


def test_nothing_is_projected_before_three_days_with_requests() -> None:
    zone = zone_of("UTC")
    today = datetime.fromtimestamp(NOW / 1000, zone).date()

    def month(*costs: int) -> Any:
        days = {today - timedelta(days=n): Sums(attempts=1, cost=cost * 10**9) for n, cost in enumerate(costs)}
        return project(days, NOW, zone)

    assert month().expected is None
    assert month(1, 1).expected is None
    three = month(1, 1, 1)
    assert three.low <= three.expected <= three.high
    assert three.so_far == 3
    steady, wild = month(*[2] * 14), month(*[0, 4] * 7)
    assert steady.high - steady.low < wild.high - wild.low
    assert wild.low >= wild.so_far  # what is spent is spent
    assert 0.9 < float((steady.expected - steady.so_far) / (steady.per_day * Decimal(steady.days_left))) < 1.1


def test_an_unknown_price_is_a_question_mark_everywhere() -> None:
    rows = [row_at(NOW - n * DAY, cost_nanousd=None if n == 1 else 10**9) for n in range(4)]
    found = seen(Book(ledger(rows)), Snapshot(zone_of("UTC")), Look(by="time", against="before"), NOW)
    assert projection_words(found).startswith("projected this month ~$")
    assert "+?" in projection_words(found)
    first = round(datetime(2026, 12, 1, 1, tzinfo=zone_of("UTC")).timestamp() * 1000)  # nothing of this month yet
    days = [row_at(first - n * DAY, cost_nanousd=None if n == 3 else 10**9) for n in range(1, 6)]
    later = seen(Book(ledger(days)), Snapshot(zone_of("UTC")), Look(), first)
    assert later.month.unpriced == 0
    assert projection_words(later).endswith("+?)"), "it continues with days of which a part is not known"
    assert change_words(found.total, found.before) == "new"
    assert change_words(found.total, replace(found.total, unpriced=0)) == "?"


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("zoom", ZOOMS)
def test_the_parts_of_any_period_lie_side_by_side(zoom: Any, zone: str) -> None:
    at = round(datetime(2026, 4, 7, 0, 30, tzinfo=zone_of(zone)).timestamp() * 1000)
    for back in range(3):
        period = period_of(zoom, back, at, at - 400 * DAY, zone_of(zone))
        bars = bars_of(period, zone_of(zone))
        assert (bars[0].since, bars[-1].until) == (period.since, period.until)
        assert all(a.until == b.since and a.since < a.until for a, b in pairwise(bars))
        assert back or period.since <= at < period.until
        if zoom != "all":
            before = period_of(zoom, back + 1, at, None, zone_of(zone))
            assert before.until == period.since
    for days in (1, 3, 30, 100, 500, None):
        whole = last_days(days, at, at - 400 * DAY, zone_of(zone))
        bars = bars_of(whole, zone_of(zone))
        assert (bars[0].since, bars[-1].until) == (whole.since, whole.until)


def test_words_of_a_filter_all_count() -> None:
    rows = [
        row_at(NOW - 1, client="gateway:editor", error_class="rate_limited", outcome="failed"),
        row_at(NOW - 2, client="tui", model="50%_off"),
        row_at(NOW - 3, conversation_id="C", cause="retry", n=2),
    ]
    connection = ledger(rows)

    def found(words: str) -> list[int]:
        return [NOW - row.started_at for row in rows_of_filter(connection, RequestFilter(words=words), 10)]

    assert found("") == [1, 2, 3]
    assert found("OPENAI gateway") == [1]
    assert found("error:rate") == [1]
    assert found("client:tui 50%_off") == [2]
    assert found("5%f") == found("model:5_%") == []
    assert found("retry") == [3]
    assert found("outcome:done model:gpt") == [3]
    assert found("nothing:here") == []
