"""What must be asked before an attempt leaves, and written after it: breaker, key, caps, ledger."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from msgspec import Struct

from routerterm.catalog.values import ModelInfo
from routerterm.core.errors import OverBudget, ProviderError, StoreError
from routerterm.core.ledger import AttemptRecord, CapReached, Outcome
from routerterm.core.money import Cost
from routerterm.core.ports import ApiKey, Ledger, State, StateStore
from routerterm.core.targets import Target
from routerterm.core.usage import Usage
from routerterm.protocols.limits import limits as header_limits
from routerterm.router.accounting.rows import settlement_row
from routerterm.router.decide import circuit_breaker, key_limits, prompt_cache
from routerterm.router.decide.attempts import Attempt, AttemptRejected
from routerterm.router.decide.budget import cap_words, over_budget
from routerterm.router.decide.format import format_duration
from routerterm.router.decide.prompt_cache import Digest
from routerterm.router.options import RouterOptions
from routerterm.router.run.planner import PlannedRequest, health_name, key_name, use_of

log = logging.getLogger(__name__)


class AttemptResult(Struct, frozen=True):
    """How an attempt ended.  Seconds."""

    outcome: Outcome
    usage: Usage
    cost: Cost
    started: float
    seconds: float
    ttft: float | None = None
    error: ProviderError | None = None
    error_class: str | None = None
    http_status: int | None = None


class AttemptAdmission:
    """Memory and ledger for the attempts of one request."""

    def __init__(
        self,
        memory: StateStore,
        ledger: Ledger,
        options: RouterOptions,
        planned: PlannedRequest,
        clock: Callable[[], float],
    ) -> None:
        self._memory = memory
        self.ledger = ledger
        self._options = options
        self._planned = planned
        self._clock = clock

    def key(self, attempt: Attempt) -> ApiKey | None:
        """The key of an attempt."""
        return None if attempt.key is None else self._planned.keys.get((attempt.target.provider, attempt.key))

    async def admit_model(self, attempt: Attempt) -> AttemptRejected | None:
        """Ask the breaker, if it is not plainly closed.

        The last resort of an answer that has begun goes in any case; that of a request no oftener than a probe.
        """
        name = health_name(attempt.target)
        if not self.rests(attempt.target):
            return None
        admitted, wait = False, 0.0

        def change(state: State | None) -> State | None:
            nonlocal admitted, wait
            now, limits = self._clock(), self._options.breaker
            state, admitted = circuit_breaker.admit(state, now, limits)
            if not admitted and state and attempt.candidate.last_resort:
                state, wait = circuit_breaker.admit_last_resort(state, now, limits)
                admitted = not wait or attempt.recover is not None
            return state

        await self._change(name, change)
        if admitted:
            return None
        reason = f"{attempt.target} failed too often"
        if wait:
            reason += f", and is asked again in {format_duration(wait)}"
        return AttemptRejected("model", reason, self._clock(), wait)

    async def admit_key(self, attempt: Attempt, tokens: int) -> AttemptRejected | None:
        """Count the request against the key."""
        key, use = self.key(attempt), use_of(attempt.candidate.model, tokens)
        view = next((view for view in attempt.candidate.keys if view.label == attempt.key), None)
        if key is None or view is None or not (view.limited or len(attempt.candidate.keys) > 1):
            return None
        taken = view

        def change(state: State | None) -> State | None:
            nonlocal taken
            state, taken = key_limits.take(
                state, key, self._clock(), self._options.keys, use, ignore_cooldown=attempt.ignore_cooldown
            )
            return state

        await self._change(key_name(attempt.target.provider, key.label), change)
        if taken.out is None and (taken.wait <= 0 or attempt.ignore_cooldown):
            return None
        return AttemptRejected("key", f"key {key.label} {taken.out or taken.reason}", self._clock(), taken.wait)

    async def report(
        self, attempt: Attempt, result: AttemptResult, headers: Mapping[str, str], *, charge: bool
    ) -> None:
        """Remember what an attempt taught of its model and its key; ``charge``: failures count."""
        await self._report_model(attempt.target, result, charge)
        if (key := self.key(attempt)) is not None:
            await self._report_key(attempt, key, result, headers)

    async def remember_cache(
        self, record: AttemptRecord, model: ModelInfo, sent: tuple[Digest, ...], usage: Usage, started: float
    ) -> None:
        """Remember what a provider now holds of the conversation's prompt, and forget what none holds any more."""
        name = f"{prompt_cache.PREFIX}{record.conversation_id}"
        if prompt_cache.learned(None, model, sent, usage, started) or self._planned.states.get(name):
            await self._change(name, lambda state: prompt_cache.learned(state, model, sent, usage, started))
        now = self._clock()
        for other, state in list(self._planned.states.items()):
            if other.startswith(prompt_cache.PREFIX) and other != name and state and prompt_cache.is_cold(state, now):
                await self._change(other, lambda kept: kept if kept and not prompt_cache.is_cold(kept, now) else None)

    def rests(self, target: Target) -> bool:
        """Whether the model's breaker is open, as far as this request knows."""
        return circuit_breaker.is_open(self._planned.states.get(health_name(target)))

    async def charge(self, target: Target, error: ProviderError) -> None:
        """Charge a failure that was held back until it was known that the network is there."""
        await self._change(
            health_name(target),
            lambda state: circuit_breaker.failed(state, self._clock(), self._options.breaker, error),
        )

    async def release(self, target: Target) -> None:
        """Give back a probe that said nothing of the model."""
        if self.rests(target):
            await self._change(health_name(target), circuit_breaker.released)

    async def settle(self, record: AttemptRecord, result: AttemptResult) -> None:
        """The ledger's last word on an attempt.  A full disk is logged: the answer itself is worth more."""
        row = settlement_row(
            record,
            result.outcome,
            result.usage,
            result.cost,
            duration_ms=round(result.seconds * 1000),
            ttft_ms=None if result.ttft is None else round(result.ttft * 1000),
            error_class=result.error.kind if result.error is not None else result.error_class,
            http_status=result.http_status,
        )
        try:
            await self.ledger.settle(row)
        except StoreError as error:
            log.warning("an attempt could not be recorded in the ledger: %s", error.message)

    async def _report_model(self, target: Target, result: AttemptResult, charge: bool) -> None:
        now, rules = self._clock(), self._options.breaker
        name = health_name(target)
        if result.outcome == "done":
            seconds = result.seconds - (result.ttft or 0.0)
            speed = result.usage.output / seconds if result.usage.output >= 16 and seconds > 0.05 else None
            await self._change(name, lambda state: circuit_breaker.succeeded(state, now, rules, result.ttft, speed))
        elif result.error is not None and charge:
            error = result.error
            await self._change(name, lambda state: circuit_breaker.failed(state, now, rules, error))
        else:
            await self.release(target)

    async def _report_key(
        self, attempt: Attempt, key: ApiKey, result: AttemptResult, headers: Mapping[str, str]
    ) -> None:
        now, name = self._clock(), key_name(attempt.target.provider, key.label)
        said = header_limits(headers, now=now, provider=attempt.target.provider) if headers else None
        known = self._planned.states.get(name)
        error, use = result.error, use_of(attempt.candidate.model)

        def change(state: State | None) -> State | None:
            if result.outcome == "done":
                state = key_limits.answered(state, key, result.started, use)
            if said is not None and said.buckets:
                state = key_limits.learned(state, key, now, said)
            if error is not None and key_limits.concerns_key(error):
                state = key_limits.refused(state, key, now, error, self._options.keys, use)
            return state

        if change(known) != known:
            await self._change(name, change)

    async def _change(self, name: str, change: Callable[[State | None], State | None]) -> None:
        """A memory that cannot be written is logged: routing goes on with what this program knows."""
        try:
            self._planned.states[name] = await self._memory.change(name, change)
        except StoreError as error:
            log.warning("the router's state could not be saved: %s", error.message)
            self._planned.states[name] = change(self._planned.states.get(name))


def over(reached: CapReached, target: Target) -> OverBudget:
    """The error for a cap that a reservation ran into."""
    return over_budget(target, f"would exceed {cap_words(reached.cap)}")
