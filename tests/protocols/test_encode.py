"""What goes out: each protocol's own way to say the same, and a history that no strict server refuses."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from routerterm.core.messages import Image, Message, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Params, Tool
from routerterm.core.secret import Secret
from routerterm.protocols import PROTOCOLS, codec, dialects
from routerterm.protocols.base import HttpRequest

KEY = Secret("sk-proj-0123456789abcdef")
HELLO = ChatRequest("x/m", (Message.of("user", "Hello"),), system="Be brief.")


def sent(
    protocol: str, request: ChatRequest = HELLO, dialect: str = "", **how: Any
) -> tuple[HttpRequest, dict[str, Any]]:
    how = {"base_url": "https://api.example/v1", "model": "m-1", "key": KEY} | how
    http = codec(protocol, dialect).encode(request, **how)
    return http, json.loads(http.body)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_key_is_a_secret_in_a_header_and_nowhere_else(protocol: str) -> None:
    for dialect in dialects(protocol):
        for http in (
            sent(protocol, dialect=dialect)[0],
            codec(protocol, dialect).models_request(base_url="https://api.example/v1", key=KEY),
        ):
            assert KEY.reveal() not in http.url
            assert KEY.reveal().encode() not in http.body
            secrets = [value for _, value in http.headers if isinstance(value, Secret)]
            assert len(secrets) == 1
            assert KEY.reveal() in secrets[0].reveal()
            assert KEY.reveal() not in repr(http)
            assert all(isinstance(value, Secret) or KEY.reveal() not in value for _, value in http.headers)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_without_a_key_there_is_no_such_header(protocol: str) -> None:
    http, _ = sent(protocol, key=None)
    assert not any(isinstance(value, Secret) for _, value in http.headers)


@pytest.mark.parametrize(
    ("protocol", "url"),
    [
        ("openai-chat", "https://api.example/v1/chat/completions"),
        ("openai-responses", "https://api.example/v1/responses"),
        ("anthropic-messages", "https://api.example/v1/messages"),
        ("gemini", "https://api.example/v1/models/m-1:streamGenerateContent?alt=sse"),
        ("mistral", "https://api.example/v1/chat/completions"),
        ("ollama-chat", "https://api.example/v1/api/chat"),
        ("cohere-v2", "https://api.example/v1/v2/chat"),
    ],
)
def test_addresses(protocol: str, url: str) -> None:
    assert sent(protocol)[0].url == url


def test_a_query_in_the_base_address_stays_at_the_end() -> None:
    http, _ = sent(
        "openai-chat", dialect="azure", base_url="https://r.openai.azure.com/openai/deployments/d/?api-version=1"
    )
    assert http.url == "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1"
    assert ("api-key", KEY) in http.headers


def test_usage_is_asked_for_where_the_server_takes_it() -> None:
    assert sent("openai-chat")[1]["stream_options"] == {"include_usage": True}
    assert "stream_options" not in sent("mistral")[1]
    assert "stream_options" not in sent("openai-chat", stream=False)[1]
    assert sent("openai-chat", dialect="openrouter")[1]["usage"] == {"include": True}


def test_the_limit_has_the_name_that_the_server_knows() -> None:
    request = ChatRequest("x/m", HELLO.messages, params=Params(max_output=99))
    assert sent("openai-chat", request, "openai")[1]["max_completion_tokens"] == 99
    assert sent("openai-chat", request)[1]["max_tokens"] == 99
    assert sent("openai-responses", request)[1]["max_output_tokens"] == 99
    assert sent("anthropic-messages", request)[1]["max_tokens"] == 99
    assert sent("gemini", request)[1]["generationConfig"]["maxOutputTokens"] == 99
    assert sent("ollama-chat", request)[1]["options"]["num_predict"] == 99
    assert sent("anthropic-messages")[1]["max_tokens"] > 0, "the protocol wants one"


@pytest.mark.parametrize(
    ("dialect", "effort", "fields"),
    [
        ("openai", "low", {"reasoning_effort": "low"}),
        ("openrouter", "none", {"reasoning": {"enabled": False}}),
        ("openrouter", "high", {"reasoning": {"effort": "high"}}),
        ("deepseek", "none", {"thinking": {"type": "disabled"}}),
        ("alibaba", "medium", {"enable_thinking": True}),
        ("", "high", {}),
    ],
)
def test_effort_in_the_words_of_each_dialect(dialect: str, effort: Any, fields: dict[str, Any]) -> None:
    body = sent("openai-chat", ChatRequest("x/m", HELLO.messages, params=Params(effort=effort)), dialect)[1]
    known = ("reasoning_effort", "reasoning", "thinking", "enable_thinking")
    assert {name: body[name] for name in known if name in body} == fields


def test_effort_for_claude_is_tokens_for_the_older_and_a_word_for_the_newer() -> None:
    request = ChatRequest("x/m", HELLO.messages, params=Params(effort="medium", temperature=0.3))
    older = sent("anthropic-messages", request, model="claude-sonnet-4-5")[1]
    assert older["thinking"] == {"type": "enabled", "budget_tokens": 8192}
    assert older["max_tokens"] > 8192
    assert "temperature" not in older
    newer = sent("anthropic-messages", request, model="claude-sonnet-5-5")[1]
    assert newer["thinking"] == {"type": "adaptive"}
    assert newer["output_config"] == {"effort": "medium"}


@pytest.mark.parametrize(
    ("protocol", "dialect", "last"),
    [
        ("openai-chat", "", {"role": "assistant", "content": "Once"}),
        ("mistral", "", {"role": "assistant", "content": "Once", "prefix": True}),
        ("openai-chat", "deepseek", {"role": "assistant", "content": "Once", "prefix": True}),
        ("openai-chat", "moonshot", {"role": "assistant", "content": "Once", "partial": True}),
        ("ollama-chat", "", {"role": "assistant", "content": "Once"}),
    ],
)
def test_a_prefill_ends_the_conversation(protocol: str, dialect: str, last: dict[str, Any]) -> None:
    assert sent(protocol, dialect=dialect, prefill="Once")[1]["messages"][-1] == last


def test_a_prefill_for_claude_loses_its_trailing_blanks() -> None:
    body = sent("anthropic-messages", prefill="Once upon \n")[1]
    assert body["messages"][-1] == {"role": "assistant", "content": [{"type": "text", "text": "Once upon"}]}


PICTURES = Message("user", (Text("Look"), Image("image/png", b"\x89PNG"), Image("image/jpeg", url="https://x/y.jpg")))


def test_pictures_in_each_protocol() -> None:
    request = ChatRequest("x/m", (PICTURES,))
    chat = sent("openai-chat", request)[1]["messages"][0]["content"]
    assert chat[1]["image_url"]["url"] == "data:image/png;base64,iVBORw=="
    assert chat[2]["image_url"]["url"] == "https://x/y.jpg"
    items = sent("openai-responses", request)[1]["input"][0]["content"]
    assert items[1] == {"type": "input_image", "image_url": "data:image/png;base64,iVBORw=="}
    claude = sent("anthropic-messages", request)[1]["messages"][0]["content"]
    assert claude[1]["source"] == {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}
    assert claude[2]["source"] == {"type": "url", "url": "https://x/y.jpg"}
    gemini = sent("gemini", request)[1]["contents"][0]["parts"]
    assert gemini[1] == {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}
    ollama = sent("ollama-chat", request)[1]["messages"][0]
    assert ollama["images"] == ["iVBORw=="], "raw base64, no data URI"


FOREIGN = ChatRequest(
    "x/m",
    (
        Message.of("user", "Go"),
        Message(
            "assistant",
            (
                Reasoning("hm", "anthropic:AAA"),
                Reasoning("", redacted="anthropic:BBB"),
                ToolCall("toolu_01-a.b", "look", '{"a": 1'),
                ToolCall("call_lost", "lost", "{}"),
            ),
        ),
        Message("tool", (ToolResult("toolu_01-a.b", "seen"),)),
        Message("assistant", ()),
        Message.of("assistant", ""),
        Message.of("user", "And?"),
    ),
)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_history_from_elsewhere_is_fit_to_be_sent(protocol: str) -> None:
    """No foreign seal, no call without its result, no cut arguments, no empty turn."""
    http, body = sent(protocol, FOREIGN)
    text = http.body.decode()
    if protocol != "anthropic-messages":
        assert "AAA" not in text
        assert "BBB" not in text
    assert "anthropic:" not in text
    assert "lost" not in text
    assert '{\\"a\\": 1"' not in text
    turns = body.get("messages") or body.get("input") or body.get("contents")
    assert turns
    assert all(turn.get("content") or turn.get("parts") or turn.get("tool_calls") or turn.get("type") for turn in turns)


def test_claude_gets_its_own_seals_back() -> None:
    blocks = sent("anthropic-messages", FOREIGN)[1]["messages"][1]["content"]
    assert blocks[0] == {"type": "thinking", "thinking": "hm", "signature": "AAA"}
    assert blocks[1] == {"type": "redacted_thinking", "data": "BBB"}
    assert blocks[2]["input"] == {}, "cut arguments become none"
    assert re.fullmatch(r"[\w-]+", blocks[2]["id"])


def test_gemini_gets_the_seal_of_a_call_back() -> None:
    call = ToolCall("", "look", "{}", "gemini:SIG")
    request = ChatRequest(
        "x/m", (Message.of("user", "Go"), Message("assistant", (call,)), Message("tool", (ToolResult("", "seen"),)))
    )
    contents = sent("gemini", request)[1]["contents"]
    assert contents[1]["parts"][0]["thoughtSignature"] == "SIG"
    assert contents[2]["parts"][0]["functionResponse"]["name"] == "look"


def test_mistral_gets_ids_of_nine_letters_that_still_pair() -> None:
    messages = sent("mistral", FOREIGN)[1]["messages"]
    call = next(message["tool_calls"][0]["id"] for message in messages if message.get("tool_calls"))
    result = next(message["tool_call_id"] for message in messages if message["role"] == "tool")
    assert call == result
    assert len(call) == 9


def test_tools_in_each_protocol() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
    request = ChatRequest("x/m", HELLO.messages, tools=(Tool("look", "Looks.", schema),), tool_choice="look")
    assert sent("openai-chat", request)[1]["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    assert sent("openai-responses", request)[1]["tools"][0]["name"] == "look"
    assert sent("anthropic-messages", request)[1]["tool_choice"] == {"type": "tool", "name": "look"}
    gemini = sent("gemini", request)[1]
    declared = gemini["tools"][0]["functionDeclarations"][0]
    assert "additionalProperties" not in declared["parameters"], "Gemini refuses it"
    assert gemini["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["look"]
    required = ChatRequest("x/m", HELLO.messages, tools=request.tools, tool_choice="required")
    assert sent("mistral", required)[1]["tool_choice"] == "any"


def test_ollama_is_given_a_window_that_holds_the_prompt() -> None:
    short = sent("ollama-chat")[1]["options"]["num_ctx"]
    long = sent("ollama-chat", ChatRequest("x/m", (Message.of("user", "word " * 20_000),)))[1]["options"]["num_ctx"]
    assert short == 4096
    assert long >= 50_000
    assert long % 2048 == 0


def test_a_lone_surrogate_in_a_prompt_does_not_break_the_request() -> None:
    assert (
        sent("openai-chat", ChatRequest("x/m", (Message.of("user", "a\ud800b"),)))[1]["messages"][0]["content"] == "a?b"
    )
