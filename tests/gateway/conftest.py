"""A gateway on a free port of this machine, over providers that do what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import Any

import h11
import httpx
import pytest

from routerterm.core.secret import Secret
from routerterm.gateway.server import Gateway
from routerterm.wiring import open_app
from routerterm.wiring.services import Services
from tests.gateway.upstream import Upstream, upstream

SETTINGS = """
[providers.one]
protocol = "openai-chat"
base_url = "{url}"
needs_key = {needs_key}
[providers.two]
protocol = "openai-chat"
base_url = "{url}"
{models}
[routes.pair]
models = ["one/first", "two/second"]
"""
MODEL = """
[models."{name}"]
context = 100000
price_in = {price}
price_out = {price}
vision = true
tools = true
prefill = {prefill}
"""


@dataclass
class Light:
    """A client for very many requests at once: httpx looks through all that are open for each of them."""

    port: int
    headers: dict[str, str]

    async def post(self, path: str, *, json: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        """One request on a connection of its own."""
        wire = h11.Connection(h11.CLIENT)
        body = dumps(json).encode()
        fields = {"host": "localhost", "content-length": str(len(body)), "connection": "close"}
        fields |= self.headers | (headers or {})
        asked = h11.Request(method="POST", target=path, headers=list(fields.items()))
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write((wire.send(asked) or b"") + (wire.send(h11.Data(data=body)) or b""))
            wire.receive_data(await asyncio.wait_for(reader.read(), 60))
            wire.receive_data(b"")
            head = wire.next_event()
            assert isinstance(head, h11.Response)
            pieces = []
            while isinstance(event := wire.next_event(), h11.Data):
                pieces.append(bytes(event.data))
            assert isinstance(event, h11.EndOfMessage)  # a cut answer is none
            return httpx.Response(head.status_code, headers=list(head.headers), content=b"".join(pieces))
        finally:
            writer.close()


@dataclass
class Place:
    """A running gateway with all that is behind it."""

    gateway: Gateway
    up: Upstream
    app: Services

    @property
    def url(self) -> str:
        return self.gateway.address

    def http(self, **headers: str) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60, limits=limits)

    def light(self, **headers: str) -> Light:
        return Light(int(self.url.rpartition(":")[2]), headers)

    async def rows(self, client: str | None = None) -> list[dict[str, Any]]:
        """The ledger, oldest first."""

        def job(connection: Any) -> list[dict[str, Any]]:
            return [dict(row) for row in connection.execute("SELECT * FROM attempt ORDER BY started_at, id")]

        found = await self.app.store.reader.read(job)
        return [row for row in found if client is None or row["client"] == client]


Open = Callable[..., Awaitable[Place]]


@pytest.fixture
async def open_place(home: Path) -> AsyncIterator[Open]:
    """Opens gateways: ``more`` is for the settings ({url}: where it is), ``prefill``, ``price`` for the models."""
    async with AsyncExitStack() as stack:

        async def make(
            more: str = "",
            *,
            prefill: bool = False,
            price: str = "1",
            token: str = "",
            host: str = "127.0.0.1",
            needs_key: bool = False,
        ) -> Place:
            up = await stack.enter_async_context(upstream())
            names = ("one/first", "two/second", "one/third")
            models = "".join(MODEL.format(name=name, price=price, prefill=str(prefill).lower()) for name in names)
            home.mkdir(exist_ok=True)  # noqa: ASYNC240
            (home / "config.toml").write_text(
                SETTINGS.format(url=up.url, models=models, needs_key=str(needs_key).lower())
                + more.replace("{url}", up.url),
                encoding="utf-8",
            )
            app = await stack.enter_async_context(open_app())
            gateway = Gateway(app, host=host, port=0, token=Secret(token) if token else None)
            await gateway.start()
            stack.push_async_callback(gateway.stop, 0.0)
            return Place(gateway, up, app)

        yield make


@pytest.fixture
async def place(open_place: Open) -> Place:
    return await open_place()


def chat(model: str = "one/first", text: str = "Hi", **more: Any) -> dict[str, Any]:
    """A request for Chat Completions."""
    return {"model": model, "messages": [{"role": "user", "content": text}]} | more


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something is so; that it never is fails the test."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
