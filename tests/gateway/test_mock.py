"""`serve --mock`: answers without keys or network, for every name; and keys that are not told who answered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from routerterm.gateway.mock import example
from routerterm.gateway.server import Gateway
from routerterm.wiring import open_app
from tests.gateway.conftest import Open, chat
from tests.gateway.test_access import give
from tests.gateway.upstream import Talk

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "kind": {"enum": ["a", "b"]},
        "many": {"type": "array", "minItems": 1, "items": {"type": "integer"}},
    },
}


@pytest.fixture
async def mocked(home: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_app() as app:
        gateway = Gateway(app, host="127.0.0.1", port=0, mock=True)
        await gateway.start()
        key = {"authorization": f"Bearer {gateway.own_key.reveal()}"}
        async with httpx.AsyncClient(base_url=gateway.address, headers=key, timeout=60) as http:
            yield http
        await gateway.stop()


async def test_every_name_answers_the_same_each_time(mocked: httpx.AsyncClient) -> None:
    for name in ("gpt-9", "smart", "nobody/nothing"):
        first, second = [(await mocked.post("/v1/chat/completions", json=chat(name))).json() for _ in range(2)]
        assert first["choices"] == second["choices"]
        assert first["choices"][0]["message"]["content"] == chat()["messages"][-1]["content"]
        assert first["model"] == name
    streamed = (await mocked.post("/v1/messages", json=chat("x", stream=True, max_tokens=9))).text
    assert "event: message_stop" in streamed


async def test_tools_json_and_vectors(mocked: httpx.AsyncClient) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
    asked = chat("x", tools=[tool])
    message = (await mocked.post("/v1/chat/completions", json=asked)).json()["choices"][0]["message"]
    arguments = json.loads(message["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"city": "mock", "kind": "a", "many": [1]}
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "It rains."}
    asked["messages"] += [message, result]
    again = (await mocked.post("/v1/chat/completions", json=asked)).json()["choices"][0]["message"]
    assert again["content"] == "It rains."
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
    shaped = (await mocked.post("/v1/chat/completions", json=chat("x", response_format=wanted))).json()
    assert json.loads(shaped["choices"][0]["message"]["content"])["kind"] == "a"
    vectors = (await mocked.post("/v1/embeddings", json={"model": "x", "input": ["a", "b", "a"]})).json()["data"]
    assert vectors[0]["embedding"] == vectors[2]["embedding"] != vectors[1]["embedding"]


def test_a_schema_that_holds_itself_ends() -> None:
    assert example({"type": "object", "properties": {"more": {"$ref": "#"}}}) == {}


async def test_a_hidden_key_does_not_learn_who_answered(open_place: Open) -> None:
    place = await open_place()

    async def fails(talk: Talk) -> None:
        await talk.fails(500, "first of one is down")

    place.up.model("first")(fails)
    place.up.says("second", "Hello")
    token = await give(place, "stranger", hidden=True)
    async with place.http(authorization=f"Bearer {token}") as http:
        whole = await http.post("/v1/chat/completions", json=chat("pair"))
        assert whole.json()["model"] == "pair"
        streamed = await http.post("/v1/chat/completions", json=chat("pair", stream=True))
        place.up.model("second")(fails)
        broken = await http.post("/v1/chat/completions", json=chat("pair"))
        names = [row["id"] for row in (await http.get("/v1/models")).json()["data"]]
    assert whole.status_code == 200
    for reply in (whole, streamed, broken):
        assert not any(name in reply.text + str(reply.headers) for name in ("one/", "two/", "second", "first"))
    assert broken.status_code >= 500
    assert "pair" in names
    assert not any("/" in name for name in names)
