"""The tree of a conversation of thousands of messages: only what is looked at becomes a row."""

from __future__ import annotations

import asyncio

from routerterm.config.paths import Paths
from routerterm.store.database import Store
from routerterm.tui.screens.tree import TreeScreen
from routerterm.tui.widgets.rows import SAMPLE, ManyRows, Row, RowList
from tests.driver import in_process
from tests.driver.homes import configure
from tests.store.seeds import seed

LONG = 5_000


async def test_a_long_tree_makes_the_rows_that_are_seen(paths: Paths) -> None:
    configure(paths)
    store = Store.open(paths.database)
    await store.start()
    await store.close()
    await asyncio.to_thread(seed, paths.database, "long", [f"line {n}" for n in range(LONG)])
    async with in_process(paths, (120, 40)) as it:
        await it.open_chat("long")
        await it.press("alt+t")
        await it.until(lambda: isinstance(it.app.screen, TreeScreen) and "5,000 messages" in it.picture().text)
        screen = it.app.screen
        assert isinstance(screen, TreeScreen)
        screen.action_all()  # End in the same burst: before the longer list is laid out, and has its scroll bar
        screen.query_one(RowList).action_move(LONG)
        await it.until(lambda: f"line {LONG - 1}" in it.picture().text)
        await it.press("up", "up")
        rows = it.app.screen.query_one(RowList)
        await it.until(lambda: rows.cursor == LONG - 3)
        assert isinstance(rows.rows, ManyRows)
        assert len(rows.rows) == LONG
        assert len(rows.rows._made) < SAMPLE + 3 * 40 + 10
        await it.press("home")
        await it.until(lambda: "line 0" in it.picture().text and rows.cursor == 0)


def test_columns_are_measured_by_the_first_the_last_and_some_between() -> None:
    asked = []

    def make(number: int) -> Row:
        asked.append(number)
        return Row(str(number), (str(number),))

    rows = ManyRows([str(n) for n in range(10_000)], make)
    assert {row.id for row in rows.sample()} >= {"0", "9999"}
    assert len(asked) < SAMPLE + 2
    assert ManyRows([], make).sample() == []
