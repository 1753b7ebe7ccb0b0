"""What must hold of the router against a server that fails: recovery, hanging up, hedging, sharing."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from msgspec.structs import replace

from routerterm.core.events import AttemptStarted, Failed, Finished, Recovered, TextDelta
from routerterm.core.money import from_nano
from routerterm.core.ports import InMemoryStateStore
from routerterm.core.targets import Target
from routerterm.router.options import CutPolicy, Route
from tests.router.faults.provider import ANSWER, HALF, WORDS, running
from tests.router.faults.wall import QUESTION, RecordingLedger, make_router, outage, run, scaled

SCALE = 0.02


async def test_twenty_requests_while_the_primary_is_down() -> None:
    """Five failures open the breaker, then it is probed every four seconds at most, and soon used again."""
    found = await outage(SCALE)
    if found.first != "backup/model" or found.while_down < 5:
        found = await outage(10 * SCALE)  # a busy machine slept through the whole of a short outage
    assert found.whole == 20
    assert found.first == "backup/model"
    assert 5 <= found.while_down <= 10
    assert found.back_after <= 5 + 1.0 / SCALE, "a second of this machine's own slowness is forgiven"


async def test_a_cancelled_stream_hangs_up_at_once() -> None:
    async with running() as server:
        ledger = RecordingLedger()
        router = make_router({"primary": f"http://127.0.0.1:{server.port}/stall/v1"}, scaled(1.0), ledger)
        got: list[str] = []
        first = asyncio.Event()

        async def ask() -> None:
            async with aclosing(router.stream(QUESTION)) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        got.append(event.text)
                        first.set()

        task = asyncio.create_task(ask())
        await asyncio.wait_for(first.wait(), 10)
        assert not server.hung_up.is_set()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.hung_up.wait(), 2)
        assert [row.outcome for row in ledger.rows.values()] == ["cancelled"]
        await router.aclose()


async def test_a_stream_that_is_closed_early_hangs_up_too() -> None:
    async with running() as server:
        ledger = RecordingLedger()
        router = make_router({"primary": f"http://127.0.0.1:{server.port}/stall/v1"}, scaled(1.0), ledger)
        async with aclosing(router.stream(QUESTION)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break
        await asyncio.wait_for(server.hung_up.wait(), 2)
        assert [row.outcome for row in ledger.rows.values()] == ["cancelled"]
        await router.aclose()


@pytest.mark.parametrize(("on_cut", "how"), [("continue", "continue"), ("restart", "restart"), ("stop", None)])
async def test_on_cut(on_cut: CutPolicy, how: str | None) -> None:
    async with running(SCALE) as server:
        base = f"http://127.0.0.1:{server.port}"
        options = replace(scaled(0.1), on_cut=on_cut)
        ledger = RecordingLedger()
        router = make_router({"primary": f"{base}/stall/v1", "backup": f"{base}/ok/v1"}, options, ledger)
        text, events = await run(router)
        seams = [event for event in events if isinstance(event, Recovered)]
        if how is None:
            assert isinstance(events[-1], Failed)
            assert text == "".join(WORDS[:HALF])
        else:
            assert isinstance(events[-1], Finished)
            assert text == ANSWER
            assert [(seam.how, seam.characters) for seam in seams] == [(how, len("".join(WORDS[:HALF])))]
        assert [row.outcome for row in ledger.rows.values()] == (["cut"] if how is None else ["cut", "done"])
        assert [row.cause for row in ledger.rows.values()] == (["first"] if how is None else ["first", "failover"])
        await router.aclose()


async def test_a_failed_recovery_keeps_the_partial() -> None:
    """The partial is given up only when the new leg has something to say."""
    async with running(SCALE) as server:
        base = f"http://127.0.0.1:{server.port}"
        router = make_router({"primary": f"{base}/stall/v1", "backup": f"{base}/bad_key/v1"}, scaled(0.1))
        text, events = await run(router)
        assert text == "".join(WORDS[:HALF])
        assert not any(isinstance(event, Recovered) for event in events)
        assert type(getattr(events[-1], "error", None)).__name__ == "StreamInterrupted"
        await router.aclose()


async def test_a_second_program_shares_the_breaker_and_the_cooldowns() -> None:
    async with running(SCALE) as server:
        base = f"http://127.0.0.1:{server.port}"
        urls = {"primary": f"{base}/down/v1", "backup": f"{base}/rate_forever/v1"}
        memory = InMemoryStateStore()
        options = scaled(1.0)
        options = replace(options, limits=replace(options.limits, backoff=0.01))
        options = replace(options, keys=replace(options.keys, first_cooldown=60.0))
        ledger = RecordingLedger()
        one, two = make_router(urls, options, ledger, memory), make_router(urls, options, memory=memory)
        await run(one)
        rows = sorted(ledger.rows.values(), key=lambda row: row.n)
        assert [(row.provider, row.cause) for row in rows][:3] == [
            ("primary", "first"),
            ("primary", "retry"),
            ("backup", "failover"),
        ]
        for _ in range(2):
            await run(one)
        decision = await two.explain(QUESTION)
        reasons = {str(item.target): item.reason for item in decision.passed_over}
        assert "cools" in reasons["backup/model"]
        assert (await two.health())[Target("primary", "model")].open_for > 0
        await one.aclose()
        await two.aclose()


async def test_offline_charges_no_breaker() -> None:
    """Nobody can be reached: the sentence says so, and no model is held responsible."""
    memory = InMemoryStateStore()
    urls = {"primary": "http://127.0.0.1:1/v1", "backup": "http://127.0.0.1:2/v1"}
    router = make_router(urls, scaled(SCALE), memory=memory)
    _, events = await run(router)
    assert type(getattr(events[-1], "error", None)).__name__ in ("Unreachable", "Offline")
    assert not any("window" in state for state in (await memory.read("health:")).values())
    await router.aclose()


async def test_a_dead_server_is_charged_when_another_answers() -> None:
    memory = InMemoryStateStore()
    async with running(SCALE) as server:
        urls = {"primary": "http://127.0.0.1:1/v1", "backup": f"http://127.0.0.1:{server.port}/ok/v1"}
        router = make_router(urls, scaled(SCALE), memory=memory)
        await run(router)
        states = await memory.read("health:")
        assert states["health:primary/model"]["window"] == "1"
        assert states["health:backup/model"]["window"] == "0"
        await router.aclose()


async def test_a_hedge_is_asked_when_the_first_is_slower_than_usual() -> None:
    async with running(0.1) as server:
        base = f"http://127.0.0.1:{server.port}"
        memory = InMemoryStateStore()
        past = [[0.05, 1.0]] * 8
        await memory.change("health:primary/model", lambda _: {"ttft": past})
        options = replace(scaled(1.0), routes={"both": Route.of("both", "primary/model", "backup/model", hedge=True)})
        ledger = RecordingLedger()
        router = make_router({"primary": f"{base}/silence/v1", "backup": f"{base}/ok/v1"}, options, ledger, memory)
        text, events = await run(router, replace(QUESTION, model="both"))
        assert text == ANSWER
        assert isinstance(events[-1], Finished)
        assert events[-1].target == Target("backup", "model")
        assert [event.n for event in events if isinstance(event, AttemptStarted)] == [1, 2]
        rows = sorted(ledger.rows.values(), key=lambda row: row.n)
        assert [row.outcome for row in rows] == ["cancelled", "done"]
        await asyncio.wait_for(server.hung_up.wait(), 2)
        await router.aclose()


async def test_a_hedge_is_not_asked_when_the_first_is_in_time() -> None:
    async with running(0.1) as server:
        base = f"http://127.0.0.1:{server.port}"
        memory = InMemoryStateStore()
        await memory.change("health:primary/model", lambda _: {"ttft": [[5.0, 1.0]] * 8})
        options = replace(scaled(1.0), routes={"both": Route.of("both", "primary/model", "backup/model", hedge=True)})
        ledger = RecordingLedger()
        router = make_router({"primary": f"{base}/ok/v1", "backup": f"{base}/ok/v1"}, options, ledger, memory)
        text, _ = await run(router, replace(QUESTION, model="both"))
        assert text == ANSWER
        assert len(ledger.rows) == 1
        await router.aclose()


async def test_a_hedge_whose_first_fails_tells_so_before_the_end() -> None:
    """`Finished` is the last word, also where the slower one failed while both were asked."""
    async with running(0.1) as server:
        base = f"http://127.0.0.1:{server.port}"
        memory = InMemoryStateStore()
        await memory.change("health:primary/model", lambda _: {"ttft": [[0.05, 1.0]] * 8})
        options = replace(scaled(1.0), routes={"both": Route.of("both", "primary/model", "backup/model", hedge=True)})
        options = replace(options, timeouts=replace(options.timeouts, first_token=1.0))
        ledger = RecordingLedger()
        router = make_router({"primary": f"{base}/silence/v1", "backup": f"{base}/late/v1"}, options, ledger, memory)
        text, events = await run(router, replace(QUESTION, model="both"))
        assert text == ANSWER
        kinds = [type(event).__name__ for event in events if not isinstance(event, TextDelta)]
        assert kinds[:4] == ["RouteDecided", "AttemptStarted", "AttemptStarted", "AttemptFailed"]
        assert kinds[-1] == "Finished"
        assert [row.outcome for row in sorted(ledger.rows.values(), key=lambda row: row.n)] == ["failed", "done"]
        await router.aclose()


async def test_the_loser_of_a_hedge_costs_its_prompt() -> None:
    async with running(0.1) as server:
        base = f"http://127.0.0.1:{server.port}"
        memory = InMemoryStateStore()
        await memory.change("health:primary/model", lambda _: {"ttft": [[0.05, 1.0]] * 8})
        options = replace(scaled(1.0), routes={"both": Route.of("both", "primary/model", "backup/model", hedge=True)})
        ledger = RecordingLedger()
        router = make_router(
            {"primary": f"{base}/silence/v1", "backup": f"{base}/ok/v1"}, options, ledger, memory, price="0.000001"
        )
        _, events = await run(router, replace(QUESTION, model="both"))
        lost, won = sorted(ledger.rows.values(), key=lambda row: row.n)
        assert (lost.cause, won.cause) == ("first", "hedge")
        assert (lost.outcome, lost.usage_source, lost.output_tokens) == ("cancelled", "estimated", 0)
        assert lost.cost_nanousd == 1000 * (lost.input_tokens or 0) > 0
        assert won.cost_nanousd == 1000 * 90
        assert isinstance(events[-1], Finished)
        assert events[-1].cost.usd == from_nano((lost.cost_nanousd or 0) + (won.cost_nanousd or 0))
        await router.aclose()


async def test_what_answers_on_this_machine_does_not_say_that_the_network_is_there() -> None:
    """Far away nobody can be reached, a local model answers: no breaker is charged for the dead line."""
    memory = InMemoryStateStore()
    async with running(SCALE) as server:
        urls = {"primary": "http://127.0.0.1:1/v1", "backup": f"http://127.0.0.1:{server.port}/ok/v1"}
        router = make_router(urls, scaled(SCALE), memory=memory, local=("backup",))
        text, _ = await run(router)
        assert text == ANSWER
        states = await memory.read("health:")
        assert "health:primary/model" not in states
        assert states["health:backup/model"]["window"] == "0"
        await router.aclose()
