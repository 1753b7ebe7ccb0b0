"""Tools under names that a provider refuses: they go under others, and come back as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routerterm.core.events import ToolCallDelta
from routerterm.core.messages import Message, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Tool
from routerterm.protocols import codec
from routerterm.protocols.tool_names import NameRule

LONG = "mcp__a_server_with_a_name__" + "and_a_tool_with_another_" * 3
NAMES = ("files.read", "1st", LONG, "find", "naïve tool", "files_read")
RULES = {
    "openai-chat": NameRule(),
    "openai-responses": NameRule(),
    "anthropic-messages": NameRule(most=128),
    "gemini": NameRule(letters="A-Za-z0-9_.:-", worded=True),
    "ollama-chat": NameRule(),
    "cohere-v2": NameRule(),
}


def asked(*names: str) -> ChatRequest:
    calls = tuple(ToolCall(f"call_{number}", name, "{}") for number, name in enumerate(names))
    results = tuple(ToolResult(f"call_{number}", "found", name) for number, name in enumerate(names))
    messages = (Message.of("user", "Look"), Message("assistant", calls), Message("tool", results))
    tools = tuple(Tool(name, "", {"properties": {"a": {"type": "string"}}}) for name in names)
    return ChatRequest("m", messages, tools=tools, tool_choice=names[0])


def named(value: Any) -> list[str]:
    """Every name in a request's body, but those within schemas."""
    if isinstance(value, list):
        return [name for item in value for name in named(item)]
    if not isinstance(value, dict):
        return []
    own = [value[word] for word in ("name", "tool_name") if isinstance(value.get(word), str)]
    skipped = ("parameters", "input_schema", "schema")
    return own + [name for word, inner in value.items() if word not in skipped for name in named(inner)]


@pytest.mark.parametrize("protocol", RULES)
def test_every_name_that_is_sent_is_one_that_the_server_takes(protocol: str) -> None:
    wire, rule = codec(protocol), RULES[protocol]
    body = json.loads(wire.encode(asked(*NAMES), base_url="http://x", model="m", key=None).body)
    sent = named(body)
    assert sent
    assert all(rule.fits(name) for name in sent)
    assert len(set(sent)) == len(NAMES)
    assert {name for name in NAMES if rule.fits(name)} <= set(sent)
    assert wire.left_out(asked(*NAMES)) in ((), ("tool_choice",))


@pytest.mark.parametrize("name", NAMES)
def test_a_call_comes_back_under_the_name_that_the_client_knows(name: str) -> None:
    request, wire = asked(name), codec("openai-chat")
    sent = json.loads(wire.encode(request, base_url="http://x", model="m", key=None).body)
    function = {"name": sent["tools"][0]["function"]["name"], "arguments": "{}"}
    call = {"index": 0, "id": "c", "type": "function", "function": function}
    answer = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    decoder = wire.decoder(request)
    events = [*decoder.feed(f"data: {json.dumps(answer)}\n\ndata: [DONE]\n\n".encode()), *decoder.end()]
    assert [event.name for event in events if isinstance(event, ToolCallDelta) and event.name] == [name]
