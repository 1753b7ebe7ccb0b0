"""Caps, days and forecasts: pure decisions about money that is not spent yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from math import ceil
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from routerterm.catalog.values import FREE_PRICES, ModelInfo, Prices
from routerterm.core.ledger import ONE_ANSWER, Cap
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest, Params
from routerterm.core.targets import Forecast, Target
from routerterm.router.decide.budget import (
    BudgetRules,
    Limits,
    PersonalBudget,
    caps_of,
    crossed,
    day_start,
    month_start,
    next_month_start,
    over_budget,
    warned,
)
from routerterm.router.decide.forecast import MARGIN, AnswerLengths, HistoryForecaster, outlooks
from routerterm.router.ports import RoughEstimator

WARSAW = ZoneInfo("Europe/Warsaw")
DEAR = ModelInfo("openai", "gpt", 10_000, 4_000, Prices(Decimal("0.000002"), Decimal("0.00001"), Decimal("0.0000002")))
FREE = ModelInfo("ollama", "llama", prices=FREE_PRICES, local=True)
MYSTERY = ModelInfo("mine", "x")
MODELS = {model.target: model for model in (DEAR, FREE, MYSTERY)}
REQUEST = ChatRequest("smart", (Message.of("user", "hello"),), conversation_id="C", message_id="M", client="tui")


def ms(*when: int, zone: ZoneInfo = WARSAW) -> int:
    return round(datetime(*when, tzinfo=zone).timestamp() * 1000)  # type: ignore[arg-type, misc]


NOW = ms(2026, 11, 21, 13, 5)


@pytest.mark.parametrize(
    ("now", "start"),
    [
        (ms(2026, 11, 21, 0, 0), ms(2026, 11, 21)),
        (ms(2026, 11, 21, 23, 59), ms(2026, 11, 21)),
        (ms(2026, 3, 29, 12, 0), ms(2026, 3, 29)),  # a day of 23 hours
        (ms(2026, 10, 25, 23, 0), ms(2026, 10, 25)),  # and one of 25
    ],
)
def test_a_day_begins_at_the_persons_midnight(now: int, start: int) -> None:
    assert day_start(now, WARSAW) == start


def test_months_are_calendar_months() -> None:
    assert month_start(NOW, WARSAW) == ms(2026, 11, 1)
    assert next_month_start(NOW, WARSAW) == ms(2026, 12, 1)
    assert next_month_start(ms(2026, 12, 31, 23), WARSAW) == ms(2027, 1, 1)


@given(st.integers(0, 4 * 10**12), st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York", "Pacific/Apia"]))
def test_a_moment_is_within_its_day_and_month(now: int, name: str) -> None:
    zone = ZoneInfo(name)
    assert month_start(now, zone) <= day_start(now, zone) <= now < next_month_start(now, zone)
    assert now - day_start(now, zone) < 26 * 3_600_000


RULES = BudgetRules(
    Limits(Decimal("0.5"), Decimal(2), Decimal(20)),
    conversation=Decimal(1),
    requests_per_day=100,
    routes={"smart": Limits(day=Decimal(1), request=Decimal("0.1")), "fast": Limits(day=Decimal(9))},
    providers={"openai": Limits(month=Decimal(10)), "groq": Limits(day=Decimal(1))},
    zone=WARSAW,
)


def test_a_request_is_held_against_its_own_caps() -> None:
    day, month = ms(2026, 11, 21), ms(2026, 11, 1)
    assert set(caps_of(RULES, REQUEST, DEAR.target, "smart", NOW)) == {
        Cap("request", "usd", 500_000_000),
        Cap("day", "usd", 2_000_000_000, day),
        Cap("month", "usd", 20_000_000_000, month),
        Cap("request", "usd", 100_000_000),
        Cap("route", "usd", 1_000_000_000, day, "smart"),
        Cap("provider", "usd", 10_000_000_000, month, "openai"),
        Cap("day", "requests", 100, day),
        Cap("conversation", "usd", 1_000_000_000, 0, "C"),
    }


def budget(rules: BudgetRules, used: int = 0) -> PersonalBudget:
    async def answer(caps: Sequence[Cap]) -> Sequence[int]:
        return [used for _ in caps]

    return PersonalBudget(rules, MODELS.get, answer)


def forecast(high: str | None) -> Forecast:
    return Forecast(100, None if high is None else Decimal(0), None if high is None else Decimal(high))


DAILY = BudgetRules(Limits(day=Decimal(2)), zone=WARSAW)


async def test_what_would_break_a_cap_is_said_in_words() -> None:
    asked = budget(DAILY, used=1_900_000_000)
    assert await asked.rejection(REQUEST, DEAR.target, "smart", forecast("0.05"), NOW) is None
    rejection = await asked.rejection(REQUEST, DEAR.target, "smart", forecast("0.2"), NOW)
    assert rejection == "would exceed today's budget (up to $0.20, $0.10 left)"


async def test_free_and_local_models_stay_usable() -> None:
    asked = budget(BudgetRules(Limits(Decimal(0), Decimal(0), Decimal(0)), requests_per_day=0, zone=WARSAW))
    assert asked.caps(REQUEST, FREE.target, "smart", NOW) == ()
    assert await asked.rejection(REQUEST, FREE.target, "smart", forecast("0"), NOW) is None
    assert await asked.rejection(REQUEST, DEAR.target, "smart", forecast("0.01"), NOW) is not None


async def test_an_unknown_price_is_not_waved_through_a_cap_in_dollars() -> None:
    words = await budget(DAILY).rejection(REQUEST, MYSTERY.target, "smart", forecast(None), NOW)
    assert words == "cannot be budgeted: its price is unknown"
    counted = budget(BudgetRules(requests_per_day=5, zone=WARSAW))
    assert await counted.rejection(REQUEST, MYSTERY.target, "smart", forecast(None), NOW) is None
    assert await budget(BudgetRules()).rejection(REQUEST, MYSTERY.target, "smart", forecast(None), NOW) is None


async def test_the_cap_of_an_answer_with_tools_is_the_persons_own() -> None:
    """It is named as what it is, and gives way to a yes like any other of theirs; a client's does not."""
    mine, clients = Cap("request", "usd", 500_000_000, value=ONE_ANSWER), Cap("request", "usd", 1_000_000_000)
    asked, request = budget(BudgetRules()), replace(REQUEST, caps=(clients, mine))
    refused = over_budget(DEAR.target, str(await asked.rejection(request, DEAR.target, "", forecast("0.6"), NOW)))
    assert "would exceed the limit of one answer with tools (up to $0.60, $0.50 left)" in refused.message
    assert refused.hint == "Raise `usd` of [tools], or choose a free or local model."
    assert request.conversation_id is not None
    asked.allow(request.conversation_id)
    assert asked.caps(request, DEAR.target, "", NOW) == (clients,)


async def test_what_helps_where_no_limit_would() -> None:
    refused = over_budget(MYSTERY.target, str(await budget(DAILY).rejection(
        REQUEST, MYSTERY.target, "", forecast(None), NOW
    )))  # fmt: skip
    assert refused.hint == f'Set its price under [models."{MYSTERY.target}"], or choose a free or local model.'


def test_the_person_may_say_yes_to_one_message() -> None:
    asked = budget(DAILY)
    asked.allow("M")
    assert asked.caps(REQUEST, DEAR.target, "smart", NOW) == ()
    other = ChatRequest("smart", REQUEST.messages, message_id="N")
    assert asked.caps(other, DEAR.target, "smart", NOW) != ()


async def test_gauges_warn_at_the_persons_percentages() -> None:
    (gauge,) = await budget(DAILY, used=1_700_000_000).gauges(NOW)
    assert (gauge.warned, gauge.share, gauge.words) == (80, 0.85, "today $1.70 of $2.00")
    assert [warned(used, 100, (50, 80)) for used in (0, 49, 50, 79, 80, 200)] == [None, None, 50, 50, 80, 80]


async def test_a_warning_is_given_once_and_again_at_the_next_percentage() -> None:
    gauges = [await budget(DAILY, used=used * 10_000_000).gauges(NOW) for used in (0, 98, 100, 120, 160, 190)]
    told = [bool(crossed(before, after)) for before, after in zip([(), *gauges], gauges, strict=False)]
    assert told == [False, False, True, False, True, False]
    tomorrow = await budget(DAILY, used=1_100_000_000).gauges(NOW + 86_400_000)
    assert crossed(gauges[-1], tomorrow), "another day's cap is another cap"


def forecaster(*lengths: int) -> HistoryForecaster:
    known = AnswerLengths()
    known.load(DEAR.target, lengths)
    return HistoryForecaster(RoughEstimator(), known)


def test_a_forecast_rests_on_the_models_own_answers() -> None:
    unknown = HistoryForecaster(RoughEstimator(), AnswerLengths()).forecast(REQUEST, DEAR)
    known = forecaster(*range(100, 200, 5)).forecast(REQUEST, DEAR)
    assert unknown.low is not None
    assert known.low is not None
    assert known.high is not None
    assert unknown.high is not None
    assert unknown.low < known.low < known.high < unknown.high
    prompt = known.prompt_tokens * Decimal("0.000002")
    assert known.low == prompt + 110 * Decimal("0.00001")
    assert known.high == ceil(known.prompt_tokens * MARGIN) * Decimal("0.000002") + 292 * Decimal("0.00001")


def test_a_cap_on_the_answer_is_the_upper_end() -> None:
    short = ChatRequest("smart", REQUEST.messages, params=Params(max_output=10))
    found = forecaster(*[3_000] * 50).forecast(short, DEAR)
    most = ceil(found.prompt_tokens * MARGIN)
    assert found.low == found.prompt_tokens * Decimal("0.000002") + 10 * Decimal("0.00001")
    assert found.high == most * Decimal("0.000002") + 10 * Decimal("0.00001")
    endless = ChatRequest("smart", REQUEST.messages, params=Params(max_output=10**6))
    found = forecaster(1).forecast(endless, DEAR)
    assert found.high == most * Decimal("0.000002") + 4_000 * Decimal("0.00001")


def test_a_long_prompt_may_be_warm() -> None:
    long = ChatRequest("smart", (Message.of("user", "x" * 20_000), Message.of("user", "hi")))
    found = forecaster(100).forecast(long, DEAR)
    assert found.low is not None
    assert found.low < found.prompt_tokens * Decimal("0.000002") / 2


def test_unknown_prices_forecast_unknown_costs_and_free_ones_nothing() -> None:
    hollow = HistoryForecaster(RoughEstimator(), AnswerLengths())
    assert hollow.forecast(REQUEST, MYSTERY).high is None
    assert hollow.forecast(REQUEST, FREE).high == 0


def test_outlooks_say_who_is_cheaper_and_who_does_not_fit() -> None:
    cheap = ModelInfo("groq", "y", 100_000, 100, Prices(Decimal("1e-9"), Decimal("1e-9")))
    tiny = ModelInfo("groq", "z", 1_000, prices=cheap.prices)
    request = ChatRequest("smart", (Message.of("user", "x" * 8_000),))
    found = {o.target: o for o in outlooks(forecaster(100), request, [DEAR, cheap, tiny, MYSTERY])}
    assert [found[t].fits for t in (DEAR.target, cheap.target, tiny.target)] == [True, True, False]
    assert [found[t].cheaper for t in (DEAR.target, cheap.target, MYSTERY.target)] == [False, True, False]
    assert found[DEAR.target].share == pytest.approx(0.2, rel=0.1)
    assert found[Target("mine", "x")].share is None
