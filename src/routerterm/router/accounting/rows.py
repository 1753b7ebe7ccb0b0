"""The ledger's view of an attempt: what is held back before it, and what it came to."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import reduce

from msgspec.structs import replace

from routerterm.core.ledger import AttemptRecord, Cause, Outcome
from routerterm.core.money import FREE, UNKNOWN_COST, Cost, CostSource, to_nano
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Forecast
from routerterm.core.usage import Usage
from routerterm.router.decide.attempts import Attempt


def reservation_row(
    id: str,
    request: ChatRequest,
    attempt: Attempt,
    route: str,
    started_at: int,
    forecast: Forecast | None,
    reserve: int,
    cause: Cause = "first",
    ranked: str | None = None,
) -> AttemptRecord:
    """The row that is written before anything leaves: the high end is held back."""
    high = forecast.high if forecast is not None else None
    source: CostSource = "declared" if attempt.candidate.model.local else "computed"
    return AttemptRecord(
        id=id,
        n=attempt.n,
        client=request.client,
        route=route,
        provider=attempt.target.provider,
        model=attempt.target.model,
        started_at=started_at,
        message_id=request.message_id,
        conversation_id=request.conversation_id,
        key_label=attempt.key,
        input_tokens=forecast.prompt_tokens if forecast is not None else None,
        output_tokens=reserve if forecast is not None else None,
        cost_nanousd=to_nano(high) if high is not None else None,
        cost_source=None if high is None else source,
        step=request.step,
        tool=request.tool,
        price_date=attempt.candidate.model.price_date,
        cause=cause,
        ranked=ranked,
    )


def settlement_row(
    record: AttemptRecord,
    outcome: Outcome,
    usage: Usage,
    cost: Cost,
    *,
    duration_ms: int,
    ttft_ms: int | None = None,
    error_class: str | None = None,
    http_status: int | None = None,
) -> AttemptRecord:
    """The row of an attempt that is over."""
    return replace(
        record,
        outcome=outcome,
        error_class=error_class,
        http_status=http_status,
        ttft_ms=ttft_ms,
        duration_ms=duration_ms,
        input_tokens=usage.fresh,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write + usage.cache_write_1h,
        output_tokens=usage.output,
        reasoning_tokens=usage.reasoning,
        usage_source=usage.source,
        cost_nanousd=None if cost.usd is None else to_nano(cost.usd),
        held_nanousd=record.cost_nanousd if cost.usd is None else None,
        cost_source=cost.source,
        price_date=cost.price_date,
        saved_nanousd=None if cost.saved is None else to_nano(cost.saved),
    )


def total_usage(usages: Iterable[Usage]) -> Usage:
    """All attempts together; estimated if one of them is."""
    every = tuple(usages)
    attempts = tuple(usage for usage in every if usage.total) or every[:1]
    return reduce(Usage.plus, attempts) if attempts else Usage()


def total_cost(costs: Iterable[Cost]) -> Cost:
    """All attempts together; unknown if one of them is, and no surer than the least sure."""
    attempts = tuple(costs)
    if len(attempts) == 1:
        return attempts[0]
    if not attempts:
        return FREE
    if any(cost.usd is None for cost in attempts):
        return UNKNOWN_COST
    priced = [cost for cost in attempts if cost.usd]
    computed = [cost for cost in priced if cost.source == "computed"]
    least_sure = (computed or priced or list(attempts))[0]
    return Cost(sum((cost.usd for cost in attempts if cost.usd), Decimal(0)), least_sure.source, least_sure.price_date)
