"""Money is exact, ids sort by time, secrets do not show, replies fold, errors carry their cure."""

from __future__ import annotations

import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from routerterm.core import errors
from routerterm.core.events import Content, ReasoningDelta, TextDelta, ToolCallDelta
from routerterm.core.ids import ulid, ulid_time
from routerterm.core.messages import Reasoning, Text, ToolCall
from routerterm.core.money import from_nano, show_usd, to_nano
from routerterm.core.reply import ReplyBuilder
from routerterm.core.secret import Secret, mask
from routerterm.core.targets import Target


@given(st.integers(-(10**15), 10**15))
def test_nano_dollars_are_exact(nano: int) -> None:
    assert to_nano(from_nano(nano)) == nano


@pytest.mark.parametrize(
    ("usd", "shown"),
    [(None, "?"), ("0", "$0"), ("0.0041", "$0.0041"), ("0.000123", "$0.00012"), ("0.41", "$0.41"), ("12.3", "$12.30")]
    + [("1234.5", "$1,234.50"), ("0.0000001", "<$0.000001"), ("-0.02", "-$0.020"), ("0.999", "$1.00")],
)
def test_amounts_read_well(usd: str | None, shown: str) -> None:
    assert show_usd(None if usd is None else Decimal(usd)) == shown


@given(st.tuples(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10)))
def test_an_id_tells_its_time(made: tuple[int, bytes]) -> None:
    assert ulid_time(ulid(*made)) == made[0]
    assert len(ulid(*made)) == 26


@given(st.lists(st.integers(0, 2**48 - 1), min_size=2, unique=True))
def test_ids_sort_by_time(times: list[int]) -> None:
    assert [ulid_time(i) for i in sorted(ulid(t, bytes(10)) for t in times)] == sorted(times)


def test_a_secret_does_not_show() -> None:
    key = "sk-ant-abcdefghijklmnop1234"
    secret = Secret(key)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>30}", repr([secret]), repr({"k": secret})]
    assert not any("abcdef" in text for text in shown)
    assert str(secret) == "sk-****1234"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_short_key_is_masked_whole() -> None:
    assert mask("hunter2") == "****"
    assert mask("gsk_0123456789abcdef") == "****cdef"


def test_a_target_may_hold_slashes() -> None:
    assert Target.parse("openrouter/meta/llama-3") == Target("openrouter", "meta/llama-3")
    for bad in ("smart", "/x", "x/", ""):
        with pytest.raises(ValueError, match="provider/model"):
            Target.parse(bad)


pieces: st.SearchStrategy[Content] = st.one_of(
    st.builds(TextDelta, st.text()),
    st.builds(ReasoningDelta, st.text()),
    st.builds(ToolCallDelta, st.integers(0, 2), st.text(), st.text(), st.text()),
)


@given(st.lists(pieces))
def test_nothing_that_was_said_is_lost(deltas: list[Content]) -> None:
    reply = ReplyBuilder()
    for delta in deltas:
        reply.add(delta)
    said = "".join(d.text for d in deltas if isinstance(d, TextDelta))
    assert reply.text == said
    assert reply.text_length == len(said)
    assert "".join(p.text for p in reply.parts() if isinstance(p, Text)) == said
    thought = "".join(d.text for d in deltas if isinstance(d, ReasoningDelta))
    assert "".join(p.text for p in reply.parts() if isinstance(p, Reasoning)) == thought


def test_parts_keep_their_order_and_calls_their_index() -> None:
    reply = ReplyBuilder()
    for delta in (
        ReasoningDelta("so"),
        ReasoningDelta("", signature="sig"),
        ReasoningDelta("again"),
        TextDelta("a"),
        ToolCallDelta(1, "id1", "g", '{"x'),
        ToolCallDelta(0, "id0", "f", "{}"),
        ToolCallDelta(1, arguments='":1}'),
        TextDelta("b"),
    ):
        reply.add(delta)
    assert reply.parts() == (
        Reasoning("so", "sig"),
        Reasoning("again"),
        Text("a"),
        ToolCall("id1", "g", '{"x":1}'),
        ToolCall("id0", "f", "{}"),
        Text("b"),
    )


def test_every_failure_has_a_kind_of_its_own_and_a_cure() -> None:
    kinds = [error.kind for error in errors.provider_errors()]
    assert len(kinds) == len(set(kinds))
    by_kind = {
        error.kind: tuple(name for name, holds in asdict(error.recovery).items() if holds)
        for error in errors.provider_errors()
    }
    assert by_kind["silent"] == ("next_candidate", "counts")
    assert "retry" not in by_kind["out_of_credit"]
    assert by_kind["caller_fault"] == ("next_candidate",)
