"""The real model in this process."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from pathlib import Path

import pytest
from msgspec.structs import replace

from routerterm.catalog import Catalog
from routerterm.config.local_model import load_openmp
from routerterm.core.errors import ContextTooLong, NoCandidate
from routerterm.core.events import Failed, Finished
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest, Params
from routerterm.router import Router
from routerterm.router.environment_keys import EnvironmentKeys
from routerterm.router.transports.local import LocalTransport
from tests.conftest import MODELS
from tests.router.faults.wall import run

QUESTION = ChatRequest("local/smollm2", (Message.of("user", "Say hello."),), params=Params(max_output=12))


def router(transport: LocalTransport) -> Router:
    catalog = Catalog.builtin()
    return Router(catalog, EnvironmentKeys(catalog.provider, {}), transports={"local": transport})


@pytest.fixture
def transport() -> LocalTransport:
    return LocalTransport(next(MODELS.glob("*.gguf")), threads=1, load_needs=load_openmp)


async def test_without_weights_it_says_what_to_do(tmp_path: Path) -> None:
    _, events = await run(router(LocalTransport(tmp_path / "none.gguf")), QUESTION)
    assert isinstance(events[-1], Failed)
    assert isinstance(events[-1].error, NoCandidate)
    assert "routerterm local fetch" in events[-1].error.hint


@pytest.mark.real
async def test_it_answers_and_counts(transport: LocalTransport) -> None:
    text, events = await run(router(transport), QUESTION)
    last = events[-1]
    assert isinstance(last, Finished)
    assert text.strip()
    assert last.usage.source == "reported"
    assert 0 < last.usage.output <= 12
    assert last.cost.usd == 0


@pytest.mark.real
async def test_a_prompt_that_is_too_long_is_named(transport: LocalTransport) -> None:
    asked = replace(QUESTION, messages=(Message.of("user", "word " * 5000),))
    _, events = await run(router(transport), asked)
    assert isinstance(events[-1], Failed)
    assert isinstance(events[-1].error, ContextTooLong)


@pytest.mark.real
async def test_it_can_be_stopped_while_it_reads_the_prompt(transport: LocalTransport) -> None:
    """The next answer comes long before the long prompt could have been read to its end."""
    made = router(transport)
    await run(made, QUESTION)
    long = replace(QUESTION, messages=(Message.of("user", "alpha beta " * 300),))
    begun, worked = time.monotonic(), time.process_time()
    await run(made, long)
    whole, work = time.monotonic() - begun, time.process_time() - worked
    other = replace(QUESTION, messages=(Message.of("user", "gamma delta " * 300),))

    async def ask() -> None:
        async with aclosing(made.stream(other)) as events:
            async for _ in events:
                pass

    task = asyncio.create_task(ask())
    await asyncio.sleep(whole / 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    worked = time.process_time()  # of all threads; the time on the wall is the machine's, too
    _, events = await run(made, QUESTION)
    assert isinstance(events[-1], Finished)
    assert time.process_time() - worked < 0.7 * work
    await made.aclose()


@pytest.mark.real
async def test_the_loop_goes_on_while_it_answers(transport: LocalTransport) -> None:
    made = router(transport)
    await run(made, QUESTION)
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - before)

    ticking = asyncio.create_task(tick())
    begun = time.monotonic()
    await run(made, replace(QUESTION, messages=(Message.of("user", "one two " * 150),), params=Params(max_output=40)))
    ticking.cancel()
    assert longest < (time.monotonic() - begun) / 4
    await made.aclose()
