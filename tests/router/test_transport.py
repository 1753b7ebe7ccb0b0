"""The network's door: errors in our words, proxies, and nothing of a key in either."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from routerterm.core.errors import BadRequest, SettingsError, Unreachable
from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest
from routerterm.router.transports.base import Timeouts
from routerterm.router.transports.http import HttpTransport
from routerterm.router.transports.proxied import no_proxy

KEY = Secret("sk-live-0123456789abcdefghij")


async def ask(transport: HttpTransport, url: str, key: Secret = KEY) -> tuple[int, bytes]:
    headers = (("Authorization", key),)
    try:
        async with transport.exchange(HttpRequest("POST", url, headers, b"{}"), Timeouts(5.0, 5.0)) as answer:
            return answer.status, b"".join([data async for data in answer.body])
    finally:
        await transport.aclose()


@pytest.fixture
async def proxy() -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that answers everything itself, and remembers what it was asked."""
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head.split(b"\r\n")[0].decode())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\nproxied")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen
    server.close()


@pytest.mark.parametrize("variable", ["PROXY_URL", "AI_PROXY_URL"])
async def test_the_environments_proxy_is_honoured(proxy: tuple[str, list[str]], variable: str) -> None:
    url, seen = proxy
    transport = HttpTransport(environ={variable: url})
    assert await ask(transport, "http://provider.example/v1") == (200, b"proxied")
    assert seen == ["POST http://provider.example/v1 HTTP/1.1"]


async def test_ai_proxy_url_comes_first(proxy: tuple[str, list[str]]) -> None:
    url, seen = proxy
    await ask(
        HttpTransport(environ={"AI_PROXY_URL": url, "PROXY_URL": "http://127.0.0.1:1"}), "http://provider.example/"
    )
    assert len(seen) == 1


async def test_the_usual_variables_are_honoured(proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    url, seen = proxy
    monkeypatch.setenv("HTTP_PROXY", url)
    await ask(HttpTransport(), "http://provider.example/")
    assert len(seen) == 1


async def test_a_proxy_of_the_settings(proxy: tuple[str, list[str]]) -> None:
    url, seen = proxy
    await ask(HttpTransport(url, environ={}), "http://provider.example/")
    assert len(seen) == 1


async def test_loopback_never_goes_through_a_proxy(proxy: tuple[str, list[str]]) -> None:
    url, seen = proxy
    with pytest.raises(Unreachable):
        await ask(HttpTransport("http://127.0.0.1:1", environ={}), "http://127.0.0.1:2/v1")
    assert await ask(HttpTransport("http://127.0.0.1:1", environ={}), url) == (200, b"proxied")
    assert seen == ["POST / HTTP/1.1"], "asked directly"


def test_no_proxy_patterns() -> None:
    environ = {"NO_PROXY": "intranet.example, .corp.example,10.0.0.1"}
    assert list(no_proxy(environ)) == ["*intranet.example", "*corp.example", "10.0.0.1"]


async def test_a_nonsense_proxy_is_a_sentence() -> None:
    with pytest.raises(SettingsError, match="proxy"):
        await ask(HttpTransport("nonsense", environ={}), "http://provider.example/")


async def test_a_dead_port_is_refused() -> None:
    with pytest.raises(Unreachable) as caught:
        await ask(HttpTransport(environ={}), "http://127.0.0.1:1/v1")
    assert caught.value.code == "refused"
    assert caught.value.message == "127.0.0.1:1 refuses the connection."


async def test_a_name_that_does_not_exist(offline: bool) -> None:
    with pytest.raises(Unreachable) as caught:
        await ask(HttpTransport(environ={}), "http://no-such-host.invalid/v1")
    assert caught.value.code == "dns"
    assert "no-such-host.invalid" in caught.value.message


@pytest.mark.parametrize("url", ["ftp://host/v1", "nonsense", "http://[::1/v1", "http://host:port/v1"])
async def test_what_is_no_address(url: str) -> None:
    with pytest.raises(BadRequest, match="address"):
        await ask(HttpTransport(environ={}), url)


async def test_a_key_that_cannot_be_sent_is_not_shown() -> None:
    """The library below quotes the header that it refuses."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(BadRequest) as caught:
        await ask(HttpTransport(environ={}), f"http://127.0.0.1:{port}/", Secret("sk-live-0123456789\nabcdefghij"))
    server.close()
    error: BaseException | None = caught.value
    assert "0123456789" not in str(error)
    assert error is not None
    assert error.__cause__ is None
    assert error.__suppress_context__
