"""The Responses API as it is published: every object and event of ours is valid, complete and in its order.

Two sources: OpenAI's own document, as the types that its SDK is generated with; and the fields that the Open Responses
specification (openresponses.org, ``ResponseResource``) wants in every response, with null where there is no value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest

from routerterm.core.errors import RateLimited
from routerterm.core.events import (
    ReasoningDelta,
    RefusalDelta,
    StreamEnd,
    StreamError,
    TextDelta,
    ToolCallDelta,
    UsageReported,
    WireEvent,
)
from routerterm.core.usage import Usage
from routerterm.protocols.fields import names
from routerterm.protocols.openai_responses import server

pytestmark = pytest.mark.sdk

REQUIRED = names(
    "id object created_at completed_at status incomplete_details model previous_response_id instructions output error "
    "tools tool_choice truncation parallel_tool_calls text top_p presence_penalty frequency_penalty top_logprobs "
    "temperature reasoning usage max_output_tokens max_tool_calls store background service_tier metadata "
    "safety_identifier prompt_cache_key"
)
ITEM = {
    "message": {"id", "type", "status", "role", "content"},
    "reasoning": {"id", "type", "summary"},
    "function_call": {"id", "type", "status", "call_id", "name", "arguments"},
    "custom_tool_call": {"id", "type", "call_id", "name", "input"},
}
USAGE = UsageReported(Usage(10, 2, output=5, reasoning=1))
CASES: dict[str, list[WireEvent]] = {
    "text": [TextDelta("Hel"), TextDelta("lo"), USAGE, StreamEnd("stop", "completed")],
    "thoughts": [ReasoningDelta("hm"), ReasoningDelta("", "responses:seal"), TextDelta("x"), USAGE, StreamEnd("stop")],
    "a seal alone": [ReasoningDelta("", "responses:seal"), TextDelta("x"), StreamEnd("stop")],
    "a refusal": [RefusalDelta("I can"), RefusalDelta("not."), USAGE, StreamEnd("stop")],
    "calls side by side": [
        TextDelta("Let me see."),
        ToolCallDelta(0, "call_a", "look"),
        ToolCallDelta(1, "call_b", "write"),
        ToolCallDelta(0, arguments='{"x":'),
        ToolCallDelta(1, arguments='{"input":"diff"}'),
        ToolCallDelta(0, arguments="1}"),
        USAGE,
        StreamEnd("tool_calls"),
    ],
    "too long": [TextDelta("x"), USAGE, StreamEnd("length", "max_output_tokens")],
    "filtered": [TextDelta("x"), StreamEnd("content_filter", "content_filter")],
    "failed": [TextDelta("x"), StreamError(RateLimited("Too fast."))],
}
ASKED = {
    "model": "m",
    "input": "Hi",
    "instructions": "Be brief.",
    "metadata": {"a": "b"},
    "reasoning": {"effort": "low"},
    "temperature": 0.5,
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}, "verbosity": "low"},
    "tools": [
        {"type": "function", "name": "look", "parameters": {"type": "object"}},
        {"type": "custom", "name": "write", "format": {"type": "text"}},
    ],
    "tool_choice": "required",
    "max_output_tokens": 9,
}


def made(asked: dict[str, Any] | None) -> server.ServerStream:
    echo = None if asked is None else server.decode_request(json.dumps(asked).encode()).echo
    return server.ServerStream(id="resp_x", model="m", created=1, echo=echo)


def events_of(said: Iterable[WireEvent], asked: dict[str, Any] | None) -> list[dict[str, Any]]:
    stream = made(asked)
    body = stream.start() + b"".join(stream.event(event) for event in said) + stream.end()
    blocks = [block.split("\n") for block in body.decode().split("\n\n") if block]
    found = [json.loads(data.removeprefix("data: ")) for _, data in blocks]
    assert [name.removeprefix("event: ") for name, _ in blocks] == [event["type"] for event in found]
    return found


@pytest.mark.parametrize("asked", [None, {"model": "m", "input": "Hi"}, ASKED], ids=["nothing", "little", "much"])
@pytest.mark.parametrize("case", CASES)
def test_every_event_is_as_published(case: str, asked: dict[str, Any] | None) -> None:
    from openai.types.responses import ResponseStreamEvent
    from pydantic import TypeAdapter

    published: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    found = events_of(CASES[case], asked)
    for event in found:
        assert published.validate_json(json.dumps(event), strict=True).type == event["type"]
        if "response" in event:
            assert event["response"].keys() >= REQUIRED
        if "item" in event:
            assert event["item"].keys() >= ITEM[event["item"]["type"]]
    assert [event["sequence_number"] for event in found] == list(range(len(found)))


@pytest.mark.parametrize("case", [case for case in CASES if case != "failed"])
def test_a_whole_answer_is_the_one_that_the_stream_ends_with(case: str) -> None:
    from openai.types.responses import Response

    last = events_of(CASES[case], ASKED)[-1]["response"]
    echo = server.decode_request(json.dumps(ASKED).encode()).echo
    body = server.encode_body(CASES[case], id="resp_x", model="m", created=1, echo=echo)
    assert json.loads(body) == last
    Response.model_validate_json(body, strict=True)
    assert last.keys() >= REQUIRED
    assert {name: last[name] for name in ASKED if name not in ("input", "tools", "reasoning")} == {
        name: value for name, value in ASKED.items() if name not in ("input", "tools", "reasoning")
    }
    assert last["reasoning"] == {"effort": "low", "summary": None}


@pytest.mark.parametrize("case", [case for case in CASES if case != "failed"])
def test_items_open_grow_and_close_in_order(case: str) -> None:
    found = events_of(CASES[case], None)
    assert [event["type"] for event in found[:2]] == ["response.created", "response.in_progress"]
    assert found[-1]["type"] in ("response.completed", "response.incomplete")
    items = found[-1]["response"]["output"]
    assert [event["output_index"] for event in found if event["type"].endswith("item.added")] == list(range(len(items)))
    for index, item in enumerate(items):
        own = [event for event in found if event.get("output_index") == index]
        assert own[0]["type"] == "response.output_item.added"
        assert own[-1]["type"] == "response.output_item.done"
        assert own[-1]["item"] == item
        assert {event["item_id"] for event in own[1:-1]} <= {item["id"]}
        kinds = [event["type"].rpartition(".")[2] for event in own[1:-1]]
        for before, after in pairwise(kinds):
            assert (before, after) in {
                ("added", "delta"), ("delta", "delta"), ("delta", "done"), ("done", "done"),
            }  # fmt: skip
        pieces = "".join(event["delta"] for event in own if event["type"].endswith(".delta"))
        whole = [event for event in own if event["type"].endswith(".done") and "delta" not in event][:1]
        said = [
            event.get(name) for event in whole for name in ("text", "refusal", "arguments", "input") if name in event
        ]
        assert said in ([], [pieces])
