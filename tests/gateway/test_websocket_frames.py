"""What hostile clients send as frames: each is closed with its code, nothing stays held, and the others are served."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from contextlib import suppress
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.gateway import websocket
from routerterm.gateway.request import BodyLimiter
from tests.gateway.conftest import Open, Place, until
from tests.gateway.test_abuse import is_well
from tests.gateway.upstream import Talk

SMALL = "[gateway]\nlargest = 1\n"
TEXT, BINARY, CONTINUED, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
MASK = b"\x11\x22\x33\x44"
HANDSHAKE = (
    "GET /v1/responses HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    f"sec-websocket-version: 13\r\nsec-websocket-key: {base64.b64encode(bytes(16)).decode()}\r\n"
)
ASKED = json.dumps({"type": "response.create", "model": "one/first", "input": "Hi"}).encode()


def frame(opcode: int, payload: bytes = b"", *, last: bool = True, masked: bool = True, length: int = -1) -> bytes:
    """One frame of a client; ``length`` is what it says its length is."""
    size = len(payload) if length < 0 else length
    head = bytes([(0x80 if last else 0) | opcode])
    flag = 0x80 if masked else 0
    if size < 126:
        head += bytes([flag | size])
    elif size < 65_536:
        head += bytes([flag | 126]) + struct.pack("!H", size)
    else:
        head += bytes([flag | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    key = (MASK * (len(payload) // 4 + 1))[: len(payload)]
    hidden = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return head + MASK + hidden.to_bytes(len(payload), "big")


class Raw:
    """A connection whose bytes are written by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def frame(self) -> tuple[int, bytes]:
        """The next frame that comes: its opcode and what is in it."""
        async with asyncio.timeout(30):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 15, await self.reader.readexactly(size)

    async def close_code(self) -> int:
        """The code of the close, after which nothing comes."""
        opcode, payload = await self.frame()
        while opcode != CLOSE:
            opcode, payload = await self.frame()
        self.writer.write(frame(CLOSE, payload[:2]))
        assert await asyncio.wait_for(self.reader.read(), 30) == b""
        return int(struct.unpack("!H", payload[:2])[0])


async def after_handshake(place: Place) -> Raw:
    """After the handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(place.url.rpartition(":")[2]))
    writer.write(HANDSHAKE.encode() + b"\r\n")
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"extensions" not in head.lower()  # no compression
    return Raw(reader, writer)


HOSTILE = {
    "a reserved opcode": (frame(3, b"x"), 1002),
    "a reserved control opcode": (frame(11, b"x"), 1002),
    "no mask": (frame(TEXT, b"{}", masked=False), 1002),
    "reserved bits": (bytes([frame(TEXT)[0] | 0x40]) + frame(TEXT)[1:], 1002),
    "a continuation of nothing": (frame(CONTINUED, b"{}"), 1002),
    "a text within a text": (frame(TEXT, b"{", last=False) + frame(TEXT, b"}"), 1002),
    "a control frame in pieces": (frame(PING, b"x", last=False), 1002),
    "a long control frame": (frame(PING, b"x" * 126), 1002),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close with a code that may not be sent": (frame(CLOSE, struct.pack("!H", 1005)), 1002),
    "no UTF-8": (frame(TEXT, b'{"type": "\xff"}'), 1007),
    "UTF-8 that is cut": (frame(TEXT, "ä".encode()[:1]), 1007),
    "UTF-8 of a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "bytes": (frame(BINARY, ASKED), 1003),
    "too large": (frame(TEXT, b"x" * 1_000_001), 1009),
    "too large in pieces": (
        b"".join(frame(TEXT if n == 0 else 0, b"x" * 100_000, last=False) for n in range(11)),
        1009,
    ),
    "a length beyond all memory": (frame(TEXT, b"x" * 1_000_001, length=2**62), 1009),
    "a length with its first bit set": (frame(TEXT, b"x", length=2**63 + 1), 1002),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_hostile_frames(open_place: Open, what: str) -> None:
    place = await open_place(SMALL)
    sent, code = HOSTILE[what]
    client = await after_handshake(place)
    client.writer.write(sent)
    assert await client.close_code() == code
    await until(lambda: place.gateway.state.bodies._held == 0)
    await is_well(place)


async def test_a_message_in_pieces_with_pings_between_them_is_one(place: Place) -> None:
    place.up.says("first", "Hello")
    client = await after_handshake(place)
    for n, byte in enumerate(ASKED):
        client.writer.write(frame(CONTINUED if n else TEXT, bytes([byte]), last=n == len(ASKED) - 1))
        client.writer.write(frame(PING, b"still there?"))
    kinds = []
    while "response.completed" not in kinds:
        opcode, payload = await client.frame()
        if opcode == TEXT:
            kinds.append(json.loads(payload)["type"])
        else:
            assert (opcode, payload) == (PONG, b"still there?")
    assert kinds[0] == "response.created"
    client.writer.write(frame(CLOSE, struct.pack("!H", 1000)))
    assert await client.close_code() == 1000


async def test_pieces_without_an_end(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MOST_FRAMES", 100)
    client = await after_handshake(place)
    client.writer.write(frame(TEXT, last=False) + frame(CONTINUED, last=False) * 200)
    assert await client.close_code() == 1008
    await is_well(place)


async def test_a_message_that_takes_too_long(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "BODY_WAIT", 0.2)
    client = await after_handshake(place)
    client.writer.write(frame(TEXT, b"{", last=False))
    assert await client.close_code() == 1008
    await until(lambda: place.gateway.state.bodies._held == 0)


async def test_large_messages_of_many_take_no_more_than_there_is(open_place: Open) -> None:
    place = await open_place(SMALL)
    clients = [await after_handshake(place) for _ in range(12)]
    for client in clients:
        client.writer.write(frame(TEXT, b"x" * 900_000, last=False))
    bodies = place.gateway.state.bodies
    await until(lambda: bodies._held > 0 and sum(client.reader._buffer != b"" for client in clients) >= 4)
    assert bodies._held <= 8_000_000
    assert await next(client for client in clients if client.reader._buffer).close_code() == 1013
    for client in clients:
        client.writer.close()
    await until(lambda: bodies._held == 0)


async def test_a_client_that_pings_and_reads_nothing_costs_no_memory(place: Place) -> None:
    client = await after_handshake(place)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's transports can
    flood = frame(PING, b"x" * 125) * 1_000
    for _ in range(200):
        client.writer.write(flood)
        async with asyncio.timeout(30):
            await client.writer.drain()  # all of it is read, whether or not the answers are
    (connection,) = (found for found in place.gateway._server.server_state.connections if found.successor)  # type: ignore[union-attr]
    assert connection.transport.get_write_buffer_size() < 1_000_000
    client.writer.close()
    await is_well(place)


async def test_a_client_that_says_nothing_any_more(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "PING_EVERY", 0.1)
    monkeypatch.setattr(websocket, "SILENT", 0.5)
    client = await after_handshake(place)  # it does not answer pings
    came = await asyncio.wait_for(client.reader.read(), 30)  # until it is hung up on
    assert came == frame(PING, masked=False) * (len(came) // 2)
    assert came


@pytest.mark.parametrize("answers", [False, True])
async def test_whoever_has_many_messages_waiting_is_listened_to_all_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    monkeypatch.setattr(websocket, "PING_EVERY", 0.1)
    monkeypatch.setattr(websocket, "SILENT", 1.0)
    over = asyncio.Event()

    @place.up.model("first")
    async def say(talk: Talk) -> None:
        await talk.head()
        await over.wait()

    client = await after_handshake(place)
    client.writer.write(frame(TEXT, ASKED) * (2 * websocket.MOST_WAITING))
    try:
        if answers:
            for _ in range(40):  # for four times as long as one may be silent
                while (await client.frame())[0] != PING:
                    pass
                client.writer.write(frame(PONG))
        else:
            with suppress(ConnectionError):
                assert await asyncio.wait_for(client.reader.read(), 60)  # until it is hung up on
    finally:
        over.set()
        client.writer.close()
    await is_well(place)


async def test_a_client_that_does_not_answer_a_close(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "CLOSE_WAIT", 0.2)
    client = await after_handshake(place)
    client.writer.write(frame(BINARY, b"x"))
    assert (await client.frame())[0] == CLOSE
    assert await asyncio.wait_for(client.reader.read(), 30) == b""
    await is_well(place)


async def test_a_client_that_reads_nothing_of_its_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "STALLED", 0.5)
    place.up.floods("first")
    client = await after_handshake(place)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's transports can
    client.writer.write(frame(TEXT, ASKED))
    await until(lambda: place.up.flooded > 0)
    await is_well(place)
    await until(lambda: place.gateway.state.rate_limiter.running == 0 and place.up.open == 0)
    server = place.gateway._server
    assert server is not None
    await until(lambda: not any(found.successor for found in server.server_state.connections))  # type: ignore[union-attr]
    assert place.up.flooded < 50_000_000  # what fits into the buffers of the sockets on both sides
    async with asyncio.timeout(20):
        while (await place.rows())[0]["outcome"] == "running":  # noqa: ASYNC110 - settled beside
            await asyncio.sleep(0.01)
    (row,) = await place.rows()
    assert row["outcome"] == "cancelled"
    client.writer.close()


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("sec-websocket-version: 13", "sec-websocket-version: 8", 426),
        ("sec-websocket-version: 13\r\n", "", 400),
        ("connection: Upgrade", "connection: close", 400),
        ("sec-websocket-key", "x-key", 400),
        ("HTTP/1.1", "HTTP/1.0", 400),
        ("host: localhost", "host: localhost\r\ncontent-length: 3", 400),
        ("host: localhost", "host: evil.example", 403),
        ("GET", "POST", 400),
        ("/v1/responses", "/v1/messages", 405),
        ("host: localhost", "host: localhost\r\norigin: http://localhost:1234", 403),
    ],
)
async def test_what_is_no_handshake(place: Place, old: str, new: str, status: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(place.url.rpartition(":")[2]))
    writer.write(HANDSHAKE.replace(old, new).encode() + b"\r\n")
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).decode()
    assert int(head.split()[1]) == status
    assert "sec-websocket-accept" not in head.lower()
    writer.close()
    await is_well(place)


async def test_frames_that_come_with_the_handshake(place: Place) -> None:
    place.up.says("first", "Hello")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(place.url.rpartition(":")[2]))
    writer.write(HANDSHAKE.encode() + b"\r\n" + frame(TEXT, ASKED))
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    assert b"response.created" in (await Raw(reader, writer).frame())[1]
    writer.close()


class Fake(SimpleNamespace):
    """A connection without a network."""

    def __init__(self) -> None:
        nothing = lambda *_, **__: None  # noqa: E731
        self.out = b""
        self.transport = SimpleNamespace(is_closing=lambda: False, close=nothing, abort=nothing)
        self.buffered = SimpleNamespace(write=self.write)
        self.flow = SimpleNamespace(
            write_paused=False, read_paused=False, resume_reading=nothing, pause_reading=nothing
        )
        self.rest = nothing

    def write(self, data: bytes) -> None:
        self.out += data

    def hand_over(self, successor: Any, answer: bytes) -> bytes:
        return b""


def opened() -> tuple[websocket.WebSocket, BodyLimiter]:
    """One after its handshake, and what counts its messages."""
    bodies = BodyLimiter(1_000)
    socket = websocket.WebSocket(Fake(), bodies)  # type: ignore[arg-type]
    lines = [line.split(": ", 1) for line in HANDSHAKE.splitlines()[1:]]
    headers = [(name.encode(), value.encode()) for name, value in lines]
    socket.accept({"headers": headers, "http_version": "1.1"})
    return socket, bodies


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_whatever_comes_nothing_breaks_and_nothing_stays_held(pieces: list[bytes]) -> None:
    async def run() -> None:
        socket, bodies = opened()
        for piece in pieces:
            socket.received(piece)
        socket.lost()
        assert bodies._held == 0

    asyncio.run(run())


@given(st.text(max_size=60), st.lists(st.integers(0, 240), max_size=6), st.integers(1, 17))
def test_however_a_message_is_cut_it_comes_whole(text: str, cuts: list[int], chunk: int) -> None:
    async def run() -> None:
        socket, bodies = opened()
        raw_text = text.encode()
        places = sorted({min(cut, len(raw_text)) for cut in cuts} | {0, len(raw_text)})
        parts = [raw_text[a:b] for a, b in pairwise(places)] or [b""]
        sent = b"".join(frame(CONTINUED if n else TEXT, part, last=n == len(parts) - 1) for n, part in enumerate(parts))
        for at in range(0, len(sent), chunk):
            socket.received(sent[at : at + chunk])
        assert await socket.next(asyncio.get_running_loop().time() + 10) == raw_text
        assert bodies._held == len(raw_text)  # its turn releases it
        socket.lost()

    asyncio.run(run())
