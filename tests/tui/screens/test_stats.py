"""The books: what they show equals the ledger, every figure leads to its requests, and to the message."""

from __future__ import annotations

import csv
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.config.paths import Paths
from routerterm.engine.usage.statistics import summary
from routerterm.tui.app import RoutertermApp
from routerterm.tui.clock import now_ms
from routerterm.tui.screens.stats.export import as_csv, as_json
from routerterm.tui.screens.stats.rows import ORDERS, ordered
from routerterm.tui.screens.stats.screen import KINDS, PERIODS, StatsScreen
from routerterm.tui.widgets.bars import Bars, merged, places
from routerterm.tui.widgets.fields import Field, Span, flow
from tests.tui.chat.program import configure, in_chat, running, screen_text, until
from tests.tui.seed import fill


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=200), st.integers(1, 90))
def test_merging_bars_loses_nothing_and_they_lie_side_by_side(values: list[float], width: int) -> None:
    shown, each = merged(values, width)
    assert len(shown) <= width
    assert sum(shown) == pytest.approx(sum(values))
    assert (len(shown) - 1) * each < len(values) <= len(shown) * each
    end = 0
    for start, size in places(len(shown), width):
        assert start >= end
        assert size >= 1
        end = start + size
    assert end <= width


@given(st.lists(st.integers(0, 5), max_size=9), st.integers(4, 60), st.integers(1, 3))
def test_fields_flow_into_lines_and_the_important_ones_stay(ranks: list[int], width: int, lines: int) -> None:
    fields = [Field((Span(f"{n:03}"),), rank) for n, rank in enumerate(ranks)]
    rows = flow(fields, width, 2, lines)
    assert len(rows) <= lines
    kept = [placed.field for row in rows for placed in row]
    assert all(placed.column + placed.width <= width for row in rows for placed in row)
    gone = [field for field in fields if field not in kept]
    assert max((field.rank for field in kept), default=0) <= min((field.rank for field in gone), default=9)


def stats_of(app: RoutertermApp) -> StatsScreen:
    assert isinstance(app.screen, StatsScreen)
    return app.screen


async def test_every_period_and_thing_equals_the_ledger(paths: Paths) -> None:
    configure(paths)
    await fill(paths, 12, 300, now_ms())
    async with running(paths, (120, 40)) as (app, pilot):
        assert app.services is not None
        await pilot.press("f4")
        await until(pilot, lambda: type(app.screen).__name__ == "StatsScreen" and stats_of(app)._found is not None)
        screen = stats_of(app)
        for number, (key, name, days) in enumerate(PERIODS):
            await pilot.press(key)
            await until(pilot, lambda name=name: f"{name} by" in screen_text(app))
            expected = await summary(app.services.store, days, "model", now_ms=now_ms())
            await until(pilot, lambda e=expected: screen._found is not None and screen._found.total == e.total)
            assert f"asked {expected.total.requests}" in screen_text(app)
            assert len(screen.query_one("#cost", Bars).chart.values) == (24 if not number else len(screen._times.lines))  # type: ignore[union-attr]
        for kind in [*KINDS[1:], KINDS[0]]:
            await pilot.press("tab")
            await until(pilot, lambda kind=kind: screen._found is not None and screen._found.by == kind)
            total = sum((line.cost for line in screen._found.lines), Decimal(0))  # type: ignore[union-attr]
            assert total == screen._found.total.cost  # type: ignore[union-attr]
        for title in ("asked", "tokens", "errors"):
            await pilot.press("s")
            await until(pilot, lambda title=title: f"{title}▾" in screen_text(app))
            shown = [row.id.removeprefix("=") for row in screen.table.rows]
            lines = {line.id: ORDERS[title](line) for line in ordered(screen._found.lines, title)}  # type: ignore[union-attr]
            assert [lines[id] for id in shown] == sorted(lines.values(), reverse=True)
        for name in (
            "cost by day",
            "tokens by day",
            "this month",
            "projected this month",
            "cache saved",
            "EST",
            "failovers",
        ):
            assert name in screen_text(app)


async def test_from_a_figure_to_the_requests_to_the_message(paths: Paths) -> None:
    configure(paths)
    await fill(paths, 12, 300, now_ms())
    async with running(paths, (120, 40)) as (app, pilot):
        await pilot.press("f4")
        await until(pilot, lambda: "openai/gpt-4o-mini" in screen_text(app))
        await pilot.press("e")
        await until(pilot, lambda: "Requests: Failed" in screen_text(app) and "rate limited" in screen_text(app))
        assert "done" not in screen_text(app)
        await pilot.press("escape")
        bars = stats_of(app).query_one("#cost", Bars)
        await pilot.click(bars, offset=(bars.size.width - 1, 3))
        await until(pilot, lambda: "Requests: 20" in screen_text(app))
        await pilot.press("escape", "enter")
        await until(pilot, lambda: "Requests: openai/gpt-4o-mini" in screen_text(app) and "route " in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: in_chat(app))
        await until(pilot, lambda: "Three things." in screen_text(app))


async def test_what_is_shown_is_written_as_csv_and_json(paths: Paths) -> None:
    configure(paths)
    await fill(paths, 5, 120, now_ms())
    async with running(paths) as (app, pilot):
        await pilot.press("f4", "5")
        await until(pilot, lambda: "all by model" in screen_text(app) and stats_of(app)._found is not None)
        await pilot.press("x", "o")
        folder = paths.data / "exports"
        await until(pilot, lambda: folder.is_dir() and {f.suffix for f in folder.iterdir()} == {".csv", ".json"})
        found = stats_of(app)._found
        assert found is not None
    written = {file.suffix: file.read_text() for file in folder.iterdir()}
    rows = list(csv.DictReader(written[".csv"].splitlines()))
    assert [row["name"] for row in rows] == [line.name for line in found.lines]
    assert sum(Decimal(row["cost"]) for row in rows) == found.total.cost
    assert sum(int(row["requests"]) for row in rows) == 120
    body = json.loads(written[".json"])
    assert Decimal(body["total"]["cost"]) == found.total.cost
    assert body["lines"][0]["ttft_ms"]["p50"] == found.lines[0].ttft_ms.p50  # type: ignore[union-attr]
    assert (as_csv(found), as_json(found)) == (written[".csv"], written[".json"])


async def test_a_small_terminal_reaches_every_figure(paths: Paths) -> None:
    configure(paths, "[budget]\nday = 2\n")
    await fill(paths, 5, 120, now_ms())
    async with running(paths, (45, 20)) as (app, pilot):
        await pilot.press("f4")
        await until(pilot, lambda: "openai/gpt-4o-mini" in screen_text(app))
        assert "cost by day" in screen_text(app)
        await pilot.press("t")
        await until(pilot, lambda: "tokens by day" in screen_text(app))
        await pilot.press("i")
        await until(pilot, lambda: "projected this month" in screen_text(app))
        await pilot.press("end", "pagedown")
        for name in ("first token", "cache saved", "EST", "failovers"):
            assert name in screen_text(app)
