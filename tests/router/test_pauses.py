"""What the person paused is asked by nobody until it is resumed, or its time is over."""

from __future__ import annotations

from routerterm.core.events import Failed, Finished
from routerterm.core.ports import InMemoryStateStore
from routerterm.core.targets import Cause, Target, Unavailable
from routerterm.router.decide.pauses import pause_reason, paused
from tests.router.faults.provider import running
from tests.router.faults.wall import make_router, run, scaled


async def test_a_paused_provider_is_passed_over_by_every_program() -> None:
    async with running() as server:
        urls = dict.fromkeys(("primary", "backup"), f"http://127.0.0.1:{server.port}/ok/v1")
        memory = InMemoryStateStore()
        one, two = make_router(urls, scaled(1.0), memory=memory), make_router(urls, scaled(1.0), memory=memory)
        await one.pause("primary")
        _, events = await run(two)
        assert isinstance(events[-1], Finished)
        assert events[-1].target == Target("backup", "model")
        await one.pause("backup/model")
        _, events = await run(two)
        assert isinstance(events[-1], Failed)
        assert "primary is paused" in events[-1].error.message
        assert await two.resume("primary")
        _, events = await run(one)
        assert isinstance(events[-1], Finished)
        assert events[-1].target == Target("primary", "model")
        await one.aclose()
        await two.aclose()


def test_a_pause_ends_by_itself() -> None:
    states = {"pause:a": {"until": 100.0}, "pause:b/m": {"until": None}, "health:a/m": {"window": "1"}}
    assert paused(states, 50.0) == {"a": 100.0, "b/m": None}
    assert paused(states, 100.0) == {"b/m": None}
    reason = pause_reason(paused(states, 50.0), Target("a", "any"), 50.0)
    assert reason == Unavailable("a is paused for 50 s", Cause.PAUSED)
    assert pause_reason(paused(states, 50.0), Target("b", "other"), 50.0) is None
