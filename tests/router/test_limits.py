"""Keys: rest, quotas, buckets, what headers teach, and when a key is out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.errors import InsufficientCredit, InvalidKey, ModelForbidden, RateLimited, ServerError
from routerterm.core.ports import ApiKey, State
from routerterm.core.secret import Secret
from routerterm.protocols.limits import limits as header_limits
from routerterm.router.decide.key_limits import KeyView, Use, answered, learned, ordered, refused, revived, take, view
from routerterm.router.options import KeyLimits

RULES = KeyLimits()
KEY = ApiKey("work", Secret("sk-0123456789abcdef"))


def wait(state: State | None, key: ApiKey = KEY, now: float = 0.0, tokens: int = 0) -> float:
    return view(state, key, now, Use(tokens)).wait


ONE, TWO = Use(model="one"), Use(model="two")


def rest(state: State | None, use: Use, now: float = 0.0) -> float:
    return view(state, KEY, now, use).wait


def test_a_429_rests_the_key_for_that_model_alone_briefly_and_longer_each_time() -> None:
    state: State | None = None
    waits = []
    for now in (0.0, 20.0, 60.0, 130.0, 250.0, 500.0):
        state = refused(state, KEY, now, RateLimited("x"), RULES, ONE)
        waits.append(rest(state, ONE, now))
        assert rest(state, TWO, now) == 0.0
    assert waits == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0]
    assert rest(answered(state, KEY, 900.0, ONE), ONE, 501.0) == 0.0


def test_a_second_model_s_429_rests_the_whole_key() -> None:
    state = refused(None, KEY, 0.0, RateLimited("x"), RULES, ONE)
    state = refused(state, KEY, 1.0, RateLimited("x"), RULES, TWO)
    assert rest(state, Use(model="three"), 1.0) == 10.0


def test_a_limit_of_the_account_rests_the_whole_key_at_once() -> None:
    state = refused(None, KEY, 0.0, RateLimited("x", account=True), RULES, ONE)
    assert rest(state, TWO) == 300.0


def test_a_model_that_is_not_for_the_key_says_nothing_of_others() -> None:
    state = refused(None, KEY, 0.0, ModelForbidden("x"), RULES, ONE)
    assert rest(state, ONE) > 0.0
    assert view(state, KEY, 0.0, ONE).out is None
    state = refused(state, KEY, 1.0, RateLimited("x"), RULES, TWO)
    assert rest(state, Use(model="three"), 1.0) == 0.0, "one refusal for speed is still about one model"
    assert rest(answered(state, KEY, 2.0, TWO), ONE, 3.0) > 0.0


def test_an_account_without_credit_still_has_what_is_free() -> None:
    state = refused(None, KEY, 0.0, InsufficientCredit("x"), RULES, ONE)
    assert view(state, KEY, 1.0, ONE).out == "out_of_credit"
    assert view(state, KEY, 1.0, Use(model="gift", free=True)).out is None
    state = answered(state, KEY, 2.0, Use(model="gift", free=True))
    assert view(state, KEY, 3.0, ONE).out == "out_of_credit", "an answer that cost nothing says nothing of the credit"


def test_a_key_that_is_out_is_tried_again_by_one_request_now_and_then() -> None:
    state: State | None = refused(None, KEY, 0.0, InvalidKey("x"), RULES, ONE)
    assert view(state, KEY, 599.0, ONE).out == "bad_credential"
    seen = view(state, KEY, 601.0, ONE)
    assert (seen.out, seen.probe) == (None, True)
    assert ordered([seen, KeyView("well", used_at=900.0)])[0].label == "well"
    state, _ = take(state, KEY, 601.0, RULES, ONE)
    assert view(state, KEY, 602.0, ONE).out == "bad_credential", "one probe at a time"
    state = refused(state, KEY, 603.0, InvalidKey("x"), RULES, ONE)
    assert view(state, KEY, 603.0 + 1_199.0, ONE).out is not None
    assert view(state, KEY, 603.0 + 1_201.0, ONE).out is None
    assert view(answered(state, KEY, 2_000.0, ONE), KEY, 2_001.0, ONE) == KeyView(KEY.label, used_at=601.0)


@pytest.mark.parametrize("seconds", [1.5, 700.0, 90_000.0])
def test_retry_after_is_never_clipped(seconds: float) -> None:
    assert wait(refused(None, KEY, 0.0, RateLimited("x", retry_after=seconds), RULES)) == seconds


def test_a_shorter_wait_does_not_shorten_a_longer_one() -> None:
    state = refused(None, KEY, 0.0, RateLimited("x", retry_after=100.0), RULES)
    assert wait(refused(state, KEY, 0.0, RateLimited("x", retry_after=5.0), RULES)) == 100.0


def test_a_daily_quota_rests_until_it_is_reset() -> None:
    key = ApiKey("free", Secret("k" * 20), quota=100)
    state, _ = take(None, key, 1_000.0, RULES)
    state = refused(state, key, 50_000.0, RateLimited("x", daily=True), RULES)
    assert wait(state, key, 50_000.0) == 1_000.0 + 86_400.0 - 50_000.0


def test_a_daily_quota_resets_a_day_after_its_first_use() -> None:
    key = ApiKey("free", Secret("k" * 20), quota=2)
    state, _ = take(None, key, 1_000.0, RULES)
    state, _ = take(state, key, 80_000.0, RULES)
    assert wait(state, key, 80_000.0) == 1_000.0 + 86_400.0 - 80_000.0
    state, seen = take(state, key, 1_000.0 + 86_400.0, RULES)
    assert seen.wait == 0.0
    assert wait(state, key, 1_000.0 + 86_401.0) == 0.0


@pytest.mark.parametrize("error", [InvalidKey("x"), InsufficientCredit("x")])
def test_bad_and_unpaid_keys_are_out(error: InvalidKey | InsufficientCredit) -> None:
    state = refused(None, KEY, 0.0, error, RULES)
    assert view(state, KEY, 100.0).out == error.kind
    assert ordered([view(state, KEY, 100.0)]) == ()
    assert view(revived(state), KEY, 1.0).out is None


def test_a_new_key_under_the_old_name_starts_afresh() -> None:
    state = refused(None, KEY, 0.0, InvalidKey("x"), RULES)
    assert view(state, ApiKey("work", Secret("sk-another-0123456789")), 1.0).out is None


def test_a_state_never_holds_the_key() -> None:
    state, _ = take(None, ApiKey("work", KEY.secret, quota=5, rpm=5, tpm=5), 0.0, RULES, Use(3))
    state = refused(state, KEY, 0.0, RateLimited("x"), RULES)
    assert "0123456789" not in repr(state)


def test_an_answer_ends_a_rest_that_began_before_it_was_asked() -> None:
    state = refused(None, KEY, 10.0, RateLimited("x"), RULES)
    assert wait(answered(state, KEY, sent_at=11.0), now=12.0) == 0.0
    assert wait(answered(state, KEY, sent_at=9.0), now=12.0) == 298.0


def test_requests_per_minute_slow_down_before_the_429() -> None:
    key = ApiKey("slow", Secret("k" * 20), rpm=2)
    state: State | None = None
    for _ in range(2):
        state, seen = take(state, key, 0.0, RULES)
        assert seen.wait == 0.0
    assert take(state, key, 0.0, RULES)[1].wait == pytest.approx(30.0)
    assert take(state, key, 30.0, RULES)[1].wait == 0.0


def test_tokens_per_minute() -> None:
    key = ApiKey("small", Secret("k" * 20), tpm=6000)
    state, _ = take(None, key, 0.0, RULES, Use(5000))
    assert wait(state, key, 0.0, 2000) == pytest.approx(10.0)
    assert wait(state, key, 0.0, 500) == 0.0


def test_a_request_larger_than_the_bucket_goes_when_it_is_full() -> None:
    key = ApiKey("small", Secret("k" * 20), tpm=600)
    assert wait(None, key, 0.0, 5000) == 0.0
    state, _ = take(None, key, 0.0, RULES, Use(5000))
    assert wait(state, key, 0.0, 5000) > 60.0


HEADERS = {
    "x-ratelimit-limit-requests": "100",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "50s",
}


def test_headers_teach_before_the_429() -> None:
    state = learned(None, KEY, 0.0, header_limits(HEADERS, provider="openai"))
    assert wait(state) == pytest.approx(0.5), "a hundredth of the bucket comes back in a hundredth of its time"
    assert view(state, KEY, 0.0).limited
    assert wait(state, now=50.0) == 0.0


def test_what_was_learned_is_counted_down() -> None:
    headers = HEADERS | {"x-ratelimit-remaining-requests": "1"}
    state: State | None = learned(None, KEY, 0.0, header_limits(headers, provider="openai"))
    assert wait(state) == 0.0
    state, _ = take(state, KEY, 0.0, RULES)
    assert wait(state) > 0.0


def test_trouble_of_the_provider_is_not_the_keys() -> None:
    assert wait(refused(None, KEY, 0.0, ServerError("x", retry_after=60.0), RULES)) == 0.0


@given(
    st.lists(st.tuples(st.floats(0, 40), st.integers(0, 400)), max_size=80), st.integers(1, 30), st.integers(300, 5000)
)
def test_a_minute_never_sees_more_than_bucket_and_refill(uses: list[tuple[float, int]], rpm: int, tpm: int) -> None:
    key = ApiKey("k", Secret("k" * 20), rpm=rpm, tpm=tpm)
    state: State | None = None
    now, taken = 0.0, list[tuple[float, int]]()
    for pause, tokens in uses:
        now += pause
        state, seen = take(state, key, now, RULES, Use(tokens))
        if seen.wait == 0.0:
            taken.append((now, tokens))
    for start, _ in taken:
        minute = [tokens for at, tokens in taken if start <= at < start + 60.0]
        assert len(minute) <= 2 * rpm + 1
        assert sum(minute) <= 2 * tpm + 400


@given(st.integers(1, 5), st.lists(st.floats(0, 30_000), max_size=40))
def test_a_quota_is_never_exceeded_within_its_day(quota: int, pauses: list[float]) -> None:
    key = ApiKey("k", Secret("k" * 20), quota=quota)
    state: State | None = None
    now, first, used = 0.0, None, 0
    for pause in pauses:
        now += pause
        if first is not None and now - first >= 86_400.0:
            first, used = None, 0
        state, seen = take(state, key, now, RULES)
        if seen.wait == 0.0:
            first, used = now if first is None else first, used + 1
        assert used <= quota
        assert seen.wait >= 0.0
