"""Whatever a server sends, it ends in events or a typed error, in bounded memory; nothing ever raises."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.core.errors import ProviderError, provider_errors
from routerterm.core.events import StreamError, TextDelta, ToolCallDelta, UsageReported
from routerterm.protocols import PROTOCOLS, classify, codec, limits
from routerterm.protocols.sse import MAX_LINE
from tests.protocols.feeding import cut, feed

KINDS = tuple(provider_errors())
FRAMES = {
    "ollama-chat": lambda value: json.dumps(value).encode() + b"\n",
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
FIELDS = tuple(
    """choices delta message content text index finish_reason usage error type tool_calls function name arguments id
    code candidates parts functionCall partialArgs jsonPath stringValue done done_reason response output item summary
    content_block input stop_reason usageMetadata promptTokenCount prompt_tokens completion_tokens cost thinking delta
    reasoning_content reasoning_details annotations citations role refusal input_tokens cache_creation details metadata
    """.split()  # noqa: SIM905 - a list of forty quoted words is no easier to read
)
words = st.sampled_from(
    ["content_block_start", "content_block_delta", "message_delta", "message_start", "tool_use", "text_delta"]
    + ["response.completed", "response.output_item.added", "response.failed", "function_call", "message", "error"]
    + ["content-delta", "message-end", "tool-call-delta", "input_json_delta", "stop", "STOP", "$.a[0].b", "length"]
)
shaped = st.recursive(
    json_values | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=12,
)


def check(protocol: str, pieces: list[bytes]) -> None:
    events = feed(protocol, pieces)
    broken = [event for event in events if isinstance(event, StreamError)]
    assert all(isinstance(event.error, KINDS) and event.error.message for event in broken)
    assert len(broken) <= 1
    assert not broken or events[-1] is broken[0], "something came after an error"
    for event in events:
        if isinstance(event, TextDelta):
            event.text.encode("utf-8")
        if isinstance(event, UsageReported):
            usage = event.usage
            assert min(usage.fresh, usage.cache_read, usage.cache_write, usage.cache_write_1h, usage.output) >= 0
            assert 0 <= usage.reasoning <= usage.output


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(body=st.binary(max_size=400), places=st.lists(st.integers(0, 400), max_size=4))
@settings(max_examples=60)
def test_random_bytes(protocol: str, body: bytes, places: list[int]) -> None:
    check(protocol, cut(body, places))
    codec(protocol).decode_body(body)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(values=st.lists(shaped, min_size=1, max_size=4))
@settings(max_examples=120)
def test_json_of_the_right_words_in_the_wrong_places(protocol: str, values: list[object]) -> None:
    frame = FRAMES.get(protocol, lambda value: b"data: " + json.dumps(value).encode() + b"\n\n")
    check(protocol, [frame(value) for value in values])
    for value in values:
        codec(protocol).decode_body(json.dumps(value).encode())


@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=200) | shaped.map(lambda value: json.dumps(value).encode()),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "date", "x-ratelimit-reset-requests", "x-should-retry"]),
        st.text(max_size=12),
    ),
)
@settings(max_examples=300)
def test_classify_never_raises(status: int, body: bytes, headers: dict[str, str]) -> None:
    error = classify(status, headers, body, now=1_700_000_000.0)
    assert isinstance(error, ProviderError)
    assert error.message
    assert "\n" not in error.message
    assert error.retry_after is None or error.retry_after >= 0
    limits(headers, now=1_700_000_000.0)


@given(body=shaped.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=100))
def test_a_listing_is_models_or_an_error_of_ours(body: bytes) -> None:
    for protocol in PROTOCOLS:
        try:
            codec(protocol).decode_models(body)
        except ProviderError:
            continue


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "start"),
    [
        ("openai-chat", b""),
        ("openai-chat", b'data: {"a":"'),
        ("openai-chat", b"{"),
        ("anthropic-messages", b"<html>"),
        ("gemini", b"[{"),
        ("gemini", b'[{"a":"'),
        ("ollama-chat", b""),
        ("ollama-chat", b"["),
    ],
    ids=repr,
)
def test_a_hundred_megabytes_without_a_line_end(protocol: str, start: bytes) -> None:
    decoder = codec(protocol).decoder()
    piece = b"x" * (1024 * 1024)
    events = decoder.feed(start)
    tracemalloc.start()
    try:
        for _ in range(100):
            events += decoder.feed(piece)
            if events:
                break
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [type(event) for event in events] == [StreamError]
    assert events[0].error.kind == "malformed"  # type: ignore[union-attr]
    assert peak < 12 * MAX_LINE
    assert decoder.feed(b"data: {}\n\n") == []
    assert decoder.end() == []


def test_data_lines_without_end_are_bounded_too() -> None:
    decoder = codec("openai-chat").decoder()
    events: list[object] = []
    for _ in range(MAX_LINE // (1024 * 1024) + 2):
        events += decoder.feed(b"data: " + b"x" * (1024 * 1024) + b"\n")
    assert [type(event) for event in events] == [StreamError]


def test_blank_lines_without_end_are_held_nowhere() -> None:
    decoder = codec("openai-chat", "deepseek").decoder()
    for _ in range(200):
        assert decoder.feed(b"\n" * 65536) == []
    body = b'{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}'
    assert [type(event).__name__ for event in decoder.feed(body) + decoder.end()] == ["TextDelta", "StreamEnd"]


@pytest.mark.parametrize(
    "piece",
    [
        b'{"choices":' + b"[" * 200_000,
        b'{"choices":[{"delta":{"content":' + b'{"a":' * 100_000,
        b'{"usage":{"prompt_tokens":' + b"9" * 10_000 + b"}}",
        b"{",
        b"\xff\xfe\x00",
        b"nonsense",
        b'"text"',
    ],
    ids=["deep list", "deep object", "huge number", "cut", "bad bytes", "no JSON", "not an object"],
)
def test_what_is_no_json_is_malformed(piece: bytes) -> None:
    events = feed("openai-chat", [b"data: " + piece + b"\n\n"])
    assert [event.error.kind for event in events if isinstance(event, StreamError)] == ["malformed"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("body", [b"hello", b"\xff\xfe", b"upstream timed out\n"])
def test_words_that_are_no_stream_are_malformed(protocol: str, body: bytes) -> None:
    (event,) = feed(protocol, [body])
    assert isinstance(event, StreamError)
    assert event.error.kind == "malformed"


def test_nan_reads_as_nothing_and_the_last_of_two_keys_counts() -> None:
    choice = b'{"logprobs":NaN,"delta":{"content":"a","content":"b"}}'
    body = b'data: {"choices":[' + choice + b'],"usage":{"prompt_tokens":Infinity}}\n\n'
    assert [event for event in feed("openai-chat", [body]) if isinstance(event, TextDelta)] == [TextDelta("b")]


def test_a_gemini_path_that_leads_nowhere_makes_no_giant() -> None:
    part = {"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "$.a[999999]", "stringValue": "x"}]}}
    body = b"data: " + json.dumps({"candidates": [{"content": {"parts": [part]}}]}).encode() + b"\n\n"
    assert len(feed("gemini", [body])) < 5


def test_calls_of_one_answer_never_share_an_id() -> None:
    def piece(index: int, id: str, **function: str) -> dict[str, object]:
        call = {"index": index, "id": id, "type": "function", "function": function}
        return {"id": "x", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}

    pieces = [
        piece(0, "same", name="find", arguments="{"),
        piece(1, "same", name="read", arguments="{"),
        piece(0, "same", arguments="}"),
        piece(1, "same", arguments="}"),
        {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    ]
    data = "".join(f"data: {json.dumps(item)}\n\n" for item in pieces) + "data: [DONE]\n\n"
    events = feed("openai-chat", [data.encode()])
    named = [(event.index, event.id) for event in events if isinstance(event, ToolCallDelta) and event.id]
    assert [index for index, _ in named] == [0, 1]
    assert named[0][1] == "same" != named[1][1]
