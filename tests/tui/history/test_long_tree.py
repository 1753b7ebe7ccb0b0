"""The tree of a conversation of thousands of messages: only what is looked at becomes a row."""

from __future__ import annotations

import asyncio

from routerterm.config.paths import Paths
from routerterm.store.database import Store
from routerterm.tui.screens.tree import TreeScreen
from routerterm.tui.widgets.rows import SAMPLE, ManyRows, Row, RowList
from tests.store.seeds import seed
from tests.tui.chat.program import configure, running, screen_text, until

LONG = 5_000


async def test_a_long_tree_makes_the_rows_that_are_seen(paths: Paths) -> None:
    configure(paths)
    store = Store.open(paths.database)
    await store.start()
    await store.close()
    id = await asyncio.to_thread(seed, paths.database, "long", [f"line {n}" for n in range(LONG)])
    async with running(paths, (120, 40)) as (app, pilot):
        await app.chat.stage.open(id)
        await pilot.press("alt+t")
        await until(pilot, lambda: isinstance(app.screen, TreeScreen) and "5,000 messages" in screen_text(app))
        await pilot.press("a", "end")
        await until(pilot, lambda: f"line {LONG - 1}" in screen_text(app))
        await pilot.press("up", "up")
        rows = app.screen.query_one(RowList)
        await until(pilot, lambda: rows.cursor == LONG - 3)
        assert isinstance(rows.rows, ManyRows)
        assert len(rows.rows) == LONG
        assert len(rows.rows._made) < SAMPLE + 3 * 40 + 10
        await pilot.press("home")
        await until(pilot, lambda: "line 0" in screen_text(app) and rows.cursor == 0)


def test_columns_are_measured_by_the_first_the_last_and_some_between() -> None:
    asked = []

    def make(number: int) -> Row:
        asked.append(number)
        return Row(str(number), (str(number),))

    rows = ManyRows([str(n) for n in range(10_000)], make)
    assert {row.id for row in rows.sample()} >= {"0", "9999"}
    assert len(asked) < SAMPLE + 2
    assert ManyRows([], make).sample() == []
