"""What careless and hostile clients do: each gets a proper status or is hung up on, and the others are served."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from routerterm.gateway import connection, request, response
from tests.gateway.conftest import Open, Place, chat, until
from tests.gateway.test_answers import text_of
from tests.gateway.upstream import Talk

CHAT = "/v1/chat/completions"
SMALL = "[gateway]\nlargest = 1\nconnections = 50\n"


async def raw(place: Place, data: bytes) -> bytes:
    """What comes back for these bytes, until the gateway hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(place.url.rpartition(":")[2]))
    try:
        writer.write(data)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()


async def is_well(place: Place) -> None:
    """Others are served."""
    async with place.http() as http:
        assert (await http.get("/health")).status_code == 200


async def test_bodies_that_are_too_large(open_place: Open) -> None:
    place = await open_place(SMALL)
    async with place.http() as http:
        for path in (CHAT, "/v1/responses", "/v1/messages", "/v1/messages/count_tokens"):
            declared = await http.post(path, content=b"x" * 1_000_001)
            assert declared.status_code == 413
            assert "1 MB" in declared.json()["error"]["message"]

        async def endless():  # type: ignore[no-untyped-def]
            for _ in range(200):
                yield b"x" * 10_000

        undeclared = await http.post(CHAT, content=endless())
        assert undeclared.status_code == 413
    assert place.gateway.state.bodies._held == 0


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"nonsense", b"\xff\xfe", b'{"model": 5}', b'{"model": "one/first"}',
        b'{"model": "one/first", "messages": "no"}', b'{"model": "one/first", "messages": [{"role": "king"}]}',
        b"[" * 100_000, b'{"model": "one/first", "messages": [{"role": "user", "content": [{"type": "video"}]}]}',
        b'{"model": "one/first", "messages": [{"role": "user", "content": "x"}], "temperature": "hot"}',
    ],
    ids=lambda body: repr(body[:30]),
)  # fmt: skip
async def test_bodies_that_make_no_sense(place: Place, body: bytes) -> None:
    async with place.http() as http:
        for path in (CHAT, "/v1/responses", "/v1/messages", "/v1/messages/count_tokens"):
            answer = await http.post(path, content=body)
            assert 400 <= answer.status_code < 500, (path, answer.text)
            assert answer.json()["error"]["message"]
    assert not place.up.asked


async def test_methods_and_paths(place: Place) -> None:
    async with place.http() as http:
        for method in ("GET", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"):
            answer = await http.request(method, CHAT)
            assert answer.status_code == 405
            assert answer.headers["allow"] == "POST"
            assert answer.json()["error"]["message"]
        assert (await http.post("/v1/models")).status_code == 405
        for path in ("/v1", "/v2/models", "/v1/talk", "/v9/models", "/v1/models/..%2f..%2fetc"):
            assert (await http.get(path)).status_code == 404, path
    for target in (
        b"/v1/../metrics",
        b"/v1/%2e%2e/metrics",
        b"/%00",
        b"/" + b"a" * 20_000,
        b"/v1/models/" + b"%ff" * 50,
    ):
        answer = await raw(place, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 404"), target[:30]


async def test_heads_that_are_floods_or_nonsense(place: Place) -> None:
    flood = b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n"
    assert (await raw(place, flood)).startswith(b"HTTP/1.1 431")
    many = b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n"
    assert (await raw(place, many)).startswith(b"HTTP/1.1 431")
    for nonsense in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"\x00" * 100 + b"\r\n\r\n"):
        assert (await raw(place, nonsense + b"\r\n\r\n")).startswith(b"HTTP/1.1 400"), nonsense
    smuggled = (
        b"POST " + CHAT.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}"
    )
    assert (await raw(place, smuggled)).startswith(b"HTTP/1.1 400")
    await is_well(place)


async def test_names_and_pages_that_are_not_ours(open_place: Open) -> None:
    place = await open_place('[gateway]\norigins = ["https://app.example"]\nhosts = ["pi.home"]\n')
    async with place.http() as http:
        assert (await http.get("/health", headers={"host": "evil.example"})).status_code == 403
        assert (await http.get("/health", headers={"host": "pi.home:8484"})).status_code == 200
        assert (await http.get("/health", headers={"origin": "https://evil.example"})).status_code == 403
        allowed = await http.options(CHAT, headers={"origin": "https://app.example"})
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        refused = await http.options(CHAT, headers={"origin": "https://evil.example"})
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers


async def test_idle_connections_give_way(open_place: Open) -> None:
    """Ten times as many as there is room for: everybody who asks is served, and no more than the room is taken."""
    place = await open_place(SMALL)
    port = int(place.url.rpartition(":")[2])
    idle = []
    try:
        for _ in range(500):
            idle.append(socket.create_connection(("127.0.0.1", port)))
            if len(idle) % 50 == 0:
                await asyncio.sleep(0.01)
        await is_well(place)
        server = place.gateway._server
        assert server is not None
        await until(lambda: len(server.server_state.connections) <= 50)
    finally:
        for each in idle:
            each.close()
    await is_well(place)


async def test_idle_connections_do_not_push_out_those_that_are_served(open_place: Open) -> None:
    place = await open_place(SMALL)
    port = int(place.url.rpartition(":")[2])
    going = asyncio.Event()

    @place.up.model("first")
    async def waits(talk: Talk) -> None:
        await talk.head()
        await talk.text("One ")
        await going.wait()
        await talk.text("two")
        await talk.end()

    async with place.http() as http:
        asking = [asyncio.create_task(http.post(CHAT, json=chat(stream=True))) for _ in range(20)]
        await until(lambda: place.up.open == 20)
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
        going.set()
        answers = await asyncio.gather(*asking)
        for _, writer in idle:
            writer.close()
    assert {text_of(CHAT, answer.text) for answer in answers} == {"One two"}


async def test_a_head_that_comes_too_slowly(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_WAIT", 0.2)
    assert (await raw(place, b"GET /health HTT")).startswith(b"HTTP/1.1 408")
    assert await raw(place, b"") == b""  # not a word at all: hung up on
    await is_well(place)


async def test_a_body_that_comes_too_slowly(place: Place) -> None:
    place.gateway.state.bodies._wait = 0.3
    head = b"POST " + CHAT.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n"
    assert (await raw(place, head + b"{")).startswith(b"HTTP/1.1 408")
    assert place.gateway.state.bodies._held == 0


async def test_a_client_that_reads_a_byte_a_second(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes bounded memory, is hung up on at last, the provider is let go, and the ledger has the cost."""
    monkeypatch.setattr(response, "STALLED", 0.5)
    place.up.floods("first")
    body = json.dumps(chat(stream=True)).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, ("127.0.0.1", int(place.url.rpartition(":")[2])))
        await loop.sock_sendall(slow, head + body)
        await loop.sock_recv(slow, 1)
        await is_well(place)
        await until(lambda: place.gateway.state.rate_limiter.running == 0 and place.up.open == 0)
        server = place.gateway._server
        assert server is not None
        await until(lambda: not server.server_state.connections)
    assert place.up.flooded < 20_000_000  # what fits into the buffers of the sockets on both sides
    (row,) = await place.rows()
    assert row["outcome"] == "cancelled"
    assert row["cost_nanousd"] > 0


async def test_two_hundred_streams_at_once(place: Place) -> None:
    """None is lost, none gets a word of another's."""
    together = asyncio.Event()

    @place.up.model("first")
    async def echoes(talk: Talk) -> None:
        word = talk.body["messages"][-1]["content"]
        await talk.head()
        if place.up.open == 200:
            together.set()
        await together.wait()
        for number in range(10):
            await talk.text(f"{word}-{number} ")
            await asyncio.sleep(0)
        await talk.end()

    http = place.light()
    asking = [http.post(CHAT, json=chat(text=f"w{number}", stream=True)) for number in range(200)]
    answers = await asyncio.gather(*asking)
    for number, answer in enumerate(answers):
        assert text_of(CHAT, answer.text) == "".join(f"w{number}-{count} " for count in range(10))
        assert "[DONE]" in answer.text
    assert len(await place.rows()) == 200


async def test_too_many_at_once(open_place: Open) -> None:
    place = await open_place("[gateway]\nat_once = 2\n")
    going = asyncio.Event()

    @place.up.model("first")
    async def waits(talk: Talk) -> None:
        await going.wait()
        await talk.head()
        await talk.text("Hello")
        await talk.end()

    async with place.http() as http:
        asking = [asyncio.create_task(http.post(CHAT, json=chat())) for _ in range(2)]
        await until(lambda: place.up.open == 2)
        refused = await http.post(CHAT, json=chat())
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert (await http.get("/health")).json()["running"] == 2
        going.set()
        assert [answer.status_code for answer in await asyncio.gather(*asking)] == [200, 200]


async def test_memory_for_bodies_is_shared(open_place: Open) -> None:
    place = await open_place(SMALL)
    place.gateway.state.bodies._held = request.BODIES_TOGETHER * 1_000_000
    async with place.http() as http:
        assert (await http.post(CHAT, json=chat())).status_code == 503
    place.gateway.state.bodies._held = 0


@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/messages"])
async def test_a_stop_lets_answers_finish_and_then_ends_them_honestly(place: Place, path: str) -> None:
    quick_may_end = asyncio.Event()

    @place.up.model("first")
    async def answers(talk: Talk) -> None:
        await talk.head()
        await talk.text("One ")
        await (quick_may_end.wait() if "quick" in str(talk.body["messages"]) else asyncio.sleep(3600))
        await talk.text("two")
        await talk.end()

    def asked(text: str) -> dict[str, object]:
        more = {"input": text, "stream": True} if path == "/v1/responses" else {"stream": True, "max_tokens": 50}
        return chat(text=text) | more

    async with place.http() as http:
        quick, slow = [asyncio.create_task(http.post(path, json=asked(text))) for text in ("quick", "slow")]
        await until(lambda: len(place.gateway.state.handlers) == 2 and place.up.open == 2)
        stopping = asyncio.create_task(place.gateway.stop(1.0))
        await until(lambda: place.gateway.state.stopping)
        quick_may_end.set()
        whole, ended = await asyncio.gather(quick, slow)
        await stopping
    assert text_of(path, whole.text) == "One two"
    assert text_of(path, ended.text) == "One "
    assert "The gateway is stopping." in ended.text
    assert "[DONE]" not in ended.text
    assert "message_stop" not in ended.text
    assert place.up.open == 0
    outcomes = sorted(row["outcome"] for row in await place.rows())
    assert outcomes == ["cancelled", "done"]
