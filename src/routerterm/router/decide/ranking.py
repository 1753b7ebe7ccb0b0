"""Which models may serve a request, and in which order: pure, with every reason in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import Struct

from routerterm.catalog.values import ModelInfo
from routerterm.core.money import show_range
from routerterm.core.targets import Candidate, Cause, Decision, Forecast, RejectedCandidate, Target
from routerterm.router.decide.circuit_breaker import PRIOR_SPEED, PRIOR_TTFT, Health
from routerterm.router.decide.filtering import CandidateInfo, Needs, cooling_down, may_be_last_resort, unfit
from routerterm.router.decide.key_limits import KeyView, ordered
from routerterm.router.decide.names import Resolved
from routerterm.router.decide.prompt_cache import estimated
from routerterm.router.decide.yours import weigh
from routerterm.router.options import Limits

_TYPICAL_ANSWER = 300
"""Tokens by which a fast first token is weighed against a fast rest."""


class RankedCandidate(Struct, frozen=True):
    """A candidate with what the flow needs to act on it."""

    target: Target
    model: ModelInfo
    why: str
    keys: tuple[KeyView, ...]
    """Usable ones in the order in which to take them; empty where none is needed."""
    needs_key: bool
    forecast: Forecast | None = None
    last_resort: bool = False
    """Its breaker is open, but there is nothing else."""
    hedge_after: float | None = None
    """Seconds after which a second candidate may be asked as well."""

    @property
    def is_free(self) -> bool:
        """Whether it costs nothing by the price list."""
        return self.model.prices.input == 0 and self.model.prices.output == 0


class Plan(Struct, frozen=True):
    """The ranked options and the decision in words."""

    options: tuple[RankedCandidate, ...]
    decision: Decision
    budget_refused: bool = False
    """The first choice would break a cap."""
    missing_key: bool = False
    """Every model that was passed over wants a key that is not there."""


def plan(
    resolved: Resolved,
    candidates: Sequence[CandidateInfo],
    needs: Needs,
    now: float,
    *,
    limits: Limits,
    random: Callable[[], float],
    turn: int = 0,
    budget_blocks: bool = True,
) -> Plan:
    """Filter, then rank."""
    passed: list[RejectedCandidate] = []
    fit: list[CandidateInfo] = []
    resting: list[CandidateInfo] = []
    for candidate in candidates:
        reason = unfit(candidate, needs, now)
        if reason is not None:
            passed.append(reason)
        elif rest := cooling_down(candidate, limits.patience):
            resting.append(candidate)
            passed.append(rest)
        else:
            fit.append(candidate)
    last_resort = not fit
    if last_resort:
        fit = [candidate for candidate in resting if may_be_last_resort(candidate, limits)]
        taken = {candidate.target for candidate in fit}
        passed = [item for item in passed if item.target not in taken]
    ranked = _with_caches(_ranked(resolved, fit, random, turn))
    refused = [candidate for candidate, _ in ranked if candidate.budget_rejection]
    budget_refused = bool(ranked) and ranked[0][0].budget_rejection is not None and budget_blocks
    passed += [
        RejectedCandidate(candidate.target, candidate.budget_rejection or "", Cause.BUDGET) for candidate in refused
    ]
    options = tuple(
        _option(candidate, why, last_resort, resolved.hedge)
        for candidate, why in ranked
        if candidate.budget_rejection is None
    )
    if budget_refused:
        passed += [
            RejectedCandidate(option.target, "the first choice would exceed a budget", Cause.BUDGET)
            for option in options
        ]
        options = ()
    chosen = tuple(Candidate(option.target, option.why, option.forecast) for option in options)
    forecast = chosen[0].forecast if chosen else None
    decision = Decision(resolved.asked, resolved.strategy, chosen, tuple(passed), forecast)
    missing_key = bool(passed) and all(item.cause is Cause.NO_KEY for item in passed)
    return Plan(options, decision, bool(refused) and not options, missing_key)


def _ranked(
    resolved: Resolved, fit: Sequence[CandidateInfo], random: Callable[[], float], turn: int
) -> list[tuple[CandidateInfo, str]]:
    chosen = [candidate for candidate in fit if not candidate.entry.fallback]
    followers = [candidate for candidate in fit if candidate.entry.fallback]
    ranked = _by_strategy(resolved, chosen, random, turn)
    return ranked + [(candidate, f"fallback of {resolved.route}") for candidate in followers]


def _by_strategy(
    resolved: Resolved, fit: Sequence[CandidateInfo], random: Callable[[], float], turn: int
) -> list[tuple[CandidateInfo, str]]:
    if not fit:
        return []
    match resolved.strategy:
        case "priority":
            if resolved.outright:
                why = "the default model" if resolved.by_default else "asked for by name"
                return [(candidate, why) for candidate in fit]
            return [(candidate, f"choice {place} of {resolved.route}") for place, candidate in enumerate(fit, 1)]
        case "round-robin":
            first = turn % len(fit)
            rotated = _warm_first([*fit[first:], *fit[:first]])
            return [(candidate, f"turn {place} of {resolved.route}") for place, candidate in enumerate(rotated, 1)]
        case "weighted":
            whole = sum(candidate.entry.weight for candidate in fit)
            drawn = _warm_first(sorted(fit, key=lambda candidate: -_drawn(candidate.entry.weight, random())))
            return [
                (candidate, f"picked with a chance of {100 * candidate.entry.weight / whole:.0f} %")
                for candidate in drawn
            ]
        case "cheapest":
            by_price = sorted(fit, key=_price_now)
            return [(candidate, _price_words(candidate.forecast)) for candidate in by_price]
        case "fastest":
            by_time = sorted(fit, key=lambda candidate: _seconds(candidate.health))
            return [(candidate, _speed_words(candidate.health)) for candidate in by_time]
        case "yours":
            prices = [None if (price := _price_now(candidate))[0] else price[1] for candidate in fit]
            known = [(one.rating, price, _seconds(one.health)) for one, price in zip(fit, prices, strict=True)]
            scored = zip(fit, weigh(known, resolved.weights), strict=True)
            return [(one, weighed.why) for one, weighed in sorted(scored, key=lambda pair: -pair[1].score)]


def _price_now(candidate: CandidateInfo) -> tuple[bool, Decimal]:
    """The middle of the forecast, whose high end is less where the provider still holds the prompt."""
    unknown, price = _price(candidate.forecast)
    saved = candidate.warm.saved if candidate.warm is not None else None
    return unknown, price - (saved or Decimal(0)) / 2


def _warm_first(drawn: list[CandidateInfo]) -> list[CandidateInfo]:
    """One whose cache is warm comes first, unless who is first by turn or chance is cheaper all the same."""
    warm = min((one for one in drawn if one.warm is not None and one.warm.saved), key=_price_now, default=None)
    if warm is None or warm is drawn[0] or _price_now(drawn[0]) < _price_now(warm):
        return drawn
    return [warm, *(one for one in drawn if one is not warm)]


def _with_caches(ranked: list[tuple[CandidateInfo, str]]) -> list[tuple[CandidateInfo, str]]:
    """The reasons with what a warm cache saves, and what the first one loses that has none."""
    held = (one.warm for one, _ in ranked if one.warm is not None and one.warm.saved)
    best = max(held, key=lambda warm: warm.saved or Decimal(0), default=None)
    if best is None:
        return ranked
    told = []
    for place, (one, why) in enumerate(ranked):
        if one.warm is not None and one.warm.saved:
            why = f"{why}; {one.warm.words()}"
        elif place == 0:
            why = f"{why}; loses the warm cache of {best.target} ({estimated(best.saved)})"
        told.append((one, why))
    return told


def _drawn(weight: float, random: float) -> float:
    """Efraimidis and Spirakis: sorting by this draws without putting back, in proportion to the weights."""
    return float(max(random, 1e-12) ** (1.0 / weight))


def _price(forecast: Forecast | None) -> tuple[bool, Decimal]:
    """The middle of the forecast; an unknown price comes last."""
    if forecast is None or forecast.low is None or forecast.high is None:
        return True, Decimal(0)
    return False, (forecast.low + forecast.high) / 2


def _price_words(forecast: Forecast | None) -> str:
    if forecast is None or forecast.high is None:
        return "its price is unknown"
    if not forecast.high:
        return "free"
    return f"{show_range(forecast.low, forecast.high)} for this prompt"


def _seconds(health: Health) -> float:
    return (health.ttft or PRIOR_TTFT) + _TYPICAL_ANSWER / (health.speed or PRIOR_SPEED)


def _speed_words(health: Health) -> str:
    if health.ttft is None:
        return "not measured yet"
    speed = f", {health.speed:.0f} tokens/s" if health.speed else ""
    return f"{health.ttft:.1f} s to the first token{speed}"


def _option(candidate: CandidateInfo, why: str, last_resort: bool, hedge: bool) -> RankedCandidate:
    assert candidate.model is not None
    assert candidate.provider is not None
    if last_resort:
        why = f"{why}; the last candidate"
    return RankedCandidate(
        candidate.target,
        candidate.model,
        why,
        keys=ordered(candidate.keys) if candidate.provider.needs_key or candidate.keys else (),
        needs_key=candidate.provider.needs_key,
        forecast=candidate.forecast,
        last_resort=last_resort,
        hedge_after=candidate.health.ttft_p95 if hedge else None,
    )
