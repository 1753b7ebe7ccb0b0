"""The flow as a table: what is tried after what, with time and chance given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from routerterm.catalog.values import ModelInfo
from routerterm.core import errors
from routerterm.core.errors import (
    BadRequest,
    ContentBlocked,
    ContextTooLong,
    EmptyAnswer,
    InsufficientCredit,
    InvalidKey,
    InvalidResponse,
    ModelForbidden,
    ModelLoading,
    ModelNotFound,
    NoCandidate,
    Offline,
    OverBudget,
    PartialCredit,
    ProviderError,
    RateLimited,
    RequestTooLarge,
    ResponseTimeout,
    ServerError,
    StreamInterrupted,
    Unreachable,
)
from routerterm.core.targets import Target
from routerterm.router.decide.attempts import (
    Attempt,
    AttemptLost,
    AttemptRejected,
    AttemptSucceeded,
    Hedged,
    Progress,
    Rules,
)
from routerterm.router.decide.key_limits import KeyView
from routerterm.router.decide.ranking import RankedCandidate
from routerterm.router.decide.retry import retry_plan
from routerterm.router.options import Limits

A, B, C = Target("a", "m"), Target("b", "m"), Target("c", "m")
SAID = Progress(100, content=True)


def option(target: Target, *, keys: tuple[str, ...] = ("k",), prefill: bool = False, **fields: Any) -> RankedCandidate:
    context = fields.pop("context", None)
    model = ModelInfo(target.provider, target.model, prefill=prefill, context=context)
    views = tuple(KeyView(label) for label in keys)
    return RankedCandidate(target, model, "chosen", views, needs_key=bool(keys), **fields)


def play(
    options: list[RankedCandidate],
    outcomes: Sequence[ProviderError | tuple[ProviderError, Progress]],
    rules: Rules | None = None,
) -> tuple[list[Attempt], Any]:
    """The attempts that follow from failures (a second apart), and what it ends with."""
    course = retry_plan(options, rules or Rules(), lambda: 0.5, 1000.0)
    made, now = [], 1000.0
    try:
        made.append(next(course))
        for outcome in outcomes:
            error, progress = outcome if isinstance(outcome, tuple) else (outcome, Progress())
            now += made[-1].delay
            made.append(course.send(AttemptLost(error, now, progress)))
        course.send(AttemptSucceeded())
    except StopIteration as end:
        return made, end.value
    raise AssertionError("it should have ended")


def asked(attempts: list[Attempt]) -> list[str]:
    return [f"{attempt.target.provider}:{attempt.key}" for attempt in attempts]


CASES: dict[str, tuple[list[ProviderError], list[str], type[Exception] | None]] = {
    "a 500 is tried once more, then the next": ([ServerError("x"), ServerError("x")], ["a:k", "a:k", "b:k"], None),
    "a silent route is never asked again": (
        [ResponseTimeout("x"), ResponseTimeout("x")],
        ["a:k", "b:k"],
        ResponseTimeout,
    ),
    "a refused connection moves on at once": ([Unreachable("x", code="refused")], ["a:k", "b:k"], None),
    "a certificate is not asked twice": (
        [Unreachable("x", code="tls"), Unreachable("x", code="tls")],
        ["a:k", "b:k"],
        Unreachable,
    ),
    "a model that is not for the key": ([ModelForbidden("x")], ["a:k", "b:k"], None),
    "one provider's 400 is about that provider": ([BadRequest("x")], ["a:k", "b:k"], None),
    "a second one's is about the request": ([BadRequest("x"), BadRequest("x")], ["a:k", "b:k"], BadRequest),
    "one provider's filter is its own": ([ContentBlocked("x")], ["a:k", "b:k"], None),
    "a second one's is final": ([ContentBlocked("x"), ContentBlocked("x")], ["a:k", "b:k"], ContentBlocked),
    "a request too large for one account": ([RequestTooLarge("x")], ["a:k", "b:k"], None),
    "an answer without a word": ([EmptyAnswer("x")], ["a:k", "b:k"], None),
    "a shorter answer is what an account can pay": ([PartialCredit("x", affordable=500)], ["a:k", "a:k"], None),
    "and if not even that, another": (
        [PartialCredit("x", affordable=500), PartialCredit("x", affordable=200)],
        ["a:k", "a:k", "b:k"],
        None,
    ),
    "a model that is gone": ([ModelNotFound("x"), ModelNotFound("x")], ["a:k", "b:k"], ModelNotFound),
    "a bad key without another": ([InvalidKey("x")], ["a:k", "b:k"], None),
    "malformed twice": ([InvalidResponse("x"), InvalidResponse("x")], ["a:k", "b:k"], InvalidResponse),
    "never more than four": ([ServerError("x")] * 4, ["a:k", "a:k", "b:k", "b:k"], ServerError),
    "a rate limit of a second is waited out": ([RateLimited("x", retry_after=1.0)], ["a:k", "a:k"], None),
    "a rate limit of a minute is not": ([RateLimited("x", retry_after=60.0)], ["a:k", "b:k"], None),
    "a rate limit without a time": ([RateLimited("x")], ["a:k", "b:k"], None),
    "loading": ([ModelLoading("x")], ["a:k", "b:k"], None),
    "offline": ([Unreachable("x", code="dns")] * 4, ["a:k", "b:k", "b:k", "a:k"], Offline),
    "refused by all is not offline": (
        [Unreachable("x", code="refused")] * 4,
        ["a:k", "b:k", "b:k", "a:k"],
        Unreachable,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_two_candidates(name: str) -> None:
    outcomes, expected, ending = CASES[name]
    attempts, error = play([option(A), option(B)], outcomes)
    assert asked(attempts) == expected
    assert (type(error) if error is not None else None) == ending


ALONE: dict[str, tuple[list[ProviderError], int, float]] = {
    "a 500": ([ServerError("x")], 2, 0.5),
    "retry-after is a floor": ([ServerError("x", retry_after=7.0)], 2, 7.0),
    "a wait beyond patience": ([ServerError("x", retry_after=31.0)], 1, 0.0),
    "a rate limit without a time is tried once more": ([RateLimited("x")], 2, 0.5),
    "a daily limit is not": ([RateLimited("x", daily=True)], 1, 0.0),
    "loading is asked four times": ([ModelLoading("x")] * 3, 4, 5.0),
    "silence": ([ResponseTimeout("x")], 1, 0.0),
}


@pytest.mark.parametrize("name", ALONE)
def test_alone(name: str) -> None:
    outcomes, attempts, delay = ALONE[name]
    made, _ = play([option(A)], outcomes)
    assert len(made) == attempts
    assert made[-1].delay == pytest.approx(delay)


def test_a_model_that_is_not_for_a_key_may_be_for_another() -> None:
    pool = tuple(f"k{number}" for number in range(10))
    attempts, end = play([option(A, keys=pool)], [ModelForbidden("x")] * 9)
    assert end is None
    assert [attempt.key for attempt in attempts] == list(pool)


def test_another_key_comes_before_another_provider() -> None:
    attempts, _ = play([option(A, keys=("one", "two")), option(B)], [InsufficientCredit("x")])
    assert asked(attempts) == ["a:one", "a:two"]
    assert attempts[1].delay == 0.0
    assert "another key" in attempts[1].next


def test_a_rate_limited_key_gives_way_to_the_next_at_once() -> None:
    attempts, _ = play([option(A, keys=("one", "two")), option(B)], [RateLimited("x", retry_after=2.0)])
    assert asked(attempts) == ["a:one", "a:two"]
    assert attempts[1].delay == 0.0


def test_a_second_try_never_takes_another_candidates_place() -> None:
    """Four attempts: with three candidates only one of them may be tried twice."""
    attempts, _ = play([option(A), option(B), option(C)], [ServerError("x")] * 3)
    assert asked(attempts) == ["a:k", "a:k", "b:k", "c:k"]


def test_a_cut_answer_reaches_the_last_candidate_too() -> None:
    options = [option(A, prefill=True), option(B, prefill=True), option(C)]
    attempts, error = play(options, [(StreamInterrupted("x"), SAID)] * 3)
    assert asked(attempts) == ["a:k", "a:k", "b:k", "c:k"]
    assert attempts[3].recover == "restart"
    assert error is None


def test_a_long_prompt_goes_to_a_larger_window_only() -> None:
    options = [option(A, context=8_000), option(B, context=8_000), option(C, context=100_000)]
    attempts, _ = play(options, [ContextTooLong("x")])
    assert asked(attempts) == ["a:k", "c:k"]


def test_without_a_larger_window_it_ends() -> None:
    attempts, error = play([option(A, context=8_000), option(B, context=4_000)], [ContextTooLong("x")])
    assert (asked(attempts), type(error)) == (["a:k"], ContextTooLong)


def test_patience_is_spent_only_once() -> None:
    """Three seconds of waiting in all, while another candidate exists."""
    rules = Rules(Limits(per_target=4))
    attempts, _ = play([option(A), option(B)], [RateLimited("x", retry_after=2.0)] * 2, rules)
    assert asked(attempts) == ["a:k", "a:k", "b:k"]


def test_a_cut_goes_on_where_prefill_is_possible() -> None:
    options = [option(A), option(B), option(C, prefill=True)]
    attempts, _ = play(options, [(StreamInterrupted("x"), SAID)])
    assert (attempts[1].target, attempts[1].recover) == (C, "continue")


def test_a_cut_without_prefill_starts_anew_on_the_next() -> None:
    attempts, _ = play([option(A), option(B)], [(StreamInterrupted("x"), SAID)])
    assert (attempts[1].target, attempts[1].recover) == (B, "restart")


def test_a_stalled_target_is_not_asked_to_go_on() -> None:
    options = [option(A, prefill=True), option(B)]
    attempts, _ = play(options, [(StreamInterrupted("x", code="stalled"), SAID)])
    assert (attempts[1].target, attempts[1].recover) == (B, "restart")


def test_a_refused_prefill_becomes_a_restart_on_the_same_target() -> None:
    options = [option(A), option(B, prefill=True)]
    attempts, error = play(options, [(StreamInterrupted("x"), SAID), BadRequest("no prefill")])
    assert [(attempt.target, attempt.recover) for attempt in attempts[1:]] == [(B, "continue"), (B, "restart")]
    assert error is None


def test_tool_calls_are_never_gone_on_with() -> None:
    attempts, error = play([option(A), option(B)], [(StreamInterrupted("x"), Progress(0, True, tool_calls=True))])
    assert (len(attempts), type(error)) == (1, StreamInterrupted)


def test_on_cut_stop() -> None:
    attempts, error = play([option(A), option(B)], [(StreamInterrupted("x"), SAID)], Rules(on_cut="stop"))
    assert (len(attempts), type(error)) == (1, StreamInterrupted)


def test_what_breaks_after_content_ends_as_a_cut() -> None:
    _, error = play([option(A)], [(ServerError("overloaded"), SAID), ResponseTimeout("x")])
    assert isinstance(error, StreamInterrupted)
    assert "100 characters" in error.message


def test_a_filter_in_the_middle_stays_what_it_is() -> None:
    _, error = play([option(A)], [(ContentBlocked("x"), SAID)])
    assert isinstance(error, ContentBlocked)


def test_what_was_not_sent_does_not_count() -> None:
    course = retry_plan([option(A), option(B)], Rules(), lambda: 0.5)
    assert next(course).n == 1
    attempt = course.send(AttemptRejected("model", "another program probes it", 0.0))
    assert (attempt.n, attempt.target) == (1, B)


def test_nothing_sent_at_all_is_an_error() -> None:
    course = retry_plan([option(A)], Rules(), lambda: 0.5)
    next(course)
    with pytest.raises(StopIteration) as end:
        course.send(AttemptRejected("model", "it failed too often", 0.0))
    assert isinstance(end.value.value, NoCandidate)


def test_a_cap_in_the_way_of_all_is_the_error() -> None:
    course = retry_plan([option(A)], Rules(), lambda: 0.5)
    next(course)
    with pytest.raises(StopIteration) as end:
        course.send(AttemptRejected("budget", "over", 0.0, error=OverBudget("over")))
    assert isinstance(end.value.value, OverBudget)


def test_a_key_that_was_taken_meanwhile() -> None:
    course = retry_plan([option(A, keys=("one", "two"))], Rules(), lambda: 0.5)
    assert next(course).key == "one"
    assert course.send(AttemptRejected("key", "busy", 0.0, wait=20.0)).key == "two"


def test_both_of_a_hedge_count() -> None:
    options = [option(A, hedge_after=1.0), option(B), option(C)]
    course = retry_plan(options, Rules(), lambda: 0.5)
    first = next(course)
    assert first.hedge is not None
    assert (first.hedge.n, first.hedge.target) == (2, B)
    following = course.send(
        Hedged(True, AttemptLost(ResponseTimeout("x"), 1.0), AttemptLost(ResponseTimeout("x"), 1.0))
    )
    assert (following.n, following.target) == (3, C)


def test_the_last_resort_is_asked_once() -> None:
    attempts, _ = play([option(A, last_resort=True)], [ServerError("x")])
    assert len(attempts) == 1


def test_a_model_whose_breaker_just_opened_is_not_asked_again() -> None:
    course = retry_plan([option(A), option(B)], Rules(), lambda: 0.5)
    next(course)
    attempt = course.send(AttemptLost(ServerError("x"), 1.0, resting=True))
    assert (attempt.target, attempt.next) == (B, "trying b/m")


def test_a_cut_answer_goes_on_at_a_sick_model_only_where_nobody_else_is() -> None:
    for options, expected in (([option(A, prefill=True)], A), ([option(A, prefill=True), option(B)], B)):
        course = retry_plan(options, Rules(), lambda: 0.5)
        next(course)
        attempt = course.send(AttemptLost(StreamInterrupted("x"), 1.0, SAID, resting=True))
        assert attempt.target == expected
        assert attempt.candidate.last_resort is (expected == A)


ERRORS = st.sampled_from(list(errors.provider_errors()))
WAITS = st.one_of(st.none(), st.floats(0, 400))


@given(
    st.lists(st.tuples(ERRORS, WAITS, st.sampled_from([None, "stalled", "dns", "tls"]), st.booleans()), min_size=8),
    st.integers(1, 4),
    st.sampled_from(["continue", "restart", "stop"]),
    st.floats(0, 1),
)
def test_the_limits_hold_whatever_happens(failures: list[Any], count: int, on_cut: Any, chance: float) -> None:
    """Never more than four attempts, three seconds of waiting before others, or two questions to a silent route."""
    targets = [Target(f"p{place}", "m") for place in range(count)]
    options = [option(target, prefill=place % 2 == 0) for place, target in enumerate(targets)]
    rules = replace(Rules(), on_cut=on_cut)
    course = retry_plan(options, rules, lambda: chance, 0.0)
    attempts, now, silent, conclusion = [next(course)], 0.0, set(), None
    for kind, wait, code, content in failures:
        attempt = attempts[-1]
        now += attempt.delay
        error = kind("x", retry_after=wait, code=code)
        if kind is ResponseTimeout or (kind is StreamInterrupted and code == "stalled"):
            silent.add(attempt.target)
        try:
            attempts.append(course.send(AttemptLost(error, now, SAID if content else Progress())))
        except StopIteration as end:
            conclusion = end.value
            break
        assert attempts[-1].target not in silent
        assert attempts[-1].delay <= rules.limits.patience_alone
    assert conclusion is not None, "it never ended, or without an error"
    assert len(attempts) <= 4
    for target in targets:
        most = 4 if any(kind is ModelLoading for kind, *_ in failures) else 2
        assert sum(attempt.target == target for attempt in attempts) <= most
    assert sum(attempt.delay for attempt in attempts) <= rules.limits.patience_alone + 1e-9


MOVING = st.sampled_from(
    [
        ServerError,
        ResponseTimeout,
        Unreachable,
        InvalidResponse,
        InvalidKey,
        InsufficientCredit,
        ModelNotFound,
        RateLimited,
    ]
)


@given(
    st.lists(st.tuples(MOVING, st.one_of(st.none(), st.floats(0, 60))), min_size=8), st.integers(1, 4), st.floats(0, 1)
)
def test_no_healthy_candidate_is_left_unasked(failures: list[Any], count: int, chance: float) -> None:
    """Whatever fails before the first piece, every candidate of up to four has its turn."""
    targets = [Target(f"p{place}", "m") for place in range(count)]
    course = retry_plan([option(target) for target in targets], Rules(), lambda: chance, 0.0)
    attempt, now, seen = next(course), 0.0, set()
    for kind, wait in failures:
        seen.add(attempt.target)
        now += attempt.delay
        try:
            attempt = course.send(AttemptLost(kind("x", retry_after=wait), now))
        except StopIteration:
            break
    assert seen == set(targets)


def test_walking_along_keys_uses_up_no_attempts() -> None:
    pool = tuple(f"k{n}" for n in range(10))
    attempts, error = play([option(A, keys=pool), option(B)], [InvalidKey("x")] * 9)
    assert asked(attempts) == [f"a:k{n}" for n in range(10)]
    assert error is None


def test_a_rate_limit_of_one_model_leaves_the_key_to_the_next() -> None:
    one, two = Target("p", "one"), Target("p", "two")
    attempts, _ = play([option(one), option(two)], [RateLimited("x", retry_after=60.0)])
    assert [str(attempt.target) for attempt in attempts] == ["p/one", "p/two"]


def test_a_key_refused_for_one_model_is_tried_for_another_where_nothing_else_is_left() -> None:
    one, two, three = Target("p", "one"), Target("p", "two"), Target("p", "three")
    attempts, error = play([option(one), option(two)], [InvalidKey("x")])
    assert [str(attempt.target) for attempt in attempts] == ["p/one", "p/two"]
    assert error is None
    attempts, _ = play([option(one), option(two), option(B)], [InvalidKey("x")])
    assert [str(attempt.target) for attempt in attempts] == ["p/one", "b/m"]
    attempts, error = play([option(one), option(two), option(three)], [InvalidKey("x"), InvalidKey("y")])
    assert [str(attempt.target) for attempt in attempts] == ["p/one", "p/two"]
    assert isinstance(error, InvalidKey)


def test_a_limit_of_the_account_does_not() -> None:
    one, two = Target("p", "one"), Target("p", "two")
    attempts, error = play([option(one), option(two)], [RateLimited("x", retry_after=60.0, account=True)])
    assert [str(attempt.target) for attempt in attempts] == ["p/one"]
    assert isinstance(error, RateLimited)
