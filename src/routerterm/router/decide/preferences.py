"""What a request says about its own routing, applied to what its name means: it narrows, reorders, and never adds."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import assert_never

from msgspec.structs import replace

from routerterm.catalog.values import ModelInfo
from routerterm.core.request import NO_PREFERENCES, RoutingPreferences
from routerterm.core.targets import Cause, RejectedCandidate, Target, Unavailable
from routerterm.router.decide.circuit_breaker import PRIOR_SPEED, PRIOR_TTFT
from routerterm.router.decide.filtering import CandidateInfo
from routerterm.router.decide.names import Resolved
from routerterm.router.decide.ranking import Plan


def preference_rejection(controls: RoutingPreferences, target: Target, model: ModelInfo | None) -> Unavailable | None:
    """Why the request does not want this model."""
    if controls is NO_PREFERENCES:
        return None
    if controls.only and _place(controls.only, target) is None:
        return Unavailable("not allowed by the request", Cause.PREFERENCE)
    if _place(controls.ignore, target) is not None:
        return Unavailable("excluded by the request", Cause.PREFERENCE)
    price = _too_expensive(controls, model)
    return None if price is None else Unavailable(price, Cause.PREFERENCE)


def reorder(
    controls: RoutingPreferences, resolved: Resolved, candidates: Sequence[CandidateInfo]
) -> tuple[Resolved, Sequence[CandidateInfo]]:
    """The candidates in the order that the request wants, and the route as one that keeps to it."""
    if not controls.order and controls.sort is None:
        return resolved, candidates
    by_wish = sorted(candidates, key=lambda candidate: _rank(controls, candidate))
    named = sorted(by_wish, key=lambda candidate: _place_or_last(controls.order, candidate.target))
    return replace(resolved, strategy="priority"), named


def apply_preferences(controls: RoutingPreferences, made: Plan) -> Plan:
    """The plan with no second candidate, where the request allows none; and in the words of the request."""
    decision = made.decision
    if controls.order or controls.sort is not None:
        decision = replace(decision, strategy=f"the request's own ({controls.sort or 'order'})")
    if controls.fallbacks or len(made.options) < 2:
        return replace(made, decision=decision)
    left_out = tuple(
        RejectedCandidate(candidate.target, "the request allows no fallback", Cause.PREFERENCE)
        for candidate in made.options[1:]
    )
    decision = replace(decision, candidates=decision.candidates[:1], passed_over=(*decision.passed_over, *left_out))
    return replace(made, options=made.options[:1], decision=decision)


def _rank(controls: RoutingPreferences, candidate: CandidateInfo) -> tuple[bool, Decimal | float]:
    health, forecast = candidate.health, candidate.forecast
    match controls.sort:
        case "price":
            if forecast is None or forecast.low is None or forecast.high is None:
                return True, Decimal(0)
            return False, forecast.low + forecast.high
        case "latency":
            return health.ttft is None, health.ttft or PRIOR_TTFT
        case "throughput":
            return health.speed is None, -(health.speed or PRIOR_SPEED)
        case None:
            return False, 0
        case _:
            assert_never(controls.sort)


def _too_expensive(controls: RoutingPreferences, model: ModelInfo | None) -> str | None:
    if model is None or model.local:
        return None
    for most, price in (
        (controls.max_price_input, model.prices.input),
        (controls.max_price_output, model.prices.output),
    ):
        if most is None:
            continue
        if price is None:
            return "its price is unknown, and the request sets a maximum"
        if price > most:
            return "more expensive than the request allows"
    return None


def _place(names: Sequence[str], target: Target) -> int | None:
    """Where a target stands among names of providers and models."""
    full = str(target)
    return next((place for place, name in enumerate(names) if name in (target.provider, full)), None)


def _place_or_last(names: Sequence[str], target: Target) -> int:
    found = _place(names, target)
    return len(names) if found is None else found
