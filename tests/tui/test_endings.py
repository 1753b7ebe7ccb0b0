"""What is said beneath an answer that ended before its time."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from routerterm.core.errors import StreamInterrupted
from routerterm.core.money import Cost
from routerterm.core.usage import Usage
from routerterm.engine.chat.trace import ReplyTrace
from routerterm.tui.chat.entries import header_of, trouble_of


@pytest.mark.parametrize(
    ("finish", "status", "words"),
    [
        ("stop", "done", ""),
        ("length", "done", "or a budget"),
        ("content_filter", "done", "filter"),
        (None, "stopped", "stopped by you"),
    ],
)
def test_an_ending_is_told(finish: str | None, status: str, words: str) -> None:
    told = trouble_of(ReplyTrace(asked="x", finish=finish), status)
    assert words in told
    assert bool(told) == bool(words)


def test_an_error_says_more_than_its_ending() -> None:
    record = ReplyTrace(asked="x", error=StreamInterrupted("The line broke.", "Ask again."))
    assert trouble_of(record, "cut") == "The line broke. Ask again."


def test_what_was_estimated_says_so_and_a_reported_price_does_not() -> None:
    usage = Usage(fresh=4, output=69, source="estimated")
    cost = Cost(Decimal("0.0041"), "computed")
    trace = ReplyTrace(usage=usage, cost=cost, ttft_ms=400, total_ms=2100)
    header = header_of(trace, "a/b", "12:01")
    assert (header.ttft, header.duration, header.tokens, header.cost) == ("TTFT 0.4 s", "2.1 s", "~69 tok", "~$0.0041")
    assert header_of(replace(trace, cost=replace(cost, source="reported")), "a/b", "").cost == "$0.0041"
    told = header_of(replace(trace, usage=replace(usage, source="reported")), "a/b", "")
    assert (told.tokens, told.cost) == ("69 tok", "$0.0041")
