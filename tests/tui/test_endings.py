"""What is said beneath an answer that ended before its time."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from routerterm.core import errors
from routerterm.core.errors import StreamInterrupted
from routerterm.core.money import Cost
from routerterm.core.usage import Usage
from routerterm.engine.chat.trace import AttemptTrace, ErrorInfo, ReplyTrace
from routerterm.tui.chat.entries import header_of, note_of, trouble_of, words


@pytest.mark.parametrize(
    ("finish", "status", "said"),
    [
        ("stop", "done", ""),
        ("length", "done", "or a budget"),
        ("content_filter", "done", "filter"),
        (None, "stopped", "stopped by you"),
    ],
)
def test_an_ending_is_told(finish: str | None, status: str, said: str) -> None:
    told = trouble_of(ReplyTrace(asked="x", finish=finish), status, begun=True)
    assert said in told
    assert bool(told) == bool(said)


@pytest.mark.parametrize("status", ["stopped", "cut", "interrupted"])
def test_only_what_was_begun_is_to_be_continued_and_keys_are_named_where_there_are_some(status: str) -> None:
    trace = ReplyTrace(asked="x")
    assert trouble_of(trace, status, begun=True).endswith("Tab, then o continues it")
    assert trouble_of(trace, status, begun=False).endswith("Tab, then r asks again")
    assert "Tab" not in trouble_of(trace, status, begun=True, keys=False)


def test_an_error_says_more_than_its_ending() -> None:
    record = ReplyTrace(asked="x", error=StreamInterrupted("The line broke.", "Ask again."))
    assert trouble_of(record, "cut", begun=True) == "The line broke. Ask again."


def test_what_was_estimated_says_so_and_a_reported_price_does_not() -> None:
    usage = Usage(fresh=4, output=69, source="estimated")
    cost = Cost(Decimal("0.0041"), "computed")
    trace = ReplyTrace(usage=usage, cost=cost, ttft_ms=400, total_ms=2100)
    header = header_of(trace, "a/b", "12:01")
    assert (header.ttft, header.duration, header.tokens, header.cost) == ("TTFT 0.4 s", "2.1 s", "~69 tok", "~$0.0041")
    assert header_of(replace(trace, cost=replace(cost, source="reported")), "a/b", "").cost == "$0.0041"
    told = header_of(replace(trace, usage=replace(usage, source="reported")), "a/b", "")
    assert (told.tokens, told.cost) == ("69 tok", "$0.0041")


def test_what_failed_on_the_way_is_said_in_plain_words_and_repeats_are_counted() -> None:
    error = ErrorInfo("transient", "Down.")
    tried = [AttemptTrace(n, "groq/llama", None, "", error) for n in (1, 2)]
    cut = AttemptTrace(3, "openai/gpt", None, "", ErrorInfo("cut", "Gone."))
    trace = ReplyTrace(target="gemini/flash", attempts=(*tried, cut))
    assert note_of(trace) == "2 × groq server error → openai cut off → gemini"


def test_no_class_of_failure_is_shown_in_words_of_the_code() -> None:
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.ProviderError)]
    said = {words(one.kind) for one in classes}
    assert "server error" in said
    assert not said & {"transient", "warming", "malformed", "caller fault", "silent", "cut"}
