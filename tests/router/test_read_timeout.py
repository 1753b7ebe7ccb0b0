"""The timer of a stream."""

from __future__ import annotations

import asyncio

from routerterm.router.run.read_timeout import ReadTimeout


def test_it_is_made_where_no_loop_runs_and_used_where_one_does() -> None:
    timeout = ReadTimeout()  # a large request is made ready on a thread

    async def read() -> str:
        loop = asyncio.get_running_loop()
        found = await timeout.until(loop.time() + 60, asyncio.sleep(0, "read"))
        timeout.close()
        return found

    assert asyncio.run(read()) == "read"
