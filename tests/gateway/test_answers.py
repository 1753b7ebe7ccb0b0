"""Answers as any HTTP client gets them: whole and in pieces, in three protocols, with who answered and at what cost."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.gateway.conftest import Open, Place, chat, until
from tests.gateway.upstream import Talk

PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/messages")


def body_for(path: str, model: str = "one/first", **more: Any) -> dict[str, Any]:
    if path == "/v1/responses":
        return {"model": model, "input": "Hi"} | more
    return chat(model, **more) | ({"max_tokens": 100} if path == "/v1/messages" else {})


def data_of(text: str) -> list[Any]:
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def comment_of(text: str) -> dict[str, Any]:
    last = text.strip().splitlines()[-1]
    assert last.startswith(": routerterm ")
    found: dict[str, Any] = json.loads(last[13:])
    return found


def text_of(path: str, stream: str) -> str:
    pieces = []
    for event in data_of(stream):
        if path == "/v1/chat/completions":
            pieces += [choice["delta"].get("content") or "" for choice in event.get("choices", ())]
        elif event.get("type") in ("response.output_text.delta",):
            pieces.append(event["delta"])
        elif event.get("type") == "content_block_delta":
            pieces.append(event["delta"].get("text", ""))
    return "".join(pieces)


@pytest.mark.parametrize("path", PATHS)
async def test_a_whole_answer_with_its_headers(place: Place, path: str) -> None:
    place.up.says("first", "Hel", "lo")
    async with place.http() as http:
        answer = await http.post(path, json=body_for(path))
    assert answer.status_code == 200
    assert "Hello" in answer.text
    assert answer.headers["x-routerterm-provider"] == "one"
    assert answer.headers["x-routerterm-model"] == "first"
    assert answer.headers["x-routerterm-attempts"] == "1"
    assert answer.headers["x-routerterm-fallback"] == "false"
    assert answer.headers["x-routerterm-cost-usd"] == "0.000015"
    assert int(answer.headers["x-routerterm-latency-ms"]) >= 0
    (row,) = await place.rows()
    assert (row["client"], row["outcome"], row["cost_nanousd"]) == ("gateway", "done", 15_000)


@pytest.mark.parametrize("path", PATHS)
async def test_an_answer_in_pieces_ends_with_a_comment(place: Place, path: str) -> None:
    place.up.says("first", "Hel", "lo ", "you")
    async with place.http() as http:
        answer = await http.post(path, json=body_for(path, stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert text_of(path, answer.text) == "Hello you"
    comment = comment_of(answer.text)
    assert comment["provider"] == "one"
    assert comment["cost_usd"] == "0.000015"
    assert (comment["input_tokens"], comment["output_tokens"], comment["tokens"]) == (10, 5, "reported")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_fallback_before_any_content_is_not_felt(place: Place, path: str, stream: bool) -> None:
    @place.up.model("first")
    async def fail(talk: Talk) -> None:
        await talk.fails(401, "no")

    place.up.says("second", "Here")
    async with place.http() as http:
        answer = await http.post(path, json=body_for(path, "pair", stream=stream))
    assert answer.status_code == 200
    assert "Here" in answer.text
    assert answer.headers["x-routerterm-provider"] == "two"
    assert answer.headers["x-routerterm-fallback"] == "true"
    assert answer.headers["x-routerterm-attempts"] == "2"


@pytest.mark.parametrize("path", PATHS)
async def test_a_death_in_mid_stream_goes_on_with_another_that_says_the_same(place: Place, path: str) -> None:
    place.up.breaks("first", "One two ", "three fo")
    place.up.says("second", "One ", "two three ", "four", " five.")
    async with place.http() as http:
        answer = await http.post(path, json=body_for(path, "pair", stream=True))
    assert text_of(path, answer.text) == "One two three four five."
    comment = comment_of(answer.text)
    assert (comment["provider"], comment["attempts"], comment["fallback"]) == ("two", 2, True)
    rows = await place.rows()
    assert [row["outcome"] for row in rows] == ["cut", "done"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_death_in_mid_stream_goes_on_by_prefill(open_place: Open, path: str) -> None:
    place = await open_place(prefill=True)

    @place.up.model("first")
    async def dies(talk: Talk) -> None:
        if talk.body["messages"][-1]["role"] == "assistant":
            await talk.fails(500, "gone")
            return
        await talk.head()
        await talk.text("One two ", "three")

    place.up.says("second", " four", " five.")
    async with place.http() as http:
        answer = await http.post(path, json=body_for(path, "pair", stream=True))
    assert text_of(path, answer.text) == "One two three four five."
    assert place.up.asked[-1]["messages"][-1]["content"] == "One two three"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("second", [("Something ", "else"), ("One ",)], ids=["another", "shorter"])
async def test_a_death_that_nobody_can_make_good_ends_with_an_error(
    place: Place, path: str, second: tuple[str, ...]
) -> None:
    place.up.breaks("first", "One two ", "three")
    place.up.says("second", *second)
    async with place.http() as http:
        answer = await http.post(path, json=body_for(path, "pair", stream=True))
    assert text_of(path, answer.text) == "One two three"
    assert "[DONE]" not in answer.text
    assert "message_stop" not in answer.text
    assert "response.completed" not in answer.text
    last = data_of(answer.text)[-1]
    if path == "/v1/chat/completions":
        assert last["error"]["message"]
    elif path == "/v1/messages":
        assert (last["type"], last["error"]["type"]) == ("error", "api_error")
    else:
        assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")


async def test_a_whole_answer_that_began_anew_holds_only_the_second(place: Place) -> None:
    place.up.breaks("first", "One two ", "three")
    place.up.says("second", "Something ", "else")
    async with place.http() as http:
        answer = await http.post(PATHS[0], json=chat("pair"))
    assert answer.json()["choices"][0]["message"]["content"] == "Something else"


@pytest.mark.parametrize("path", PATHS)
async def test_an_error_before_content_has_its_status_and_shape(place: Place, path: str) -> None:
    @place.up.model("first")
    async def fail(talk: Talk) -> None:
        await talk.fails(400, "maximum context length is 10 tokens", "context_length_exceeded")

    async with place.http() as http:
        for stream in (False, True):
            answer = await http.post(path, json=body_for(path, stream=stream))
            assert answer.status_code == 400
            error = answer.json()["error"]
            assert error["type"] == "invalid_request_error"
            if path != "/v1/messages":
                assert error["code"] == "context_length_exceeded"
        unknown = await http.post(path, json=body_for(path, "nobody/knows"))
        assert unknown.status_code == 404


async def test_a_client_that_vanishes_frees_everything_and_its_cost_is_in_the_ledger(place: Place) -> None:
    @place.up.model("first")
    async def endless(talk: Talk) -> None:
        await talk.head()
        while True:
            await talk.text("word ")
            await asyncio.sleep(0.01)

    async with place.http() as http, http.stream("POST", PATHS[0], json=chat(stream=True)) as answer:
        async for piece in answer.aiter_text():
            if piece.count("word") >= 1:
                break
    await until(lambda: not place.up.open and not place.gateway.state.rate_limiter.running)
    assert place.up.open == 0
    assert place.up.hung_up == 1
    assert place.gateway.state.rate_limiter.running == 0
    assert not place.gateway.state.handlers
    (row,) = await place.rows()
    assert row["outcome"] == "cancelled"
    assert row["cost_nanousd"] > 0
    assert row["usage_source"] == "estimated"
    assert place.gateway.state.request_log.rows()[0].ending == "gone"


async def test_a_client_that_vanishes_while_it_waits_for_a_whole_answer(place: Place) -> None:
    begun = asyncio.Event()

    @place.up.model("first")
    async def silent(talk: Talk) -> None:
        begun.set()
        await asyncio.sleep(3600)

    async with place.http() as http:
        asking = asyncio.create_task(http.post(PATHS[0], json=chat()))
        await begun.wait()
        asking.cancel()
    await until(lambda: not place.up.open and not place.gateway.state.rate_limiter.running)
    assert (place.up.open, place.gateway.state.rate_limiter.running) == (0, 0)


async def test_pictures_and_tools_go_through(place: Place) -> None:
    @place.up.model("first")
    async def call(talk: Talk) -> None:
        await talk.head()
        function = {"name": "look", "arguments": ""}
        await talk.event({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]})
        await talk.event({"tool_calls": [{"index": 0, "function": {"arguments": '{"x": 1}'}}]})
        await talk.end("tool_calls")

    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    message = {"role": "user", "content": [{"type": "text", "text": "See"}, picture]}
    async with place.http() as http:
        answer = await http.post(PATHS[0], json={"model": "one/first", "messages": [message], "tools": [tool]})
    (called,) = answer.json()["choices"][0]["message"]["tool_calls"]
    assert called["function"] == {"name": "look", "arguments": '{"x": 1}'}
    assert answer.json()["choices"][0]["finish_reason"] == "tool_calls"
    sent = place.up.asked[-1]
    assert sent["tools"][0]["function"]["name"] == "look"
    assert any(part.get("type") == "image_url" for part in sent["messages"][-1]["content"])


async def test_models_health_usage_and_metrics(place: Place) -> None:
    place.up.says("first", "Hello")
    async with place.http() as http:
        await http.post(PATHS[0], json=chat())
        listed = [row["id"] for row in (await http.get("/v1/models")).json()["data"]]
        assert {"pair", "smart", "cheap", "one/first", "demo/echo"} <= set(listed)
        assert (await http.get("/v1/models/one/first")).json()["id"] == "one/first"
        assert (await http.get("/v1/models/one/none")).status_code == 404
        health = (await http.get("/health")).json()
        assert health["status"] == "ok"
        assert health["uptime_seconds"] >= 0
        usage = (await http.get("/v1/usage?days=7")).json()
        assert usage["data"][0]["cost_usd"] == "0.000015000"
        assert (await http.get("/v1/usage?days=none")).status_code == 400
        metrics = (await http.get("/metrics")).text
    labels = 'client="gateway",provider="one",model="first"'
    assert f'routerterm_requests_total{{{labels},status="200",ending="done"}} 1' in metrics
    assert f'routerterm_tokens_total{{{labels},type="input",source="reported"}} 10' in metrics
    assert f"routerterm_cost_usd_total{{{labels}}} 0.000015" in metrics
    assert 'routerterm_request_seconds_count{provider="one",model="first"} 1' in metrics
    assert 'routerterm_first_token_seconds_bucket{provider="one",model="first",le="+Inf"} 1' in metrics
    assert 'routerterm_breaker_open{provider="one",model="first"} 0' in metrics


async def test_the_length_of_a_prompt(place: Place) -> None:
    async with place.http() as http:
        short = await http.post("/v1/messages/count_tokens", json=chat())
        long = await http.post("/v1/messages/count_tokens", json=chat(text="word " * 1000))
    assert 0 < short.json()["input_tokens"] < 50
    assert 900 <= long.json()["input_tokens"] <= 1500


@pytest.mark.parametrize("thinks", [False, True])
async def test_an_answer_s_last_word_comes_before_the_call_that_follows_it(place: Place, *, thinks: bool) -> None:
    """The guard holds back a word until it is whole: it must not come out behind the call."""

    @place.up.model("first")
    async def announces(talk: Talk) -> None:
        await talk.head()
        if thinks:
            await talk.event({"reasoning_content": "I should look"})
        await talk.text("I will look.")
        function = {"name": "look", "arguments": '{"at": "the last word"}'}
        await talk.event({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]})
        await talk.end("tool_calls")

    tool = {"type": "function", "name": "look", "parameters": {"type": "object"}}
    async with place.http() as http:
        asked = {"model": "one/first", "input": "Hi", "tools": [tool], "stream": True}
        reply = await http.post("/v1/responses", json=asked)
    events = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: ")]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    thoughts = [part["text"] for item in done if item["type"] == "reasoning" for part in item["summary"]]
    assert thoughts == (["I should look"] if thinks else [])
    assert [item["type"] for item in done][thinks:] == ["message", "function_call"]
    assert done[thinks]["content"][0]["text"] == "I will look."
    assert done[-1]["arguments"] == '{"at": "the last word"}'
