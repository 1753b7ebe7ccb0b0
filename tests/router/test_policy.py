"""Ranking and filtering as tables; the reasons are what a person reads."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from routerterm.catalog.values import ModelInfo, ProviderInfo
from routerterm.core.errors import (
    CircuitOpen,
    CoolingDown,
    KeyRejected,
    MissingCapability,
    NoCandidate,
    UnknownModel,
)
from routerterm.core.targets import Cause, Decision, Forecast, RejectedCandidate, Target, Unavailable
from routerterm.router.decide.circuit_breaker import Health
from routerterm.router.decide.filtering import CandidateInfo, Needs
from routerterm.router.decide.key_limits import KeyView
from routerterm.router.decide.names import Entry, Resolved
from routerterm.router.decide.ranking import Plan, plan
from routerterm.router.options import Limits, Strategy
from routerterm.router.run.planner import PlannedRequest, refusal

NOW = 1_700_000_000.0


def subject(name: str, *, weight: float = 1.0, fallback: bool = False, **fields: Any) -> CandidateInfo:
    target = Target(name, "m")
    model = ModelInfo(name, "m", **fields.pop("model", {}))
    info = ProviderInfo(name, name, "openai-chat", "http://x/v1", needs_key=fields.pop("needs_key", True))
    fields.setdefault("keys", (KeyView("k"),))
    forecast = fields.pop("forecast", Forecast(1000, Decimal(1), Decimal(2)))
    return CandidateInfo(Entry(target, weight, fallback), info, model, forecast=forecast, **fields)


def decide(
    *subjects: CandidateInfo,
    strategy: Strategy = "priority",
    needs: Needs | None = None,
    chance: float = 0.5,
    turn: int = 0,
) -> Plan:
    resolved = Resolved("r", strategy, tuple(item.entry for item in subjects), "r")
    draw = iter([chance] * 100)
    return plan(resolved, subjects, needs or Needs(), NOW, limits=Limits(), random=lambda: next(draw), turn=turn)


def order(made: Plan) -> list[str]:
    return [option.target.provider for option in made.options]


def reasons(made: Plan) -> dict[str, str]:
    return {item.target.provider: item.reason for item in made.decision.passed_over}


REASONS: dict[str, tuple[dict[str, Any], Needs, str]] = {
    "blind": ({"model": {}}, Needs(vision=True), "no vision"),
    "unknown eyes": ({"model": {"abilities_known": False}}, Needs(vision=True), "not known to read images"),
    "no hands": ({"model": {}}, Needs(tools=True), "no tools"),
    "too small": ({"model": {"context": 1500}}, Needs(reserve=1000), "2k context < 2k needed"),
    "far away": (
        {"model": {}},
        Needs(private=True),
        "the conversation is private, and this model is not local",
    ),
    "no key": ({"keys": ()}, Needs(), "no key"),
    "bad key": ({"keys": (KeyView("work", out="bad_credential"),)}, Needs(), "key work is refused"),
    "unpaid": ({"keys": (KeyView("work", out="out_of_credit"),)}, Needs(), "key work has no credit left"),
    "cooling": (
        {"keys": (KeyView("2", wait=40.2, reason="rate limited"),)},
        Needs(),
        "key 2 cools down for 41 s (rate limited)",
    ),
    "open": ({"health": Health(open_for=22)}, Needs(), "failed too often, retried in 22 s"),
    "avoided": ({"health": Health(avoided_for=540)}, Needs(), "avoided by hand for 9 min"),
    "gone": ({"health": Health(gone_for=7200)}, Needs(), "its provider said 2 h ago the model does not exist"),
    "switched off": ({"model": {"switched_off": "2023-01-01"}}, Needs(), "retired on 2023-01-01"),
    "too dear": ({"budget_rejection": "would exceed today's budget"}, Needs(), "would exceed today's budget"),
    "not here": (
        {"unavailable": Unavailable("its weights are not installed", Cause.NOT_DOWNLOADED)},
        Needs(),
        "its weights are not installed",
    ),
}


CAUSES = {
    "blind": Cause.CAPABILITY, "unknown eyes": Cause.CAPABILITY, "no hands": Cause.CAPABILITY,
    "too small": Cause.CAPABILITY, "far away": Cause.CAPABILITY, "no key": Cause.NO_KEY, "bad key": Cause.KEY_REJECTED,
    "unpaid": Cause.KEY_REJECTED, "cooling": Cause.COOLDOWN, "open": Cause.CIRCUIT, "avoided": Cause.CIRCUIT,
    "gone": Cause.UNKNOWN, "switched off": Cause.UNKNOWN, "too dear": Cause.BUDGET, "not here": Cause.NOT_DOWNLOADED,
}  # fmt: skip


@pytest.mark.parametrize("name", REASONS)
def test_every_reason_has_its_cause(name: str) -> None:
    fields, needs, _ = REASONS[name]
    good = subject("good", model={"vision": True, "tools": True, "local": True})
    made = decide(good, subject("other", **fields), needs=needs)
    assert [item.cause for item in made.decision.passed_over] == [CAUSES[name]]


ERRORS: dict[str, tuple[tuple[Cause, ...], type[NoCandidate], str]] = {
    "one that waits may be asked again": ((Cause.CAPABILITY, Cause.COOLDOWN), CoolingDown, "why"),
    "one that failed too": ((Cause.UNKNOWN, Cause.CIRCUIT), CircuitOpen, "why"),
    "a refused key": ((Cause.KEY_REJECTED, Cause.CAPABILITY), KeyRejected, "keys test"),
    "nothing that can": ((Cause.CAPABILITY, Cause.OTHER), MissingCapability, "why"),
    "nothing of that name": ((Cause.UNKNOWN,), UnknownModel, "why"),
    "switched off": ((Cause.DISABLED,), UnknownModel, "enabled = false"),
    "paused": ((Cause.PAUSED,), NoCandidate, "--resume"),
    "local, not here": ((Cause.NOT_DOWNLOADED,), NoCandidate, "local fetch"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_the_error_follows_from_causes_whatever_the_words(name: str) -> None:
    causes, kind, hint = ERRORS[name]
    passed = tuple(RejectedCandidate(Target(f"p{n}", "m"), "any words", cause, 3.0) for n, cause in enumerate(causes))
    decision = Decision("r", "priority", (), passed)
    error = refusal(PlannedRequest(Plan((), decision), Resolved("r", "priority", (), "r")))
    assert type(error) is kind
    assert hint in error.hint


@pytest.mark.parametrize("name", REASONS)
def test_why_a_candidate_is_passed_over(name: str) -> None:
    fields, needs, words = REASONS[name]
    good = subject("good", model={"vision": True, "tools": True, "local": True})
    made = decide(good, subject("other", **fields), needs=needs)
    assert order(made) == ["good"]
    assert reasons(made) == {"other": words}


def test_every_candidate_is_listed_once() -> None:
    made = decide(subject("a"), subject("b", keys=()), subject("c", health=Health(open_for=5)), subject("d"))
    assert order(made) == ["a", "d"]
    assert set(reasons(made)) == {"b", "c"}


def test_round_robin_turns() -> None:
    subjects = [subject(name) for name in "abc"]
    firsts = [order(decide(*subjects, strategy="round-robin", turn=turn))[0] for turn in range(4)]
    assert firsts == ["a", "b", "c", "a"]


def test_round_robin_turns_over_what_has_a_key() -> None:
    subjects = [subject("a"), subject("b", keys=()), subject("c")]
    firsts = Counter(order(decide(*subjects, strategy="round-robin", turn=turn))[0] for turn in range(10))
    assert firsts == {"a": 5, "c": 5}


def test_cheapest_by_this_prompt_and_unknown_prices_last() -> None:
    made = decide(
        subject("unknown", forecast=Forecast(1000, None, None)),
        subject("dear", forecast=Forecast(1000, Decimal("0.02"), Decimal("0.04"))),
        subject("cheap", forecast=Forecast(1000, Decimal("0.001"), Decimal("0.004"))),
        strategy="cheapest",
    )
    assert order(made) == ["cheap", "dear", "unknown"]
    assert made.options[0].why == "$0.0010–0.0040 for this prompt"


def test_fastest_by_what_was_measured() -> None:
    made = decide(
        subject("slow", health=Health(ttft=4.0, speed=20.0)),
        subject("new"),
        subject("quick", health=Health(ttft=0.3, speed=200.0)),
        strategy="fastest",
    )
    assert order(made) == ["quick", "new", "slow"]


def test_weights_are_kept() -> None:
    import random

    chance = random.Random(7).random
    subjects = [subject("often", weight=9.0), subject("rarely", weight=1.0), subject("never", weight=0.0)]
    resolved = Resolved("r", "weighted", tuple(item.entry for item in subjects), "r")
    firsts = Counter(
        plan(resolved, subjects, Needs(), NOW, limits=Limits(), random=chance).options[0].target.provider
        for _ in range(2000)
    )
    assert firsts["never"] == 0
    assert 0.87 < firsts["often"] / 2000 < 0.93


def test_with_nothing_else_left_a_sick_model_is_the_last_resort() -> None:
    made = decide(subject("a", health=Health(open_for=20)))
    assert made.options[0].last_resort
    assert "the last candidate" in made.options[0].why


def test_a_keys_rest_is_kept_even_then() -> None:
    made = decide(subject("a", keys=(KeyView("k", wait=200.0, reason="rate limited"),)))
    assert order(made) == []


def test_a_short_rest_is_waited_for() -> None:
    made = decide(subject("a", keys=(KeyView("k", wait=2.0, reason="rate limited"),)))
    assert order(made) == ["a"]


def test_a_first_choice_over_budget_refuses_the_request() -> None:
    made = decide(subject("dear", budget_rejection="would exceed today's budget"), subject("cheap"))
    assert order(made) == []
    assert made.budget_refused


def test_cheaper_takes_what_fits() -> None:
    subjects = (subject("dear", budget_rejection="would exceed today's budget"), subject("cheap"))
    resolved = Resolved("r", "priority", tuple(item.entry for item in subjects), "r")
    made = plan(resolved, subjects, Needs(), NOW, limits=Limits(), random=lambda: 0.5, budget_blocks=False)
    assert order(made) == ["cheap"]
    assert not made.budget_refused


def test_fallbacks_follow_a_model_that_was_named() -> None:
    made = decide(subject("fallback", fallback=True), subject("named"))
    assert order(made) == ["named", "fallback"]


def test_keys_are_ordered_by_their_last_use() -> None:
    keys = (KeyView("new", used_at=50.0), KeyView("old", used_at=10.0), KeyView("out", out="bad_credential"))
    made = decide(subject("a", keys=keys))
    assert [view.label for view in made.options[0].keys] == ["old", "new"]


def test_missing_keys_are_told_apart_from_other_reasons() -> None:
    assert decide(subject("a", keys=()), subject("b", keys=())).missing_key
    assert not decide(subject("a", keys=()), replace(subject("b"), health=Health(avoided_for=9))).missing_key
