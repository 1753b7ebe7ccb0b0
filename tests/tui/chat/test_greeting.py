"""An empty chat says what is so, and its numbers open the conversations before it; what follows has marks and lines."""

from __future__ import annotations

import os
import time

from routerterm.config.paths import Paths
from routerterm.tui.chat.boot import first_today
from tests.driver.headless import in_process
from tests.driver.homes import lived_in


async def test_an_empty_chat_says_what_is_so_and_opens_by_number(paths: Paths) -> None:
    await lived_in(paths)
    async with in_process(paths) as it:
        seen = await it.screen_shows("models", "ready", "today", "Tip", "Pi cluster: fan curve")
        assert all(line in seen.text for line in it.app.active_theme.voice)
        await it.press("2")
        await it.top_shows("Pi cluster: fan curve")
        await it.composer_is("")
        await it.press("f2")
        await it.ask("once")
        await it.ask("again")
        seen = await it.screen_shows("once", "again")
        rule = seen.find(it.app.active_theme.layout.turns * 20)
        assert rule is not None  # between the two turns
        assert any(row[rule[0] - 2] in it.app.active_theme.layout.gutter for row in seen.rows)  # beside the answers


def test_the_boot_is_watched_once_a_day(paths: Paths) -> None:
    paths.make()
    mark = paths.state / "started"
    assert first_today(mark)
    assert not first_today(mark)
    yesterday = time.time() - 86_400
    os.utime(mark, (yesterday, yesterday))
    assert first_today(mark)
