"""Whatever the first model of a route does, the person gets a whole answer, in every layout; and the next time too."""

from __future__ import annotations

import asyncio
import os

import pytest

from routerterm.core.events import AttemptStarted, Failed, Finished
from tests.router.failover.layouts import LAYOUTS, QUESTION, SCENARIOS, Layout, router_of
from tests.router.faults.provider import ANSWER, running
from tests.router.faults.wall import run

SCALE = float(os.environ.get("ROUTERTERM_FAULT_SCALE", "0.05"))


async def play(layout: Layout, fault: str, scale: float) -> str:
    """Ask twice; what was wrong, or nothing."""
    async with running(scale) as server:
        router = router_of(server, layout, fault, scale)
        try:
            for _ in range(2):
                text, events = await run(router, QUESTION)
                asked = [str(event.target) for event in events if isinstance(event, AttemptStarted)]
                ends = [event for event in events if isinstance(event, Finished | Failed)]
                if len(ends) != 1 or isinstance(ends[0], Failed):
                    return f"{ends} after {asked}"
                if text != ANSWER:
                    return f"{text!r} after {asked}"
        finally:
            await router.aclose()
    return ""


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fault", SCENARIOS)
def test_a_whole_answer_comes_all_the_same(fault: str, layout: Layout) -> None:
    wrong = asyncio.run(play(layout, fault, SCALE))
    if wrong and SCALE < 0.2:
        # a busy machine takes longer for a word than the shortened waits allow: what counts is said with longer ones
        wrong = asyncio.run(play(layout, fault, 4 * SCALE))
    assert not wrong
