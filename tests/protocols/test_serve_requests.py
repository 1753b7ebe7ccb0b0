"""Requests of other programs, read for the gateway: all that we can serve, and a clear word for what we cannot."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.core.errors import BadRequest, SettingsError
from routerterm.core.messages import Image, Message, Reasoning, Text, ToolCall, ToolResult
from routerterm.protocols import SERVED, codec, server_codec
from routerterm.protocols.anthropic_messages import server as anthropic
from routerterm.protocols.gemini import server as gemini
from routerterm.protocols.ollama import server as ollama
from routerterm.protocols.openai_chat import server as chat
from routerterm.protocols.openai_responses import server as responses
from routerterm.protocols.server_base import ServerRequest

HELLO = [{"role": "user", "content": "Hello"}]
ROOMS: dict[str, Any] = {
    "chat": chat,
    "anthropic": anthropic,
    "responses": responses,
    "gemini": gemini,
    "ollama": ollama,
}


def read(room: str, **payload: Any) -> ServerRequest:
    asked = ROOMS[room].decode_request(json.dumps({"model": "smart"} | payload).encode())
    assert isinstance(asked, ServerRequest)
    return asked


def test_a_whole_conversation_of_chat_completions() -> None:
    messages = [
        {"role": "developer", "content": "Brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
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
        Message(
            "user",
            (
                Text("Look"),
                Image("image/png", b"\x89PNG\r\n\x1a\n"),
                Image("image/*", url="https://x/y.png", detail="low"),
            ),
        ),
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
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
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
        Message("user", (Image("image/png", b"\x89PNG\r\n\x1a\n"), Text("Look", cache="5m"))),
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


def test_a_whole_conversation_of_gemini() -> None:
    contents = [
        {"parts": [{"text": "Look"}, {"inline_data": {"mime_type": "image/png", "data": "iVBORw0KGgo="}}]},
        {
            "role": "model",
            "parts": [
                {"text": "hm", "thought": True},
                {"functionCall": {"id": "a", "name": "look", "args": {"x": 1}}, "thoughtSignature": "S"},
            ],
        },
        {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"result": "a cat"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"error": "gone", "at": 2}}}]},
    ]
    schema = {"type": "OBJECT", "properties": {"type": {"type": "STRING"}}}
    body = {
        "contents": contents,
        "system_instruction": {"parts": [{"text": "Brief."}]},
        "generationConfig": {"maxOutputTokens": 9, "topP": 0.5, "thinkingConfig": {"thinkingBudget": 0}},
        "tools": [{"functionDeclarations": [{"name": "look", "parameters": schema}, {"name": "see"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
    }
    asked = gemini.decode_request(json.dumps(body).encode(), model="models/smart", stream=True)
    assert asked.stream
    request = asked.request
    assert (request.model, request.system, request.tool_choice) == ("smart", "Brief.", "look")
    assert request.messages == (
        Message("user", (Text("Look"), Image("image/png", b"\x89PNG\r\n\x1a\n"))),
        Message("assistant", (Reasoning("hm"), ToolCall("a", "look", '{"x":1}', "gemini:S"))),
        Message("user", (ToolResult("a", "a cat", "look"),)),
        Message("user", (ToolResult("", '{"error":"gone","at":2}', "look", is_error=True),)),
    )
    assert request.tools[0].schema == {"type": "object", "properties": {"type": {"type": "string"}}}
    assert (request.params.max_output, request.params.top_p, request.params.effort) == (9, 0.5, "none")


def test_a_whole_conversation_of_ollama() -> None:
    messages = [
        {"role": "system", "content": "Brief."},
        {"role": "user", "content": "Look", "images": ["iVBORw0KGgo="]},
        {
            "role": "assistant",
            "content": "",
            "thinking": "hm",
            "tool_calls": [{"function": {"name": "look", "arguments": {"x": 1}}}],
        },
        {"role": "tool", "tool_name": "look", "content": "a cat"},
    ]
    asked = read("ollama", messages=messages, think=True, options={"num_predict": -1, "seed": 3, "stop": ["END"]})
    assert asked.stream, "it streams unless told not to"
    assert asked.request.messages == (
        Message.of("system", "Brief."),
        Message("user", (Text("Look"), Image("image/png", b"\x89PNG\r\n\x1a\n"))),
        Message("assistant", (Reasoning("hm"), ToolCall("call_1", "look", '{"x":1}'))),
        Message("tool", (ToolResult("call_1", "a cat", "look"),)),
    )
    params = asked.request.params
    assert (params.max_output, params.seed, params.stop, params.effort) == (None, 3, ("END",), "medium")
    assert not read("ollama", messages=messages, stream=False).stream


@pytest.mark.parametrize(
    ("room", "payload", "word"),
    [
        ("chat", {"messages": []}, "messages"),
        ("chat", {"messages": HELLO, "n": 99}, "from 1 to 16"),
        ("chat", {"messages": HELLO, "response_format": {"type": "xml"}}, "json_schema"),
        ("chat", {"messages": HELLO, "temperature": "warm"}, "temperature"),
        ("chat", {"messages": [{"role": "wizard", "content": "x"}]}, "role"),
        ("chat", {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input_audio"),
        ("chat", {"messages": HELLO, "tools": [{"type": "web_search"}]}, "function"),
        (
            "chat",
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]},
            "data URI",
        ),
        ("anthropic", {"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, "hologram"),
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
        ("gemini", {"contents": []}, "contents"),
        ("gemini", {"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"candidateCount": 2}}, "one answer"),
        ("gemini", {"contents": [{"parts": [{"videoMetadata": {}}]}]}, "videoMetadata"),
        ("gemini", {"contents": [{"role": "wizard", "parts": [{"text": "x"}]}]}, "role"),
        ("gemini", {"contents": [{"parts": [{"inlineData": {"mimeType": "audio/wav", "data": "AA"}}]}]}, "audio/wav"),
        (
            "gemini",
            {"contents": [{"parts": [{"text": "x"}]}], "generation_config": {"response_mime_type": "text/html"}},
            "responseMimeType",
        ),
        ("ollama", {"messages": []}, "messages"),
        ("ollama", {"messages": HELLO, "format": "yaml"}, "format"),
        ("ollama", {"messages": [{"role": "wizard"}]}, "role"),
        ("ollama", {"messages": [{"role": "user", "content": "x", "images": ["AAAA"]}]}, "unsupported type"),
        ("responses", {"input": "x", "conversation": "c"}, "whole `input`"),
        ("responses", {"input": [{"type": "item_reference", "id": "i"}]}, "no item"),
        ("responses", {"input": "x", "background": True}, "Background"),
        ("responses", {"input": []}, "input"),
        ("responses", {"input": [{"type": "computer_call"}]}, "is empty"),
        ("responses", {"input": ["x"]}, "items"),
        ("chat", {"messages": ["x"]}, "objects"),
        ("chat", {"messages": HELLO, "max_tokens": 10**400}, "max_tokens"),
        ("chat", {"messages": HELLO, "max_tokens": 1.5}, "whole"),
        ("chat", {"messages": HELLO, "functions": [{"name": "x"}]}, "tools"),
        (
            "chat",
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///x"}}]}]},
            "https",
        ),
        (
            "anthropic",
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}
                ]
            },
            "file",
        ),
    ],
)
def test_what_cannot_be_served_is_said(room: str, payload: dict[str, Any], word: str) -> None:
    with pytest.raises(BadRequest, match=word):
        read(room, **payload)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"messages":[]}', b"\xff"])
def test_what_is_no_request_is_said(room: str, body: bytes) -> None:
    with pytest.raises(BadRequest):
        ROOMS[room].decode_request(body)


shaped = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(["user", "tool"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "source", "input", "name"]), inner, max_size=4
        )
    ),
    max_leaves=6,
)
parts = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "input_text", "image", "image_url", "input_image", "tool_use", "tool_result"])},
    optional=dict.fromkeys(("text", "source", "image_url", "content", "input", "id", "is_error", "data"), shaped),
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "tool"]), "content": shaped | st.lists(parts)},
        optional=dict.fromkeys(("type", "tool_calls", "tool_call_id", "summary", "output", "reasoning"), shaped),
    )
    | shaped,
    max_size=3,
)


@pytest.mark.parametrize("room", ROOMS)
@given(
    messages=messages,
    options=st.dictionaries(
        st.sampled_from(
            ["system", "instructions", "max_tokens", "temperature", "top_p", "seed", "stop", "tools", "tool_choice"]
            + ["thinking", "reasoning", "stream_options", "max_completion_tokens", "stop_sequences", "output_config"]
        ),
        shaped | st.sampled_from([10**400, 1e300, -1, 0.5]),
        max_size=4,
    ),
)
@settings(max_examples=60)  # `make fuzz-all` goes on from here
def test_whatever_a_client_sends_is_a_request_or_its_own_fault(room: str, messages: Any, options: Any) -> None:
    payload = {"model": "smart", "messages": messages, "input": messages, "contents": messages} | options
    try:
        asked = ROOMS[room].decode_request(json.dumps(payload).encode())
    except BadRequest:
        return
    assert asked.request.messages
    codec("openai-chat").encode(asked.request, base_url="http://x", model="m", key=None)
    codec("anthropic-messages").encode(asked.request, base_url="http://x", model="m", key=None)


def test_pictures_that_a_tool_gave_come_along() -> None:
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    result = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "see"}, block]}
    uri = "data:image/png;base64,iVBORw0KGgo="
    output = [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": uri}]
    content = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": uri}}]
    for request in (
        read("anthropic", messages=[{"role": "user", "content": [result]}]).request,
        read("responses", input=[{"type": "function_call_output", "call_id": "a", "output": output}]).request,
        read("chat", messages=[{"role": "tool", "tool_call_id": "a", "content": content}]).request,
    ):
        assert request.messages[0].parts == (ToolResult("a", "see"), Image("image/png", b"\x89PNG\r\n\x1a\n"))


def test_each_half_is_found_by_its_name() -> None:
    assert [server_codec(name) for name in SERVED] == [chat, responses, anthropic, gemini, ollama]
    assert server_codec("anthropic") is anthropic
    with pytest.raises(SettingsError, match="not served"):
        server_codec("cohere-v2")


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("value", [b"1e999", b"-1e999"])
def test_a_number_beyond_all_numbers_is_said(room: str, value: bytes) -> None:
    messages = json.dumps(HELLO).encode()
    body = b'{"model":"m","messages":%b,"input":%b,"max_tokens":%b,"max_output_tokens":%b,"options":{"num_predict":%b},'
    body += b'"contents":[{"parts":[{"text":"Hello"}]}],"generation_config":{"max_output_tokens":%b}}'
    with pytest.raises(BadRequest, match="too large"):
        ROOMS[room].decode_request(body % (messages, messages, value, value, value, value))


@pytest.mark.parametrize(
    ("room", "more", "kinds"),
    [
        ("anthropic", {"tools": [{"type": "web_search_20250305", "name": "web"}]}, ("web_search_20250305",)),
        ("responses", {"input": "x", "tools": [{"type": "web_search"}]}, ("web_search",)),
    ],
)
def test_tools_that_run_at_a_provider_are_kept_apart(room: str, more: dict[str, Any], kinds: tuple[str, ...]) -> None:
    asked = read(room, **({"messages": HELLO} if room == "anthropic" else {}), **more)
    assert tuple(tool.kind for tool in asked.request.hosted) == kinds
    assert not asked.request.tools


def test_documents_are_text_under_their_titles() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "Words."}
    blocks = [{"type": "document", "title": "Notes", "source": source}, {"type": "text", "text": "What is it?"}]
    (message,) = read("anthropic", messages=[{"role": "user", "content": blocks}]).request.messages
    assert message.parts[0] == Text("[Notes]\nWords.\n[end of Notes]\n")
    data = "data:text/plain;base64," + base64.b64encode(b"Words.").decode()
    file = {"type": "file", "file": {"filename": "notes.txt", "file_data": data}}
    (message,) = read("chat", messages=[{"role": "user", "content": [file]}]).request.messages
    assert message.parts[0] == Text("[notes.txt]\nWords.\n[end of notes.txt]\n")
    pdf = {"type": "file", "file": {"filename": "a.pdf", "file_data": base64.b64encode(b"%PDF-1.7").decode()}}
    with pytest.raises(BadRequest, match="PDF"):
        read("chat", messages=[{"role": "user", "content": [pdf]}])
