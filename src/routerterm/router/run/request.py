"""One request from its question to its last event: drives the attempts over the wire, and tells what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar, assert_never

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
    Timing,
    ToolCallDelta,
    UsageReported,
)
from routerterm.router.accounting.admission import AttemptAdmission
from routerterm.router.accounting.recorder import AttemptRecorder
from routerterm.router.decide.attempts import (
    Attempt,
    AttemptLost,
    AttemptRejected,
    AttemptSucceeded,
    Hedged,
    Outcome,
    Rules,
)
from routerterm.router.decide.retry import RetryPlan, retry_plan
from routerterm.router.ports import Guarded
from routerterm.router.run.assembly import ResponseAssembler, RunningAttempt
from routerterm.router.run.hedge import Batches, first_to_speak
from routerterm.router.run.planner import PlannedRequest, refusal
from routerterm.router.run.start import AttemptStarter, RequestContext

T = TypeVar("T")
E = TypeVar("E", bound=ProviderError | None)


class RequestRun:
    """One request.  `events` may be walked once."""

    def __init__(
        self, context: RequestContext, admission: AttemptAdmission, planned: PlannedRequest, guarded: Guarded
    ) -> None:
        self._context = context
        self._admission = admission
        self._planned = planned
        self._guarded = guarded
        self._request = guarded.request
        self._loop_time = asyncio.get_running_loop().time
        deadline = context.options.limits.deadline
        self._started = self._loop_time()
        self._deadline = None if deadline is None else self._started + deadline
        self._recorder = AttemptRecorder(admission, context.ports)
        self._assembler = ResponseAssembler(
            guarded,
            steps=bool(guarded.request.hosted),
            scores=guarded.request.params.more.get("logprobs") not in (None, False),
        )
        self._starter = AttemptStarter(
            context,
            planned,
            self._request,
            admission=admission,
            recorder=self._recorder,
            assembler=self._assembler,
            deadline=self._deadline,
        )
        self._first_content: float | None = None
        self._outcome: Outcome = AttemptSucceeded()

    async def events(self) -> AsyncGenerator[Event, None]:
        """Everything that happens; exactly one `Finished` or `Failed` ends it."""
        yield RouteDecided(self._planned.plan.decision)
        try:
            attempts = self._attempts()
            attempt: Attempt | None = _first(attempts)
            while attempt is not None:
                await self._wait(attempt.delay)
                run = await self._starter.start(attempt)
                if isinstance(run, AttemptRejected):
                    self._outcome = run
                else:
                    yield AttemptStarted(
                        attempt.n,
                        attempt.target,
                        attempt.key,
                        why=run.why,
                        left_out=run.left_out,
                        cache_marks=run.stream.marks,
                    )
                    # Few generators lie between the wire and the reader: each costs something for every piece.
                    async with aclosing(self._attempt_events(run, attempt)) as events:
                        async for event in events:
                            yield event
                following, final_error = _next(attempts, self._outcome)
                if (lost := _lost_by(attempt, self._outcome)) is not None:
                    failed, error = lost
                    words = following.next if following is not None else "no candidates left"
                    wait = following.delay if following is not None else 0.0
                    yield AttemptFailed(failed.n, failed.target, error, words, wait)
                if final_error is not None:
                    await self._recorder.settle_unreached()
                    raise final_error
                attempt = following
        except RoutertermError as error:
            yield self._failed(error)
        finally:
            await self._recorder.call_off()

    def _attempts(self) -> RetryPlan:
        """The decisions of this request.  Raises the refusal where there is no candidate."""
        if not self._planned.plan.options:
            raise refusal(self._planned)
        options = self._context.options
        rules = Rules(options.limits, options.keys, options.on_cut)
        return retry_plan(self._planned.plan.options, rules, self._context.random, self._context.clock())

    def _attempt_events(self, run: RunningAttempt, attempt: Attempt) -> AsyncGenerator[Event, None]:
        """The events of an attempt (and its hedge), which leave the outcome in ``_outcome``."""
        if attempt.hedge is None or attempt.candidate.hedge_after is None:
            return self._stream_events(run, run.stream)
        return self._hedged(run, run.stream, attempt.hedge, attempt.candidate.hedge_after)

    async def _hedged(
        self, run: RunningAttempt, batches: Batches, hedge: Attempt, after: float
    ) -> AsyncGenerator[Event, None]:
        """Ask a second candidate as well when the first takes longer to speak than it usually does."""
        second: RunningAttempt | None = None
        asked = asyncio.Event()

        async def start_hedge() -> Batches | None:
            nonlocal second
            started = await self._starter.start(hedge)
            if isinstance(started, AttemptRejected):
                return None
            second = started
            asked.set()
            return second.stream

        async with _running(first_to_speak(batches, start_hedge, after)) as racing:
            async with _running(asked.wait()) as asking:
                await asyncio.wait({racing, asking}, return_when=asyncio.FIRST_COMPLETED)
            if asked.is_set():
                why, unsaid = (second.why, second.left_out) if second else (hedge.why, ())
                yield AttemptStarted(hedge.n, hedge.target, hedge.key, why, unsaid)
            race = await racing
        if second is None:
            async with aclosing(self._stream_events(run, race.batches)) as events:
                async for event in events:
                    yield event
            return
        winner, loser = (second, run) if race.hedge_won else (run, second)
        failed = race.failed if isinstance(race.failed, ProviderError) else None
        await self._recorder.finish(loser, "failed" if failed else "cancelled", _placed(loser, failed))
        if failed is not None:
            going_on = f"{winner.attempt.target} was the hedge"
            yield AttemptFailed(loser.attempt.n, loser.attempt.target, failed, going_on)
        async with aclosing(self._stream_events(winner, race.batches)) as events:
            async for event in events:
                yield event
        told = self._outcome
        assert isinstance(told, AttemptSucceeded | AttemptLost)
        other = (
            AttemptLost(failed, self._context.clock(), resting=self._admission.rests(loser.attempt.target))
            if failed
            else None
        )
        self._outcome = Hedged(race.hedge_won, told, other)

    async def _stream_events(self, run: RunningAttempt, batches: Batches) -> AsyncGenerator[Event, None]:
        """The events of one attempt as the person sees them, and its end."""
        joiner, joined = self._assembler.joiner(run), run.attempt.recover is None
        try:
            async with aclosing(batches):
                async for batch in batches:
                    for event in batch:
                        match event:
                            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                                if not joined:
                                    joined = True
                                    yield self._assembler.recovered(run)
                                elif self._first_content is None:
                                    self._first_content = run.stream.first_content
                                for told in self._assembler.shown(run, event, joiner):
                                    yield told
                            case UsageReported(usage):
                                run.usage = usage
                                yield event
                            case StreamEnd() | StreamError():
                                pass
                            case _:
                                assert_never(event)
        except ProviderError as error:
            for held in self._assembler.rest(run, joiner):
                yield held
            await self._lost(run, error)
            return
        except DeadlineExceeded as error:
            for held in self._assembler.rest(run, joiner):
                yield held
            await self._recorder.finish(run, "cut" if run.stream.content else "failed", None, "deadline")
            raise error
        for held in self._assembler.rest(run, joiner):
            yield held
        yield await self._answered(run)

    async def _answered(self, run: RunningAttempt) -> Finished:
        """The answer is whole."""
        self._outcome = AttemptSucceeded()
        await self._recorder.finish(run, "done")
        stopped = run.stream.stopped
        assert stopped is not None
        first = self._first_content
        ttft = None if first is None else max(0, round((first - self._started) * 1000))
        timing = Timing(ttft, round((self._loop_time() - self._started) * 1000))
        if run.usage is not None:
            self._context.ports.estimator.learn(self._request, run.attempt.candidate.model, run.usage)
        return Finished(
            stopped.reason,
            run.attempt.target,
            self._recorder.usage,
            cost=self._recorder.cost,
            timing=timing,
            attempts=self._recorder.made,
            raw=stopped.raw,
            sequence=stopped.sequence,
        )

    async def _lost(self, run: RunningAttempt, error: ProviderError) -> None:
        self._assembler.keep(run)
        await self._recorder.finish(run, "cut" if run.stream.content else "failed", _placed(run, error))
        self._outcome = AttemptLost(
            error, self._context.clock(), run.progress, self._admission.rests(run.attempt.target)
        )

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
        return Failed(error, self._recorder.usage, self._recorder.cost, self._recorder.made)


def _first(attempts: RetryPlan) -> Attempt:
    """The first attempt.  Raises the error where none can be made."""
    try:
        return next(attempts)
    except StopIteration as end:
        raise end.value or NoCandidate("No model is available now.") from None


def _next(attempts: RetryPlan, outcome: Outcome) -> tuple[Attempt | None, RoutertermError | None]:
    """The next attempt, or None and the error that ends the request, if it does not end well."""
    try:
        return attempts.send(outcome), None
    except StopIteration as end:
        return None, end.value


def _lost_by(attempt: Attempt, outcome: Outcome) -> tuple[Attempt, ProviderError] | None:
    """Which attempt failed last, and how; of a hedge, the slower one's failure was told before."""
    match outcome:
        case AttemptLost(error):
            return attempt, error
        case Hedged(hedge_won, AttemptLost(error)):
            assert attempt.hedge is not None
            return attempt.hedge if hedge_won else attempt, error
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
