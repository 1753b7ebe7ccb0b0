"""Straight to a provider: connections are used again, bodies come whole however they are sent, TLS is checked."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from routerterm.core.errors import BadRequest, ServerError, StreamInterrupted, Unreachable
from routerterm.protocols.base import HttpRequest
from routerterm.router.transports.base import Timeouts
from routerterm.router.transports.certificates import Certificates
from routerterm.router.transports.http import HttpTransport

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


async def ask(
    direct: HttpTransport, url: str, body: bytes = b"{}", headers: tuple[tuple[str, str], ...] = ()
) -> tuple[int, bytes]:
    async with direct.exchange(HttpRequest("POST", url, headers, body), Timeouts(5.0, 5.0)) as answer:
        return answer.status, b"".join([data async for data in answer.body])


@pytest.fixture
async def direct() -> AsyncIterator[HttpTransport]:
    made = HttpTransport(environ={})
    yield made
    await made.aclose()


LENGTH = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\n\r\nhello"


@pytest.mark.parametrize("answer", [LENGTH, CHUNKED, UNTIL_THE_END], ids=["length", "chunked", "until the end"])
async def test_bodies_however_they_are_sent(direct: HttpTransport, answer: bytes) -> None:
    async with serving(answer) as (url, counts):
        for _ in range(3):
            assert await ask(direct, url) == (200, b"hello")
    assert counts == ([1, 1, 1] if answer is UNTIL_THE_END else [3])


async def test_a_body_that_nobody_reads_to_its_end_takes_its_connection_along(direct: HttpTransport) -> None:
    async with serving(CHUNKED[:-5]) as (url, counts):
        for _ in range(2):
            async with direct.exchange(HttpRequest("POST", url, (), b"{}"), Timeouts()) as answer:
                assert await anext(aiter(answer.body)) == b"hello"
    assert counts == [1, 1]


async def test_a_kept_connection_that_was_closed_is_not_used(direct: HttpTransport) -> None:
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
async def test_what_breaks_off(direct: HttpTransport, answer: bytes, error: type[Exception]) -> None:
    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(answer)
        writer.close()

    async with serving(breaks) as (url, _):
        with pytest.raises(error):
            await ask(direct, url)


async def test_a_refusal_that_comes_before_everything_was_sent(direct: HttpTransport) -> None:
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


async def test_a_certificate_is_checked(direct: HttpTransport, tmp_path: Path) -> None:
    context, file = certificate(tmp_path)
    trusting = HttpTransport(environ={}, certificates=Certificates({"SSL_CERT_FILE": str(file)}))
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


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SSL_CERT_FILE", "moved.pem"), ("SSL_CERT_FILE", "empty.pem"), ("SSL_CERT_FILE", "."), ("SSL_CERT_DIR", "moved")],
)
async def test_certificates_that_cannot_be_read_are_named(tmp_path: Path, variable: str, value: str) -> None:
    (tmp_path / "empty.pem").write_text("nothing of that kind")
    transport = HttpTransport(environ={}, certificates=Certificates({variable: str(tmp_path / value)}))
    for _ in range(2):
        with pytest.raises(Unreachable) as caught:
            await ask(transport, "https://127.0.0.1:1/v1")
        assert variable in caught.value.message
        assert value in caught.value.message
        assert caught.value.code == "tls"
    with pytest.raises(Unreachable) as caught:
        await ask(transport, "http://127.0.0.1:1/v1")
    assert caught.value.code == "refused", "what needs no certificates does not ask for them"


async def test_the_systems_certificates_are_read_without_a_variable() -> None:
    assert (await Certificates({})()).verify_mode is ssl.CERT_REQUIRED


async def test_what_is_asked_for(direct: HttpTransport) -> None:
    heads: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(LENGTH)
        writer.close()

    async with serving(note) as (url, _):
        await ask(direct, url + "/a b/\u00fc?x=c d&y=%20".replace(" ", "%20"))
        await ask(direct, url.replace("127.0.0.1", "localhost"))
    first, second = heads
    assert first.split(b"\r\n")[0] == b"POST /v1/a%20b/%C3%BC?x=c%20d&y=%20 HTTP/1.1"
    assert b"host: localhost:" in second.lower()
    for name in (b"cookie", b"authorization"):
        assert name not in first.lower()
    assert first.lower().count(b"user-agent:") == first.lower().count(b"accept-encoding: gzip, deflate\r\n") == 1


async def test_headers_of_a_request_replace_ours(direct: HttpTransport) -> None:
    heads: list[list[bytes]] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n"))
        writer.write(LENGTH)
        writer.close()

    async with serving(note) as (url, _):
        await ask(direct, url, headers=(("Accept", "text/event-stream"), ("USER-AGENT", "theirs/1")))
        await ask(direct, url)
    theirs, ours = heads
    assert {b"accept: text/event-stream", b"user-agent: theirs/1", b"connection: keep-alive"} <= set(theirs)
    assert {b"accept: */*", b"accept-encoding: gzip, deflate"} <= set(ours)
    for head in heads:
        names = [line.split(b":")[0] for line in head[1:] if line]
        assert len(names) == len(set(names)), "each header once"
        assert b"content-length" in names
        assert b"host" in names


async def test_neither_redirects_nor_cookies_are_followed(direct: HttpTransport) -> None:
    heads: list[bytes] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).lower())
        writer.write(b"HTTP/1.1 307 X\r\nlocation: /other\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with serving(redirect) as (url, _):
        for _ in range(2):
            assert await ask(direct, url) == (307, b"")
    assert len(heads) == 2
    assert not any(b"cookie" in head or b"/other" in head for head in heads)


@pytest.mark.parametrize("reset", [True, False])
async def test_a_kept_connection_that_dies_under_a_request_is_replaced_unseen(
    direct: HttpTransport, reset: bool
) -> None:
    """As servers and routers do after a while, at the very moment it is used again."""
    asked = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"{}")
        asked += 1
        writer.write(LENGTH)
        await reader.readuntil(b"{}")
        if reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    async with serving(once) as (url, _):
        for _ in range(4):
            assert await ask(direct, url) == (200, b"hello")
    assert asked == 4


async def test_it_is_not_sent_again_once_a_byte_of_an_answer_came(direct: HttpTransport) -> None:
    asked = 0

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        for answer in (LENGTH, b"HTTP/1.1 2"):
            await reader.readuntil(b"{}")
            asked += 1
            writer.write(answer)
        writer.close()

    async with serving(twice) as (url, _):
        assert await ask(direct, url) == (200, b"hello")
        with pytest.raises(ServerError):
            await ask(direct, url)
    assert asked == 2


@pytest.mark.parametrize("late", [False, True])
async def test_bytes_too_many_are_not_the_next_answer(direct: HttpTransport, late: bool) -> None:
    written = asyncio.Event()

    async def too_many(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        forged = LENGTH.replace(b"hello", b"wrong")
        writer.write(LENGTH if late else LENGTH + forged)
        if late:
            await asyncio.sleep(0.01)
            writer.write(forged)
        written.set()
        await reader.read()
        writer.close()

    async with serving(too_many) as (url, _):
        for _ in range(3):
            assert await ask(direct, url) == (200, b"hello")
            await written.wait()  # what comes once the next is asked could be its answer
            written.clear()
            await asyncio.sleep(0.05)


async def test_a_cancelled_request_hangs_up_at_once(direct: HttpTransport) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        asked.set()
        writer.write(CHUNKED[:-5])
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set()
        writer.close()

    async with serving(listen) as (url, _):
        asking = asyncio.ensure_future(ask(direct, url))
        await asyncio.wait_for(asked.wait(), 60)
        asking.cancel()
        await asyncio.wait_for(gone.wait(), 60)
        with pytest.raises(asyncio.CancelledError):
            await asking


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v1\r\nX-Injected: 1", "http://127.0.0.1:1/v1\t", "http://a\u200bb/v1"]
)
async def test_a_line_break_in_an_address_is_refused(direct: HttpTransport, url: str) -> None:
    with pytest.raises(BadRequest, match="line break"):
        await ask(direct, url)


@pytest.mark.parametrize(
    "header", [("X-Team", "a\r\nX-Injected: 1"), ("X\r\nY", "a"), ("X-Team", "\u2026"), ("X Y", "a"), ("X", "a\0b")]
)
async def test_a_header_that_cannot_be_sent_is_refused(direct: HttpTransport, header: tuple[str, str]) -> None:
    async with serving(LENGTH) as (url, counts):
        with pytest.raises(BadRequest, match="could not be written"):
            async with direct.exchange(HttpRequest("POST", url, (header,), b"{}"), Timeouts()):
                pass
    assert sum(counts) == 0


@pytest.mark.parametrize(
    "url",
    [f"http://{'a' * 70}.example/", f"http://{'a' * 70}.\u00e4.example/", "http://a..b/", "http://.", "http:///v1"],
)
async def test_names_that_no_machine_can_have(direct: HttpTransport, url: str, offline: bool) -> None:
    with pytest.raises((BadRequest, Unreachable)):
        await ask(direct, url)
