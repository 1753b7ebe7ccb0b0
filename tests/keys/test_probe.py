"""Testing a key: what a provider's answer tells of it, without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from routerterm.catalog import Catalog
from routerterm.catalog.values import ProviderInfo
from routerterm.config.keys.values import ProbeResult
from routerterm.core.errors import Unreachable
from routerterm.core.secret import Secret
from routerterm.engine.keys import probe as room
from routerterm.engine.keys.probe import prober
from routerterm.protocols.base import HttpRequest
from routerterm.router.transports.base import HttpResponse, Timeouts
from tests.keys.parts import OPENAI

GOOD = json.dumps({"object": "list", "data": [{"id": "small"}, {"id": "large"}]}).encode()
BAD = json.dumps({"error": {"message": f"Incorrect API key provided: {OPENAI}.", "code": "invalid_api_key"}}).encode()


@dataclass
class Provider:
    """Answers as a provider would; ``open`` gives its list to anyone."""

    open: bool = False
    status: int = 200
    body: bytes = GOOD
    headers: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, bytes] = field(default_factory=dict)
    asked: list[HttpRequest] = field(default_factory=list)
    hangs: bool = False

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        self.asked.append(request)
        if self.hangs:
            await asyncio.sleep(60)
        has_key = any(isinstance(value, Secret) for _, value in request.headers)
        status, body = (self.status, self.body) if has_key or self.open else (401, b"{}")
        for path, other in self.others.items():
            if request.url.endswith(path):
                status, body = 200, other
        yield HttpResponse(status, pieces(body), self.headers)

    async def aclose(self) -> None:
        pass


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 7):
        yield body[start : start + 7]


async def ask(provider: str, answering: Any, key: str | None = OPENAI, info: ProviderInfo | None = None) -> ProbeResult:
    find = Catalog.builtin().provider if info is None else lambda name: info
    return await prober(find, lambda name: answering)(provider, Secret(key) if key else None)


async def test_a_good_key() -> None:
    limits = {"x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "499"}
    provider = Provider(headers=limits)
    result = await ask("openai", provider)
    assert result.ok
    assert result.proven
    assert result.says == "OpenAI accepts the key: 2 models."
    assert result.models == ("small", "large")
    assert result.limits == ("500 requests per minute, 499 left",)
    assert all(OPENAI not in request.url for request in provider.asked)


async def test_a_refused_key() -> None:
    result = await ask("openai", Provider(status=401, body=BAD))
    assert (result.ok, result.refused) == (False, True)
    assert OPENAI not in result.says
    assert result.hint


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_trouble_of_the_provider_is_not_the_key_s_fault(status: int) -> None:
    result = await ask("openai", Provider(status=status, body=b"<html>busy</html>"))
    assert (result.ok, result.refused) == (False, False)


async def test_a_list_that_anyone_gets_proves_nothing() -> None:
    result = await ask("sambanova", Provider(open=True))
    assert (result.ok, result.proven) == (True, False)
    assert "the key was not tested" in result.says


async def test_where_the_provider_tells_of_the_key_itself() -> None:
    account = json.dumps({"data": {"usage": 1.5, "limit": 10, "limit_remaining": 8.5, "is_free_tier": True}}).encode()
    provider = Provider(open=True, others={"/key": account})
    result = await ask("openrouter", provider)
    assert (result.ok, result.proven) == (True, True)
    assert result.limits == ("$1.50 used", "$10.00 limit, $8.50 left", "free tier")
    assert provider.asked[-1].url == "https://openrouter.ai/api/v1/key"
    odd = await ask("openrouter", Provider(open=True, others={"/key": b'{"data": []}'}))
    assert odd.limits == ("the account answers",)
    refused = await ask("openrouter", RefusesTheAccount())
    assert refused.refused


class RefusesTheAccount(Provider):
    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        bad = request.url.endswith("/key")
        yield HttpResponse(401 if bad else 200, pieces(BAD if bad else GOOD))


async def test_a_local_server_without_a_key() -> None:
    result = await ask("ollama", Provider(open=True, body=b'{"models": [{"name": "tiny", "model": "tiny"}]}'), None)
    assert result.ok
    assert "without a key: 1 model." in result.says


async def test_a_server_that_is_silent_or_gone_or_speaks_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENCE", 0.1)
    silent = await ask("openai", Provider(hangs=True))
    assert (silent.ok, silent.refused) == (False, False)
    assert "did not answer" in silent.says
    gone = await ask("openai", Gone())
    assert gone.says == "nobody is there"
    nonsense = await ask("openai", Provider(body=b"<html>hotel wifi</html>"))
    assert (nonsense.ok, nonsense.refused) == (False, False)
    monkeypatch.setattr(room, "_LARGEST", 20)
    assert "too long" in (await ask("openai", Provider())).says


class Gone(Provider):
    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        raise Unreachable("nobody is there")
        yield HttpResponse(0, pieces(b""))


async def test_a_provider_that_nobody_knows() -> None:
    assert not (await ask("nowhere", Provider())).ok


async def test_every_built_in_provider_can_be_asked() -> None:
    for info in Catalog.builtin().providers():
        result = await ask(info.name, Provider(status=401, body=BAD))
        assert not result.ok, info.name
