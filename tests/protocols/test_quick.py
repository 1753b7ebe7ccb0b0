"""The short way through a decoder, for pieces that are plain text, says the same as the long one."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.core.events import WireEvent
from routerterm.protocols import codec
from routerterm.protocols.stream import StreamDecoder

odd = st.sampled_from([None, "", "x", 0, 1, True, [], {}, [{"title": "t", "url": "u"}], {"message": "no"}])
words = st.text(alphabet="ab <>`é\U0001f600", max_size=6)


def some(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), odd, max_size=2)


deltas = st.builds(
    lambda text, more: {"content": text} | more,
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
events = st.builds(
    lambda text, more: {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": text} | more,
    },
    words,
    some("type", "text", "thinking"),
)
texts = st.builds(
    lambda text, more: {"type": "response.output_text.delta", "output_index": 0, "delta": text} | more,
    words,
    some("delta", "output_index", "item_id", "error"),
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
    st.lists(chunks, max_size=4), st.lists(lines, max_size=4), st.lists(events, max_size=4), st.lists(texts, max_size=4)
)
@settings(max_examples=150)
def test_the_short_way_says_the_same(
    chat: list[dict[str, Any]],
    ollama: list[dict[str, Any]],
    anthropic: list[dict[str, Any]],
    responses: list[dict[str, Any]],
) -> None:
    for protocol, payloads in (
        ("openai-chat", chat),
        ("ollama-chat", ollama),
        ("anthropic-messages", anthropic),
        ("openai-responses", responses),
    ):
        assert heard(protocol, payloads, slow=False) == heard(protocol, payloads, slow=True)
