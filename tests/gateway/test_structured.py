"""Answers in JSON, and refusals: each goes to the provider and comes to the client in its own protocol's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest, JsonAnswer
from routerterm.gateway.cache import key_of
from routerterm.protocols import codec
from tests.gateway.conftest import Open, Place, chat
from tests.gateway.test_answers import data_of
from tests.gateway.upstream import Talk

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SHAPE = {"name": "place", "schema": SCHEMA, "strict": True}
CHAT_FORMAT = {"type": "json_schema", "json_schema": SHAPE}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {"response_format": CHAT_FORMAT}),
        (RESPONSES, {"input": "Hi", "text": {"format": {"type": "json_schema", **SHAPE}}}),
    ],
)
async def test_a_schema_reaches_the_provider(place: Place, path: str, body: dict[str, Any]) -> None:
    place.up.says("first", '{"city": ', '"Oslo"}')
    async with place.http() as http:
        answer = await http.post(path, json=chat() | body)
    assert answer.status_code == 200
    assert json.dumps('{"city": "Oslo"}') in answer.text
    assert place.up.asked[-1]["response_format"] == CHAT_FORMAT


async def test_json_without_a_schema(place: Place) -> None:
    place.up.says("first", "{}")
    async with place.http() as http:
        for path, body in (
            (CHAT, {"response_format": {"type": "json_object"}}),
            (RESPONSES, {"input": "Hi", "text": {"format": {"type": "json_object"}}}),
        ):
            assert (await http.post(path, json=chat() | body)).status_code == 200
            assert place.up.asked[-1]["response_format"] == {"type": "json_object"}
        for path, body in (
            (CHAT, {"response_format": {"type": "text"}}),
            (RESPONSES, {"input": "Hi", "text": {"format": {"type": "text"}}}),
        ):
            assert (await http.post(path, json=chat() | body)).status_code == 200
            assert "response_format" not in place.up.asked[-1]


async def test_a_schema_of_anthropic_s_clients(place: Place) -> None:
    place.up.says("first", "{}")
    wanted = {"max_tokens": 50, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
    async with place.http() as http:
        assert (await http.post(MESSAGES, json=chat() | wanted)).status_code == 200
    assert place.up.asked[-1]["response_format"]["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize(
    "format", [{"type": "xml"}, {"type": "json_schema"}, {"type": "json_schema", "json_schema": {}}]
)
async def test_formats_that_make_no_sense(place: Place, format: dict[str, Any]) -> None:
    async with place.http() as http:
        answer = await http.post(CHAT, json=chat(response_format=format))
    assert answer.status_code == 400
    assert "json_schema" in answer.json()["error"]["message"]
    assert not place.up.asked


async def test_models_that_cannot_are_passed_over(open_place: Open) -> None:
    other = '[providers.claude]\nprotocol = "anthropic-messages"\nbase_url = "http://127.0.0.1:1"\n'
    place = await open_place(other + '[routes.both]\nmodels = ["claude/claude-3-haiku", "one/first"]\n')
    place.up.says("first", "{}")
    async with place.http() as http:
        answer = await http.post(CHAT, json=chat("both", response_format=CHAT_FORMAT))
        assert (answer.status_code, answer.headers["x-routerterm-attempts"]) == (200, "1")
        alone = await http.post(CHAT, json=chat("claude/claude-3-haiku", response_format=CHAT_FORMAT))
        assert alone.status_code == 400
        assert "no JSON schema output" in alone.json()["error"]["message"]


def body_of(protocol: str, wanted: JsonAnswer, dialect: str = "", model: str = "m") -> dict[str, Any]:
    request = ChatRequest("x", (Message.of("user", "Hi"),), json=wanted)
    made = codec(protocol, dialect).encode(request, base_url="http://h", model=model, key=None)
    found: dict[str, Any] = json.loads(made.body)
    return found


def test_each_protocol_in_its_own_words() -> None:
    by_schema, plain = JsonAnswer(SCHEMA, "place"), JsonAnswer()
    assert body_of("openai-responses", by_schema)["text"]["format"] == {
        "type": "json_schema", "name": "place", "schema": SCHEMA
    }  # fmt: skip
    assert body_of("gemini", by_schema)["generationConfig"] == {
        "responseMimeType": "application/json", "responseSchema": SCHEMA
    }  # fmt: skip
    assert body_of("gemini", plain)["generationConfig"] == {"responseMimeType": "application/json"}
    referring = JsonAnswer({"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"})
    assert body_of("gemini", referring)["generationConfig"]["responseSchema"] == {"type": "string"}
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}
    assert body_of("gemini", JsonAnswer(tree))["generationConfig"]["responseJsonSchema"] == tree
    assert body_of("ollama-chat", by_schema)["format"] == SCHEMA
    assert body_of("ollama-chat", plain)["format"] == "json"
    assert body_of("cohere-v2", by_schema)["response_format"] == {"type": "json_object", "json_schema": SCHEMA}
    assert body_of("mistral", by_schema)["response_format"]["json_schema"]["schema"] == SCHEMA
    claude = body_of("anthropic-messages", by_schema, model="claude-sonnet-4-5")
    assert claude["output_config"]["format"] == {"type": "json_schema", "schema": SCHEMA}
    assert "JSON only" in str(body_of("anthropic-messages", plain, model="claude-3-haiku")["system"])
    deepseek = body_of("openai-chat", by_schema, "deepseek")
    assert deepseek["response_format"] == {"type": "json_object"}
    assert '"city"' in deepseek["messages"][0]["content"]


def test_an_answer_in_words_is_not_the_answer_in_json() -> None:
    words = ChatRequest("m", (Message.of("user", "Hi"),))
    keys = {key_of(ChatRequest("m", words.messages, json=each)) for each in (None, JsonAnswer(), JsonAnswer(SCHEMA))}
    assert len(keys) == 3


async def refuses(talk: Talk) -> None:
    await talk.head()
    for piece in ("I can", "not."):
        await talk.event({"refusal": piece})
    await talk.end()


async def test_a_refusal_stands_in_its_own_field(place: Place) -> None:
    place.up.model("first")(refuses)
    async with place.http() as http:
        whole = (await http.post(CHAT, json=chat())).json()["choices"][0]["message"]
        assert (whole["refusal"], whole["content"]) == ("I cannot.", None)
        streamed = data_of((await http.post(CHAT, json=chat(stream=True))).text)
        told = [choice["delta"].get("refusal") for event in streamed for choice in event["choices"]]
        assert "".join(piece for piece in told if piece) == "I cannot."
        responses = data_of((await http.post(RESPONSES, json=chat() | {"input": "Hi", "stream": True})).text)
        assert "response.refusal.delta" in {event["type"] for event in responses}
