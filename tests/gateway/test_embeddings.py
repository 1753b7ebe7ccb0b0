"""Embeddings: at the addresses of three protocols, by providers of five, on the same books as answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routerterm.core.events import StreamEnd, StreamError, TextDelta, UsageReported
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest, Embedding
from routerterm.protocols import codec
from routerterm.protocols.embeddings import EmbeddingDecoder, encode_embeddings, packed, unpacked
from tests.gateway.conftest import Open, Place
from tests.gateway.test_access import give
from tests.gateway.upstream import Talk

PLACE = "/v1/embeddings"


async def embeds(talk: Talk) -> None:
    """A provider whose vector of a text is its length and a half."""
    await talk.head(kind="application/json")
    rows = [{"index": n, "embedding": [len(words), 0.5]} for n, words in enumerate(talk.body["input"])]
    body = {"object": "list", "data": rows[::-1], "usage": {"prompt_tokens": 7, "total_tokens": 7}}
    talk.writer.write(json.dumps(body).encode())
    await talk.writer.drain()


async def test_openai_s_address(place: Place) -> None:
    place.up.model("first")(embeds)
    async with place.http() as http:
        asked = {"model": "one/first", "input": ["a", "bcd"], "dimensions": 2}
        reply = await http.post(PLACE, json=asked)
        assert reply.status_code == 200
        body = reply.json()
        assert [row["embedding"] for row in body["data"]] == [[1.0, 0.5], [3.0, 0.5]]
        assert body["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
        assert place.up.asked[-1]["dimensions"] == 2
        short = (await http.post("/embeddings", json=asked | {"input": "ab", "encoding_format": "base64"})).json()
        assert unpacked(short["data"][0]["embedding"]) == [2.0, 0.5]
    rows = await place.rows()
    assert [(row["outcome"], row["input_tokens"], row["output_tokens"]) for row in rows] == [("done", 7, 0)] * 2
    assert rows[0]["cost_nanousd"] == 7_000  # at a dollar for a million


async def test_many_texts_are_asked_for_some_at_a_time(place: Place) -> None:
    place.up.model("first")(embeds)
    texts = ["x" * (n % 9 + 1) for n in range(200)]
    async with place.http() as http:
        body = (await http.post(PLACE, json={"model": "one/first", "input": texts})).json()
    assert [row["embedding"][0] for row in body["data"]] == [len(words) for words in texts]
    assert [len(asked["input"]) for asked in place.up.asked] == [96, 96, 8]
    assert body["usage"]["prompt_tokens"] == 21


async def test_ollama_s_and_gemini_s_addresses(place: Place) -> None:
    place.up.model("first")(embeds)
    async with place.http() as http:
        body = (await http.post("/api/embed", json={"model": "one/first", "input": ["a", "bc"]})).json()
        assert body["embeddings"] == [[1.0, 0.5], [2.0, 0.5]]
        old = (await http.post("/api/embeddings", json={"model": "one/first", "prompt": "abc"})).json()
        assert old["embedding"] == [3.0, 0.5]
        one = {"content": {"parts": [{"text": "ab"}]}}
        single = (await http.post("/v1beta/models/one/first:embedContent", json=one)).json()
        assert single["embedding"]["values"] == [2.0, 0.5]
        several = await http.post("/v1beta/models/one/first:batchEmbedContents", json={"requests": [one, one]})
        assert len(several.json()["embeddings"]) == 2


async def test_nobody_stands_in_for_the_model(place: Place) -> None:
    async def fails(talk: Talk) -> None:
        await talk.fails(400, "no such thing")

    place.up.model("first")(fails)
    place.up.model("second")(embeds)
    async with place.http() as http:
        assert (await http.post(PLACE, json={"model": "pair", "input": "x"})).status_code == 400
    assert {asked["model"] for asked in place.up.asked} == {"first"}


@pytest.mark.parametrize("input", [None, "", [], [""], [[1, 2]], {"a": 1}])
async def test_what_is_no_text(place: Place, input: Any) -> None:
    async with place.http() as http:
        reply = await http.post(PLACE, json={"model": "one/first", "input": input})
    assert reply.status_code == 400
    assert "text" in reply.json()["error"]["message"]


async def test_a_provider_without_them_and_one_in_this_process(open_place: Open) -> None:
    place = await open_place('[providers.claude]\nprotocol = "anthropic-messages"\nbase_url = "http://127.0.0.1:1"\n')
    async with place.http() as http:
        none = await http.post(PLACE, json={"model": "claude/claude-sonnet-4-5", "input": "x"})
        assert (none.status_code, "no embeddings" in none.text) == (400, True)
        shown = (await http.post(PLACE, json={"model": "demo/echo", "input": ["x", "y", "x"]})).json()["data"]
        assert shown[0]["embedding"] == shown[2]["embedding"] != shown[1]["embedding"]


async def test_a_key_s_limits_hold(open_place: Open) -> None:
    place = await open_place()
    place.up.model("first")(embeds)
    token = await give(place, "editor", models=("one/second",))
    async with place.http(authorization=f"Bearer {token}") as http:
        assert (await http.post(PLACE, json={"model": "one/first", "input": "x"})).status_code == 403


ANSWERS: dict[str, dict[str, Any]] = {
    "openai-chat": {"data": [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}]},
    "mistral": {
        "data": [{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [2]}],
        "usage": {"prompt_tokens": 5},
    },
    "gemini": {"embeddings": [{"values": [1]}, {"values": [2]}]},
    "ollama-chat": {"embeddings": [[1], [2]], "prompt_eval_count": 5},
    "cohere-v2": {"embeddings": {"float": [[1], [2]]}, "meta": {"billed_units": {"input_tokens": 5}}},
}
PLACES = {
    "openai-chat": "/embeddings",
    "mistral": "/embeddings",
    "gemini": "/models/m:batchEmbedContents",
    "ollama-chat": "/api/embed",
    "cohere-v2": "/v2/embed",
}


@pytest.mark.parametrize("protocol", ANSWERS)
def test_each_protocol_in_its_own_words(protocol: str) -> None:
    request = ChatRequest("x", (Message.of("user", "A"), Message.of("user", "B")), embedding=Embedding(256, "query"))
    made = encode_embeddings(codec(protocol), request, base_url="http://h", model="m", key=None)
    assert made.url == "http://h" + PLACES[protocol]
    said = made.body.decode()
    assert '"A"' in said
    assert '"B"' in said
    assert "256" in said
    decoder = EmbeddingDecoder(2)
    body = json.dumps(ANSWERS[protocol]).encode()
    assert decoder.feed(body[:9]) + decoder.feed(body[9:]) == []
    text, usage, end = decoder.end()
    assert isinstance(text, TextDelta)
    assert [unpacked(vector) for vector in json.loads(text.text)] == [[1.0], [2.0]]
    assert isinstance(usage, UsageReported)
    assert isinstance(end, StreamEnd)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"data": [{"embedding": ["a"]}]}', b'{"error": "no"}']
)
def test_what_holds_no_vectors_is_an_error(body: bytes) -> None:
    decoder = EmbeddingDecoder(1)
    decoder.feed(body)
    (event,) = decoder.end()
    assert isinstance(event, StreamError)


def test_numbers_keep_their_digits() -> None:
    assert unpacked(packed([0.1, -2.5, 1e-9])) == [0.1, -2.5, 1e-9]
