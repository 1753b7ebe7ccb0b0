"""How long an answer may be where a cap has to hold.

What is held back is what the model may write, not what it usually writes: a forecast is a guess and never a limit.
Only where a cap leaves less than that is the provider told to keep to what is left.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from routerterm.catalog.values import ModelInfo
from routerterm.core.ledger import Cap, CapReached
from routerterm.core.money import from_nano
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Forecast
from routerterm.router.decide.ranking import RankedCandidate
from routerterm.router.ports import Forecaster

LONGEST_UNKNOWN = 32_768
"""Tokens that a model may write of which nobody says how much it can: above what such models give in practice."""


class Allowed(Struct, frozen=True):
    """The request as it may be sent, and what is held back for it."""

    request: ChatRequest
    forecast: Forecast | None
    clipped: int | None = None
    """Tokens that the answer is kept to because a cap leaves no more."""


def allowed(request: ChatRequest, candidate: RankedCandidate, caps: Sequence[Cap], forecaster: Forecaster) -> Allowed:
    """The request with as long an answer as the model gives.

    A longer limit than the model's own is lowered to it: it was meant for another candidate, and providers refuse it.
    """
    most, longest = request.params.max_output, candidate.model.max_output
    if most is not None and longest is not None and most > longest:
        request = _with_limit(request, longest)
    if candidate.forecast is None or all(cap.unit == "requests" for cap in caps):
        return Allowed(request, candidate.forecast)
    room = request.params.max_output or _longest(candidate.model, candidate.forecast.prompt_tokens)
    return Allowed(request, forecaster.forecast(_with_limit(request, room), candidate.model))


def tightened(
    before: Allowed, candidate: RankedCandidate, reached: CapReached, forecaster: Forecaster
) -> Allowed | None:
    """What fits into what a cap leaves.  None where that is less than a long answer of this model usually takes.

    A request that says itself how long its answer may be is not changed.
    """
    foreseen, held = candidate.forecast, before.forecast
    asked_for = before.request.params.max_output is not None and before.clipped is None
    if asked_for or foreseen is None or foreseen.answer is None or held is None or held.answer is None:
        return None
    left = reached.cap.limit - reached.used
    if reached.cap.unit == "tokens":
        fits = left - held.prompt_tokens
    elif reached.cap.unit == "usd":
        fits = _affordable(before.request, candidate, left, held, forecaster)
    else:
        return None
    fits = min(fits, held.answer - 1)
    if fits < foreseen.answer:
        return None
    request = _with_limit(before.request, fits)
    return Allowed(request, forecaster.forecast(request, candidate.model), fits)


def _affordable(
    request: ChatRequest, candidate: RankedCandidate, left: int, held: Forecast, forecaster: Forecaster
) -> int:
    """Tokens of an answer that so many nano-dollars pay for.  The high end grows evenly with the answer's length."""
    shortest = forecaster.forecast(_with_limit(request, 1), candidate.model)
    if held.high is None or shortest.high is None or held.answer is None or held.answer < 2:
        return 0
    per_token = (held.high - shortest.high) / (held.answer - 1)
    return 1 + int((from_nano(left) - shortest.high) / per_token) if per_token > 0 else 0


def _longest(model: ModelInfo, prompt: int) -> int:
    """Tokens that a model may write after a prompt, as far as the catalogue knows."""
    if model.max_output is not None:
        return model.max_output
    return max(1, min(model.context - prompt, LONGEST_UNKNOWN)) if model.context is not None else LONGEST_UNKNOWN


def _with_limit(request: ChatRequest, tokens: int) -> ChatRequest:
    return replace(request, params=replace(request.params, max_output=tokens))
