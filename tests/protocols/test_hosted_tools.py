"""Tools that run at a provider: told to one of the same protocol unchanged, with their steps there and back."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from routerterm.core.events import HostedDelta, WireEvent
from routerterm.core.request import ChatRequest
from routerterm.protocols import codec, server_codec
from routerterm.router.run.assembly import ResponseAssembler

SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
USE = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "fjords"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"url": "https://x.test", "title": "X"}]}
CALL = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "fjords"}}
BETAS = "context-management-2025-06-27,interleaved-thinking-2025-05-14"


def messages(*turns: dict[str, Any], **more: Any) -> bytes:
    said = turns or ({"role": "user", "content": "Fjords?"},)
    return json.dumps({"model": "m", "max_tokens": 9, "messages": said, "tools": [SEARCH], **more}).encode()


def sent(request: ChatRequest, protocol: str, dialect: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """The body and the headers that leave."""
    made = codec(protocol, dialect).encode(request, base_url="http://x.test", model="m", key=None)
    return json.loads(made.body), dict(made.headers)


def events_of(protocol: str, dialect: str, body: dict[str, Any]) -> list[WireEvent]:
    return codec(protocol, dialect).decode_body(json.dumps(body).encode())


def told(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in stream.splitlines() if line.startswith(b"data: ")]


def test_anthropic_gets_its_tools_and_betas_as_they_came() -> None:
    asked = server_codec("anthropic-messages").decode_request(
        messages(tool_choice={"type": "tool", "name": "web_search"}), betas=f"{BETAS}, bad beta!"
    )
    body, headers = sent(asked.request, "anthropic-messages", "anthropic")
    assert body["tools"] == [SEARCH]
    assert body["tool_choice"] == {"type": "tool", "name": "web_search"}
    assert headers["anthropic-beta"].startswith(BETAS)
    assert "!" not in headers["anthropic-beta"]
    assert codec("anthropic-messages", "anthropic").left_out(asked.request) == ()


@pytest.mark.parametrize(
    ("protocol", "dialect"),
    [
        ("openai-chat", ""),
        ("openai-responses", "openai"),
        ("gemini", ""),
        ("ollama-chat", ""),
        ("anthropic-messages", "bearer"),
    ],
)
def test_others_hear_nothing_of_them_and_it_is_said(protocol: str, dialect: str) -> None:
    turns = (
        {"role": "user", "content": "Fjords?"},
        {"role": "assistant", "content": [USE, FOUND]},
        {"role": "user", "content": "And?"},
    )
    choice = {"type": "tool", "name": "web_search"}
    asked = server_codec("anthropic-messages").decode_request(messages(*turns, tool_choice=choice), betas=BETAS)
    body, headers = sent(asked.request, protocol, dialect)
    assert "web_search" not in json.dumps(body)
    assert "srv_1" not in json.dumps(body)
    assert "anthropic-beta" not in headers
    assert codec(protocol, dialect).left_out(asked.request) == ("web_search_20250305",)


def spoken(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words, "citations": []}


def test_what_ran_at_anthropic_comes_back_in_its_place_and_goes_on_when_it_paused() -> None:
    answer = {
        "id": "x",
        "type": "message",
        "role": "assistant",
        "content": [spoken("I search."), USE, FOUND, spoken("They are deep.")],
        "stop_reason": "pause_turn",
        "usage": {"input_tokens": 1, "output_tokens": 2, "server_tool_use": {"web_search_requests": 1}},
    }
    events = events_of("anthropic-messages", "anthropic", answer)
    half = server_codec("anthropic-messages")
    whole = json.loads(half.encode_body(events, id="x", model="m"))
    assert whole["content"] == answer["content"]
    assert whole["stop_reason"] == "pause_turn"
    assert whole["usage"]["server_tool_use"] == {"web_search_requests": 1, "web_fetch_requests": 0}

    stream = half.ServerStream(id="x", model="m")
    lines = told(stream.start() + b"".join(map(stream.event, events)) + stream.end())
    blocks = [line["content_block"]["type"] for line in lines if line["type"] == "content_block_start"]
    assert blocks == ["text", "server_tool_use", "web_search_tool_result", "text"]
    pieces = [line["delta"] for line in lines if line["type"] == "content_block_delta"]
    given = "".join(piece["partial_json"] for piece in pieces if piece["type"] == "input_json_delta")
    assert json.loads(given) == USE["input"]
    assert [line["delta"]["stop_reason"] for line in lines if line["type"] == "message_delta"] == ["pause_turn"]

    turns = ({"role": "user", "content": "Fjords?"}, {"role": "assistant", "content": [USE, FOUND]})
    body, _ = sent(half.decode_request(messages(*turns)).request, "anthropic-messages", "anthropic")
    assert body["messages"][-1] == {"role": "assistant", "content": [USE, FOUND]}


def test_a_pause_before_any_word_is_no_empty_answer() -> None:
    answer = {"type": "message", "content": [USE], "stop_reason": "pause_turn", "usage": {}}
    events = events_of("anthropic-messages", "anthropic", answer)
    whole = json.loads(server_codec("anthropic-messages").encode_body(events, id="x", model="m"))
    assert whole["content"] == [USE]


def test_a_streamed_step_has_the_input_that_came_in_pieces() -> None:
    lines: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"content": [], "usage": {}}},
        {"type": "content_block_start", "index": 0, "content_block": USE | {"input": {}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"query":'}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '"fjords"}'}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Deep."}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
        {"type": "message_stop"},
    ]
    decoder = codec("anthropic-messages", "anthropic").decoder()
    wire = "".join(f"event: {line['type']}\ndata: {json.dumps(line)}\n\n" for line in lines)
    events = [*decoder.feed(wire.encode()), *decoder.end()]
    whole = json.loads(server_codec("anthropic-messages").encode_body(events, id="x", model="m"))
    assert whole["content"] == [USE, spoken("Deep.")]


def test_responses_tools_and_what_ran_there() -> None:
    half = server_codec("openai-responses")
    tools = [{"type": "function", "name": "look", "parameters": {"type": "object"}}, {"type": "web_search"}]
    items = [
        {"role": "user", "content": "Fjords?"},
        CALL,
        {"role": "assistant", "content": [{"type": "output_text", "text": "Deep."}]},
        {"role": "user", "content": "And?"},
    ]
    asked = half.decode_request(json.dumps({"model": "m", "input": items, "tools": tools}).encode())
    body, _ = sent(asked.request, "openai-responses", "openai")
    assert [tool["type"] for tool in body["tools"]] == ["function", "web_search"]
    assert CALL in body["input"]
    foreign, _ = sent(asked.request, "openai-chat")
    assert [tool["function"]["name"] for tool in foreign["tools"]] == ["look"]
    assert "ws_1" not in json.dumps(foreign)

    message = {"type": "message", "content": [{"type": "output_text", "text": "Deep."}]}
    events = events_of("openai-responses", "openai", {"output": [CALL, message], "status": "completed"})
    whole = json.loads(half.encode_body(events, id="resp_1", model="m"))
    assert [item["type"] for item in whole["output"]] == ["web_search_call", "message"]
    assert whole["output"][0] == CALL
    foreign_half = json.loads(server_codec("anthropic-messages").encode_body(events, id="x", model="m"))
    assert foreign_half["content"] == [spoken("Deep.")]


def test_gemini_s_own_tools() -> None:
    asked = {"contents": [{"role": "user", "parts": [{"text": "Fjords?"}]}], "tools": [{"google_search": {}}]}
    request = server_codec("gemini").decode_request(json.dumps(asked).encode(), model="m").request
    assert sent(request, "gemini")[0]["tools"] == [{"googleSearch": {}}]
    assert codec("openai-chat", "").left_out(request) == ("googleSearch",)


def test_what_looked_like_a_tag_comes_before_the_call_that_follows_it() -> None:
    chunks = [
        {"choices": [{"index": 0, "delta": {"content": "Less is <"}}]},
        {
            "choices": [
                {"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "look"}}]}},
            ]
        },
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    ]
    decoder = codec("openai-chat", "").decoder()
    events = decoder.feed("".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode())
    kinds = [type(event).__name__ for event in [*events, *decoder.end()]]
    assert "TextDelta" in kinds
    assert kinds.index("ToolCallDelta") > max(place for place, kind in enumerate(kinds) if kind == "TextDelta")


@pytest.mark.parametrize("asked", [True, False])
def test_only_who_gave_such_tools_is_told_of_steps(asked: bool) -> None:
    """A chat that searches the web would keep them, show them as hidden thoughts, and pay for them again and again."""
    guarded: Any = SimpleNamespace(restorer=lambda **_: None)
    run: Any = SimpleNamespace(text=[], characters=0, spoken=[], tool_calls=False)
    step = HostedDelta(redacted="anthropic-step:{}")
    shown = ResponseAssembler(guarded, steps=asked).shown(run, step, None)
    assert shown == ([step] if asked else [])
