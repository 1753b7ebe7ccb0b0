"""One request from its question to its last event: drives the flow over the wire, and tells what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from routerterm.core.errors import Cut, DeadlineExceeded, NoCandidate, ProviderError, RoutertermError, Silent
from routerterm.core.events import (
    AttemptFailed,
    AttemptStarted,
    Broke,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    Recovered,
    RouteDecided,
    Stopped,
    TextDelta,
    Timing,
    ToolCallDelta,
    UsageReported,
    WireEvent,
)
from routerterm.core.ledger import AttemptRecord, Outcome
from routerterm.core.money import Cost
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.core.targets import Target
from routerterm.core.usage import Usage
from routerterm.router.accounts import reserved, total_cost, total_usage
from routerterm.router.books import Books, Result
from routerterm.router.continuation import Seam, prefill
from routerterm.router.flow import (
    Answered,
    Attempt,
    Hedged,
    Lost,
    NotSent,
    Progress,
    Rules,
    flow,
    is_network,
)
from routerterm.router.hedge import first_to_speak
from routerterm.router.hooks import Guarded, Hooks, Restorer, reserve_of
from routerterm.router.leg import Leg
from routerterm.router.options import RouterOptions
from routerterm.router.prepare import Prepared, refusal

Opener: TypeAlias = Callable[[ChatRequest, Attempt, Secret | None, str, float | None], Leg]
"""Makes the leg of an attempt: request, attempt, key, prefill, deadline."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a turn is given: settings, hooks, time, chance, and who opens legs."""

    options: RouterOptions
    hooks: Hooks
    clock: Callable[[], float]
    chance: Callable[[], float]
    new_id: Callable[[], str]
    open_leg: Opener


@dataclass(slots=True)
class Run:
    """An attempt that is under way, and what it has brought."""

    attempt: Attempt
    record: AttemptRecord
    started: float
    leg: Leg
    text: list[str] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    """Everything that was generated, reasoning and tool arguments included, for an estimate."""
    characters: int = 0
    tool_calls: bool = False
    usage: Usage | None = None
    over: bool = False

    @property
    def progress(self) -> Progress:
        """For the flow."""
        return Progress(self.characters, self.leg.content, self.tool_calls)


class Turn:
    """One request.  `events` may be walked once."""

    def __init__(self, around: Surroundings, books: Books, prepared: Prepared, guarded: Guarded) -> None:
        self._around, self._books = around, books
        self._prepared, self._guarded = prepared, guarded
        self._request = guarded.request
        self._loop_time = asyncio.get_running_loop().time
        deadline = around.options.limits.deadline
        self._begun = self._loop_time()
        self._deadline = None if deadline is None else self._begun + deadline
        self._usages: list[Usage] = []
        self._costs: list[Cost] = []
        self._unreached: list[tuple[Target, ProviderError]] = []
        self._reached = False
        self._partial = ""
        """The raw text of the legs so far that a continuation goes on with."""
        self._restorers: dict[str, Restorer | None] = {}
        self._made = 0
        self._first_content: float | None = None
        self._outcome: Answered | Lost | NotSent | Hedged = Answered()
        self._open: list[Run] = []

    async def events(self) -> AsyncGenerator[Event, None]:
        """Everything that happens; exactly one `Finished` or `Failed` ends it."""
        yield RouteDecided(self._prepared.plan.decision)
        try:
            async with aclosing(self._course()) as events:
                async for event in events:
                    yield event
        except RoutertermError as error:
            yield self._failed(error)
        finally:
            await self._call_off()

    async def _course(self) -> AsyncGenerator[Event, None]:
        if not self._prepared.plan.options:
            raise refusal(self._prepared)
        options = self._around.options
        rules = Rules(options.limits, options.keys, options.on_cut)
        course = flow(self._prepared.plan.options, rules, self._around.chance, self._around.clock())
        try:
            attempt = next(course)
        except StopIteration as end:
            raise end.value or NoCandidate("No model can be asked now.") from None
        while True:
            await self._wait(attempt.delay)
            async with aclosing(self._attempt(attempt)) as events:
                async for event in events:
                    yield event
            outcome = self._outcome
            try:
                following, conclusion = course.send(outcome), None
            except StopIteration as end:
                following, conclusion = None, end.value
            for failed, lost in self._failures(attempt, outcome):
                words = following.next if following is not None else "nothing is left to try"
                wait = following.delay if following is not None else 0.0
                yield AttemptFailed(failed.n, failed.target, lost.error, words, wait)
            if following is None:
                await self._settle_unreached()
                if conclusion is not None:
                    raise conclusion
                return
            attempt = following

    def _failures(self, attempt: Attempt, outcome: Answered | Lost | NotSent | Hedged) -> list[tuple[Attempt, Lost]]:
        match outcome:
            case Lost():
                return [(attempt, outcome)]
            case Hedged(spare_won, winner, other):
                assert attempt.spare is not None
                ahead, behind = (attempt.spare, attempt) if spare_won else (attempt, attempt.spare)
                found = [(behind, other)] if other is not None else []
                return [*found, (ahead, winner)] if isinstance(winner, Lost) else found
            case Answered() | NotSent():
                return []
            case _:
                assert_never(outcome)

    async def _attempt(self, attempt: Attempt) -> AsyncGenerator[Event, None]:
        """Make one attempt (and its hedge); leaves the outcome in ``_outcome``."""
        run = await self._start(attempt)
        if isinstance(run, NotSent):
            self._outcome = run
            return
        yield AttemptStarted(attempt.n, attempt.target, attempt.key, attempt.why)
        batches = run.leg.batches()
        if attempt.spare is None or attempt.option.hedge_after is None:
            async with aclosing(self._told(run, batches)) as events:
                async for event in events:
                    yield event
            return
        async with aclosing(self._hedged(run, batches, attempt.spare, attempt.option.hedge_after)) as events:
            async for event in events:
                yield event

    async def _hedged(
        self, run: Run, batches: AsyncGenerator[list[WireEvent], None], spare: Attempt, after: float
    ) -> AsyncGenerator[Event, None]:
        """Ask a second candidate as well when the first takes longer to speak than it usually does."""
        second: Run | None = None

        async def ask_spare() -> AsyncGenerator[list[WireEvent], None] | None:
            nonlocal second
            started = await self._start(spare)
            if isinstance(started, NotSent):
                return None
            second = started
            return second.leg.batches()

        race = await first_to_speak(batches, ask_spare, after)
        if second is None:
            async with aclosing(self._told(run, race.batches)) as events:
                async for event in events:
                    yield event
            return
        yield AttemptStarted(spare.n, spare.target, spare.key, spare.why)
        winner, loser = (second, run) if race.spare_won else (run, second)
        failed = race.failed if isinstance(race.failed, ProviderError) else None
        await self._finish(loser, "failed" if failed else "cancelled", failed)
        async with aclosing(self._told(winner, race.batches)) as events:
            async for event in events:
                yield event
        told = self._outcome
        assert isinstance(told, Answered | Lost)
        other = Lost(failed, self._around.clock()) if failed else None
        self._outcome = Hedged(race.spare_won, told, other)

    async def _start(self, attempt: Attempt) -> Run | NotSent:
        """Everything before the request leaves: breaker, key, ledger, encoding."""
        option, request = attempt.option, self._request
        now = self._around.clock()
        reserve = reserve_of(request, option.model)
        prompt = option.forecast.prompt_tokens if option.forecast is not None else 0
        key = self._books.key(attempt)
        start = prefill(self._partial) if attempt.recover == "continue" else ""
        secret = key.secret if key is not None else None
        leg = self._around.open_leg(request, attempt, secret, start, self._deadline)
        if (refused := await self._books.admit_model(attempt)) is not None:
            return refused
        route = self._prepared.resolved.route
        record = reserved(self._around.new_id(), request, attempt, route, int(now * 1000), option.forecast, reserve)
        caps = self._around.hooks.budget.caps(request, attempt.target, route, int(now * 1000))
        refused = await self._books.admit_key(attempt, prompt + reserve) or await self._books.reserve(
            attempt, record, caps
        )
        if refused is not None:
            await self._books.release(attempt.target)
            return refused
        run = Run(attempt, record, now, leg)
        self._open.append(run)
        self._made += 1
        return run

    async def _told(self, run: Run, batches: AsyncGenerator[list[WireEvent], None]) -> AsyncGenerator[Event, None]:
        """The events of one leg as the person sees them, and its end."""
        recover = run.attempt.recover
        seam = Seam(self._partial) if recover == "continue" else None
        joined = recover is None
        try:
            async with aclosing(batches):
                async for batch in batches:
                    for event in batch:
                        match event:
                            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                                if not joined:
                                    joined = True
                                    yield self._recovered(run)
                                elif self._first_content is None:
                                    self._first_content = run.leg.first_content
                                if (shown := self._shown(run, event, seam)) is not None:
                                    yield shown
                            case UsageReported(usage):
                                run.usage = usage
                                yield event
                            case Stopped() | Broke():
                                pass
                            case _:
                                assert_never(event)
        except ProviderError as error:
            for held in self._rest(run, seam):
                yield held
            await self._lost(run, error)
            return
        except DeadlineExceeded as error:
            for held in self._rest(run, seam):
                yield held
            await self._finish(run, "cut" if run.leg.content else "failed", None, "deadline")
            raise error
        for held in self._rest(run, seam):
            yield held
        yield await self._answered(run)

    def _recovered(self, run: Run) -> Recovered:
        """The first content after a cut: now it is certain how the answer goes on."""
        how = run.attempt.recover
        assert how is not None
        characters = len(self._partial)
        if how == "restart":
            self._partial = ""
            self._restorers.clear()
        return Recovered(how, characters, run.attempt.target)

    def _shown(self, run: Run, event: TextDelta | ReasoningDelta | ToolCallDelta, seam: Seam | None) -> Event | None:
        """A piece with repetitions dropped and redactions undone; the raw piece is kept for a continuation."""
        match event:
            case TextDelta(text):
                run.spoken.append(text)
                if seam is not None:
                    text = seam.feed(text)
                run.text.append(text)
                run.characters += len(text)
                text = self._restored("text", text)
                return TextDelta(text) if text else None
            case ReasoningDelta(text, signature, redacted):
                run.spoken.append(text)
                return ReasoningDelta(self._restored("reasoning", text), signature, redacted)
            case ToolCallDelta(index, id, name, arguments, signature):
                run.spoken.append(arguments)
                run.tool_calls = True
                return ToolCallDelta(index, id, name, self._restored(f"tool {index}", arguments), signature)

    def _rest(self, run: Run, seam: Seam | None) -> list[Event]:
        """What seam and restorers still hold back at the end of a leg."""
        rest: list[Event] = []
        held = seam.end() if seam is not None else ""
        run.text.append(held)
        run.characters += len(held)
        if text := self._restored("text", held) + self._restorer_end("text"):
            rest.append(TextDelta(text))
        if text := self._restorer_end("reasoning"):
            rest.append(ReasoningDelta(text))
        calls = [name for name in self._restorers if name.startswith("tool ")]
        ends = [(int(name[5:]), self._restorer_end(name)) for name in calls]
        return rest + [ToolCallDelta(index, arguments=text) for index, text in ends if text]

    def _restored(self, channel: str, text: str) -> str:
        if channel not in self._restorers:
            self._restorers[channel] = self._guarded.restorer()
        restorer = self._restorers[channel]
        return text if restorer is None or not text else restorer.feed(text)

    def _restorer_end(self, channel: str) -> str:
        restorer = self._restorers.pop(channel, None)
        return restorer.end() if restorer is not None else ""

    async def _answered(self, run: Run) -> Finished:
        """The answer is whole."""
        self._outcome = Answered()
        await self._finish(run, "done", None)
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
            total_usage(self._usages),
            total_cost(self._costs),
            timing,
            self._made,
        )

    async def _lost(self, run: Run, error: ProviderError) -> None:
        target = run.attempt.target
        error.provider, error.model = error.provider or target.provider, error.model or target.model
        error.key_label = run.attempt.key
        if run.leg.content and not run.tool_calls:
            self._partial += "".join(run.text)
        await self._finish(run, "cut" if run.leg.content else "failed", error)
        self._outcome = Lost(error, self._around.clock(), run.progress)

    async def _finish(
        self, run: Run, outcome: Outcome, error: ProviderError | None, error_class: str | None = None
    ) -> None:
        """Enter the end of an attempt in the ledger, and what it taught in the memory."""
        if run.over:
            return
        run.over = True
        self._open.remove(run)
        leg, ended = run.leg, self._loop_time()
        usage = self._usage(run, error)
        cost = self._around.hooks.pricer.cost(usage, run.attempt.option.model)
        self._usages.append(usage)
        self._costs.append(cost)
        ttft = None if leg.first_content is None else leg.first_content - leg.sent
        status = leg.status if leg.status is not None else None if error is None else error.status
        result = Result(outcome, usage, cost, run.started, ended - leg.sent, ttft, error, error_class, status)
        held_back = error is not None and is_network(error)
        if error is not None and held_back:
            self._unreached.append((run.attempt.target, error))
        elif outcome != "cancelled" or leg.status is not None:
            self._reached = True
        await self._books.settle(run.record, result)
        await self._books.report(run.attempt, result, leg.headers, charge=not held_back)

    def _usage(self, run: Run, error: ProviderError | None) -> Usage:
        """What the provider reported, or an estimate where something may be billed."""
        if run.usage is not None:
            return run.usage
        if error is not None and not run.leg.content and not isinstance(error, Silent | Cut):
            return Usage(source="estimated")
        forecast = run.attempt.option.forecast
        spoken = "".join(run.spoken)
        output = self._around.hooks.estimator.text(spoken, run.attempt.option.model) if spoken else 0
        return Usage(fresh=forecast.prompt_tokens if forecast else 0, output=output, source="estimated")

    async def _settle_unreached(self) -> None:
        """Failures to connect count once it is known that the network is there."""
        for target, error in self._unreached:
            if self._reached:
                await self._books.charge(target, error)
            else:
                await self._books.release(target)
        self._unreached.clear()

    async def _call_off(self) -> None:
        """The person stopped, or the program: what is under way is entered as cancelled."""
        for run in list(self._open):
            await self._finish(run, "cancelled", None)
        await self._settle_unreached()

    async def _wait(self, seconds: float) -> None:
        if seconds <= 0:
            return
        if self._deadline is not None and self._loop_time() + seconds >= self._deadline:
            raise DeadlineExceeded(
                "The providers ask for a longer wait than the whole request may take.",
                "The setting is router.deadline, in seconds.",
            )
        await asyncio.sleep(seconds)

    def _failed(self, error: RoutertermError) -> Failed:
        return Failed(
            error, total_usage(self._usages) if self._usages else Usage(), total_cost(self._costs), self._made
        )
