"""What batches cost counts for all gateways, though nobody asks for their answers through the router."""

from __future__ import annotations

from pathlib import Path

import pytest

from routerterm.config.paths import Paths
from routerterm.core.ledger import Cap
from routerterm.core.messages import Message
from routerterm.store.database import milliseconds
from routerterm.wiring.outbox import Draft, Outbox, When
from routerterm.wiring.services import Services, open_services
from tests.money.batch_provider import serving_batches
from tests.shared.servers import Running

SETTINGS = """
[gateway]
state = "env:RT_STATE"
[providers.openai]
base_url = "{url}/v1"
keys = [{{ ref = "env:TEST_KEY" }}]
[models."openai/m"]
price_in = 1.0
price_out = 2.0
context = 100000
max_output = 1000
"""
COST = (1_000 * 1_000 + 100 * 2_000) // 2
"""Nano-dollars of an answer: half of a dollar a million in, two out."""


async def opened(folder: Path, url: str, state: str) -> Services:
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - a moment, in a test
    (folder / "config.toml").write_text(SETTINGS.format(url=url))
    environ = {"ROUTERTERM_HOME": str(folder), "RT_STATE": state, "TEST_KEY": "sk-test-0123456789"}
    return await open_services(Paths.find(environ), environ, loading="never")


@pytest.mark.parametrize("away", [False, True], ids=["at once", "when the server is back"])
async def test_the_answers_of_a_batch_count_for_all(server: Running, tmp_path: Path, away: bool) -> None:
    caps = [Cap("day", "usd", 10**9, since=milliseconds() - 3_600_000)]
    with serving_batches() as provider:
        one, two = [await opened(tmp_path / name, provider.url, server.url) for name in ("one", "two")]
        outbox = Outbox(one)
        await outbox.add([Draft(Message.of("user", "one"), "openai/m", When("batch", one.store.now()))])
        await outbox.tick()
        if away:
            server.stop()
        provider.done = True
        await one.store.writer.write(lambda c: c.execute("UPDATE outbox SET polled_at = 0") and None)
        assert await outbox.tick() == 1
        await one.close()
        if away:  # the next program of that home tells it
            server.start()
            one = await opened(tmp_path / "one", provider.url, server.url)
            await one.store.ledger.tell()
            await one.close()
        assert await two.store.ledger.used(caps) == (COST,)
        await two.close()
