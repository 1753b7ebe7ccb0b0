"""Straight to a provider: connections are used again, bodies come whole however they are sent, TLS is checked."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from routerterm.core.errors import BadRequest, InvalidResponse, ServerError, StreamInterrupted, Unreachable
from routerterm.protocols.base import HttpRequest
from routerterm.router.transports.base import Timeouts
from routerterm.router.transports.h11_client import H11Client, address_of

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answers: bytes | Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that gives these bytes to every request; how many requests came over each connection."""
    counts: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counts.append(0)
        number = len(counts) - 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
                await reader.readexactly(length[0] if length else 0)
                counts[number] += 1
                assert isinstance(answers, bytes)
                writer.write(answers)
                await writer.drain()
                if b"content-length" not in answers and b"chunked" not in answers:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve if isinstance(answers, bytes) else answers, "127.0.0.1", 0, ssl=tls)
    yield f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", counts
    server.close()


async def ask(direct: H11Client, url: str, body: bytes = b"{}") -> tuple[int, bytes]:
    async with direct.exchange(HttpRequest("POST", url, (), body), Timeouts(5.0, 5.0)) as answer:
        return answer.status, b"".join([data async for data in answer.body])


@pytest.fixture
async def direct() -> AsyncIterator[H11Client]:
    made = H11Client("routerterm/test", ssl.create_default_context)
    yield made
    await made.aclose()


LENGTH = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\n\r\nhello"


@pytest.mark.parametrize("answer", [LENGTH, CHUNKED, UNTIL_THE_END], ids=["length", "chunked", "until the end"])
async def test_bodies_however_they_are_sent(direct: H11Client, answer: bytes) -> None:
    async with serving(answer) as (url, counts):
        for _ in range(3):
            assert await ask(direct, url) == (200, b"hello")
    assert counts == ([1, 1, 1] if answer is UNTIL_THE_END else [3])


async def test_packed_bodies(direct: H11Client) -> None:
    packed = gzip.compress(b"hello")
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(packed)}\r\n\r\n".encode()
    async with serving(head + packed) as (url, _):
        assert await ask(direct, url) == (200, b"hello")
    async with serving(head.replace(b"gzip", b"zstd") + packed) as (url, _):
        with pytest.raises(InvalidResponse, match="unpacked"):
            await ask(direct, url)
    async with serving(head + b"x" * len(packed)) as (url, _):
        with pytest.raises(InvalidResponse, match="unpacked"):
            await ask(direct, url)


async def test_a_body_that_nobody_reads_to_its_end_takes_its_connection_along(direct: H11Client) -> None:
    async with serving(CHUNKED[:-5]) as (url, counts):
        for _ in range(2):
            async with direct.exchange(HttpRequest("POST", url, (), b"{}"), Timeouts()) as answer:
                assert await anext(aiter(answer.body)) == b"hello"
    assert counts == [1, 1]


async def test_a_kept_connection_that_was_closed_is_not_used(direct: H11Client) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(LENGTH)
        writer.close()

    async with serving(once) as (url, _):
        for _ in range(3):
            assert await ask(direct, url) == (200, b"hello")
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", ServerError),
        (b"not http\r\n\r\n", ServerError),
        (LENGTH[:-2], StreamInterrupted),
        (CHUNKED[:-8], StreamInterrupted),
    ],
    ids=["nothing", "nonsense", "short", "chunk"],
)
async def test_what_breaks_off(direct: H11Client, answer: bytes, error: type[Exception]) -> None:
    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(answer)
        writer.close()

    async with serving(breaks) as (url, _):
        with pytest.raises(error):
            await ask(direct, url)


async def test_a_refusal_that_comes_before_everything_was_sent(direct: H11Client) -> None:
    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await writer.drain()
        await asyncio.sleep(5)
        writer.close()

    async with serving(refuses) as (url, _), asyncio.timeout(4):
        assert await ask(direct, url, b"x" * 50_000_000) == (413, b"no")


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's certificate for 127.0.0.1, signed by itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    place = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = made.add_extension(place, critical=True).sign(key, hashes.SHA256())
    file = folder / "server.pem"
    own = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + own)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, file


async def test_a_certificate_is_checked(direct: H11Client, tmp_path: Path) -> None:
    context, file = certificate(tmp_path)
    trusting = H11Client("routerterm/test", lambda: ssl.create_default_context(cafile=file))
    async with serving(LENGTH, context) as (url, counts):
        for _ in range(2):
            assert await ask(trusting, url) == (200, b"hello")
        assert counts == [2]
        with pytest.raises(Unreachable) as refused:
            await ask(direct, url)
        assert refused.value.code == "tls"
        with pytest.raises(Unreachable):
            await ask(trusting, url.replace("127.0.0.1", "localhost"))  # it is not made out to that name
    await trusting.aclose()


def test_addresses() -> None:
    assert address_of("http://[::1]:8080/v1?a=b c").authority == "[::1]:8080"
    assert address_of("https://api.example/v1").port == 443
    assert address_of("http://host/a b").path == "/a%20b"
    assert address_of("https://bücher.example/").authority == "xn--bcher-kva.example"
    with pytest.raises(BadRequest):
        address_of(f"http://{'a' * 70}.ä.example/")
