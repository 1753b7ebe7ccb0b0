"""The Responses API with its state: going on by an id, references, tools of its own kinds, the whole object."""

from __future__ import annotations

import json
from typing import Any

from tests.gateway.conftest import Open, Place
from tests.gateway.test_access import give
from tests.gateway.upstream import Talk

PATH = "/v1/responses"
REQUIRED = frozenset(
    (
        *("id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "output", "error"),
        *("previous_response_id", "instructions", "tools", "tool_choice", "truncation", "parallel_tool_calls", "text"),
        *("top_p", "presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "usage"),
        *("max_output_tokens", "max_tool_calls", "store", "background", "service_tier", "metadata"),
        *("safety_identifier", "prompt_cache_key"),
    )
)
"""The fields that the Open Responses schema wants of every response."""


def said(place: Place) -> list[tuple[str, str]]:
    """What the model was last asked: roles and texts."""
    return [(message["role"], message["content"]) for message in place.up.asked[-1]["messages"]]


async def test_going_on_from_an_answer_by_its_id(place: Place) -> None:
    place.up.says("first", "Hello")
    async with place.http() as http:
        first = (await http.post(PATH, json={"model": "one/first", "input": "Hi"})).json()
        asked = {"model": "one/first", "input": "Again", "previous_response_id": first["id"], "stream": True}
        streamed = await http.post(PATH, json=asked)
        assert said(place) == [("user", "Hi"), ("assistant", "Hello"), ("user", "Again")]
        last = [line for line in streamed.text.splitlines() if line.startswith("data: ")][-1]
        second = json.loads(last[6:])["response"]
        assert second["previous_response_id"] == first["id"]
        third = {"model": "one/first", "input": "Third", "previous_response_id": second["id"]}
        await http.post(PATH, json=third)
        assert [text for _, text in said(place)] == ["Hi", "Hello", "Again", "Hello", "Third"]
        assert (await http.get(f"{PATH}/{second['id']}")).json() == second
        items = (await http.get(f"{PATH}/{second['id']}/input_items")).json()["data"]
        assert len(items) == 3
        reference = {"type": "item_reference", "id": first["output"][0]["id"]}
        given = [reference, {"role": "user", "content": "And?"}]
        assert (await http.post(PATH, json={"model": "one/first", "input": given})).status_code == 200
        assert said(place)[-2:] == [("assistant", "Hello"), ("user", "And?")]
        tokens = await http.post(f"{PATH}/input_tokens", json=third)
        assert tokens.json()["object"] == "response.input_tokens"
        assert (await http.delete(f"{PATH}/{first['id']}")).json()["deleted"] is True
        assert (await http.get(f"{PATH}/{first['id']}")).status_code == 404


async def test_nobody_goes_on_from_another_s_answer_or_from_one_that_was_not_to_be_stored(place: Place) -> None:
    place.up.says("first", "Hello")
    editor, script = await give(place, "editor"), await give(place, "script")
    async with place.http() as http:
        for key, store in ((script, True), (editor, False)):
            asked = {"model": "one/first", "input": "Hi", "store": store}
            first = (await http.post(PATH, json=asked, headers={"x-api-key": key})).json()
            more = {"model": "one/first", "input": "Again", "previous_response_id": first["id"]}
            refused = await http.post(PATH, json=more, headers={"x-api-key": editor})
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, "previous_response_not_found")
            assert refused.json()["error"]["param"] == "previous_response_id"
            assert (await http.get(f"{PATH}/{first['id']}", headers={"x-api-key": editor})).status_code == 404


async def test_the_whole_object_repeats_the_request(place: Place) -> None:
    place.up.says("first", "Hello")
    tool = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
    asked = {
        "model": "one/first",
        "input": "Hi",
        "instructions": "Be brief.",
        "metadata": {"a": "b"},
        "temperature": 0.5,
        "max_output_tokens": 99,
        "tools": [tool],
        "tool_choice": "auto",
    }
    async with place.http() as http:
        found = (await http.post(PATH, json=asked)).json()
    assert found.keys() >= REQUIRED
    assert {name: found[name] for name in ("metadata", "temperature", "max_output_tokens", "instructions")} == {
        "metadata": {"a": "b"},
        "temperature": 0.5,
        "max_output_tokens": 99,
        "instructions": "Be brief.",
    }
    assert found["tools"] == [tool | {"description": None, "strict": True}]
    assert found["model"] == "one/first"


async def test_a_built_in_provider_at_another_address_is_asked_in_the_protocol_that_it_is_set_to(
    open_place: Open,
) -> None:
    place = await open_place('[providers.openai]\nbase_url = "{url}"\nneeds_key = false\n')
    place.up.says("gpt-4o", "Hello")  # over Chat Completions: who stands there may have nothing else
    async with place.http() as http:
        reply = await http.post(PATH, json={"model": "openai/gpt-4o", "input": "Hi", "tools": [{"type": "web_search"}]})
    assert reply.json()["output"][0]["content"][0]["text"] == "Hello"
    assert reply.headers["x-routerterm-left-out"] == "web_search"


async def test_tools_as_codex_sends_them(place: Place) -> None:
    @place.up.model("first")
    async def calls(talk: Talk) -> None:
        await talk.head()
        for index, (name, arguments) in enumerate((("apply_patch", '{"input": "*** Begin"}'), ("search", "{}"))):
            function = {"name": name, "arguments": arguments}
            await talk.event({"tool_calls": [{"index": index, "id": f"c{index}", "function": function}]})
        await talk.end("tool_calls")

    inner = {"type": "function", "name": "search", "parameters": {"type": "object"}}
    tools: list[dict[str, Any]] = [
        {"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
        {"type": "namespace", "name": "mcp__docs", "tools": [inner]},
        {"type": "web_search"},
    ]
    asked = {"model": "one/first", "input": "Patch it.", "tools": tools, "stream": True}
    async with place.http() as http:
        reply = await http.post(PATH, json=asked)
        assert reply.headers["x-routerterm-left-out"] == "web_search"
        events = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: ")]
        patch, search = events[-1]["response"]["output"]
        assert (patch["type"], patch["input"], patch["call_id"]) == ("custom_tool_call", "*** Begin", "c0")
        assert (search["type"], search["namespace"]) == ("function_call", "mcp__docs")
        assert "response.custom_tool_call_input.done" in [event["type"] for event in events]
        result = {"type": "custom_tool_call_output", "call_id": "c0", "output": "done"}
        other = {"type": "function_call_output", "call_id": "c1", "output": "found"}
        strange = {"type": "compaction_summary", "text": "?"}
        again = asked | {"input": [{"role": "user", "content": "Patch it."}, patch, search, result, other, strange]}
        assert (await http.post(PATH, json=again)).status_code == 200
    sent = place.up.asked[-1]["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool"]
    assert json.loads(sent[1]["tool_calls"][0]["function"]["arguments"]) == {"input": "*** Begin"}


async def test_what_opens_an_mcp_server_is_in_no_answer_and_not_kept(place: Place) -> None:
    place.up.says("first", "Hello")
    secret = {"server_url": "https://x.test/mcp", "authorization": "tok-s3cret", "headers": {"X-Key": "hdr-s3cret"}}
    tool = {"type": "mcp", "server_label": "x", "require_approval": "never", **secret}
    async with place.http() as http:
        for stream in (False, True):
            asked = {"model": "one/first", "input": "Hi", "tools": [tool], "stream": stream}
            said = await http.post(PATH, json=asked)
            assert said.status_code == 200
            assert "s3cret" not in said.text
            lines = [line[6:] for line in said.text.splitlines() if line.startswith("data: ")]
            id = json.loads(lines[-1])["response"]["id"] if stream else said.json()["id"]
            kept = await http.get(f"{PATH}/{id}")
            assert kept.json()["tools"][0]["server_label"] == "x"
            assert "s3cret" not in kept.text + (await http.get(f"{PATH}/{id}/input_items")).text
