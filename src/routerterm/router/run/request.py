"""One request from its question to its last event: drives the flow over the wire, and tells what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeAlias, TypeVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from routerterm.catalog.parameters import fitted
from routerterm.core.errors import DeadlineExceeded, NoCandidate, ProviderError, RoutertermError
from routerterm.core.events import (
    AttemptFailed,
    AttemptStarted,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    RouteDecided,
    StreamEnd,
    StreamError,
    TextDelta,
    ThoughtsClosed,
    Timing,
    ToolCallDelta,
    UsageReported,
)
from routerterm.core.ledger import Cap
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.router.accounting.admission import AttemptAdmission, over
from routerterm.router.accounting.recorder import AttemptRecorder
from routerterm.router.accounting.rows import reservation_row
from routerterm.router.decide.attempts import (
    Attempt,
    AttemptLost,
    AttemptRejected,
    AttemptSucceeded,
    Hedged,
    Outcome,
    Rules,
)
from routerterm.router.decide.continuation import prefill
from routerterm.router.decide.output_limit import Allowed, allowed, tightened
from routerterm.router.decide.retry import RetryPlan, retry_plan
from routerterm.router.options import RouterOptions
from routerterm.router.ports import Guarded, Hooks, reserve_of
from routerterm.router.run.assembly import ResponseAssembler, RunningAttempt
from routerterm.router.run.attempt import AttemptStream
from routerterm.router.run.hedge import Batches, first_to_speak
from routerterm.router.run.off_loop import off_loop
from routerterm.router.run.planner import PlannedRequest, refusal

T = TypeVar("T")
E = TypeVar("E", bound=ProviderError | None)
Opener: TypeAlias = Callable[[ChatRequest, Attempt, Secret | None, str, float | None], AttemptStream]
"""Makes the leg of an attempt: request, attempt, key, prefill, deadline."""


class RequestContext(Struct, frozen=True):
    """What a turn is given: settings, hooks, time, chance, and who opens legs."""

    options: RouterOptions
    hooks: Hooks
    clock: Callable[[], float]
    chance: Callable[[], float]
    new_id: Callable[[], str]
    open_leg: Opener


class RequestRun:
    """One request.  `events` may be walked once."""

    def __init__(
        self, around: RequestContext, books: AttemptAdmission, prepared: PlannedRequest, guarded: Guarded
    ) -> None:
        self._around, self._books = around, books
        self._prepared, self._guarded = prepared, guarded
        self._request = guarded.request
        self._loop_time = asyncio.get_running_loop().time
        deadline = around.options.limits.deadline
        self._begun = self._loop_time()
        self._deadline = None if deadline is None else self._begun + deadline
        self._tally = AttemptRecorder(books, around.hooks)
        self._voice = ResponseAssembler(guarded)
        self._first_content: float | None = None
        self._outcome: Outcome = AttemptSucceeded()

    async def events(self) -> AsyncGenerator[Event, None]:
        """Everything that happens; exactly one `Finished` or `Failed` ends it."""
        yield RouteDecided(self._prepared.plan.decision)
        try:
            course = self._course()
            attempt: Attempt | None = _begun(course)
            while attempt is not None:
                await self._wait(attempt.delay)
                run = await self._start(attempt)
                if isinstance(run, AttemptRejected):
                    self._outcome = run
                else:
                    yield AttemptStarted(attempt.n, attempt.target, attempt.key, run.why, run.left_out)
                    # Few generators lie between the wire and the reader: each costs something for every piece.
                    async with aclosing(self._attempt_events(run, attempt)) as events:
                        async for event in events:
                            yield event
                following, conclusion = _following(course, self._outcome)
                if (lost := _lost_by(attempt, self._outcome)) is not None:
                    failed, error = lost
                    words = following.next if following is not None else "no candidates left"
                    wait = following.delay if following is not None else 0.0
                    yield AttemptFailed(failed.n, failed.target, error, words, wait)
                if conclusion is not None:
                    await self._tally.settle_unreached()
                    raise conclusion
                attempt = following
        except RoutertermError as error:
            yield self._failed(error)
        finally:
            await self._tally.call_off()

    def _course(self) -> RetryPlan:
        """The decisions of this request.  Raises the refusal where there is no candidate."""
        if not self._prepared.plan.options:
            raise refusal(self._prepared)
        options = self._around.options
        rules = Rules(options.limits, options.keys, options.on_cut)
        return retry_plan(self._prepared.plan.options, rules, self._around.chance, self._around.clock())

    def _attempt_events(self, run: RunningAttempt, attempt: Attempt) -> AsyncGenerator[Event, None]:
        """The events of an attempt (and its hedge), which leave the outcome in ``_outcome``."""
        if attempt.spare is None or attempt.option.hedge_after is None:
            return self._stream_events(run, run.leg)
        return self._hedged(run, run.leg, attempt.spare, attempt.option.hedge_after)

    async def _hedged(
        self, run: RunningAttempt, batches: Batches, spare: Attempt, after: float
    ) -> AsyncGenerator[Event, None]:
        """Ask a second candidate as well when the first takes longer to speak than it usually does."""
        second: RunningAttempt | None = None
        asked = asyncio.Event()

        async def ask_spare() -> Batches | None:
            nonlocal second
            started = await self._start(spare)
            if isinstance(started, AttemptRejected):
                return None
            second = started
            asked.set()
            return second.leg

        async with _running(first_to_speak(batches, ask_spare, after)) as racing:
            async with _running(asked.wait()) as asking:
                await asyncio.wait({racing, asking}, return_when=asyncio.FIRST_COMPLETED)
            if asked.is_set():
                why, unsaid = (second.why, second.left_out) if second else (spare.why, ())
                yield AttemptStarted(spare.n, spare.target, spare.key, why, unsaid)
            race = await racing
        if second is None:
            async with aclosing(self._stream_events(run, race.batches)) as events:
                async for event in events:
                    yield event
            return
        winner, loser = (second, run) if race.spare_won else (run, second)
        failed = race.failed if isinstance(race.failed, ProviderError) else None
        await self._tally.finish(loser, "failed" if failed else "cancelled", _placed(loser, failed))
        if failed is not None:
            going_on = f"{winner.attempt.target} was the hedge"
            yield AttemptFailed(loser.attempt.n, loser.attempt.target, failed, going_on)
        async with aclosing(self._stream_events(winner, race.batches)) as events:
            async for event in events:
                yield event
        told = self._outcome
        assert isinstance(told, AttemptSucceeded | AttemptLost)
        other = (
            AttemptLost(failed, self._around.clock(), resting=self._books.rests(loser.attempt.target))
            if failed
            else None
        )
        self._outcome = Hedged(race.spare_won, told, other)

    async def _start(self, attempt: Attempt) -> RunningAttempt | AttemptRejected:
        """Everything before the request leaves: breaker, key, ledger, encoding."""
        option, hooks = attempt.option, self._around.hooks
        now, route = self._around.clock(), self._prepared.resolved.route
        prompt = option.forecast.prompt_tokens if option.forecast is not None else 0
        caps = _left(hooks.budget.caps(self._request, attempt.target, route, int(now * 1000)), self._tally.committed)
        params, left_out = fitted(self._request.params, option.model)
        request = _shortened(replace(self._request, params=params), attempt.most)
        sent = allowed(request, option, caps, hooks.forecaster)
        leg = await off_loop(sent.request, self._leg, sent.request, attempt)
        if (refused := await self._books.admit_model(attempt)) is not None:
            return refused
        refused = await self._books.admit_key(attempt, prompt + reserve_of(self._request, option.model))
        while refused is None:
            reserve = sent.forecast.answer if sent.forecast is not None and sent.forecast.answer is not None else None
            reserve = reserve_of(sent.request, option.model) if reserve is None else reserve
            record = reservation_row(
                self._around.new_id(), sent.request, attempt, route, int(now * 1000), sent.forecast, reserve
            )
            reached = await self._books.reserve(record, caps)
            if reached is None:
                unsaid = (*left_out, *leg.left_out)
                run = RunningAttempt(attempt, record, now, leg, _why(attempt, sent, unsaid), unsaid)
                self._tally.begin(run)
                return run
            tighter = tightened(sent, option, reached, hooks.forecaster)
            if tighter is None:
                error = over(reached, attempt.target)
                refused = AttemptRejected("budget", error.message, self._around.clock(), error=error)
            else:
                sent = tighter
                leg = await off_loop(sent.request, self._leg, sent.request, attempt)
        await self._books.release(attempt.target)
        return refused

    def _leg(self, request: ChatRequest, attempt: Attempt) -> AttemptStream:
        """The wire for an attempt, encoded and not yet open."""
        key = self._books.key(attempt)
        start = prefill(self._voice.partial) if attempt.recover == "continue" else ""
        return self._around.open_leg(request, attempt, key.secret if key is not None else None, start, self._deadline)

    async def _stream_events(self, run: RunningAttempt, batches: Batches) -> AsyncGenerator[Event, None]:
        """The events of one leg as the person sees them, and its end."""
        seam, joined = self._voice.seam(run), run.attempt.recover is None
        try:
            async with aclosing(batches):
                async for batch in batches:
                    for event in batch:
                        match event:
                            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                                if not joined:
                                    joined = True
                                    yield self._voice.recovered(run)
                                elif self._first_content is None:
                                    self._first_content = run.leg.first_content
                                if isinstance(event, ThoughtsClosed):
                                    for told in self._voice.closed(run, event):
                                        yield told
                                elif (shown := self._voice.shown(run, event, seam)) is not None:
                                    yield shown
                            case UsageReported(usage):
                                run.usage = usage
                                yield event
                            case StreamEnd() | StreamError():
                                pass
                            case _:
                                assert_never(event)
        except ProviderError as error:
            for held in self._voice.rest(run, seam):
                yield held
            await self._lost(run, error)
            return
        except DeadlineExceeded as error:
            for held in self._voice.rest(run, seam):
                yield held
            await self._tally.finish(run, "cut" if run.leg.content else "failed", None, "deadline")
            raise error
        for held in self._voice.rest(run, seam):
            yield held
        yield await self._answered(run)

    async def _answered(self, run: RunningAttempt) -> Finished:
        """The answer is whole."""
        self._outcome = AttemptSucceeded()
        await self._tally.finish(run, "done")
        stopped = run.leg.stopped
        assert stopped is not None
        first = self._first_content
        ttft = None if first is None else max(0, round((first - self._begun) * 1000))
        timing = Timing(ttft, round((self._loop_time() - self._begun) * 1000))
        if run.usage is not None:
            self._around.hooks.estimator.learn(self._request, run.attempt.option.model, run.usage)
        return Finished(
            stopped.reason,
            run.attempt.target,
            self._tally.usage,
            self._tally.cost,
            timing,
            self._tally.made,
            stopped.raw,
            stopped.sequence,
        )

    async def _lost(self, run: RunningAttempt, error: ProviderError) -> None:
        self._voice.keep(run)
        await self._tally.finish(run, "cut" if run.leg.content else "failed", _placed(run, error))
        self._outcome = AttemptLost(error, self._around.clock(), run.progress, self._books.rests(run.attempt.target))

    async def _wait(self, seconds: float) -> None:
        if seconds <= 0:
            return
        if self._deadline is not None and self._loop_time() + seconds >= self._deadline:
            raise DeadlineExceeded(
                "The providers ask for a longer wait than router.deadline allows.",
                "The setting is router.deadline, in seconds.",
            )
        await asyncio.sleep(seconds)

    def _failed(self, error: RoutertermError) -> Failed:
        return Failed(error, self._tally.usage, self._tally.cost, self._tally.made)


def _shortened(request: ChatRequest, most: int | None) -> ChatRequest:
    """The request for an answer of at most so many tokens."""
    if most is None:
        return request
    return replace(request, params=replace(request.params, max_output=min(most, request.params.max_output or most)))


def _why(attempt: Attempt, sent: Allowed, left_out: Sequence[str]) -> str:
    """Why an attempt is made, and what of the request was changed for it."""
    why = attempt.why
    if left_out:
        why += f"; without {', '.join(left_out)}, which it does not support"
    if sent.clipped is not None:
        why += f"; its answer is limited to {sent.clipped:,} tokens by the budget"
    return why


def _left(caps: Sequence[Cap], committed: int) -> Sequence[Cap]:
    """What the caps leave: one on the request holds for all its attempts together."""
    if not committed:
        return caps
    return [
        replace(cap, limit=max(0, cap.limit - committed)) if (cap.scope, cap.unit) == ("request", "usd") else cap
        for cap in caps
    ]


def _begun(course: RetryPlan) -> Attempt:
    """The first attempt.  Raises the error where none can be made."""
    try:
        return next(course)
    except StopIteration as end:
        raise end.value or NoCandidate("No model is available now.") from None


def _following(course: RetryPlan, outcome: Outcome) -> tuple[Attempt | None, RoutertermError | None]:
    """The next attempt, or None and the error that ends the request, if it does not end well."""
    try:
        return course.send(outcome), None
    except StopIteration as end:
        return None, end.value


def _lost_by(attempt: Attempt, outcome: Outcome) -> tuple[Attempt, ProviderError] | None:
    """Which attempt failed last, and how; of a hedge, the slower one's failure was told before."""
    match outcome:
        case AttemptLost(error):
            return attempt, error
        case Hedged(spare_won, AttemptLost(error)):
            assert attempt.spare is not None
            return attempt.spare if spare_won else attempt, error
        case Hedged() | AttemptSucceeded() | AttemptRejected():
            return None
        case _:
            assert_never(outcome)


def _placed(run: RunningAttempt, error: E) -> E:
    """An error that says where it happened."""
    if error is not None:
        target = run.attempt.target
        error.provider, error.model = error.provider or target.provider, error.model or target.model
        error.key_label = run.attempt.key
    return error


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """A task that does not outlive its block."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
