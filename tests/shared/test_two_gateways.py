"""Two gateways beside each other over one server, as programs of their own: together they keep what each promised."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from routerterm.config.paths import Paths
from routerterm.engine.virtual_keys import Allowance, VirtualKey, new_token, to_row
from routerterm.gateway.access import hash_of
from routerterm.gateway.server import Gateway
from routerterm.store.database import milliseconds
from routerterm.store.errors import SharedStateAway
from routerterm.store.gateway_keys import GatewayKeys
from routerterm.wiring.services import Services, open_services
from tests.cli.program import PROGRAM
from tests.gateway.conftest import Light, until
from tests.gateway.upstream import Talk, Upstream, upstream
from tests.shared.servers import PASSWORD, Running

LONG_ENOUGH = 90.0
SETTINGS = """
[gateway]
state = "env:RT_STATE"
port = 0
[providers.one]
protocol = "openai-chat"
base_url = "{url}"
needs_key = false
[providers.keyed]
protocol = "openai-chat"
base_url = "{url}"
keys = ["env:RT_KEY"]
[models."one/first"]
context = 100000
price_in = 1
price_out = 1
[models."one/free"]
context = 100000
price_in = 0
price_out = 0
"""
COST = 15_000
"""Nano-dollars: 10 tokens of prompt and 5 of answer at a dollar a million."""
MOST = 60_000
"""What may be held back for one request: our own count of the prompt is higher than what the provider reports."""


@dataclass
class Home:
    """One gateway's computer."""

    folder: Path
    state: str
    app: Services | None = None
    gateway: Gateway | None = None
    process: asyncio.subprocess.Process | None = None
    url: str = ""

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "ROUTERTERM_HOME": str(self.folder), "RT_STATE": self.state, "RT_KEY": "sk-of-a-test"}

    async def open(self) -> None:
        """Serve in this process."""
        await self.prepare()
        assert self.app is not None
        self.gateway = Gateway(self.app, host="127.0.0.1", port=0)
        await self.gateway.start()
        self.url = self.gateway.address

    async def prepare(self) -> None:
        """Open what it serves."""
        if self.app is None:
            self.app = await open_services(Paths.find(self.environ), self.environ, loading="never")

    async def serve(self) -> None:
        """Serve in a process of its own, which can be killed."""
        self.process = await asyncio.create_subprocess_exec(
            *PROGRAM, "serve", env=self.environ, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        assert self.process.stderr is not None
        said = ""
        async with asyncio.timeout(LONG_ENOUGH):
            while line := (await self.process.stderr.readline()).decode():
                said += line
                if line.startswith("Shared state:"):
                    assert PASSWORD not in said
                    self.url = re.findall(r"serves at (http://\S+)", said)[0]
                    return
        raise AssertionError(said)

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await asyncio.wait_for(self.process.communicate(), LONG_ENOUGH)

    async def close(self) -> None:
        await self.kill()
        if self.gateway is not None:
            await self.gateway.stop(0.0)
        if self.app is not None:
            await self.app.close()

    @property
    def keys(self) -> GatewayKeys:
        assert self.app is not None
        return self.app.store.gateway_keys

    async def key(self, **allowance: Any) -> str:
        """A virtual key, made here."""
        await self.prepare()
        token = new_token(secrets.token_urlsafe)
        made = VirtualKey("app", hash_of(token), token[-4:], milliseconds(), Allowance(**allowance))
        assert await self.keys.add(to_row(made))
        return token

    async def is_idle(self) -> None:
        """Wait until nothing is under way."""
        gateway = self.gateway
        assert gateway is not None
        await until(lambda: not gateway.state.handlers)

    async def light(self, key: str) -> int:
        """One request of very many; how it was answered."""
        client = Light(int(self.url.rpartition(":")[2]), {"authorization": f"Bearer {key}"})
        return (await client.post("/v1/chat/completions", json=ask())).status_code

    def http(self, key: str) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        return httpx.AsyncClient(
            base_url=self.url, headers={"authorization": f"Bearer {key}"}, timeout=LONG_ENOUGH, limits=limits
        )


OpenHome = Callable[..., Awaitable[Home]]


@pytest.fixture
async def provider() -> AsyncIterator[Upstream]:
    async with upstream() as up:
        up.says("first", "Hello")
        up.says("free", "For nothing")
        yield up


@pytest.fixture
async def homes(server: Running, provider: Upstream, tmp_path: Path) -> AsyncIterator[OpenHome]:
    async with AsyncExitStack() as stack:

        async def make(name: str) -> Home:
            home = Home(tmp_path / name, server.url)
            home.folder.mkdir()
            (home.folder / "config.toml").write_text(SETTINGS.format(url=provider.url))
            stack.push_async_callback(home.close)
            return home

        yield make


def ask(model: str = "one/first", **more: Any) -> dict[str, Any]:
    text = "Say hello, in a few words, to everybody who is here today, whoever they may be."
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 5} | more


async def post(client: httpx.AsyncClient, model: str = "one/first") -> httpx.Response:
    return await client.post("/v1/chat/completions", json=ask(model))


async def used(client: httpx.AsyncClient) -> int:
    (cap,) = (await client.get("/v1/usage")).json()["caps"]
    return round(float(cap["used_usd"]) * 1e9)


async def test_two_gateways_keep_one_balance_and_one_is_killed(homes: OpenHome, provider: Upstream) -> None:
    one, two = await homes("one"), await homes("two")
    key = await two.key(balance=Decimal("0.001"))
    await asyncio.gather(one.serve(), two.open())
    async with one.http(key) as first, two.http(key) as second:
        said = await asyncio.gather(*(home.light(key) for home in (one, two) for _ in range(100)))
        assert set(said) <= {200, 403}
        while (await post(second)).status_code == 200:
            pass
        spent = len(provider.asked) * COST
        assert spent <= 1_000_000 < spent + MOST  # not a request too many, and none refused that would have fitted
        assert await used(first) == await used(second) == spent
        rows = (await first.get("/v1/usage")).json()["data"]
        assert sum(row["attempts"] for row in rows) == len(provider.asked)

        await two.keys.change("app", {"balance": "0.0015"})
        await asyncio.sleep(1.1)  # keys are looked at every second
        begun = asyncio.Event()

        async def slow(talk: Talk) -> None:
            await talk.head()
            await talk.text("It begins")
            begun.set()
            await asyncio.sleep(LONG_ENOUGH)

        provider.models["first"] = slow
        asking = asyncio.create_task(post(first))
        await asyncio.wait_for(begun.wait(), LONG_ENOUGH)
        await one.kill()
        with pytest.raises(httpx.HTTPError):
            await asking
        held = await used(second)
        assert spent < held <= spent + MOST  # what it had reserved may have been spent
        provider.says("first", "Hello")
        assert (await post(second)).status_code == 200
        assert await used(second) == held + COST
        await one.serve()  # its history knows how far the answer came, and tells
        assert spent + COST < await used(second) <= held + COST
        assert one.process is not None
        one.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(one.process.communicate(), LONG_ENOUGH)


async def test_without_its_server_a_gateway_spends_nothing_and_says_why(
    homes: OpenHome, server: Running, provider: Upstream
) -> None:
    one = await homes("one")
    key = await one.key()
    await one.open()
    async with one.http(key) as client:
        assert (await post(client)).status_code == 200
        server.stop()
        for _ in range(2):
            refused = await post(client)
            assert refused.status_code == 503
            assert "nothing that costs money is sent" in refused.json()["error"]["message"]
            assert "127.0.0.1" not in refused.text
            assert int(refused.headers["retry-after"]) >= 1
        assert len(provider.asked) == 1
        assert (await post(client, "one/free")).status_code == 200
        server.start()
        async with asyncio.timeout(LONG_ENOUGH):
            while (await post(client)).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        rows = (await client.get("/v1/usage")).json()["data"]
        assert {row["model"]: row["attempts"] for row in rows} == {"first": 2, "free": 1}


async def test_answers_refused_keys_and_virtual_keys_are_shared(homes: OpenHome, provider: Upstream) -> None:
    one, two = await homes("one"), await homes("two")
    key = await one.key(cache=True)
    await asyncio.gather(one.open(), two.open())
    async with one.http(key) as first, two.http(key) as second:
        for client in (first, second):
            assert (await post(client)).json()["choices"][0]["message"]["content"] == "Hello"
            await one.is_idle()  # an answer is kept after it was given
        assert len(provider.asked) == 1

        async def refuses(talk: Talk) -> None:
            await talk.fails(401, "no such key", "invalid_api_key")

        provider.models["refuses"] = refuses
        assert (await post(first, "keyed/refuses")).status_code != 200
        asked = len(provider.asked)
        await asyncio.sleep(0.3)  # what others learn is seen that much later
        assert (await post(second, "keyed/refuses")).status_code != 200
        assert len(provider.asked) == asked  # the other gateway knows that the key is refused
        assert await two.keys.change("app", {"suspended": True})
        async with asyncio.timeout(LONG_ENOUGH):
            while (await post(first)).status_code == 200:  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def test_a_gateway_that_cannot_reach_its_server_does_not_start(homes: OpenHome, server: Running) -> None:
    one = await homes("one")
    server.stop()
    with pytest.raises(SharedStateAway) as caught:
        await one.open()
    assert "cannot be reached" in caught.value.message
    assert f"127.0.0.1:{server.port}" in caught.value.hint
    assert PASSWORD not in caught.value.message + caught.value.hint


async def test_limits_per_minute_hold_for_both(homes: OpenHome, provider: Upstream) -> None:
    one, two = await homes("one"), await homes("two")
    key = await one.key(rpm=5)
    await asyncio.gather(one.open(), two.open())
    said = await asyncio.gather(*(home.light(key) for home in (one, two) for _ in range(10)))
    assert (said.count(200), said.count(429)) == (5, 15)
    async with two.http(key) as client:
        refused = await post(client)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert await two.keys.change("app", {"rpm": 100, "tpm": 120})
        await asyncio.sleep(1.1)  # keys are looked at every second
        assert (await post(client)).status_code == 200  # five of 15 tokens each, and this one
    async with one.http(key) as client:
        large = await client.post("/v1/chat/completions", json=ask(max_tokens=60))
        assert large.status_code == 429
    assert len(provider.asked) == 6
