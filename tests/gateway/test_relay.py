"""Whatever providers do, a client's text is a beginning of one answer, and a clean end is the end of a whole one."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.errors import StreamInterrupted
from routerterm.core.events import (
    AttemptStarted,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    Recovered,
    StreamEnd,
    StreamError,
    TextDelta,
    ToolCallDelta,
    WireEvent,
)
from routerterm.core.targets import Target
from routerterm.gateway.relay import Relay

ONE, TWO = Target("one", "a"), Target("two", "b")


def told(*events: Event, whole: bool = False) -> tuple[Relay, list[WireEvent]]:
    relay, out = Relay(whole=whole), []
    for event in events:
        out += relay.feed(event)
        if relay.over:
            break
    return relay, out


def text(out: list[WireEvent]) -> str:
    return "".join(event.text for event in out if isinstance(event, TextDelta))


def pieces(words: str, cuts: list[int]) -> list[TextDelta]:
    edges = sorted({0, len(words), *(cut % (len(words) + 1) for cut in cuts)})
    return [TextDelta(words[start:end]) for start, end in pairwise(edges)]


words = st.text(alphabet="ab ", max_size=12)
cuts = st.lists(st.integers(0, 20), max_size=5)


@given(words, words, cuts, cuts)
def test_a_second_beginning_is_skipped_or_is_an_error(
    first: str, second: str, some: list[int], more: list[int]
) -> None:
    events = [AttemptStarted(1, ONE, None, ""), *pieces(first, some), Recovered("restart", len(first), TWO)]
    relay, out = told(*events, *pieces(second, more), Finished("stop", TWO))
    sent, whole = text(out), any(isinstance(event, StreamEnd) for event in out)
    assert sent.startswith(first)
    assert whole == second.startswith(first)
    assert whole != any(isinstance(event, StreamError) for event in out)
    if whole:
        assert sent == second
        assert relay.error is None


@given(words, words, cuts)
def test_a_continuation_is_appended(first: str, rest: str, some: list[int]) -> None:
    _, out = told(*pieces(first, some), Recovered("continue", len(first), TWO), TextDelta(rest), Finished("stop", TWO))
    assert text(out) == first + rest
    assert isinstance(out[-1], StreamEnd)


def test_a_tool_call_in_place_of_what_was_sent_is_an_error() -> None:
    relay, out = told(TextDelta("One"), Recovered("restart", 3, TWO), ToolCallDelta(0, "c", "look", "{}"))
    assert isinstance(relay.error, StreamInterrupted)
    assert isinstance(out[-1], StreamError)


def test_thoughts_of_a_second_beginning_are_left_out() -> None:
    _, out = told(
        ReasoningDelta("hm"), TextDelta("One "), Recovered("restart", 4, TWO),
        ReasoningDelta("let me see"), TextDelta("One two"), Finished("stop", TWO),
    )  # fmt: skip
    assert [event.text for event in out if isinstance(event, ReasoningDelta)] == ["hm"]
    assert text(out) == "One two"


def test_a_failure_is_told() -> None:
    error = StreamInterrupted("It broke.")
    relay, out = told(TextDelta("One"), Failed(error, attempts=2))
    assert out[-1] == StreamError(error)
    assert (relay.error, relay.attempts) == (error, 2)


def test_a_whole_answer_begins_anew_without_a_trace() -> None:
    relay, _ = told(TextDelta("One"), Recovered("restart", 3, TWO), whole=True)
    assert relay.restart
    assert relay.feed(TextDelta("Other")) == [TextDelta("Other")]
