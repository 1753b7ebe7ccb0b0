"""What of a request leaves: decided in one place for the attempt that sends it and for whoever looks before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from routerterm.catalog.parameters import fitted
from routerterm.core.ledger import AttemptRecord, Cap, CapReached
from routerterm.protocols.normalize_messages import calls_in_words
from routerterm.router.accounting.admission import over
from routerterm.router.accounting.rows import reservation_row
from routerterm.router.decide.output_limit import Allowed, allowed, tightened
from routerterm.router.decide.prompt_cache import marks_pay
from routerterm.router.decide.retry import retry_plan
from routerterm.router.ports import Guarded, reserve_of
from routerterm.router.run.off_loop import off_loop
from routerterm.router.run.planner import PlannedRequest, refusal

if TYPE_CHECKING:
    from routerterm.catalog.values import ModelInfo, ProviderInfo
    from routerterm.core.ports import Ledger
    from routerterm.core.request import ChatRequest
    from routerterm.core.targets import Decision, Forecast, Target
    from routerterm.protocols.base import Codec, HttpRequest
    from routerterm.router.decide.attempts import Attempt, Rules
    from routerterm.router.decide.ranking import RankedCandidate
    from routerterm.router.ports import Forecaster, RouterPorts


class Encoded(Struct, frozen=True):
    """A request in the words of its provider's protocol."""

    info: ProviderInfo
    wire: Codec
    request: ChatRequest
    """As it was encoded: where an answer is gone on with, in the form that the model takes."""
    http: HttpRequest


class Encode(Protocol):
    """Writes a request for an attempt, without its key."""

    def __call__(self, request: ChatRequest, attempt: Attempt) -> Encoded:
        """Raises `BadRequest` where there is nothing to answer."""
        ...


class Outgoing(Struct, frozen=True):
    """What the first attempt of a request would send."""

    decision: Decision
    target: Target
    model: ModelInfo
    key_label: str | None
    why: str
    request: ChatRequest
    """As it leaves: after the guard, with the limits that hold for this model."""
    http: HttpRequest
    """Without the key."""
    redacted: Mapping[str, str]
    """What the guard took out, by the placeholder that stands in its place."""
    left_out: tuple[str, ...]
    """The names of what was asked and this provider cannot be told."""
    forecast: Forecast | None


def as_sent(
    request: ChatRequest, attempt: Attempt, caps: Sequence[Cap], forecaster: Forecaster
) -> tuple[Allowed, tuple[str, ...]]:
    """The request with what the model supports, as long an answer as the caps may pay for, and what was left out."""
    params, left_out = fitted(request.params, attempt.candidate.model)
    if attempt.candidate.model.lacks("tools"):  # none may be called now, but some were offered, or called before
        request = replace(request, tools=(), tool_choice=None, messages=calls_in_words(request.messages))
    request = shortened(replace(request, params=params), attempt.most)
    sent = allowed(request, attempt.candidate, caps, forecaster)
    tokens = sent.forecast.prompt_tokens if sent.forecast is not None else 0
    pays = marks_pay(request, attempt.candidate.model, tokens)
    return replace(sent, request=replace(sent.request, cache=pays)) if pays is not None else sent, left_out


def shortened(request: ChatRequest, most: int | None) -> ChatRequest:
    """The request for an answer of at most so many tokens."""
    if most is None:
        return request
    return replace(request, params=replace(request.params, max_output=min(most, request.params.max_output or most)))


def reserved_tokens(sent: Allowed, candidate: RankedCandidate) -> int:
    """Tokens of an answer that are held back for it."""
    if sent.forecast is not None and sent.forecast.answer is not None:
        return sent.forecast.answer
    return reserve_of(sent.request, candidate.model)


def reason(attempt: Attempt, sent: Allowed, left_out: Sequence[str]) -> str:
    """Why an attempt is made, and what of the request was changed for it."""
    why = attempt.why
    if left_out:
        why += f"; without {', '.join(left_out)}, which it does not support"
    if sent.clipped is not None:
        why += f"; its answer is limited to {sent.clipped:,} tokens by the budget"
    return why


async def look_ahead(
    guarded: Guarded,
    planned: PlannedRequest,
    *,
    ports: RouterPorts,
    ledger: Ledger,
    rules: Rules,
    encode: Encode,
    random: Callable[[], float],
    now: float,
) -> Outgoing:
    """Go the way of a request up to the moment before it is sent.  Raises what sending it would fail with."""
    if not planned.plan.options:
        raise refusal(planned)
    request, route = guarded.request, planned.resolved.route
    attempt = next(retry_plan(planned.plan.options, rules, random, now))
    candidate, at = attempt.candidate, int(now * 1000)
    caps = ports.budget.caps(request, attempt.target, route, at)
    sent, unfit = as_sent(request, attempt, caps, ports.forecaster)
    while (reached := await _reached(ledger, sent, attempt, caps=caps, route=route, at=at)) is not None:
        tighter = tightened(sent, candidate, reached, ports.forecaster)
        if tighter is None:
            raise over(reached, attempt.target)
        sent = tighter
    encoded = await off_loop(sent.request, encode, sent.request, attempt)
    left_out = (*unfit, *encoded.wire.left_out(encoded.request))
    return Outgoing(
        decision=planned.plan.decision,
        target=attempt.target,
        model=candidate.model,
        key_label=attempt.key,
        why=reason(attempt, sent, left_out),
        request=encoded.request,
        http=encoded.http,
        redacted=guarded.redacted,
        left_out=left_out,
        forecast=candidate.forecast,
    )


async def _reached(
    ledger: Ledger, sent: Allowed, attempt: Attempt, caps: Sequence[Cap], route: str, at: int
) -> CapReached | None:
    """The cap that the request would run into, if nothing else is sent before."""
    tokens = reserved_tokens(sent, attempt.candidate)
    record: AttemptRecord = reservation_row(
        "", sent.request, attempt, route=route, started_at=at, forecast=sent.forecast, reserve=tokens
    )
    return await ledger.reached(record, caps)
