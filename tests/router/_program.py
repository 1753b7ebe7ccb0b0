"""A program of its own for `test_shared`: asks through a router whose memory is a database."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from msgspec.structs import replace

from routerterm.core.events import AttemptStarted
from routerterm.store.database import Store
from tests.router.faults.wall import QUESTION, make_router, run, scaled


async def main(database: str, base: str, times: str) -> None:
    """Ask so many times, then print who was asked and what a decision now says."""
    store = Store.open(Path(database))
    await store.start()
    urls = {"primary": f"{base}/down/v1", "backup": f"{base}/ok/v1", "third": f"{base}/rate_forever/v1"}
    options = scaled(1.0)
    options = replace(options, limits=replace(options.limits, backoff=0.01))
    # Long rests: what is looked at is that they are shared, however slow the machine.
    options = replace(options, breaker=replace(options.breaker, open_for=60.0))
    options = replace(options, keys=replace(options.keys, first_cooldown=60.0))
    router = make_router(urls, options, memory=store.memory)
    asked: list[str] = []
    for _ in range(int(times)):
        _, events = await run(router)
        asked += [str(event.target) for event in events if isinstance(event, AttemptStarted)]
        await run(router, replace(QUESTION, model="third/model"))
    decision = await router.explain(QUESTION)
    third = await router.explain(replace(QUESTION, model="third/model"))
    reasons = {str(item.target): item.reason for item in (*decision.passed_over, *third.passed_over)}
    print(json.dumps({"asked": asked, "reasons": reasons}))
    await router.aclose()
    await store.close()


asyncio.run(main(*sys.argv[1:]))
