"""Starts an attempt: what it may cost is reserved and its request encoded before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.errors import BadRequest
from routerterm.core.ledger import Cap
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.core.targets import Target
from routerterm.router.accounting.admission import AttemptAdmission, over
from routerterm.router.accounting.recorder import AttemptRecorder
from routerterm.router.accounting.rows import reservation_row
from routerterm.router.decide.attempts import Attempt, AttemptRejected
from routerterm.router.decide.continuation import prefill
from routerterm.router.decide.output_limit import tightened
from routerterm.router.decide.prompt_cache import digests
from routerterm.router.options import RouterOptions
from routerterm.router.ports import RouterPorts, reserve_of
from routerterm.router.run.assembly import ResponseAssembler, RunningAttempt
from routerterm.router.run.attempt import AttemptStream
from routerterm.router.run.off_loop import off_loop
from routerterm.router.run.outgoing import as_sent, reason, reserved_tokens
from routerterm.router.run.pictures import RequestPictures
from routerterm.router.run.planner import PlannedRequest

Opener: TypeAlias = Callable[[ChatRequest, Attempt, Secret | None, str, float | None], AttemptStream]
"""Opens the stream of an attempt: request, attempt, key, prefill, deadline."""


class RequestContext(Struct, frozen=True):
    """What a request is given: settings, ports, time, chance, and who opens streams."""

    options: RouterOptions
    ports: RouterPorts
    clock: Callable[[], float]
    random: Callable[[], float]
    new_id: Callable[[], str]
    open_stream: Opener
    takes_url: Callable[[Target, str], bool]
    """Whether a model's provider fetches a picture at an address itself."""


class AttemptStarter:
    """Starts the attempts of one request."""

    def __init__(
        self,
        context: RequestContext,
        planned: PlannedRequest,
        request: ChatRequest,
        *,
        admission: AttemptAdmission,
        recorder: AttemptRecorder,
        assembler: ResponseAssembler,
        deadline: float | None,
    ) -> None:
        self._context = context
        self._planned = planned
        self._request = request
        self._admission = admission
        self._recorder = recorder
        self._assembler = assembler
        self._deadline = deadline
        self._pictures = RequestPictures(context.ports.pictures)

    async def start(self, attempt: Attempt) -> RunningAttempt | AttemptRejected:
        """Everything before the request leaves: circuit breaker, key, ledger, encoding."""
        candidate, ports = attempt.candidate, self._context.ports
        now, route = self._context.clock(), self._planned.resolved.route
        prompt = candidate.forecast.prompt_tokens if candidate.forecast is not None else 0
        caps = _left(ports.budget.caps(self._request, attempt.target, route, int(now * 1000)), self._recorder.committed)
        try:
            asked = await self._pictures.filled(self._request, partial(self._context.takes_url, attempt.target))
        except BadRequest as unfetched:
            return AttemptRejected("image", unfetched.message, self._context.clock(), error=unfetched)
        sent, left_out = as_sent(asked, attempt, caps, ports.forecaster)
        stream = await off_loop(sent.request, self._stream, sent.request, attempt)
        if (refused := await self._admission.admit_model(attempt)) is not None:
            return refused
        refused = await self._admission.admit_key(attempt, prompt + reserve_of(self._request, candidate.model))
        while refused is None:
            tokens = reserved_tokens(sent, candidate)
            record = reservation_row(
                self._context.new_id(), sent.request, attempt,
                route=route, started_at=int(now * 1000), forecast=sent.forecast, reserve=tokens,
                cause=self._recorder.cause(attempt.target), ranked=self._ranked(attempt),
            )  # fmt: skip
            reached = await self._admission.ledger.reserve(record, caps)
            if reached is None:
                unsaid = (*left_out, *stream.left_out)
                run = RunningAttempt(
                    attempt, record, now, stream=stream, why=reason(attempt, sent, unsaid), left_out=unsaid
                )
                if candidate.model.cache_seconds and self._request.conversation_id is not None:
                    run.digests = await off_loop(self._request, digests, self._request)
                self._recorder.begin(run)
                return run
            tighter = tightened(sent, candidate, reached, ports.forecaster)
            if tighter is None:
                error = over(reached, attempt.target)
                refused = AttemptRejected("budget", error.message, self._context.clock(), error=error)
            else:
                sent = tighter
                stream = await off_loop(sent.request, self._stream, sent.request, attempt)
        await self._admission.release(attempt.target)
        return refused

    def _ranked(self, attempt: Attempt) -> str | None:
        """Whom the policy had to choose from, for the request's first row."""
        return "\n".join(str(option.target) for option in self._planned.plan.options) if attempt.n == 1 else None

    def _stream(self, request: ChatRequest, attempt: Attempt) -> AttemptStream:
        """The wire for an attempt, encoded and not yet open."""
        key = self._admission.key(attempt)
        start = prefill(self._assembler.partial) if attempt.recover == "continue" else ""
        secret = key.secret if key is not None else None
        return self._context.open_stream(request, attempt, secret, start, self._deadline)


def _left(caps: Sequence[Cap], committed: int) -> Sequence[Cap]:
    """What the caps leave: one on the request holds for all its attempts together."""
    if not committed:
        return caps
    return [
        replace(cap, limit=max(0, cap.limit - committed)) if (cap.scope, cap.unit) == ("request", "usd") else cap
        for cap in caps
    ]
