"""All addresses that models answer at, in their own protocols; forgiven spellings; what is there where nothing is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routerterm.gateway.addresses import forgiven
from tests.gateway.conftest import Open, Place, chat, until
from tests.gateway.upstream import Talk

GEMINI = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


async def test_gemini_s_own_addresses(place: Place) -> None:
    place.up.says("first", "Hel", "lo")
    async with place.http() as http:
        whole = (await http.post("/v1beta/models/one/first:generateContent", json=GEMINI)).json()
        assert whole["candidates"][0]["content"]["parts"] == [{"text": "Hello"}]
        assert whole["candidates"][0]["finishReason"] == "STOP"
        assert whole["usageMetadata"]["promptTokenCount"] == 10
        reply = await http.post("/v1beta/models/one/first:streamGenerateContent?alt=sse", json=GEMINI)
        lines = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: ")]
        pieces = [part["text"] for line in lines for part in line["candidates"][0]["content"]["parts"]]
        assert "".join(pieces) == "Hello"
        assert all(line.startswith("data: ") for line in reply.text.split("\r\n") if line)  # no comments
        counted = await http.post("/v1beta/models/one/first:countTokens", json=GEMINI)
        assert counted.json()["totalTokens"] > 0
        names = [row["name"] for row in (await http.get("/v1beta/models")).json()["models"]]
        assert "models/one/first" in names
        missing = await http.post("/v1beta/models/nix:generateContent", json=GEMINI)
        assert missing.status_code == 404
        assert missing.json()["error"]["status"] == "NOT_FOUND"


async def test_gemini_answers_in_json_by_a_schema(place: Place) -> None:
    place.up.says("first", "{}")
    schema = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}}
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    async with place.http() as http:
        asked = GEMINI | {"generationConfig": config, "tools": [{"googleSearch": {}}]}
        reply = await http.post("/v1beta/models/one/first:generateContent", json=asked)
        assert reply.status_code == 200
        assert reply.headers["x-routerterm-left-out"] == "googleSearch"
    assert place.up.asked[0]["response_format"]["json_schema"]["schema"]["properties"]["n"] == {"type": "integer"}


async def test_ollama_s_own_addresses(place: Place) -> None:
    place.up.says("first", "Hel", "lo")
    async with place.http() as http:
        asked = chat() | {"format": "json"}
        lines = [json.loads(line) for line in (await http.post("/api/chat", json=asked)).text.splitlines()]
        assert "".join(line["message"]["content"] for line in lines) == "Hello"
        assert lines[-1]["done"]
        assert place.up.asked[0]["response_format"] == {"type": "json_object"}
        whole = (await http.post("/api/chat", json=chat(stream=False))).json()
        assert whole["message"]["content"] == "Hello"
        spoken = {"model": "one/first", "prompt": "Hi", "system": "Be brief."}
        lines = [json.loads(line) for line in (await http.post("/api/generate", json=spoken)).text.splitlines()]
        assert "".join(line["response"] for line in lines) == "Hello"
        assert [message["role"] for message in place.up.asked[-1]["messages"]] == ["system", "user"]
        assert "one/first" in [row["name"] for row in (await http.get("/api/tags")).json()["models"]]
        shown = (await http.post("/api/show", json={"model": "one/first"})).json()
        assert {"completion", "tools", "vision"} <= set(shown["capabilities"])
        assert (await http.get("/api/version")).json()["version"]
        assert "error" in (await http.post("/api/chat", json=chat("nix"))).json()


async def test_ollama_s_clients_may_load_a_model_before_they_ask(place: Place) -> None:
    async with place.http() as http:
        loaded = (await http.post("/api/generate", json={"model": "pair:latest"})).json()
        assert loaded["done"] is True
        assert (loaded["done_reason"], loaded["response"]) == ("load", "")
        away = (await http.post("/api/chat", json={"model": "pair", "messages": [], "keep_alive": 0})).json()
        assert (away["done_reason"], away["message"]["content"]) == ("unload", "")
        assert (await http.post("/api/generate", json={"model": "nix"})).status_code == 404
        assert (await http.post("/api/generate", json={"prompt": ""})).status_code == 400
    assert place.up.asked == []


async def test_gemini_s_single_things_and_numbers_as_text_are_read(place: Place) -> None:
    place.up.says("first", "Hello")
    asked = {
        "system_instruction": {"parts": {"text": "You are a cat."}},
        "contents": {"parts": {"text": "Hi"}},
        "tools": {"functionDeclarations": [{"name": "purr"}]},
        "generationConfig": {"maxOutputTokens": "100", "temperature": "0.5", "thinkingConfig": {"thinkingBudget": "0"}},
    }
    async with place.http() as http:
        reply = await http.post("/v1beta/models/one/first:generateContent", json=asked)
        assert reply.status_code == 200
        sent = place.up.asked[0]
        assert [message["content"] for message in sent["messages"]] == ["You are a cat.", "Hi"]
        assert (sent["max_tokens"], sent["temperature"]) == (100, 0.5)
        assert sent["tools"][0]["function"]["name"] == "purr"
        said = asked | {"systemInstruction": "Be brief."}
        assert (await http.post("/v1beta/models/one/first:generateContent", json=said)).status_code == 200
        wrong = asked | {"generationConfig": {"temperature": "warm"}}
        assert (await http.post("/v1beta/models/one/first:generateContent", json=wrong)).status_code == 400


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/chat/completions", "messages"),
        ("/v1/messages", "messages"),
        ("/v1/responses", "input"),
        ("/api/chat", "messages"),
    ],
)
async def test_nothing_that_a_message_says_vanishes(place: Place, path: str, field: str) -> None:
    place.up.says("first", "Hello")
    async with place.http() as http:
        for content in ({"type": "text", "text": "First"}, ["First"], [{"type": "text", "text": "First"}]):
            turns = [{"role": "user", "content": content}, {"role": "user", "content": "Second"}]
            asked = {"model": "one/first", field: turns, "stream": False, "max_tokens": 9}
            assert (await http.post(path, json=asked)).status_code == 200
            assert "First" in str(place.up.asked[-1]["messages"])
        for content in (5, [["First"]], [5], True):
            turns = [{"role": "user", "content": content}, {"role": "user", "content": "Second"}]
            assert (
                await http.post(path, json={"model": "one/first", field: turns, "max_tokens": 9})
            ).status_code == 400


async def test_completions_in_terms_of_chat(place: Place) -> None:
    place.up.says("first", "Hel", "lo")
    asked: dict[str, Any] = {"model": "one/first", "prompt": ["Once"], "max_tokens": 9}
    async with place.http() as http:
        whole = (await http.post("/v1/completions", json=asked)).json()
        assert whole["choices"][0] == {"index": 0, "text": "Hello", "logprobs": None, "finish_reason": "stop"}
        reply = await http.post("/v1/completions", json=asked | {"stream": True})
        lines = [line[6:] for line in reply.text.splitlines() if line.startswith("data: ")]
        assert "".join(json.loads(line)["choices"][0]["text"] for line in lines[:-1]) == "Hello"
        assert lines[-1] == "[DONE]"
        assert (await http.post("/v1/completions", json=asked | {"suffix": "end"})).status_code == 400


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/v1/v1beta/models/x:generateContent", "/v1beta/models/x:generateContent"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/models", "/v1/models"),
        ("/", "/"),
        ("//v1//chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/chat/completions", "/v1/chat/completions"),
        ("/v1/messages/v1/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/v1/api/chat", "/api/chat"),
        ("/api/api/tags", "/api/tags"),
        ("/api/conversations/api", "/api/conversations/api"),
        ("/v1/chat", "/v1/chat"),
        ("/v1/models/v1/v1", "/v1/models/v1/v1"),
    ],
)
def test_addresses_are_taken_as_they_were_meant(given: str, meant: str) -> None:
    assert forgiven(given) == meant


@pytest.mark.parametrize(
    ("path", "method", "status", "shape"),
    [
        ("/v1/nothing", "GET", 404, {"type": "invalid_request_error", "code": None}),
        ("/v1/messages/nothing", "POST", 404, {"type": "not_found_error"}),
        ("/v1beta/nothing", "GET", 404, {"code": 404, "status": "NOT_FOUND"}),
        ("/v1/messages", "GET", 405, {"type": "invalid_request_error"}),
        ("/v1beta/models", "POST", 405, {"code": 405}),
    ],
)
async def test_a_refusal_says_the_same_in_its_status_and_its_body(
    place: Place, path: str, method: str, status: int, shape: dict[str, object]
) -> None:
    async with place.http() as http:
        reply = await http.request(method, path)
    error = reply.json()["error"]
    assert reply.status_code == status
    assert {name: error[name] for name in shape} == shape
    if status == 405:
        assert "use POST" in error["message"] or "use GET" in error["message"]
    else:
        assert "/v1/chat/completions" in error["message"]
        assert error["message"].count(" /v1/models,") == 1


async def test_where_nothing_is_the_addresses_are_listed(place: Place) -> None:
    async with place.http() as http:
        reply = await http.get("/v1/nothing")
        assert reply.status_code == 404
        assert "/v1/chat/completions" in reply.json()["error"]["message"]


async def test_a_waiting_client_gets_the_beginning_and_signs_of_life(
    open_place: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routerterm.gateway.chat_handler.FIRST_BYTE", 0.05)
    monkeypatch.setattr("routerterm.gateway.chat_handler.HEARTBEAT", 0.1)
    place = await open_place("[router]\nfirst_token_alone = 60\n")
    seen: list[str] = []

    @place.up.model("first")
    async def late(talk: Talk) -> None:
        await talk.head()
        await until(lambda: "".join(seen).count("ping") >= 4)  # two events: their names and their types
        await talk.text("late")
        await talk.end()

    async with (
        place.http() as http,
        http.stream("POST", "/v1/messages", json=chat(max_tokens=9, stream=True)) as reply,
    ):
        async for text in reply.aiter_text():
            seen += [text]
    whole = "".join(seen)
    assert whole.startswith("event: message_start")
    start = json.loads(whole.split("data: ")[1].split("\n")[0])
    assert start["message"]["usage"]["input_tokens"] > 0
    assert "late" in whole
    assert "message_stop" in whole


async def test_an_error_after_the_beginning_is_an_error_in_the_stream(
    open_place: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routerterm.gateway.chat_handler.FIRST_BYTE", 0.05)
    place = await open_place()
    begun: list[str] = []

    @place.up.model("first")
    async def fails(talk: Talk) -> None:
        await until(lambda: bool(begun))
        await talk.fails(400, "No.")

    async with place.http() as http, http.stream("POST", "/v1/chat/completions", json=chat(stream=True)) as reply:
        assert reply.status_code == 200
        async for text in reply.aiter_text():
            begun += [text]
    assert '"error"' in "".join(begun)
    assert "[DONE]" not in "".join(begun)


async def test_results_without_ids_find_their_calls_by_name_and_order(place: Place) -> None:
    place.up.says("first", "Done")
    calls = [{"functionCall": {"name": name, "args": {}}} for name in ("add", "look", "add")]
    results = [
        {"functionResponse": {"name": name, "response": {"result": text}}}
        for name, text in (("add", "5"), ("add", "2"), ("look", "cat"))
    ]
    contents = [*GEMINI["contents"], {"role": "model", "parts": calls}, {"role": "user", "parts": results}]
    async with place.http() as http:
        reply = await http.post("/v1beta/models/one/first:generateContent", json={"contents": contents})
        assert reply.status_code == 200
    sent = place.up.asked[-1]["messages"]
    ids = [call["id"] for call in sent[1]["tool_calls"]]
    assert len(set(ids)) == 3
    said = {message["tool_call_id"]: message["content"] for message in sent[2:]}
    assert [said[id] for id in ids] == ["5", "cat", "2"]


@pytest.mark.parametrize("name", ["one/first ", " one/first", "\tone/first\n", "pair "])
async def test_a_name_pasted_with_spaces_is_the_name(place: Place, name: str) -> None:
    place.up.says("first", "Hello")
    async with place.http() as http:
        for path, body in (
            ("/v1/chat/completions", chat(name)),
            ("/v1/messages", chat(name, max_tokens=9)),
            ("/v1/responses", {"model": name, "input": "Hi"}),
            ("/api/chat", chat(name, stream=False)),
        ):
            answer = await http.post(path, json=body)
            assert answer.status_code == 200, (path, answer.text)
            assert place.up.asked[-1]["model"] == "first"
        blank = await http.post("/v1/chat/completions", json=chat("  "))
    assert blank.status_code == 400


async def test_a_model_with_a_space_at_its_end_is_answered_with_a_head_that_can_be_sent(open_place: Open) -> None:
    """An alias leads to a name that a client could not have sent."""
    place = await open_place('[aliases]\nodd = "one/odd name "\n')
    place.up.says("odd name ", "Hello")
    async with place.http() as http:
        answer = await http.post("/v1/chat/completions", json=chat("odd"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-routerterm-model"] == "odd name"


async def test_ollama_s_front_ends_tell_models_apart_and_add_a_tag(place: Place) -> None:
    """`llm-ollama` takes models of one digest for one model; many programs add ``:latest`` to every name."""
    place.up.says("first", "Hello")
    async with place.http() as http:
        listed = (await http.get("/api/tags")).json()["models"]
        assert len({row["digest"] for row in listed}) == len(listed) > 3
        assert all(len(row["digest"]) == 64 for row in listed)
        for path in ("/api/chat", "/api/generate"):
            answer = await http.post(path, json=chat("pair:latest", prompt="Hi", stream=False))
            assert answer.status_code == 200, answer.text
        for name in ("pair", "pair:latest", "one/first", "one/first:latest"):
            shown = await http.post("/api/show", json={"model": name})
            assert "completion" in shown.json()["capabilities"], name
        assert (await http.post("/api/show", json={"model": "nobody:latest"})).status_code == 404
