"""`routerterm loadtest`: what it measures at a real gateway, what it draws, and when it asks first."""

from __future__ import annotations

import asyncio
import json

import pytest

from routerterm.engine.usage.load import Load, Sample, latencies
from tests.cli.program import Ran, routerterm
from tests.gateway.conftest import Place
from tests.gateway.upstream import Talk
from tests.tmux import terminal


async def run(place: Place, *words: str) -> Ran:
    home = {"ROUTERTERM_HOME": str(place.app.paths.data)}
    return await asyncio.to_thread(lambda: routerterm("loadtest", *words, env=home))


async def test_every_request_is_sent_and_measured(place: Place) -> None:
    place.up.says("first", "Hello ", "there")
    ran = await run(place, place.url, "-m", "one/first", "--yes", "-n", "30", "--at-once", "5", "--json")
    found = json.loads(ran.out)
    assert (ran.code, found["requests"], found["errors"], len(place.up.asked)) == (0, 30, {}, 30)
    assert found["ttft_ms"]["p50"] <= found["answer_ms"]["p50"] <= found["answer_ms"]["p99"]
    assert found["tokens_per_second"] > 0


async def test_failures_are_counted_by_kind_and_end_with_1(place: Place) -> None:
    place.up.says("first", "Hello")

    async def fails(talk: Talk) -> None:
        await talk.fails(400, "this cannot be asked")

    place.up.models["third"] = fails
    ran = await run(place, place.url, "-m", "one/third", "--yes", "-n", "4", "--at-once", "2")
    assert ran.code == 1
    assert "4 of 4" in ran.out
    assert "400" in ran.out
    assert "this cannot be asked" not in ran.out


async def test_a_model_that_may_cost_money_is_asked_only_after_a_yes(place: Place) -> None:
    ran = await run(place, place.url, "-m", "one/first")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert not place.up.asked


def test_no_gateway_is_said() -> None:
    ran = routerterm("loadtest", "http://127.0.0.1:9", "-n", "2", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["errors"] == {"unreachable": 2}
    ran = routerterm("loadtest", "nowhere")
    assert (ran.code, ran.err.count("\n") > 0) == (2, True)
    assert "http://" in ran.err


@pytest.mark.tmux
async def test_the_picture_is_drawn_while_it_runs_and_the_figures_stay(place: Place) -> None:
    async def slowly(talk: Talk) -> None:
        await talk.head()
        await talk.text("Hello")
        await asyncio.sleep(0.2)
        await talk.end()

    place.up.models["first"] = slowly
    words = ("loadtest", place.url, "-m", "one/first", "--yes", "-n", "100", "--at-once", "4")

    def look() -> str:
        with terminal(*words, home=place.app.paths.data, size=(80, 24)) as shown:
            shown.wait("4 running")
            shown.wait("p50")
            screen = shown.wait("100 of 100, 0 running")
            assert shown.ended() == 0
            return screen

    last = await asyncio.to_thread(look)
    assert last.count("TTFT") == 1  # drawn over, not below


def test_figures() -> None:
    load = Load(10, running=2, samples=[Sample(n / 2, 0.1 * (n + 1), 0.05, 10) for n in range(8)])
    load.samples.append(Sample(1.0, 0.3, error="429 rate_limited"))
    lines = load.lines(4.0, 60)
    assert lines[0] == "requests   9 of 10, 2 running, 2.0/s"
    assert lines[1] == "errors     429 rate_limited 1"
    assert lines[2] == "TTFT       p50 50 ms, p95 50 ms, p99 50 ms"
    assert lines[4] == "tokens     20/s"
    assert "4 s" in lines[-1]
    assert all(len(line) <= 60 for line in lines)
    assert latencies([]) is None
    assert Load().lines(0.0, 40)[2] == "TTFT       -"
