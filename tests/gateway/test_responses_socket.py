"""The Responses API as a WebSocket: turns, going on, errors as events, the same doors, and who goes away."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from routerterm.gateway import chat_handler, responses_socket, socket_history, websocket
from routerterm.gateway.server import Gateway
from routerterm.protocols.json_utils import loads
from tests.gateway.conftest import Open, Place, until
from tests.gateway.test_access import give
from tests.gateway.test_responses_state import said
from tests.gateway.upstream import Talk

Event = dict[str, Any]
ENDS = ("response.completed", "response.failed", "response.incomplete", "error")


@asynccontextmanager
async def opened(place: Place, **headers: str) -> AsyncIterator[ClientConnection]:
    """A connection to its WebSocket."""
    address = place.url.replace("http", "ws") + "/v1/responses"
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    async with connect(address, additional_headers=names, proxy=None, max_size=None) as socket:
        yield socket


async def create(socket: ClientConnection, **more: Any) -> None:
    await socket.send(json.dumps({"type": "response.create", "model": "one/first", "input": "Hi"} | more))


async def events(socket: ClientConnection) -> list[Event]:
    """All of one answer."""
    found: list[Event] = []
    async with asyncio.timeout(30):
        while not found or found[-1]["type"] not in ENDS:
            found.append(json.loads(await socket.recv()))
    return found


async def turn(socket: ClientConnection, **more: Any) -> Event:
    """The last event of the answer to this."""
    await create(socket, **more)
    return (await events(socket))[-1]


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """How the gateway closes: the code and the reason."""
    async with asyncio.timeout(30):
        with suppress(ConnectionClosed):
            async for _ in socket:
                pass
        await socket.wait_closed()
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


def rows(place: Place) -> list[tuple[str, str, int]]:
    """The list of requests, the oldest first: who, how it ended, its status."""
    return [(row.client, row.ending, row.status) for row in reversed(place.gateway.request_log.rows())]


@pytest.mark.sdk
async def test_openai_s_own_client_goes_on_over_one_connection_though_nothing_is_stored(place: Place) -> None:
    place.up.says("first", "Hel", "lo")
    client = AsyncOpenAI(base_url=place.url + "/v1", api_key="unused")
    previous: dict[str, Any] = {}
    async with client.responses.connect() as connection:
        for text in ("Hi", "Again", "Third"):
            await connection.response.create(model="one/first", input=text, store=False, **previous)
            kinds = []
            async for event in connection:
                kinds.append(event.type)
                if event.type == "response.completed":
                    previous = {"previous_response_id": event.response.id}
                    assert event.response.output_text == "Hello"
                    break
            assert kinds[:2] == ["response.created", "response.in_progress"]
            assert kinds.count("response.output_text.delta") == 2
    assert [text for _, text in said(place)] == ["Hi", "Hello", "Again", "Hello", "Third"]
    assert [row["outcome"] for row in await place.rows()] == ["done"] * 3


async def test_the_events_are_those_of_http(place: Place) -> None:
    place.up.says("first", "Hel", "lo")
    async with place.http() as http, opened(place) as socket:
        await create(socket)
        by_socket = await events(socket)
        streamed = await http.post("/v1/responses", json={"model": "one/first", "input": "Hi", "stream": True})
    by_http = [json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: ")]
    assert [event["type"] for event in by_socket] == [event["type"] for event in by_http]
    assert [event["sequence_number"] for event in by_socket] == list(range(len(by_socket)))
    assert by_socket[-1]["response"].keys() == by_http[-1]["response"].keys()


async def test_what_may_be_stored_outlives_the_connection_and_the_rest_does_not(place: Place) -> None:
    place.up.says("first", "Hello")
    async with opened(place) as socket:
        hidden = (await turn(socket, store=False, input="One"))["response"]["id"]
        kept = (await turn(socket, input="Two", previous_response_id=hidden))["response"]["id"]
        secret = (await turn(socket, store=False, input="Three", previous_response_id=kept))["response"]["id"]
    async with opened(place) as socket:
        for lost in (hidden, secret):
            error = await turn(socket, input="Again", previous_response_id=lost)
            assert (error["type"], error["status"]) == ("error", 400)
            assert error["error"]["code"] == "previous_response_not_found"
            assert error["error"]["param"] == "previous_response_id"
        assert (await turn(socket, input="Four", previous_response_id=kept))["type"] == "response.completed"
    assert [text for _, text in said(place)] == ["One", "Hello", "Two", "Hello", "Four"]  # also what was only in memory
    async with place.http() as http:
        assert (await http.get(f"/v1/responses/{kept}")).status_code == 200
        assert (await http.get(f"/v1/responses/{secret}")).status_code == 404


async def test_what_connections_remember_has_a_limit(place: Place) -> None:
    place.up.says("first", "Hello")
    async with opened(place) as quiet, opened(place) as busy:
        memory = place.gateway._server.config.app._sockets._memory  # type: ignore[union-attr]
        memory._most = 3_000
        first = (await turn(quiet, store=False, input="x" * 2_000))["response"]["id"]
        second = (await turn(quiet, store=False, previous_response_id=first))["response"]["id"]
        third = (await turn(busy, store=False, input="y" * 2_000))["response"]["id"]
        lost = await turn(quiet, store=False, previous_response_id=second)
        assert lost["error"]["code"] == "previous_response_not_found"
        assert (await turn(busy, store=False, previous_response_id=third))["type"] == "response.completed"
    await until(lambda: memory._size == 0 and not memory._kept)


async def test_references_to_the_newest_answer_parse_it_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.up.says("first", "Hello")
    parsed: list[bytes] = []
    monkeypatch.setattr(socket_history, "loads", lambda data: parsed.append(data) or loads(data))  # type: ignore[func-returns-value]
    async with opened(place) as socket:
        (item,) = (await turn(socket, store=False))["response"]["output"]
        reference = {"type": "item_reference", "id": item["id"]}
        question = {"type": "message", "role": "user", "content": "And?"}
        last = await turn(socket, store=False, input=[reference, reference, reference, question])
        assert last["type"] == "response.completed"
        assert place.up.asked[-1]["messages"][1] == {"role": "assistant", "content": "Hello" * 3}
        assert len(parsed) == 1
        nameless = await turn(socket, store=False, input=[{"type": "item_reference"}, question])
        assert nameless["status"] == 400


async def test_a_failed_continuation_is_forgotten(place: Place) -> None:
    place.up.says("first", "Hello")
    async with opened(place) as socket:
        first = (await turn(socket, store=False))["response"]["id"]
        result = {"type": "function_call_output", "call_id": "call_nobody", "output": "5"}
        wrong = await turn(socket, store=False, previous_response_id=first, input=[result])
        assert wrong["status"] == 400
        assert "call_nobody" in wrong["error"]["message"]
        again = await turn(socket, store=False, previous_response_id=first)
        assert again["error"]["code"] == "previous_response_not_found"
        assert (await turn(socket))["type"] == "response.completed"


async def test_a_tool_loop(place: Place) -> None:
    async def say(talk: Talk) -> None:
        await talk.head()
        if talk.body["messages"][-1]["role"] == "tool":
            await talk.text("5")
            await talk.end()
            return
        call = {"index": 0, "id": "call_1", "function": {"name": "add", "arguments": '{"a": 2}'}}
        await talk.event({"tool_calls": [call]})
        await talk.end("tool_calls")

    place.up.models["first"] = say
    tools = [{"type": "function", "name": "add", "parameters": {"type": "object", "properties": {}}}]
    async with opened(place) as socket:
        asked = (await turn(socket, store=False, tools=tools))["response"]
        (call,) = asked["output"]
        result = {"type": "function_call_output", "call_id": call["call_id"], "output": "5"}
        told = await turn(socket, store=False, tools=tools, previous_response_id=asked["id"], input=[result])
    assert told["response"]["output"][0]["content"][0]["text"] == "5"


async def test_a_warm_up_asks_nobody(place: Place) -> None:
    place.up.says("first", "Hello")
    async with opened(place) as socket:
        warm = (await turn(socket, generate=False, store=False, input="Before"))["response"]
        assert (warm["status"], warm["output"], warm["usage"]["total_tokens"]) == ("completed", [], 0)
        assert place.up.asked == []
        await turn(socket, store=False, previous_response_id=warm["id"])
        assert "".join(text for _, text in said(place)) == "BeforeHi"
        empty = (await turn(socket, generate=False, store=False, input=[]))["response"]["id"]
        assert (await turn(socket, store=False, previous_response_id=empty))["type"] == "response.completed"
        assert said(place) == [("user", "Hi")]
    assert [(ending, status) for _, ending, status in rows(place)] == [("done", 200)] * 4


async def test_errors_are_events_and_the_connection_goes_on(place: Place) -> None:
    place.up.says("first", "Hello")
    place.up.breaks("third", "Hel")
    async with opened(place) as socket:
        for message in ("nonsense", "[]", '{"type": "response.cancel"}', '{"model": "one/first", "input": "Hi"}', "{}"):
            await socket.send(message)
            (error,) = await events(socket)
            assert (error["type"], error["status"]) == ("error", 400)
            assert error["error"]["message"]
            assert error["error"]["code"]
        assert [(ending, status) for _, ending, status in rows(place)] == [("denied", 400)] * 5
        assert (await turn(socket, generate=False, model="no\\model"))["status"] == 400
        unknown = await turn(socket, model="nobodyknows")
        assert (unknown["status"], unknown["error"]["code"]) == (404, "model_not_found")
        await create(socket, model="one/third")
        cut = await events(socket)
        assert cut[0]["type"] == "response.created"
        assert cut[-1]["type"] == "response.failed"
        assert (await turn(socket))["type"] == "response.completed"
    assert place.gateway.state.bodies._held == 0


async def test_limits_and_caps_of_a_key(place: Place) -> None:
    place.up.says("first", "Hello")
    token = await give(place, "editor", rpm=1, models=("one/first",))
    async with opened(place, authorization=f"Bearer {token}") as socket:
        forbidden = await turn(socket, model="two/second")
        assert forbidden["status"] == 403
        assert (await turn(socket))["type"] == "response.completed"
        fast = await turn(socket)
        assert (fast["status"], fast["error"]["code"]) == (429, "rate_limit_exceeded")
        assert int(fast["headers"]["retry-after"]) > 0
    assert [(client, ending) for client, ending, _ in rows(place)] == [
        ("gateway:editor", "denied"),
        ("gateway:editor", "done"),
        ("gateway:editor", "denied"),
    ]
    assert {row["client"] for row in await place.rows()} == {"gateway:editor"}


async def refused(place: Place, **headers: str) -> int:
    """The status of a handshake that fails."""
    with pytest.raises(InvalidStatus) as error:
        async with opened(place, **headers):
            pass
    told = json.loads(error.value.response.body or b"")
    assert told["error"]["message"]
    return error.value.response.status_code


async def test_the_doors_are_those_of_http(open_place: Open) -> None:
    place = await open_place('[gateway]\nkeyless = "off"\norigins = ["https://app.example"]\n')
    place.up.says("first", "Hello")
    token = await give(place, "editor")
    assert await refused(place) == 401
    assert await refused(place, authorization="Bearer rt-wrong") == 401
    assert await refused(place, authorization=f"Bearer {token}", origin="https://evil.example") == 403
    assert await refused(place, authorization=f"Bearer {token}", sec_fetch_site="cross-site") == 403
    assert await refused(place, authorization=f"Bearer {token}", x_routerterm_nonsense="1") == 400
    async with opened(place, x_api_key=token, origin="https://app.example") as socket:
        assert (await turn(socket))["type"] == "response.completed"
        assert await place.app.store.gateway_keys.remove("editor")
        place.gateway.state._keys_at = float("-inf")
        assert (await turn(socket))["status"] == 401
        assert (await closed(socket))[0] == 1008


async def test_the_headers_of_the_handshake_hold_for_every_turn(place: Place) -> None:
    place.up.says("first", "Hello")
    async with opened(place, x_routerterm_no_log="true", x_routerterm_max_cost="0.00000001") as socket:
        assert (await turn(socket))["error"]["code"]
    async with opened(place, x_routerterm_no_log="true") as socket:
        first = (await turn(socket))["response"]["id"]
        assert (await turn(socket, previous_response_id=first))["type"] == "response.completed"
    async with place.http() as http:
        assert (await http.get(f"/v1/responses/{first}")).status_code == 404


async def test_one_answer_at_a_time(place: Place) -> None:
    go = asyncio.Event()

    @place.up.model("first")
    async def say(talk: Talk) -> None:
        await talk.head()
        await talk.text(talk.body["messages"][-1]["content"])
        await go.wait()
        await talk.end()

    async with opened(place) as socket:
        for n in range(40):  # more than may wait
            await create(socket, input=f"question {n}")
        await until(lambda: len(place.up.asked) == 1)
        assert place.up.open == 1
        go.set()
        for n in range(40):
            told = await events(socket)
            assert told[-1]["response"]["output"][0]["content"][0]["text"] == f"question {n}"
    assert place.gateway.state.bodies._held == 0


async def test_a_client_that_goes_away_cancels_its_answer(place: Place) -> None:
    @place.up.model("first")
    async def say(talk: Talk) -> None:
        await talk.head()
        await talk.text("Hel")
        await asyncio.Event().wait()

    for polite in (True, False):
        async with opened(place) as socket:
            await create(socket)
            await create(socket, input="This one is never asked.")
            while json.loads(await socket.recv())["type"] != "response.output_text.delta":
                pass
            if polite:
                await socket.close()
            else:
                socket.transport.abort()
            await until(lambda: place.up.open == 0)
    assert place.up.hung_up == 2
    await until(lambda: [ending for _, ending, _ in rows(place)] == ["gone", "gone"])
    await until(lambda: place.gateway.state.bodies._held == 0)
    assert len(place.up.asked) == 2


async def test_a_silent_provider(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_handler, "FIRST_BYTE", 0.05)
    monkeypatch.setattr(chat_handler, "HEARTBEAT", 0.05)
    pings = 0
    go = asyncio.Event()
    before = websocket.WebSocket.ping

    def ping(self: websocket.WebSocket) -> None:
        nonlocal pings
        pings += 1
        before(self)
        if pings > 2:
            go.set()

    monkeypatch.setattr(websocket.WebSocket, "ping", ping)

    @place.up.model("first")
    async def say(talk: Talk) -> None:
        await go.wait()
        await talk.head()
        await talk.text("Hello")
        await talk.end()

    async with opened(place) as socket:
        await create(socket)
        assert json.loads(await socket.recv())["type"] == "response.created"  # before the provider said a word
        assert (await events(socket))[-1]["type"] == "response.completed"


async def test_a_stop_lets_answers_finish_and_says_goodbye(place: Place) -> None:
    go = asyncio.Event()

    @place.up.model("first")
    async def say(talk: Talk) -> None:
        await talk.head()
        await talk.text("Hel")
        await go.wait()
        await talk.text("lo")
        await talk.end()

    async with opened(place) as idle, opened(place) as busy:
        await create(busy)
        await until(lambda: len(place.up.asked) == 1)
        stopping = asyncio.create_task(place.gateway.stop())
        assert await closed(idle) == (1001, "The gateway is stopping.")
        go.set()
        assert (await events(busy))[-1]["type"] == "response.completed"
        assert (await closed(busy))[0] == 1001
        await asyncio.wait_for(stopping, 30)


async def test_a_stop_ends_what_does_not_end(place: Place) -> None:
    @place.up.model("first")
    async def say(talk: Talk) -> None:
        await talk.head()
        await talk.text("Hel")
        await asyncio.Event().wait()

    async with opened(place) as socket:
        await create(socket)
        await until(lambda: len(place.up.asked) == 1)
        while json.loads(await socket.recv())["type"] != "response.output_text.delta":
            pass
        stopping = asyncio.create_task(place.gateway.stop(0.0))
        assert (await events(socket))[-1]["type"] == "response.failed"
        assert (await closed(socket))[0] == 1001
        await asyncio.wait_for(stopping, 30)


async def test_after_an_hour_another_connection_is_to_be_opened(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses_socket, "LONGEST", 0.3)
    async with opened(place) as socket:
        (error,) = await events(socket)
        assert (error["status"], error["error"]["code"]) == (400, "websocket_connection_limit_reached")
        assert (await closed(socket))[0] == 1001


async def test_after_an_hour_nothing_that_waits_is_begun(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses_socket, "LONGEST", 0.3)

    @place.up.model("first")
    async def say(talk: Talk) -> None:
        await asyncio.sleep(0.4)
        await talk.head()
        await talk.text("Hello")
        await talk.end()

    async with opened(place) as socket:
        await create(socket)
        await create(socket)
        assert (await events(socket))[-1]["type"] == "response.completed"
        assert (await events(socket))[-1]["error"]["code"] == "websocket_connection_limit_reached"
    assert len(place.up.asked) == 1
    assert place.gateway.state.bodies._held == 0


async def test_idle_connections_give_way(open_place: Open) -> None:
    place = await open_place("[gateway]\nconnections = 3\n")
    place.up.says("first", "Hello")
    async with opened(place) as first:
        assert (await turn(first))["type"] == "response.completed"
        async with opened(place), opened(place), opened(place) as last:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(first.recv(), 30)
            assert (await turn(last))["type"] == "response.completed"


async def test_a_fault_of_ours_is_an_event_and_a_close(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Gateway, *_: object) -> None:
        raise KeyError("secret words")

    monkeypatch.setattr(type(place.gateway.state), "open", broken)
    async with opened(place) as socket:
        error = await turn(socket)
        assert error["status"] == 500
        assert "secret" not in json.dumps(error)
        assert (await closed(socket))[0] == 1011


async def test_without_wsproto_it_is_a_sentence(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("responses_socket", "websocket"):
        monkeypatch.delitem(sys.modules, f"routerterm.gateway.{name}")
    monkeypatch.setitem(sys.modules, "wsproto", None)
    assert await refused(place) == 501
    async with place.http() as http:
        assert (await http.get("/v1/responses")).status_code == 405
