"""Requests of other programs, read for the gateway: all that we can serve, and a clear word for what we cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routerterm.core.errors import CallerFault
from routerterm.core.messages import Image, Message, Reasoning, Text, ToolCall, ToolResult
from routerterm.protocols.anthropic_messages import server as anthropic
from routerterm.protocols.openai_chat import server as chat
from routerterm.protocols.openai_responses import server as responses
from routerterm.protocols.serving import Asked

HELLO = [{"role": "user", "content": "Hello"}]
ROOMS: dict[str, Any] = {"chat": chat, "anthropic": anthropic, "responses": responses}


def read(room: str, **payload: Any) -> Asked:
    asked = ROOMS[room].decode_request(json.dumps({"model": "smart"} | payload).encode())
    assert isinstance(asked, Asked)
    return asked


def test_a_whole_conversation_of_chat_completions() -> None:
    messages = [
        {"role": "developer", "content": "Brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "hm",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "seen"}]},
    ]
    request = read("chat", messages=messages, stop="END", reasoning_effort="minimal", max_tokens=5).request
    assert request.messages == (
        Message.of("system", "Brief."),
        Message("user", (Text("Look"), Image("image/png", b"\x89PNG"), Image("image/*", url="https://x/y.png"))),
        Message("assistant", (Reasoning("hm"), ToolCall("a", "look", "{}"))),
        Message("tool", (ToolResult("a", "seen"),)),
    )
    assert request.params.stop == ("END",)
    assert request.params.effort == "low"
    assert request.params.max_output == 5
    assert request.client == "gateway"


def test_a_whole_conversation_of_messages() -> None:
    messages = [
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}},
                {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "S"},
                {"type": "redacted_thinking", "data": "R"},
                {"type": "tool_use", "id": "a", "name": "look", "input": {"x": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "a",
                    "is_error": True,
                    "content": [{"type": "text", "text": "no"}],
                }
            ],
        },
    ]
    system = [{"type": "text", "text": "Brief."}, {"type": "text", "text": "Kind."}]
    tools = [{"name": "look", "input_schema": {"type": "object"}}]
    asked = read(
        "anthropic",
        messages=messages,
        system=system,
        tools=tools,
        max_tokens=7,
        tool_choice={"type": "any"},
        thinking={"type": "enabled", "budget_tokens": 20_000},
    )
    assert asked.request.system == "Brief.\n\nKind."
    assert asked.request.messages == (
        Message("user", (Image("image/png", b"\x89PNG"), Text("Look"))),
        Message(
            "assistant",
            (Reasoning("hm", "anthropic:S"), Reasoning("", redacted="anthropic:R"), ToolCall("a", "look", '{"x":1}')),
        ),
        Message("user", (ToolResult("a", "no", is_error=True),)),
    )
    assert asked.request.tool_choice == "required"
    assert asked.request.params.effort == "high"
    assert not asked.stream


def test_a_whole_conversation_of_responses() -> None:
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "Look"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "E"},
        {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "seen"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "So."}]},
    ]
    request = read(
        "responses", input=items, instructions="Brief.", tool_choice={"type": "function", "name": "look"}
    ).request
    assert request.messages == (
        Message.of("user", "Look"),
        Message("assistant", (Reasoning("hm", "responses:E"), ToolCall("a", "look", "{}"))),
        Message("tool", (ToolResult("a", "seen"),)),
        Message.of("assistant", "So."),
    )
    assert request.system == "Brief."
    assert request.tool_choice == "look"


@pytest.mark.parametrize(
    ("room", "payload", "word"),
    [
        ("chat", {"messages": []}, "messages"),
        ("chat", {"messages": HELLO, "n": 2}, "one answer"),
        ("chat", {"messages": HELLO, "response_format": {"type": "json_object"}}, "response_format"),
        ("chat", {"messages": HELLO, "temperature": "warm"}, "temperature"),
        ("chat", {"messages": [{"role": "wizard", "content": "x"}]}, "role"),
        ("chat", {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input_audio"),
        ("chat", {"messages": HELLO, "tools": [{"type": "web_search"}]}, "function"),
        (
            "chat",
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]},
            "data URI",
        ),
        ("anthropic", {"messages": HELLO, "tools": [{"type": "web_search_20250305", "name": "web"}]}, "Anthropic"),
        ("anthropic", {"messages": [{"role": "user", "content": [{"type": "document"}]}]}, "document"),
        (
            "anthropic",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "?"}}
                        ],
                    }
                ]
            },
            "base64",
        ),
        ("responses", {"input": "x", "previous_response_id": "r"}, "whole conversation"),
        ("responses", {"input": "x", "background": True}, "background"),
        ("responses", {"input": []}, "input"),
        ("responses", {"input": [{"type": "computer_call"}]}, "computer_call"),
    ],
)
def test_what_cannot_be_served_is_said(room: str, payload: dict[str, Any], word: str) -> None:
    with pytest.raises(CallerFault, match=word):
        read(room, **payload)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"messages":[]}', b"\xff"])
def test_what_is_no_request_is_said(room: str, body: bytes) -> None:
    with pytest.raises(CallerFault):
        ROOMS[room].decode_request(body)
