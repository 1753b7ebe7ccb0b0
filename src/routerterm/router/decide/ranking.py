"""Which models may serve a request, and in which order: pure, with every reason in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from msgspec import Struct, field

from routerterm.catalog.values import ModelInfo, ProviderInfo
from routerterm.core.request import JsonAnswer
from routerterm.core.targets import Candidate, Cause, Decision, Forecast, RejectedCandidate, Target
from routerterm.protocols.registry import EMBEDDING_PROTOCOLS
from routerterm.protocols.structured import can_answer_in_json
from routerterm.router.decide.circuit_breaker import PRIOR_SPEED, PRIOR_TTFT, Health
from routerterm.router.decide.format import format_duration, format_tokens
from routerterm.router.decide.key_limits import KeyView, ordered
from routerterm.router.decide.names import Entry, Resolved
from routerterm.router.options import Limits

_TYPICAL_ANSWER = 300
"""Tokens by which a fast first token is weighed against a fast rest."""


class Needs(Struct, frozen=True):
    """What a request asks of a model."""

    vision: bool = False
    tools: bool = False
    private: bool = False
    reserve: int = 0
    """Tokens kept free for the answer."""
    json: JsonAnswer | None = None
    embedding: bool = False
    """Vectors instead of an answer."""


class CandidateInfo(Struct, frozen=True):
    """All that is known of one entry at this moment."""

    entry: Entry
    provider: ProviderInfo | None
    model: ModelInfo | None
    health: Health = field(default_factory=Health)
    keys: tuple[KeyView, ...] = ()
    """All keys of the provider, in the order of preference."""
    forecast: Forecast | None = None
    objection: str | None = None
    """Why a cap stands in the way."""
    obstacle: str | None = None
    """Why it cannot be asked at all: the local weights are not there, or the request does not want it."""
    obstacle_cause: Cause = ""

    @property
    def target(self) -> Target:
        """Its name."""
        return self.entry.target


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
    subjects: Sequence[CandidateInfo],
    needs: Needs,
    now: float,
    *,
    limits: Limits,
    chance: Callable[[], float],
    turn: int = 0,
    budget_blocks: bool = True,
) -> Plan:
    """Filter, then rank."""
    passed: list[RejectedCandidate] = []
    fit: list[CandidateInfo] = []
    resting: list[CandidateInfo] = []
    for subject in subjects:
        unfit = _unfit(subject, needs, now)
        if unfit is not None:
            passed.append(unfit)
        elif rest := _cooling_down(subject, limits.patience):
            resting.append(subject)
            passed.append(rest)
        else:
            fit.append(subject)
    last_resort = not fit
    if last_resort:
        fit = [subject for subject in resting if _may_be_last_resort(subject, limits)]
        taken = {subject.target for subject in fit}
        passed = [item for item in passed if item.target not in taken]
    ranked = _ranked(resolved, fit, chance, turn)
    refused = [subject for subject, _ in ranked if subject.objection]
    budget_refused = bool(ranked) and ranked[0][0].objection is not None and budget_blocks
    passed += [RejectedCandidate(subject.target, subject.objection or "") for subject in refused]
    options = tuple(
        _option(subject, why, last_resort, resolved.hedge) for subject, why in ranked if subject.objection is None
    )
    if budget_refused:
        passed += [RejectedCandidate(option.target, "the first choice would exceed a budget") for option in options]
        options = ()
    candidates = tuple(Candidate(option.target, option.why, option.forecast) for option in options)
    forecast = candidates[0].forecast if candidates else None
    decision = Decision(resolved.asked, resolved.strategy, candidates, tuple(passed), forecast)
    missing_key = bool(passed) and all(item.cause == "no key" for item in passed)
    return Plan(options, decision, bool(refused) and not options, missing_key)


NO_KEY = "no key"
DISABLED = "its provider is disabled in the settings"


def _unfit(subject: CandidateInfo, needs: Needs, now: float) -> RejectedCandidate | None:
    """Why a model cannot serve the request at all."""
    provider, model, target = subject.provider, subject.model, subject.target
    if provider is None or model is None:
        return RejectedCandidate(target, f"there is no provider {target.provider}", "unknown")
    if not provider.enabled:
        return RejectedCandidate(target, DISABLED, "unknown")
    if needs.private and not model.local:
        return RejectedCandidate(target, "the conversation is private, and this model is not local", "capability")
    if subject.obstacle:
        return RejectedCandidate(target, subject.obstacle, subject.obstacle_cause)
    if lacks := _lacks(provider, model, needs, subject.forecast):
        return RejectedCandidate(target, lacks, "capability")
    if model.switched_off and model.switched_off <= datetime.fromtimestamp(now, UTC).date().isoformat():
        return RejectedCandidate(target, f"retired on {model.switched_off}", "unknown")
    if subject.entry.weight <= 0:
        return RejectedCandidate(target, "its weight is 0")
    return _keyless(subject, provider)


def _lacks(provider: ProviderInfo, model: ModelInfo, needs: Needs, forecast: Forecast | None) -> str | None:
    """What the request wants and the model cannot do."""
    if needs.vision and not model.vision:
        return "no vision" if model.lacks("vision") else "not known to read images"
    if needs.tools and model.lacks("tools"):
        return "no tools"
    if needs.embedding and (provider.protocol not in EMBEDDING_PROTOCOLS or provider.in_process == "llama"):
        return "no embeddings"
    if needs.json is not None and not can_answer_in_json(provider.protocol, model.id, needs.json):
        return "no JSON schema output" if needs.json.schema is not None else "no JSON output"
    if forecast is not None and model.context is not None:
        needed = forecast.prompt_tokens + min(needs.reserve, model.max_output or needs.reserve)
        if needed > model.context:
            return f"{format_tokens(model.context)} context < {format_tokens(needed)} needed"
    return None


def _keyless(subject: CandidateInfo, provider: ProviderInfo) -> RejectedCandidate | None:
    if not provider.needs_key or ordered(subject.keys):
        return None
    if not subject.keys:
        return RejectedCandidate(subject.target, NO_KEY, "no key")
    words = {"bad_credential": "is refused", "out_of_credit": "has no credit left"}
    reason = ", ".join(f"key {view.label} {words.get(view.out or '', 'is out')}" for view in subject.keys)
    return RejectedCandidate(subject.target, reason, "key rejected")


def _cooling_down(subject: CandidateInfo, patience: float) -> RejectedCandidate | None:
    """Why a model that could serve the request is left alone for now."""
    health, target = subject.health, subject.target
    if health.avoided_for:
        return RejectedCandidate(
            target, f"avoided by hand for {format_duration(health.avoided_for)}", "circuit", health.avoided_for
        )
    if health.gone_for:
        reason = f"its provider said {format_duration(health.gone_for)} ago the model does not exist"
        return RejectedCandidate(target, reason, "unknown")
    if health.open_for:
        reason = f"failed too often, retried in {format_duration(health.open_for)}"
        return RejectedCandidate(target, reason, "circuit", health.open_for)
    keys = ordered(subject.keys)
    if keys and keys[0].wait > patience:
        reason = ", ".join(
            f"key {view.label} cools down for {format_duration(view.wait)} ({view.reason})" for view in keys
        )
        return RejectedCandidate(target, reason, "cooldown", keys[0].wait)
    return None


def _may_be_last_resort(subject: CandidateInfo, limits: Limits) -> bool:
    """With nothing else left, a sick model is better than none; a key's rest is kept all the same."""
    keys = ordered(subject.keys)
    return not subject.health.avoided_for and not (keys and keys[0].wait > limits.patience_alone)


def _ranked(
    resolved: Resolved, fit: Sequence[CandidateInfo], chance: Callable[[], float], turn: int
) -> list[tuple[CandidateInfo, str]]:
    chosen = [subject for subject in fit if not subject.entry.fallback]
    followers = [subject for subject in fit if subject.entry.fallback]
    ranked = _by_strategy(resolved, chosen, chance, turn)
    return ranked + [(subject, f"fallback of {resolved.route}") for subject in followers]


def _by_strategy(
    resolved: Resolved, fit: Sequence[CandidateInfo], chance: Callable[[], float], turn: int
) -> list[tuple[CandidateInfo, str]]:
    if not fit:
        return []
    match resolved.strategy:
        case "priority":
            if resolved.outright:
                return [(subject, "you picked it") for subject in fit]
            return [(subject, f"choice {place} of {resolved.route}") for place, subject in enumerate(fit, 1)]
        case "round-robin":
            first = turn % len(fit)
            rotated = [*fit[first:], *fit[:first]]
            return [(subject, f"turn {place} of {resolved.route}") for place, subject in enumerate(rotated, 1)]
        case "weighted":
            whole = sum(subject.entry.weight for subject in fit)
            drawn = sorted(fit, key=lambda subject: -_drawn(subject.entry.weight, chance()))
            return [
                (subject, f"picked with a chance of {100 * subject.entry.weight / whole:.0f} %") for subject in drawn
            ]
        case "cheapest":
            by_price = sorted(fit, key=lambda subject: _price(subject.forecast))
            return [(subject, _price_words(subject.forecast)) for subject in by_price]
        case "fastest":
            by_time = sorted(fit, key=lambda subject: _seconds(subject.health))
            return [(subject, _speed_words(subject.health)) for subject in by_time]


def _drawn(weight: float, chance: float) -> float:
    """Efraimidis and Spirakis: sorting by this draws without putting back, in proportion to the weights."""
    return float(max(chance, 1e-12) ** (1.0 / weight))


def _price(forecast: Forecast | None) -> tuple[bool, Decimal]:
    """The middle of the forecast; an unknown price comes last."""
    if forecast is None or forecast.low is None or forecast.high is None:
        return True, Decimal(0)
    return False, (forecast.low + forecast.high) / 2


def _price_words(forecast: Forecast | None) -> str:
    from routerterm.core.money import show_usd

    if forecast is None or forecast.high is None:
        return "its price is unknown"
    if not forecast.high:
        return "free"
    return f"{show_usd(forecast.low)} to {show_usd(forecast.high)} for this prompt"


def _seconds(health: Health) -> float:
    return (health.ttft or PRIOR_TTFT) + _TYPICAL_ANSWER / (health.speed or PRIOR_SPEED)


def _speed_words(health: Health) -> str:
    if health.ttft is None:
        return "not measured yet"
    speed = f", {health.speed:.0f} tokens/s" if health.speed else ""
    return f"{health.ttft:.1f} s to the first token{speed}"


def _option(subject: CandidateInfo, why: str, last_resort: bool, hedge: bool) -> RankedCandidate:
    assert subject.model is not None
    assert subject.provider is not None
    if last_resort:
        why = f"{why}; the last candidate"
    return RankedCandidate(
        subject.target,
        subject.model,
        why,
        ordered(subject.keys) if subject.provider.needs_key or subject.keys else (),
        subject.provider.needs_key,
        subject.forecast,
        last_resort,
        subject.health.ttft_p95 if hedge else None,
    )
