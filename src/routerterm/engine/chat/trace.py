"""What is kept of how an answer came to be: the decision, every attempt, the seams, what it used and cost.

It lies in ``message.params`` as JSON, for the screen that tells why.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from routerterm.core.errors import ProviderError, RoutertermError
from routerterm.core.events import (
    AttemptFailed,
    AttemptStarted,
    Event,
    Failed,
    Finished,
    Recovered,
    RouteDecided,
    Source,
    SourcesDelta,
    UsageReported,
)
from routerterm.core.money import Cost, from_nano, to_nano
from routerterm.core.targets import Candidate, Decision, Forecast, RejectedCandidate, Target
from routerterm.core.usage import Usage


class ErrorInfo(Struct, frozen=True):
    """An error, as far as it is kept: its class, its sentence, its hint."""

    kind: str
    message: str
    hint: str = ""
    status: int | None = None

    @classmethod
    def of(cls, error: Exception) -> ErrorInfo:
        """What is kept of an error; of a mistake of ours only its class, since its words may quote anything."""
        if not isinstance(error, RoutertermError):
            return cls("crash", f"routerterm crashed ({type(error).__name__}) while it answered.", "Ask again.")
        if isinstance(error, ProviderError):
            return cls(error.kind, error.message, error.hint, error.status)
        return cls(type(error).__name__, error.message, error.hint)


class AttemptTrace(Struct, frozen=True):
    """One attempt, and, if it failed, why and what came next."""

    n: int
    target: str
    key_label: str | None
    why: str
    error: ErrorInfo | None = None
    next: str = ""
    wait: float = 0.0
    cache_marks: int = 0


class Interruption(Struct, frozen=True):
    """A place where the answer was cut after ``characters`` of text and another went on."""

    how: str
    characters: int
    target: str


class LeftOut(Struct, frozen=True):
    """What of the conversation did not go to the model, for want of room."""

    messages: int
    tokens: int
    window: int


class ReplyTrace(Struct, frozen=True):
    """How an answer came to be."""

    asked: str = ""
    """The model or route that was asked for."""
    params: Mapping[str, Any] = field(default_factory=dict)
    decision: Decision | None = None
    attempts: tuple[AttemptTrace, ...] = ()
    seams: tuple[Interruption, ...] = ()
    target: str | None = None
    finish: str | None = None
    usage: Usage | None = None
    cost: Cost | None = None
    ttft_ms: int | None = None
    total_ms: int | None = None
    error: ErrorInfo | None = None
    left_out: LeftOut | None = None
    sources: tuple[Source, ...] = ()
    """What the answer rests on, as its provider named it."""

    def after(self, event: Event) -> ReplyTrace:
        """The record with one more event in it; pieces of the answer leave it as it is."""
        match event:
            case RouteDecided(decision):
                return replace(self, decision=decision)
            case AttemptStarted(n, target, key_label, why, cache_marks=marks):
                tried = AttemptTrace(n, str(target), key_label, why, cache_marks=marks)
                return replace(self, attempts=(*self.attempts, tried), target=str(target))
            case AttemptFailed():
                return replace(self, attempts=_with_failure(self.attempts, event))
            case Recovered("restart", _, target):
                # A new answer: places in the one that was cut mean nothing in it.
                return replace(self, seams=(Interruption("restart", 0, str(target)),), target=str(target))
            case Recovered(how, characters, target):
                return replace(
                    self, seams=(*self.seams, Interruption(how, characters, str(target))), target=str(target)
                )
            case SourcesDelta(sources=sources) if sources:  # the end of their text, held back by the guard, has none
                return replace(self, sources=sources)
            case UsageReported(usage):
                return replace(self, usage=usage)
            case Finished(reason, target, usage, cost, timing):
                done = replace(self, finish=reason, target=str(target), usage=usage, cost=cost)
                return replace(done, ttft_ms=timing.ttft_ms, total_ms=timing.total_ms)
            case Failed(error, usage, cost):
                return replace(self, error=ErrorInfo.of(error), usage=usage, cost=cost)
            case _:
                return self

    def to_json(self) -> dict[str, Any]:
        """The JSON object of ``message.params``; what is empty is left out."""
        body: dict[str, Any] = {
            "asked": self.asked,
            "params": dict(self.params),
            "decision": _decision_to_json(self.decision) if self.decision else None,
            "attempts": [_attempt_to_json(attempt) for attempt in self.attempts],
            "seams": [{"how": s.how, "characters": s.characters, "target": s.target} for s in self.seams],
            "target": self.target,
            "finish": self.finish,
            "usage": _usage_to_json(self.usage) if self.usage else None,
            "cost": _cost_to_json(self.cost) if self.cost else None,
            "ttft_ms": self.ttft_ms,
            "total_ms": self.total_ms,
            "error": _trouble_to_json(self.error) if self.error else None,
            "left_out": _left_out_to_json(self.left_out) if self.left_out else None,
            "sources": [_given(title=one.title, address=one.address or None) for one in self.sources],
        }
        return {name: value for name, value in body.items() if value not in (None, "", [], {})}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> ReplyTrace:
        """The record in a ``message.params``.  What is not there, or not understood, is empty."""
        try:
            return cls(
                asked=body.get("asked", ""),
                params=body.get("params", {}),
                decision=_decision(body["decision"]) if "decision" in body else None,
                attempts=tuple(_attempt(attempt) for attempt in body.get("attempts", ())),
                seams=tuple(Interruption(**seam) for seam in body.get("seams", ())),
                target=body.get("target"),
                finish=body.get("finish"),
                usage=_usage(body["usage"]) if "usage" in body else None,
                cost=_cost(body["cost"]) if "cost" in body else None,
                ttft_ms=body.get("ttft_ms"),
                total_ms=body.get("total_ms"),
                error=ErrorInfo(**body["error"]) if "error" in body else None,
                left_out=LeftOut(**body["left_out"]) if "left_out" in body else None,
                sources=tuple(Source(**source) for source in body.get("sources", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls()


def _with_failure(attempts: tuple[AttemptTrace, ...], failed: AttemptFailed) -> tuple[AttemptTrace, ...]:
    error, done = ErrorInfo.of(failed.error), False
    changed = []
    for attempt in reversed(attempts):
        if attempt.n == failed.n and not done:
            attempt, done = replace(attempt, error=error, next=failed.next, wait=failed.wait), True
        changed.append(attempt)
    if not done:  # it failed before it could leave
        changed.insert(
            0, AttemptTrace(failed.n, str(failed.target), None, why="", error=error, next=failed.next, wait=failed.wait)
        )
    return tuple(reversed(changed))


def _decision_to_json(decision: Decision) -> dict[str, Any]:
    return _given(
        asked=decision.asked,
        strategy=decision.strategy,
        candidates=[
            _given(target=str(c.target), why=c.why, forecast=_forecast_to_json(c.forecast)) for c in decision.candidates
        ],
        passed_over=[{"target": str(p.target), "reason": p.reason} for p in decision.passed_over],
        forecast=_forecast_to_json(decision.forecast),
    )


def _decision(body: Mapping[str, Any]) -> Decision:
    return Decision(
        body["asked"],
        body["strategy"],
        tuple(Candidate(Target.parse(c["target"]), c["why"], _forecast(c.get("forecast"))) for c in body["candidates"]),
        tuple(RejectedCandidate(Target.parse(p["target"]), p["reason"]) for p in body["passed_over"]),
        _forecast(body.get("forecast")),
    )


def _forecast_to_json(forecast: Forecast | None) -> dict[str, Any] | None:
    if forecast is None:
        return None
    low, high = (None if usd is None else str(usd) for usd in (forecast.low, forecast.high))
    sizes = {"context": forecast.context, "answer": forecast.answer}
    return _given(prompt_tokens=forecast.prompt_tokens, low=low, high=high, **sizes)


def _forecast(body: Mapping[str, Any] | None) -> Forecast | None:
    if body is None:
        return None
    low, high = (None if (usd := body.get(name)) is None else Decimal(usd) for name in ("low", "high"))
    return Forecast(body["prompt_tokens"], low, high, body.get("context"), body.get("answer"))


def _attempt_to_json(attempt: AttemptTrace) -> dict[str, Any]:
    return _given(
        n=attempt.n,
        target=attempt.target,
        key_label=attempt.key_label,
        why=attempt.why,
        error=_trouble_to_json(attempt.error) if attempt.error else None,
        next=attempt.next or None,
        wait=attempt.wait or None,
        cache_marks=attempt.cache_marks or None,
    )


def _attempt(body: Mapping[str, Any]) -> AttemptTrace:
    error = ErrorInfo(**body["error"]) if "error" in body else None
    return AttemptTrace(
        body["n"],
        body["target"],
        body.get("key_label"),
        why=body.get("why", ""),
        error=error,
        next=body.get("next", ""),
        wait=body.get("wait", 0.0),
        cache_marks=body.get("cache_marks", 0),
    )


def _trouble_to_json(error: ErrorInfo) -> dict[str, Any]:
    return _given(kind=error.kind, message=error.message, hint=error.hint or None, status=error.status)


def _left_out_to_json(left_out: LeftOut) -> dict[str, Any]:
    return {"messages": left_out.messages, "tokens": left_out.tokens, "window": left_out.window}


def _usage_to_json(usage: Usage) -> dict[str, Any]:
    counts = {
        "fresh": usage.fresh,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "cache_write_1h": usage.cache_write_1h,
        "output": usage.output,
        "reasoning": usage.reasoning,
        "searches": usage.searches,
    }
    return {name: n for name, n in counts.items() if n} | _given(
        source=usage.source, cost=None if usage.cost is None else str(usage.cost)
    )


def _usage(body: Mapping[str, Any]) -> Usage:
    cost = body.get("cost")
    counts = {name: n for name, n in body.items() if name not in ("source", "cost")}
    return Usage(**counts, source=body.get("source", "reported"), cost=None if cost is None else Decimal(cost))


def _cost_to_json(cost: Cost) -> dict[str, Any]:
    nano, saved = (None if usd is None else to_nano(usd) for usd in (cost.usd, cost.saved))
    return {"nanousd": nano} | _given(source=cost.source, price_date=cost.price_date, saved_nanousd=saved)


def _cost(body: Mapping[str, Any]) -> Cost:
    usd, saved = (
        None if (nano := body.get(name)) is None else from_nano(nano) for name in ("nanousd", "saved_nanousd")
    )
    return Cost(usd, body.get("source"), body.get("price_date"), saved)


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
