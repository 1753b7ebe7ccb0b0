"""However the bytes are cut, the events are the same: by byte and at random places."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.core.events import StreamEnd, StreamError, TextDelta
from routerterm.protocols.json_utils import dumps, loads
from routerterm.protocols.sse import Lines, SseParser
from tests.protocols.feeding import comparable, cut, feed
from tests.protocols.recordings import Recording, recordings

STREAMS = [each for each in recordings() if each.kind == "chat" and each.streaming and len(each.body) < 60_000]
SMALL = [each for each in STREAMS if len(each.body) < 6_000]


@pytest.mark.corpus
@pytest.mark.parametrize("recording", SMALL, ids=str)
def test_byte_by_byte(recording: Recording) -> None:
    whole = feed(recording.wire, [recording.body])
    single = feed(recording.wire, (recording.body[place : place + 1] for place in range(len(recording.body))))
    assert comparable(single) == comparable(whole)


@pytest.mark.corpus
@given(data=st.data())
@settings(max_examples=150)
def test_at_random_cuts(data: st.DataObject) -> None:
    if not STREAMS:
        pytest.skip("no recorded traffic here (set ROUTERTERM_CORPUS)")
    recording = data.draw(st.sampled_from(STREAMS))
    places = data.draw(st.lists(st.integers(0, len(recording.body)), max_size=12))
    whole = feed(recording.wire, [recording.body])
    assert comparable(feed(recording.wire, cut(recording.body, places))) == comparable(whole)


plain = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=8)
LINE_ENDS = ("\n", "\r\n", "\r")


@given(
    words=st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=12), min_size=1, max_size=5),
    ends=st.lists(st.sampled_from(LINE_ENDS), min_size=1, max_size=6),
    bom=st.booleans(),
    places=st.lists(st.integers(0, 400), max_size=10),
)
def test_lines_are_split_at_line_ends_and_nowhere_else(
    words: list[str], ends: list[str], bom: bool, places: list[int]
) -> None:
    words = [word.replace("\r", "").replace("\n", "").removeprefix("\ufeff") for word in words]
    # An empty line after a lone CR would be read as the LF of that CR: never write one there.
    text = "".join((word or "x") + ends[number % len(ends)] for number, word in enumerate(words))
    body = (b"\xef\xbb\xbf" if bom else b"") + text.encode("utf-8")
    lines = Lines()
    got = [line for piece in cut(body, places) for line in lines.feed(piece)]
    assert [line.decode("utf-8") for line in got] == [word or "x" for word in words]
    assert lines.end() == b""


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["", "error", "x"]),
            st.lists(plain, min_size=1, max_size=3),
        ),
        max_size=5,
    ),
    end=st.sampled_from(LINE_ENDS),
    places=st.lists(st.integers(0, 300), max_size=8),
)
def test_events_are_what_was_written(events: list[tuple[str, list[str]]], end: str, places: list[int]) -> None:
    body = ""
    for name, lines in events:
        body += f": a comment{end}id: 7{end}"
        body += f"event: {name}{end}" if name else ""
        body += "".join(f"data: {line}{end}" for line in lines) + end
    parser = SseParser()
    got = [event for piece in cut(body.encode("utf-8"), places) for event in parser.feed(piece)]
    assert [(event.name, event.data.decode("utf-8")) for event in got] == [(name, "\n".join(ls)) for name, ls in events]
    assert parser.end() == []


def test_a_line_separator_of_unicode_is_no_line_end() -> None:
    body = 'data: {"choices":[{"delta":{"content":"a\u2028b\u0085c"},"finish_reason":"stop"}]}\n\n'.encode()
    assert feed("openai-chat", [body]) == [TextDelta("a\u2028b\u0085c"), StreamEnd("stop", "stop")]


def test_a_last_event_without_its_blank_line_counts_if_it_is_whole() -> None:
    chunk = b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}'
    assert feed("openai-chat", [chunk]) == [TextDelta("hi"), StreamEnd("stop", "stop")]
    assert feed("openai-chat", [chunk[:-2]]) == []


def test_several_data_fields_are_one_event() -> None:
    body = b'data: {"choices":[{"delta":\ndata: {"content":"hi"}}]}\n\n'
    assert feed("openai-chat", [body]) == [TextDelta("hi")]


def test_an_error_field_of_llama_cpp_is_an_error() -> None:
    body = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
    body += b'error: {"code":500,"message":"slot lost","type":"server_error"}\n\n'
    events = feed("openai-chat", [body])
    assert events[0] == TextDelta("hi")
    assert isinstance(events[1], StreamError)
    assert (events[1].error.kind, events[1].error.message) == ("transient", "slot lost")


def saying(content: str) -> bytes:
    return f'data: {{"choices":[{{"delta":{{"content":"{content}"}}}}]}}\n\n'.encode()


def test_an_emoji_cut_into_two_surrogates_is_put_together() -> None:
    body = saying("\\ud83d") + saying("\\ude00!")
    assert feed("openai-chat", [body]) == [TextDelta("\U0001f600!")]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "-Infinity"])
def test_a_number_beyond_all_bounds_can_be_said_again(number: str) -> None:
    """Beside half a character, which only the tolerant reader takes."""
    assert dumps(loads(f'{{"a": {number}, "b": "\\ud800"}}'.encode())) == b'{"a":null,"b":"?"}'


def test_a_lone_surrogate_is_replaced() -> None:
    body = saying("a\\udc00b") + saying("\\ud83d")
    text = "".join(event.text for event in feed("openai-chat", [body]) if isinstance(event, TextDelta))
    assert text == "a\ufffdb\ufffd"
    assert text.encode("utf-8")
