"""The short way through a decoder, for pieces that are plain text, says the same as the long one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.core.events import WireEvent
from routerterm.protocols import codec
from routerterm.protocols.sse import SseParser
from routerterm.protocols.stream import StreamDecoder

odd = st.sampled_from([None, "", "x", 0, 1, True, [], {}, [{"title": "t", "url": "u"}], {"message": "no"}])
words = st.text(alphabet="ab <>`é\U0001f600", max_size=6)


def some(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), odd, max_size=2)


parts = st.lists(
    st.one_of(
        st.builds(lambda text: {"type": "text", "text": text}, words),
        st.builds(lambda text: {"type": "thinking", "thinking": [{"type": "text", "text": text}]}, words),
        st.builds(lambda text: {"type": "thinking", "thinking": text}, words),
        some("type", "text", "thinking"),
    ),
    max_size=3,
)
deltas = st.builds(
    lambda text, thought, more: {"content": text, "reasoning_content": thought} | more,
    words | parts,
    words,
    some("reasoning_content", "reasoning", "refusal", "tool_calls", "annotations", "role", "content"),
)
choices = st.builds(
    lambda delta, more: {"index": 0, "delta": delta} | more, deltas, some("index", "finish_reason", "error", "message")
)
chunks = st.builds(
    lambda each, more: {"choices": each} | more,
    st.lists(choices, max_size=2),
    some("usage", "error", "object", "citations", "x_groq", "cost", "id"),
)
lines = st.builds(
    lambda message, more: {"message": message, "done": False} | more,
    st.builds(lambda text, more: {"content": text} | more, words, some("thinking", "tool_calls", "content")),
    some("done", "error", "done_reason", "model"),
)
starts = st.builds(
    lambda index, kind, more: {
        "type": "content_block_start", "index": index, "content_block": {"type": kind, "id": "c", "name": "f"} | more
    },
    st.integers(0, 2),
    st.sampled_from(["text", "tool_use", "server_tool_use", "web_search_tool_result"]),
    some("text", "citations"),
)  # fmt: skip
stops = st.builds(lambda index: {"type": "content_block_stop", "index": index}, st.integers(0, 2) | odd)
citations = st.builds(
    lambda source: {"type": "content_block_delta", "delta": {"type": "citations_delta", "citation": source}},
    some("title", "document_title", "url", "cited_text") | odd,
)
events = (
    starts
    | stops
    | citations
    | st.builds(
        lambda kind, index, text, more: {
            "type": "content_block_delta",
            "index": index,
            "delta": {"type": kind[0], kind[1]: text} | more,
        },
        st.sampled_from(
            [
                ("text_delta", "text"),
                ("thinking_delta", "thinking"),
                ("input_json_delta", "partial_json"),
                ("x", "text"),
            ]
        ),
        st.integers(0, 2) | odd,
        words,
        some("type", "text", "thinking"),
    )
)
texts = st.builds(
    lambda kind, place, text, more: {"type": f"response.{kind}.delta", "output_index": place, "delta": text} | more,
    st.sampled_from(
        ["output_text", "reasoning_summary_text", "reasoning_text", "function_call_arguments", "refusal", "other"]
    ),
    st.integers(0, 2),
    words,
    some("delta", "output_index", "item_id", "error", "summary_index"),
)
candidates = st.builds(
    lambda pieces, more: {"content": {"role": "model", "parts": pieces}} | more,
    st.lists(
        st.builds(
            lambda text, more: {"text": text} | more, words, some("thought", "text", "functionCall", "thoughtSignature")
        ),
        max_size=2,
    ),
    some("index", "finishReason", "groundingMetadata", "content"),
)
geminis = st.builds(
    lambda each, counts, more: {"candidates": each, "usageMetadata": counts} | more,
    st.lists(candidates, max_size=2),
    st.dictionaries(st.sampled_from(["promptTokenCount", "candidatesTokenCount"]), st.integers(0, 3)) | odd,
    some("error", "promptFeedback", "modelVersion"),
)
coheres = st.builds(
    lambda kind, text, more: {"type": kind, "index": 0, "delta": {"message": {"content": {"text": text} | more}}},
    st.sampled_from(["content-delta", "content-start", "tool-plan-delta", "message-end"]),
    words,
    some("thinking", "text", "type"),
)


class Slow:
    """A reader without its short way."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def quick(self, data: bytes, emit: Any) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


def heard(protocol: str, payloads: list[dict[str, Any]], *, slow: bool) -> list[WireEvent]:
    decoder = codec(protocol).decoder()
    assert isinstance(decoder, StreamDecoder)
    if slow:
        decoder._reader = Slow(decoder._reader)  # the switch exists for this comparison alone
    data = [json.dumps(payload).encode() for payload in payloads]
    framed = [line + b"\n" for line in data] if protocol == "ollama-chat" else [b"data: " + d + b"\n\n" for d in data]
    out = [event for piece in framed for event in decoder.feed(piece)] + decoder.end()
    return [repr(event) for event in out]  # type: ignore[misc]


@given(
    st.fixed_dictionaries(
        {
            "openai-chat": st.lists(chunks, max_size=4),
            "ollama-chat": st.lists(lines, max_size=4),
            "anthropic-messages": st.lists(events, max_size=5),
            "openai-responses": st.lists(texts, max_size=5),
            "gemini": st.lists(geminis, max_size=4),
            "cohere-v2": st.lists(coheres, max_size=4),
        }
    )
)
@settings(max_examples=60)
def test_the_short_way_says_the_same(answers: dict[str, list[dict[str, Any]]]) -> None:
    for protocol, payloads in answers.items():
        assert heard(protocol, payloads, slow=False) == heard(protocol, payloads, slow=True)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@given(st.lists(st.tuples(st.sampled_from(["", "a", "error", "event"]), words), max_size=4), st.data())
def test_an_event_in_one_piece_is_read_as_any_other(end: str, said: list[tuple[str, str]], data: st.DataObject) -> None:
    frames = [(f"event: {name}{end}" if name else "") + f"data: {text}{end}{end}" for name, text in said]
    whole, cut = SseParser(), SseParser()
    stream = "".join(frames).encode()
    place = data.draw(st.integers(0, len(stream)))
    at_once = [event for frame in frames for event in whole.feed(frame.encode())]
    assert at_once == [*cut.feed(stream[:place]), *cut.feed(stream[place:])]
