"""The stats screen: what it shows equals the ledger, every figure leads to its requests, and to the message."""

from __future__ import annotations

import csv
import json
import sqlite3
import tomllib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.config.paths import Paths
from routerterm.core.errors import SettingsError
from routerterm.core.ids import ulid
from routerterm.core.ledger import AttemptRecord
from routerterm.engine.virtual_keys import Allowance, VirtualKey, of_row, to_row
from routerterm.store.database import Store
from routerterm.store.guard_hits import GuardHit, GuardHits
from routerterm.tui.actions import bindings_of
from routerterm.tui.clock import now_ms
from routerterm.tui.screens.stats.actions import ACTIONS
from routerterm.tui.screens.stats.budgets import Limit, amount_of
from routerterm.tui.widgets.fields import Field, Span, flow
from tests.driver.headless import HeadlessDriver
from tests.tui.chat.program import configure, in_chat, running, screen_text, until
from tests.tui.seed import fill


@given(st.lists(st.integers(0, 5), max_size=9), st.integers(4, 60), st.integers(1, 3))
def test_fields_flow_into_lines_and_the_important_ones_stay(ranks: list[int], width: int, lines: int) -> None:
    fields = [Field((Span(f"{n:03}"),), rank) for n, rank in enumerate(ranks)]
    rows = flow(fields, width, 2, lines)
    assert len(rows) <= lines
    kept = [placed.field for row in rows for placed in row]
    assert all(placed.column + placed.width <= width for row in rows for placed in row)
    gone = [field for field in fields if field not in kept]
    assert max((field.rank for field in kept), default=0) <= min((field.rank for field in gone), default=9)


def test_no_key_has_two_meanings() -> None:
    keys = [key for action in ACTIONS for key in action.keys.split(",")]
    assert len(set(keys)) == len(keys)
    assert len(bindings_of(ACTIONS)) == len(ACTIONS)
    assert not {"k", "j", "g", "G", "space", "up", "down"} & set(keys)  # those of the list


def test_an_amount_is_read_as_people_write_it() -> None:
    usd, count = Limit("day", None), Limit("requests", None, "requests a day")
    assert [amount_of(text, usd) for text in ("2.50", " $3 ", "", "none")] == [Decimal("2.50"), Decimal(3), None, None]
    assert amount_of("1_000", count) == 1000
    for text, limit in (("two", usd), ("-1", usd), ("nan", usd), ("inf", usd), ("1.5", count)):
        with pytest.raises(SettingsError):
            amount_of(text, limit)


async def test_one_walk_over_every_view(paths: Paths) -> None:
    configure(paths, "[budget]\nday = 200\nmonth = 3000\n")
    await fill(paths, 12, 300, now_ms())
    async with running(paths, (120, 40)) as (app, pilot):
        it = HeadlessDriver(paths, app, pilot)
        await pilot.press("f4")
        await it.screen_shows(
            "openai/gpt-4o-mini", "of $200.00", "of $3,000.00", "left, resets in", "last 30 days by model"
        )
        for words in (
            "requests ",
            "retries ",
            "failovers ",
            "errors ",
            "time to first token",
            "cost by day",
            "Mon ",
            "today",
        ):
            await it.screen_shows(words)
        assert "projected this month ~$" in screen_text(app) or "after 3 days" in screen_text(app)
        for by in (
            "provider",
            "route",
            "client",
            "conversation",
            "project",
            "tool",
            "key",
            "time",
            "hour of the week",
            "model",
        ):
            await pilot.press("tab")
            await it.screen_shows(f"last 30 days by {by}")
        for view in (
            "tokens by day",
            "cost by hour of the week",
            "cost by day of the last year",
            "p95",
            "speed in tok/s",
        ):
            await pilot.press("v")
            await it.screen_shows(view)
        await pilot.press("v")
        for key, name in (("1", ":00"), ("2", "today"), ("3", "last 7 days"), ("5", "last 52 weeks"), ("6", "all")):
            await pilot.press(key)
            await it.screen_shows(f"{name} by model")
        await pilot.press("4", "left")
        await it.screen_lacks("last 30 days by model")
        await pilot.press("right", "c")
        await it.screen_shows("before", "change", "the period before: ")
        await pilot.press("c", "c")
        await it.screen_lacks("before")
        for title in ("requests", "tokens", "errors"):
            await pilot.press("s")
            await it.screen_shows(f"{title}▾")
        # what is shown is written
        await pilot.press("6")
        await it.screen_shows("all by model")
        await pilot.press("x", "o")
        folder = paths.data / "exports"
        await until(pilot, lambda: folder.is_dir() and {f.suffix for f in folder.iterdir()} == {".csv", ".json"})
        written = {file.suffix: file.read_text() for file in folder.iterdir()}
        rows = list(csv.DictReader(written[".csv"].splitlines()))
        body = json.loads(written[".json"])
        spent = total_cost(paths)
        assert sum(Decimal(row["cost"]) for row in rows) == Decimal(body["total"]["cost"]) == spent
        assert sum(int(row["requests"]) + int(row["retries"]) + int(row["failovers"]) for row in rows) == 300
        assert sum(Decimal(cell["cost"]) for cell in body["week"]) == spent
        assert [budget["name"] for budget in body["budgets"]] == ["today", "this month"]
        # limits and what is projected lead to what they rest on, what is compared to both of its periods
        await pilot.click("#budgets", offset=(4, 0))
        await it.screen_shows("Requests: today")
        await pilot.press("escape", "i")
        await it.screen_shows("this month", "left")
        await it.type("projected")
        await pilot.press("enter")
        await it.screen_shows("Requests: what the projection rests on")
        await pilot.press("escape", "3", "c")
        await it.screen_shows("the period before: ")
        await pilot.press("i")
        await it.type("period before")
        await pilot.press("enter")
        await it.screen_lacks("Figures: ")
        await it.screen_shows("Requests: ", "Show the message")
        await pilot.press("escape", "c", "c", "6")
        await it.screen_shows("all by model")
        # a figure leads to its requests, a filter narrows them down, and Enter leads to the message
        await pilot.press("e")
        await it.screen_shows("Requests: errors, all", "rate limited")
        await pilot.press("escape", "l")
        await it.screen_shows("Requests: all")
        await it.type("model:gpt-4o outcome:done")
        await it.screen_lacks("anthropic/claude-sonnet-4-6", "rate limited")
        await pilot.press("escape", "enter")
        await it.screen_shows("Requests: openai/gpt-4o-mini", "route ")
        await pilot.press("enter")
        await until(pilot, lambda: in_chat(app))
        await it.screen_shows("Three things.")


def total_cost(paths: Paths) -> Decimal:
    with sqlite3.connect(paths.database) as connection:
        nano = connection.execute("SELECT sum(cost_nanousd) FROM attempt").fetchone()[0]
    return Decimal(nano) / 10**9


async def test_limits_are_changed_where_they_are_shown(paths: Paths) -> None:
    """And a key suspended, on a small terminal, with what another program spends coming in meanwhile."""
    configure(paths, "[budget]\n# mine\nday = 2\n")
    await fill(paths, 3, 40, now_ms())
    store = Store.open(paths.database)
    await store.gateway_keys.add(to_row(VirtualKey("editor", "d", "abcd", 1, Allowance(daily=Decimal(1)))))
    await GuardHits(store.writer, store.reader).add(GuardHit(now_ms(), "api_key", "redact", "user", 2))
    async with running(paths, (45, 20)) as (app, pilot):
        it = HeadlessDriver(paths, app, pilot)
        await pilot.press("f4")
        await it.screen_shows("of $2.00", "cost by day", "openai/gpt-4o-mini")
        await pilot.press("i")
        await it.screen_shows("projected this month", "cache saved", "failovers", "retries", "errors")
        await pilot.press("escape", "h")
        await it.screen_shows("Guard hits", "api_key", "redact", "user")
        await pilot.press("escape", "m")
        await it.screen_shows("Every day", "Every month")
        await it.type("every day")
        await it.screen_lacks("Every month")
        await pilot.press("enter")
        await it.screen_shows("US dollars a day; empty is no limit.")
        await pilot.press("ctrl+u", *"12x", "enter")
        await it.screen_shows("'12x' is not an amount.")
        await pilot.press("backspace", "enter")
        await it.screen_shows("Budgets and virtual keys", "$12.00")
        text = paths.config_file.read_text()
        assert tomllib.loads(text)["budget"]["day"] == 12
        assert "# mine" in text
        await pilot.press("escape")
        await it.screen_shows("of $12.00")
        await pilot.press("m")
        await it.screen_shows("Every month")
        await it.type("editor suspend")
        await pilot.press("enter")
        await it.screen_shows("suspended")
        assert of_row((await store.gateway_keys.all())[0]).allowance.suspended
        await pilot.press("escape")
        await it.screen_shows("of $12.00")
        spent = AttemptRecord(
            ulid(1, b"0123456789"), 1, "gateway:other", "smart", "openai", "gpt", now_ms(), outcome="done",
            usage_source="reported", cost_nanousd=7_000_000_000, cause="first",
        )  # fmt: skip
        await store.ledger.settle(spent)
        await it.screen_shows("$7.")
        await pilot.press("escape")
        await until(pilot, lambda: in_chat(app))
        await it.status_shows("7.")
    await store.close()
