"""Packed bodies: every coding that servers send, at any cut, and never more than an honest answer can be."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.errors import AnswerTooLong, InvalidResponse
from routerterm.protocols.base import HttpRequest
from routerterm.router.transports import http as transport_module
from routerterm.router.transports.base import Timeouts, read_body
from routerterm.router.transports.http import HttpTransport
from routerterm.router.transports.unpacking import FREE, PIECE, NotUnpacked, Unpacker
from tests.router.test_direct import ask, serving

TEXT = 'data: {"choices": [{"delta": {"content": "Zażółć gęślą jaźń 量子"}}]}\n\n'.encode() * 50


def raw(data: bytes) -> bytes:
    """Deflate without zlib's wrapping, as some servers send it."""
    pack = zlib.compressobj(wbits=-15)
    return pack.compress(data) + pack.flush()


def members(data: bytes) -> bytes:
    """A gzip member for each hundred bytes, as middlemen flush them, and the zeros that fill a block."""
    return b"".join(gzip.compress(data[start : start + 100]) for start in range(0, len(data), 100)) + bytes(16)


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": members,
    "GZIP ": members,
    "deflate": zlib.compress,
    "Deflate": raw,
    "gzip, deflate": lambda data: raw(gzip.compress(data)),
    "deflate, gzip": lambda data: members(zlib.compress(data)),
    "identity, gzip": gzip.compress,
    "utf-8,gzip, none": gzip.compress,
    "gzip, gzip": lambda data: gzip.compress(gzip.compress(data)),
    "none": bytes,
    "utf-8": bytes,
    "identity": bytes,
    "": bytes,
}


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport(environ={})
    yield made
    await made.aclose()


def answer(body: bytes, coding: str, status: int = 200) -> bytes:
    head = f"HTTP/1.1 {status} X\r\ncontent-encoding: {coding}\r\nretry-after: 7\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize("coding", CODINGS)
async def test_every_coding_over_the_wire(transport: HttpTransport, coding: str) -> None:
    async with serving(answer(CODINGS[coding](TEXT), coding)) as (url, counts):
        for _ in range(2):
            assert await ask(transport, url) == (200, TEXT)
    assert counts == [2], "the connection is used again"


@given(
    st.data(),
    st.sampled_from([name for name in CODINGS if CODINGS[name] is not bytes]),
    st.binary(min_size=1, max_size=3000),
)
def test_at_any_cut(data: st.DataObject, coding: str, body: bytes) -> None:
    packed = CODINGS[coding](body)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(packed)), max_size=8)))
    unpack = Unpacker(coding)
    pieces = [packed[a:b] for a, b in zip([0, *cuts], [*cuts, len(packed)], strict=True)]
    assert b"".join(out for piece in pieces for out in unpack.feed(piece)) == body


@given(st.sampled_from(["gzip", "deflate", "gzip, deflate", "deflate, gzip"]), st.lists(st.binary(max_size=300)))
def test_nonsense_is_told_as_such(coding: str, pieces: list[bytes]) -> None:
    unpack = Unpacker(coding)
    try:
        for piece in pieces:
            list(unpack.feed(piece))
    except NotUnpacked:
        pass


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "compress", ", ".join(["gzip"] * 9)])
async def test_what_was_not_asked_for(transport: HttpTransport, coding: str) -> None:
    async with serving(answer(b"anything", coding)) as (url, _):
        with pytest.raises(InvalidResponse, match="cannot be decompressed"):
            await ask(transport, url)


@pytest.mark.parametrize(("status", "coding"), [(429, "br"), (401, "gzip"), (500, "deflate"), (403, "gzip, zstd")])
async def test_a_refusal_is_heard_although_its_body_cannot_be_read(
    transport: HttpTransport, status: int, coding: str
) -> None:
    async with (
        serving(answer(b"\x0b\x02\x80hello\x03", coding, status)) as (url, _),
        transport.exchange(HttpRequest("POST", url, (), b"{}"), Timeouts()) as refused,
    ):
        assert (refused.status, refused.headers["retry-after"]) == (status, "7")
        assert len(await read_body(refused, 1000, "It")) < 20, "what can be read of it, and no error"


BOMB = gzip.compress(b"data: {}\n\n" * 6_000_000)
"""60 MB of events that say nothing, in a hundred and some kilobytes."""


BOMBS = {"gzip": BOMB, "deflate": zlib.compress(bytes(60_000_000)), "gzip, gzip": gzip.compress(BOMB)}


@pytest.mark.parametrize("coding", BOMBS)
async def test_what_grows_beyond_all_bounds_is_refused_early(transport: HttpTransport, coding: str) -> None:
    others = size = peak = 0

    async def beside() -> None:
        nonlocal others
        while True:
            await asyncio.sleep(0)
            others += 1

    async def read(url: str) -> None:
        nonlocal size
        async with transport.exchange(HttpRequest("POST", url, (), b"{}"), Timeouts()) as bomb:
            async for piece in bomb.body:
                assert len(piece) <= PIECE
                size += len(piece)

    body = BOMBS[coding]
    async with serving(answer(body, coding)) as (url, _):
        running = asyncio.ensure_future(beside())
        tracemalloc.start()
        with pytest.raises(InvalidResponse, match="100 times"):
            await read(url)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        running.cancel()
    assert FREE / 2 <= size <= 2 * FREE
    assert peak < 8_000_000, "of 60 MB next to nothing is held"
    assert others >= size // PIECE, "others ran between the pieces"


async def test_large_plain_bodies_come_in_pieces_and_have_an_end(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "LONGEST", 3_000_000)
    async with serving(answer(b"x" * 2_900_000, "")) as (url, _):
        request = HttpRequest("POST", url, (), b"{}")
        async with transport.exchange(request, Timeouts()) as large:
            sizes = [len(piece) async for piece in large.body]
    assert sum(sizes) == 2_900_000
    assert max(sizes) <= PIECE
    async with serving(answer(b"x" * 3_100_000, "")) as (url, _):
        with pytest.raises(AnswerTooLong):
            await ask(transport, url)
