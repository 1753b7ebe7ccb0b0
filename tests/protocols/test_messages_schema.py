"""Messages as they are published: every answer has all fields that Anthropic's document wants, null where unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routerterm.core.errors import RateLimited
from routerterm.core.events import ReasoningDelta, StreamEnd, TextDelta, ToolCallDelta, UsageReported, WireEvent
from routerterm.core.usage import Usage
from routerterm.protocols.anthropic_messages import server
from routerterm.protocols.fields import names

MESSAGE = names("id type role content model stop_reason stop_sequence stop_details usage container")
DELTA = names("container stop_details stop_reason stop_sequence")
USAGE = names(
    "cache_creation cache_creation_input_tokens cache_read_input_tokens inference_geo input_tokens output_tokens "
    "output_tokens_details server_tool_use service_tier"
)
BLOCKS = {
    "text": names("citations text type"),
    "thinking": names("signature thinking type"),
    "redacted_thinking": names("data type"),
    "tool_use": names("caller id input name type"),
}
CASES: dict[str, list[WireEvent]] = {
    "text": [TextDelta("Hel"), TextDelta("lo"), UsageReported(Usage(10, output=5)), StreamEnd("stop")],
    "thoughts": [
        ReasoningDelta("hm"),
        TextDelta("x"),
        UsageReported(Usage(1, output=5, reasoning=4)),
        StreamEnd("stop"),
    ],
    "a call": [ToolCallDelta(0, "c", "look", "{}"), UsageReported(Usage(1, output=5)), StreamEnd("tool_calls")],
    "a search": [TextDelta("x"), UsageReported(Usage(1, output=5, searches=2)), StreamEnd("stop")],
    "refused": [TextDelta("x"), StreamEnd("content_filter")],
    "nothing told": [TextDelta("x"), StreamEnd("stop", sequence="END")],
}


def lines_of(events: list[WireEvent]) -> list[dict[str, Any]]:
    stream = server.ServerStream(id="msg_1", model="m", prompt_tokens=3)
    raw = stream.start() + b"".join(map(stream.event, events)) + stream.end()
    return [json.loads(line[6:]) for line in raw.splitlines() if line.startswith(b"data: ")]


@pytest.mark.parametrize("events", CASES.values(), ids=CASES)
def test_a_whole_message_is_complete(events: list[WireEvent]) -> None:
    message = json.loads(server.encode_body(events, id="msg_1", model="m", prompt_tokens=3))
    assert set(message) >= MESSAGE
    assert set(message["usage"]) >= USAGE
    assert message["content"]
    for block in message["content"]:
        assert set(block) >= BLOCKS[block["type"]]
        assert block.get("citations", []) == []  # the AI SDK wants a list, or nothing
    assert (message["stop_details"] is not None) == (message["stop_reason"] == "refusal")


@pytest.mark.parametrize("events", CASES.values(), ids=CASES)
def test_a_streamed_message_is_complete(events: list[WireEvent]) -> None:
    lines = lines_of(events)
    (start,) = [line["message"] for line in lines if line["type"] == "message_start"]
    (last,) = [line for line in lines if line["type"] == "message_delta"]
    assert set(start) >= MESSAGE
    assert set(last["delta"]) >= DELTA
    assert set(start["usage"]) >= USAGE
    assert set(last["usage"]) >= USAGE - {"cache_creation", "inference_geo", "service_tier"}
    begun = [line["content_block"] for line in lines if line["type"] == "content_block_start"]
    assert begun
    for block in begun:
        assert set(block) >= BLOCKS[block["type"]]


def test_an_error_is_complete() -> None:
    status, body = server.encode_error(RateLimited("Slow down."))
    told = json.loads(body)
    assert (status, told["type"], told["error"]["type"]) == (429, "error", "rate_limit_error")
    assert "request_id" in told


def test_what_was_answered_can_be_sent_back() -> None:
    """Clients put an answer's blocks into the next request as they came, with their nulls."""
    answer = json.loads(server.encode_body([*CASES["a call"]], id="msg_1", model="m"))
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": answer["content"]}]
    turns.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "5"}]})
    asked = server.decode_request(json.dumps({"model": "m", "max_tokens": 9, "messages": turns}).encode())
    assert [message.role for message in asked.request.messages] == ["user", "assistant", "user"]
