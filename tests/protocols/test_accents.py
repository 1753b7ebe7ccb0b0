"""What servers do that no specification says, one test for each oddity met in the wild."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from routerterm.core.errors import SettingsError
from routerterm.core.events import (
    ReasoningDelta,
    RefusalDelta,
    SourcesDelta,
    StreamEnd,
    StreamError,
    TextDelta,
    ToolCallDelta,
    UsageReported,
    WireEvent,
)
from routerterm.core.messages import Reasoning, Text
from routerterm.core.reply import ReplyBuilder
from routerterm.core.usage import Usage
from routerterm.protocols import PROTOCOLS, codec
from routerterm.protocols.think_tags import PAIRS, ThinkSplitter
from tests.protocols.feeding import feed, joined


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **top: Any) -> bytes:
    choices = [] if delta is None and finish is None else [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    return b"data: " + json.dumps({"choices": choices} | top).encode() + b"\n\n"


def chat(*chunks: bytes, dialect: str = "") -> list[WireEvent]:
    return feed("openai-chat", chunks, dialect)


def calls(events: list[WireEvent]) -> list[ToolCallDelta]:
    return [event for event in joined(events) if isinstance(event, ToolCallDelta)]


def call(index: int | None, id: str | None, name: str | None, arguments: str | None) -> dict[str, Any]:
    piece: dict[str, Any] = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"tool_calls": [piece if index is None else piece | {"index": index}]}


def test_a_stream_without_done_is_whole_once_its_finish_was_seen() -> None:
    assert chat(chunk({"content": "hi"}), chunk({}, "stop")) == [TextDelta("hi"), StreamEnd("stop", "stop")]


def test_a_stream_without_finish_and_done_is_cut() -> None:
    assert chat(chunk({"content": "hi"})) == [TextDelta("hi")]


def test_done_alone_makes_nothing_whole_where_nothing_was_said() -> None:
    assert chat(b"data: [DONE]\n\n") == []
    assert chat(chunk({"content": "hi"}), b"data: [DONE]\n\n") == [TextDelta("hi"), StreamEnd("other", None)]


def test_a_second_finish_is_not_a_second_end() -> None:
    events = chat(chunk({"content": "hi"}, "stop"), chunk({}, "stop"), chunk({"content": ""}, None))
    assert events == [TextDelta("hi"), StreamEnd("stop", "stop")]


def test_usage_may_come_after_the_reason_and_the_last_one_holds() -> None:
    first, last = {"prompt_tokens": 3, "completion_tokens": 1}, {"prompt_tokens": 3, "completion_tokens": 2}
    events = chat(chunk({"content": "a"}, usage=first), chunk({}, "stop", usage=None), chunk(usage=last))
    reported = [event.usage for event in events if isinstance(event, UsageReported)]
    assert [usage.output for usage in reported] == [1, 2]
    assert isinstance(events[-1], StreamEnd)


def test_usage_that_is_repeated_is_told_once() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 1}
    events = chat(chunk({"content": "a"}, usage=usage), chunk({"content": "b"}, usage=usage))
    assert sum(isinstance(event, UsageReported) for event in events) == 1


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}},
            Usage(fresh=6, cache_read=4, output=5),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 22,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            Usage(fresh=10, output=12, reasoning=7),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 9,
                "total_tokens": 19,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            Usage(fresh=10, output=9, reasoning=7),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 1, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 2},
            Usage(fresh=2, cache_read=8, output=1),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 1,
                "cache_creation_input_tokens": 6,
                "cache_read_input_tokens": 3,
                "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 4},
            },
            Usage(fresh=1, cache_read=3, cache_write=2, cache_write_1h=4, output=1),
        ),
        ({"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.00042}, Usage(1, output=1, cost=Decimal("0.00042"))),
        (
            {
                "prompt_tokens": 1,
                "completion_tokens": 1,
                "cost": 0.01,
                "is_byok": True,
                "cost_details": {"upstream_inference_cost": 0.2},
            },
            Usage(1, output=1, cost=Decimal("0.21")),
        ),
        (
            {"prompt_tokens": 1, "completion_tokens": 1, "cost": {"total_cost": 0.5}},
            Usage(1, output=1, cost=Decimal("0.5")),
        ),
        (
            {"prompt_tokens": 1, "completion_tokens": 1, "cost_in_usd_ticks": 37756000},
            Usage(1, output=1, cost=Decimal("0.0037756")),
        ),
        ({"prompt_tokens": 1, "completion_tokens": 1, "cost_in_usd_ticks": 0}, Usage(1, output=1)),
        ({"prompt_tokens": True, "completion_tokens": -4, "total_tokens": "x"}, Usage()),
    ],
)
def test_usage_in_one_honest_convention(raw: dict[str, Any], usage: Usage) -> None:
    (reported,) = [event.usage for event in chat(chunk(usage=raw)) if isinstance(event, UsageReported)]
    assert reported == usage
    assert reported.raw == raw


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_by_every_name(field: str) -> None:
    assert chat(chunk({field: "hm", "content": None}))[0] == ReasoningDelta("hm")


def test_reasoning_under_two_names_is_said_once() -> None:
    assert chat(chunk({"reasoning_content": "hm", "reasoning": "hm"})) == [ReasoningDelta("hm")]
    details = [{"type": "reasoning.text", "text": "hm", "signature": "S"}]
    events = chat(chunk({"reasoning": "hm", "reasoning_details": details}))
    assert joined(events) == [ReasoningDelta("hm", "openrouter:S")]


def test_encrypted_reasoning_is_kept_to_be_sent_back() -> None:
    details = [{"type": "reasoning.encrypted", "data": "XYZ"}]
    assert chat(chunk({"reasoning_details": details})) == [ReasoningDelta("", None, "openrouter:XYZ")]


def test_mistrals_content_as_a_list() -> None:
    content = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "hi"}]
    assert feed("mistral", [chunk({"content": content})]) == [ReasoningDelta("hm"), TextDelta("hi")]


def test_a_refusal_is_text_that_is_told_apart() -> None:
    (event,) = chat(chunk({"refusal": "No."}))
    assert event == RefusalDelta("No.")
    assert isinstance(event, TextDelta)


def test_tool_calls_in_pieces() -> None:
    events = chat(
        chunk(call(0, "a", "look", "")),
        chunk(call(0, None, None, '{"x"')),
        chunk(call(0, None, None, ":1}")),
        chunk(call(1, "b", "see", "{}")),
        chunk({}, "tool_calls"),
    )
    assert calls(events) == [ToolCallDelta(0, "a", "look", '{"x":1}'), ToolCallDelta(1, "b", "see", "{}")]


def test_tool_calls_without_an_index() -> None:
    events = chat(
        chunk(call(None, "a", "look", "{")),
        chunk(call(None, None, None, "}")),
        chunk(call(None, "b", "see", "{}")),
        chunk(call(None, "b", None, " ")),
    )
    assert calls(events) == [ToolCallDelta(0, "a", "look", "{}"), ToolCallDelta(1, "b", "see", "{} ")]


def test_tool_calls_without_index_and_id() -> None:
    events = chat(chunk(call(None, None, "look", "{}")), chunk(call(None, None, "look", "{}")))
    one, two = calls(events)
    assert (one.name, one.arguments, two.name, two.arguments) == ("look", "{}", "look", "{}")
    assert one.id
    assert two.id
    assert one.id != two.id, "clients pair results by it"


def test_two_calls_on_one_index_without_an_id_for_the_second() -> None:
    first, second = chunk(call(0, "a", "look", '{"a":1}')), chunk(call(0, None, "", '{"b":2}'))
    one, two = calls(chat(first, second))
    assert (one.id, one.arguments) == ("a", '{"a":1}')
    assert (two.name, two.arguments) == ("look", '{"b":2}')


def test_arguments_that_are_sent_once_more_are_one_call() -> None:
    assert len(calls(chat(chunk(call(0, "a", "look", '{"a":1}')), chunk(call(0, None, "", '{"a":1}'))))) == 1


def test_a_reason_that_came_too_early_ends_nothing() -> None:
    events = chat(chunk({"reasoning_content": "hm"}, "stop"), chunk({"content": "hi"}), chunk({}, "length"))
    assert events == [ReasoningDelta("hm"), TextDelta("hi"), StreamEnd("length", "length")]


@pytest.mark.parametrize(
    ("protocol", "payload", "kind", "word"),
    [
        ("openai-chat", chunk({"content": ""}, "stop"), "empty", "stop"),
        ("openai-chat", chunk({"reasoning_content": "hm"}, "stop"), "empty", "stop"),
        ("openai-chat", chunk({"content": " \n"}, "stop"), "empty", "stop"),
        ("openai-chat", chunk({}, "content_filter"), "content_blocked", "content_filter"),
        ("gemini", {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}, "empty", "MALFORMED_FUNCTION_CALL"),
        ("gemini", {"candidates": [{"finishReason": "SAFETY"}]}, "content_blocked", "SAFETY"),
        ("anthropic-messages", {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, "empty", "end_turn"),
        ("cohere-v2", {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}, "empty", "COMPLETE"),
        ("openai-responses", {"type": "response.completed", "response": {"output": []}}, "empty", "completed"),
    ],
)
def test_an_answer_without_content_is_a_failure(
    protocol: str, payload: bytes | dict[str, Any], kind: str, word: str
) -> None:
    last = feed(protocol, [payload] if isinstance(payload, bytes) else sse(payload))[-1]
    assert isinstance(last, StreamError)
    assert (last.error.kind, last.error.code) == (kind, word)


def test_thoughts_that_ate_the_whole_length_are_told_as_that() -> None:
    assert chat(chunk({"reasoning_content": "hm"}, "length"))[-1] == StreamEnd("length", "length")


def test_the_stop_sequence_is_told() -> None:
    delta = {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    text = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "hi"}}
    events = feed("anthropic-messages", sse(text, {"type": "message_delta", "delta": delta}))
    assert events[-1] == StreamEnd("stop", "stop_sequence", "END")


def test_parallel_calls_that_are_all_number_0() -> None:
    events = chat(chunk(call(0, "a", "look", "{}")), chunk(call(0, "b", "see", "{}")))
    assert calls(events) == [ToolCallDelta(0, "a", "look", "{}"), ToolCallDelta(1, "b", "see", "{}")]


@pytest.mark.parametrize("arguments", ["null", "", '{"cut": "of'])
def test_odd_arguments_are_kept_as_they_came(arguments: str) -> None:
    assert calls(chat(chunk(call(0, "a", "look", arguments)))) == [ToolCallDelta(0, "a", "look", arguments)]


def test_arguments_as_an_object() -> None:
    piece = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "look", "arguments": {"x": 1}}}]}
    assert calls(chat(chunk(piece))) == [ToolCallDelta(0, "a", "look", '{"x": 1}')]


def test_the_old_function_call() -> None:
    events = chat(chunk({"function_call": {"name": "look", "arguments": "{}"}}), chunk({}, "function_call"))
    assert isinstance(events[0], ToolCallDelta)
    assert (events[0].name, events[0].arguments) == ("look", "{}")
    assert events[-1] == StreamEnd("tool_calls", "function_call")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("model_length", "length"),
        ("sensitive", "content_filter"),
        ("brand_new", "other"),
    ],
)
def test_finish_reasons(raw: str, reason: str) -> None:
    assert chat(chunk({"content": "x"}, raw))[-1] == StreamEnd(reason, raw)  # type: ignore[arg-type]


@pytest.mark.parametrize("raw", ["error", "insufficient_system_resource", "network_error"])
def test_a_reason_that_is_a_failure(raw: str) -> None:
    last = chat(chunk({"content": "x"}, raw))[-1]
    assert isinstance(last, StreamError)
    assert last.error.kind == "transient"


def test_nothing_comes_after_an_error_on_a_200() -> None:
    error = {"error": {"code": 429, "message": "Slow down"}}
    events = chat(chunk({"content": "x"}), chunk({"content": "y"}, "length", **error), chunk({"content": "z"}))
    assert events[0] == TextDelta("x")
    assert [type(event) for event in events] == [TextDelta, StreamError]


def test_a_bare_error_object_in_the_stream() -> None:
    body = chunk({"content": "x"}) + b'{\n "error": {"code": 500, "message": "lost"}\n}\n'
    last = chat(body)[-1]
    assert isinstance(last, StreamError)
    assert last.error.message == "lost"


def test_an_error_as_the_whole_body_of_a_stream() -> None:
    for body in (
        b'{"error":{"message":"Slow down","code":"rate_limit_exceeded"}}',
        b"\n\n" + b'{"error":"busy, overloaded"}',
    ):
        (event,) = chat(body)
        assert isinstance(event, StreamError)
        assert event.error.kind in ("rate_limited", "transient")


def test_a_web_page_where_a_stream_should_be() -> None:
    (event,) = chat(b"<!DOCTYPE html><html><body>Please log in to the hotel's network</body></html>")
    assert isinstance(event, StreamError)
    assert event.error.kind == "malformed"
    assert "web page" in event.error.message


def test_plain_words_where_a_stream_should_be() -> None:
    (event,) = chat(b"upstream connect error\n")
    assert isinstance(event, StreamError)
    assert event.error.kind == "malformed"


def test_a_whole_answer_where_a_stream_should_be() -> None:
    body = json.dumps(
        {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}}
    )
    assert chat(body.encode()) == [TextDelta("hi"), UsageReported(Usage(1)), StreamEnd("stop", "stop")]


def test_a_stream_where_a_whole_answer_should_be() -> None:
    body = chunk({"content": "hi"}, "stop") + b"data: [DONE]\n\n"
    assert codec("openai-chat").decode_body(body) == [TextDelta("hi"), StreamEnd("stop", "stop")]


def test_perplexity_sends_message_and_delta_at_once() -> None:
    choice = {"index": 0, "delta": {"content": ""}, "message": {"content": "hi"}, "finish_reason": "stop"}
    whole = json.dumps({"choices": [choice]}).encode()
    assert codec("openai-chat").decode_body(whole) == [TextDelta("hi"), StreamEnd("stop", "stop")]
    streamed = {"index": 0, "delta": {"content": "i"}, "message": {"content": "hi"}}
    assert chat(chunk({"content": "h"}), b"data: " + json.dumps({"choices": [streamed]}).encode() + b"\n\n") == [
        TextDelta("h"),
        TextDelta("i"),
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_an_empty_body_is_no_answer(protocol: str, body: bytes) -> None:
    (event,) = codec(protocol).decode_body(body)
    assert isinstance(event, StreamError)
    assert event.error.kind == "malformed"


def test_sources_are_kept_beside_the_text() -> None:
    decoder = codec("openai-chat").decoder()
    note = {"annotations": [{"type": "url_citation", "url_citation": {"url": "https://x", "title": "X"}}]}
    decoder.feed(chunk(note) + chunk(note) + chunk({}, "stop", citations=["https://y"]))
    assert decoder.citations == ("X https://x", "https://y")


def test_sources_stand_below_the_text_once() -> None:
    note = {"content": "So [1].", "annotations": [{"type": "url_citation", "url_citation": {"url": "https://x"}}]}
    hostile = {"title": "A\n# B", "url": "https://y"}
    events = chat(chunk(note) + chunk({}, "stop", search_results=[hostile, hostile]) + chunk({}, "stop"))
    said = [event.text for event in events if isinstance(event, SourcesDelta)]
    assert said == ["\n\nSources:\n\n1. https://x\n2. A # B https://y"]
    assert isinstance(events[-1], StreamEnd)
    assert [event for event in chat(chunk(note)) if isinstance(event, SourcesDelta)] == []


# <think>…</think>


@pytest.mark.parametrize("tag", ["<think>", "\n<think>\n"])
def test_think_tags_at_the_beginning_are_reasoning(tag: str) -> None:
    events = chat(chunk({"content": f"{tag}hm\n</think>\n\nhi"}), dialect="llamacpp")
    assert events == [ReasoningDelta("hm\n"), TextDelta("hi")]
    assert chat(chunk({"content": f"{tag}hm</think>hi"})) == [ReasoningDelta("hm"), TextDelta("hi")], "nor unknown ones"
    assert chat(chunk({"content": f"{tag}hm</think>hi"}), dialect="openai") == [TextDelta(f"{tag}hm</think>hi")]


@pytest.mark.parametrize(("opening", "closing"), PAIRS.items())
def test_every_models_own_tags(opening: str, closing: str) -> None:
    pieces = [chunk({"content": letter}) for letter in f"{opening}hm{closing}hi"]
    assert joined(chat(*pieces, dialect="vllm")) == [ReasoningDelta("hm"), TextDelta("hi")]


def test_a_closing_tag_that_nothing_opened_makes_thoughts_of_what_came_before() -> None:
    reply = ReplyBuilder()
    for event in chat(chunk({"content": "hm</th"}), chunk({"content": "ink>\nhi"}), dialect="lmstudio"):
        assert isinstance(event, TextDelta | ReasoningDelta)
        reply.add(event)
    assert reply.parts() == (Reasoning("hm"), Text("hi"))


@pytest.mark.parametrize("text", ["`</think>` closes it", "Use <think>x</think> and </think>"])
def test_an_answer_about_tags_stays_an_answer(text: str) -> None:
    assert joined(chat(chunk({"content": text}), dialect="vllm")) == [TextDelta(text)]


def test_a_think_tag_later_on_is_text() -> None:
    assert chat(chunk({"content": "Use <think>x</think>."}), dialect="vllm") == [TextDelta("Use <think>x</think>.")]


def test_thoughts_that_were_cut_are_still_thoughts() -> None:
    assert joined(chat(chunk({"content": "<think>hm</thi"}), dialect="groq")) == [ReasoningDelta("hm</thi")]


def test_a_beginning_that_only_looked_like_a_tag_is_text() -> None:
    assert joined(chat(chunk({"content": "<thi"}), chunk({"content": "s"}), dialect="groq")) == [TextDelta("<this")]
    assert joined(chat(chunk({"content": "<thi"}), chunk({}, "stop"), dialect="groq"))[0] == TextDelta("<thi")


@given(
    thought=st.text(alphabet="ab<>/think \n", max_size=20),
    answer=st.text(alphabet="ab<>/think \n", max_size=20),
    cuts=st.lists(st.integers(0, 60), max_size=8),
)
def test_tags_are_found_however_they_are_cut(thought: str, answer: str, cuts: list[int]) -> None:
    text = f"<think>{thought}</think>{answer}"

    def split(pieces: list[str]) -> tuple[str, str]:
        splitter = ThinkSplitter()
        parts = [part for piece in pieces for part in splitter.feed(piece)] + splitter.end()
        assert all(kind != "closed" for kind, _ in parts)
        return "".join(t for kind, t in parts if kind == "thought"), "".join(t for kind, t in parts if kind == "text")

    marks = [0, *sorted({place % (len(text) + 1) for place in cuts}), len(text)]
    assert split([text[a:b] for a, b in zip(marks, marks[1:], strict=False)]) == split([text])  # noqa: RUF007
    if "</think>" not in thought:
        assert split([text]) == (thought.lstrip("\n"), answer.lstrip("\n"))


# The others


def sse(*payloads: dict[str, Any]) -> list[bytes]:
    return [b"data: " + json.dumps(payload).encode() + b"\r\n\r\n" for payload in payloads]


def test_anthropic_tools_without_arguments_are_an_empty_object() -> None:
    block = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    events = feed(
        "anthropic-messages",
        sse(
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        ),
    )
    assert calls(events) == [ToolCallDelta(0, "t", "look", "{}")]
    assert events[-1] == StreamEnd("tool_calls", "tool_use")


def test_anthropic_usage_is_cumulative_and_counts_caches_apart() -> None:
    start = {
        "input_tokens": 5,
        "cache_read_input_tokens": 7,
        "cache_creation_input_tokens": 9,
        "output_tokens": 1,
        "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5},
    }
    events = feed(
        "anthropic-messages",
        sse(
            {"type": "message_start", "message": {"usage": start}},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": 20, "input_tokens": None},
            },
        ),
    )
    usage = [event.usage for event in events if isinstance(event, UsageReported)][-1]
    assert usage == Usage(fresh=5, cache_read=7, cache_write=4, cache_write_1h=5, output=20)
    assert usage.input == 21


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "other"),
    ],
)
def test_anthropic_stop_reasons(raw: str, reason: str) -> None:
    text = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "hi"}}
    events = feed("anthropic-messages", sse(text, {"type": "message_delta", "delta": {"stop_reason": raw}}))
    assert events[1:] == [StreamEnd(reason, raw)]  # type: ignore[arg-type]


def test_an_anthropic_overload_in_the_middle() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    (event,) = feed("anthropic-messages", [b"event: error\n", *sse(error)])
    assert isinstance(event, StreamError)
    assert event.error.kind == "transient"


def test_gemini_is_done_only_at_the_end_of_its_stream() -> None:
    """A reason on every chunk, and an error after it."""
    half = {"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}]}
    assert feed("gemini", sse(half, half)) == [TextDelta("a"), TextDelta("a"), StreamEnd("stop", "STOP")]
    error = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
    assert [type(event) for event in feed("gemini", sse(half, error))] == [TextDelta, StreamError]


def test_gemini_as_an_array_with_numbers_for_reasons() -> None:
    items = [
        {"candidates": [{"content": {"parts": [{"text": "a]},{"}]}}]},
        {"candidates": [{"finishReason": 2}], "usageMetadata": {"promptTokenCount": 3, "thoughtsTokenCount": 4}},
    ]
    body = json.dumps(items, indent=1).encode()
    expected = [TextDelta("a]},{"), UsageReported(Usage(3, output=4, reasoning=4)), StreamEnd("length", "MAX_TOKENS")]
    assert feed("gemini", [body]) == expected
    assert feed("gemini", [body[place : place + 1] for place in range(len(body))]) == expected
    assert codec("gemini").decode_body(body) == expected


def test_a_gemini_prompt_that_was_blocked_says_why() -> None:
    (event,) = feed("gemini", sse({"promptFeedback": {"blockReason": "SAFETY"}}))
    assert isinstance(event, StreamError)
    assert event.error.kind == "content_blocked"
    assert "SAFETY" in event.error.message


def test_gemini_thoughts_and_sealed_calls() -> None:
    parts = [{"text": "hm", "thought": True}, {"functionCall": {"name": "look"}, "thoughtSignature": "S"}]
    events = feed("gemini", sse({"candidates": [{"content": {"parts": parts}}]}))
    thought, call = joined(events)
    assert thought == ReasoningDelta("hm")
    assert isinstance(call, ToolCallDelta)
    assert replace(call, id="") == ToolCallDelta(0, "", "look", "{}", "gemini:S")


def test_ollama_fails_on_a_200() -> None:
    lines = b'{"message":{"content":"x"},"done":false}\n{"error":"model runner has unexpectedly stopped"}\n'
    events = feed("ollama-chat", [lines])
    assert events[0] == TextDelta("x")
    assert isinstance(events[1], StreamError)


@pytest.mark.parametrize(
    ("raw", "reason"), [("stop", "stop"), ("length", "length"), ("load", "other"), ("unload", "other")]
)
def test_ollama_done_reasons(raw: str, reason: str) -> None:
    line = json.dumps({"message": {"content": "hi"}, "done": True, "done_reason": raw, "eval_count": 2}).encode()
    assert feed("ollama-chat", [line])[-1] == StreamEnd(reason, raw)  # type: ignore[arg-type]
    empty = json.dumps({"message": {"content": ""}, "done": True, "done_reason": raw}).encode()
    assert isinstance(feed("ollama-chat", [empty])[-1], StreamEnd if raw == "length" else StreamError)


def test_a_call_without_a_name_is_no_answer_and_one_that_is_named_late_is_whole() -> None:
    def piece(finish: str | None = None, **function: str) -> dict[str, Any]:
        delta = {"tool_calls": [{"index": 0, "id": "c", "function": function}]} if function else {}
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    begun, end = piece(arguments='{"a"'), piece("tool_calls")
    assert [type(event) for event in feed("openai-chat", sse(begun, piece(arguments=":1}"), end))] == [StreamError]
    events = feed("openai-chat", sse(begun, piece(name="look", arguments=":1}"), end))
    assert joined(events)[0] == ToolCallDelta(0, "c", "look", '{"a":1}')


def test_responses_quota_after_a_good_beginning() -> None:
    failed = {"status": "failed", "error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}
    events = feed(
        "openai-responses",
        sse(
            {"type": "response.created", "response": {"status": "in_progress"}},
            {"type": "response.failed", "response": failed},
        ),
    )
    assert [type(event) for event in events] == [StreamError]
    assert events[0].error.kind == "out_of_credit"  # type: ignore[union-attr]


def test_responses_whose_text_is_only_in_the_last_event() -> None:
    output = [{"type": "message", "content": [{"type": "output_text", "text": "hi"}]}]
    done = {"type": "response.completed", "response": {"status": "completed", "output": output}}
    assert feed("openai-responses", sse(done)) == [TextDelta("hi"), StreamEnd("stop", "completed")]


def test_an_unknown_protocol_or_dialect_is_named_with_what_there_is() -> None:
    with pytest.raises(SettingsError) as caught:
        codec("openai-completions")
    assert "openai-chat" in caught.value.hint
    with pytest.raises(SettingsError) as caught:
        codec("openai-chat", "grok")
    assert "groq" in caught.value.hint
