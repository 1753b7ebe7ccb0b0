"""The attempts of one request as a generator: it yields attempts and is sent their outcomes.  Pure.

    attempts = retry_plan(plan.options, rules, random, now)
    attempt = next(attempts)
    attempt = attempts.send(AttemptLost(error, now, progress))     # the next thing to try
    attempts.send(AttemptSucceeded())                              # ends it: StopIteration, value None
    # StopIteration's value is the error that ends the request

Waiting, sending and measuring are the client's; what was learned so far is `RetryState`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from routerterm.core.errors import (
    BadRequest,
    InvalidResponse,
    ModelLoading,
    PartialCredit,
    ProviderError,
    RateLimited,
    RoutertermError,
    Unreachable,
)
from routerterm.core.events import OnCut
from routerterm.router.decide.attempt_state import NO_KEY_READY
from routerterm.router.decide.attempts import (
    Attempt,
    AttemptLost,
    AttemptRejected,
    AttemptSucceeded,
    Hedged,
    Outcome,
    Rules,
)
from routerterm.router.decide.format import format_duration
from routerterm.router.decide.key_limits import KeyView
from routerterm.router.decide.ranking import RankedCandidate
from routerterm.router.decide.retry_state import RetryState

_SHORTEST_ANSWER = 64
"""Tokens below which a shorter answer is not worth asking for."""
RetryPlan: TypeAlias = Generator[Attempt, Outcome, RoutertermError | None]


def retry_plan(
    options: Sequence[RankedCandidate], rules: Rules, random: Callable[[], float], now: float = 0.0
) -> RetryPlan:
    """The attempts for one request; see the module."""
    state = RetryState(options, rules, now)
    choice = _NextAttempt(state, random)
    attempt = choice.first()
    while attempt is not None:
        outcome = yield attempt
        if isinstance(outcome, Hedged):
            assert attempt.hedge is not None
            state.candidates.count(attempt.hedge.target)
            ahead, behind = (attempt.hedge, attempt) if outcome.hedge_won else (attempt, attempt.hedge)
            if outcome.other is not None:
                state.attempt_failed(behind, outcome.other)
            attempt, outcome = ahead, outcome.winner
        match outcome:
            case AttemptSucceeded():
                return None
            case AttemptRejected():
                state.attempt_rejected(attempt, outcome)
            case AttemptLost():
                if not state.attempt_failed(attempt, outcome):
                    break
            case _:
                assert_never(outcome)
        attempt = choice.after(attempt)
    return state.final_error()


class _NextAttempt:
    """Chooses what to try, by what was learned."""

    def __init__(self, state: RetryState, random: Callable[[], float]) -> None:
        self._state = state
        self._candidates = state.candidates
        self._random = random

    def first(self) -> Attempt | None:
        """The attempt to begin with."""
        for candidate in self._candidates.options:
            key = self._candidates.first_key(candidate)
            if key is not NO_KEY_READY:
                return self._attempt(candidate, key, candidate.why, delay=key.wait if key else 0.0)
        return None

    def after(self, last: Attempt) -> Attempt | None:
        """The next attempt, or None where nothing is left."""
        if self._candidates.is_spent():
            return None
        if self._state.progress.content:
            return self._recovery(last)
        return self._shorter(last) or self._retry_same(last) or self._fallback(last)

    def _shorter(self, last: Attempt) -> Attempt | None:
        """The same target for a shorter answer, where the account can pay for one."""
        error = self._state.last.error if self._state.last is not None else None
        if not isinstance(error, PartialCredit) or error.affordable is None or last.most is not None:
            return None
        if error.affordable < _SHORTEST_ANSWER:
            self._candidates.key_unpaid(last.target, last.key)
            return None
        words = f"retried for at most {error.affordable:,} tokens: the account has credit for no more"
        key = None if last.key is None else KeyView(last.key)
        return replace(self._attempt(last.candidate, key, last.candidate.why, next=words), most=error.affordable)

    def _retry_same(self, last: Attempt) -> Attempt | None:
        """The same target once more, if that is worth it, soon enough, and takes no other candidate's place."""
        if self._state.last is None:
            return self._other_key(last)
        error, candidate, candidates = self._state.last.error, last.candidate, self._candidates
        target = candidate.target
        if candidates.is_excluded(target) or candidates.is_degraded(target) or candidate.last_resort:
            return None
        if not candidates.tries_left(candidate, error):
            return None
        others = candidates.others(candidate)
        key = candidates.key(candidate)
        if key is NO_KEY_READY:
            return None
        changed = key is not None and key.label != last.key
        if not changed and not candidates.has_attempt_to_spare(candidate):
            return None
        if error.recovery.next_key and not changed and not error.recovery.retry:
            return None
        if isinstance(error, Unreachable | InvalidResponse) and others:
            return None
        if isinstance(error, RateLimited) and not changed and error.retry_after is None and others:
            return None
        delay = max(self._delay(error, changed), _cooldown_left(key, error, changed))
        if delay > candidates.wait_budget_left(others):
            return None
        words = f"another key of {target.provider}" if changed else f"retried in {format_duration(delay)}"
        if isinstance(error, ModelLoading):
            words = f"the model is still loading: retried in {format_duration(delay)}"
        attempt = self._attempt(candidate, key, candidate.why, delay=delay, next=words)
        return replace(attempt, ignore_cooldown=isinstance(error, RateLimited) and not changed)

    def _other_key(self, last: Attempt) -> Attempt | None:
        """After an attempt that was never sent: another key, or the same one a moment later."""
        candidates = self._candidates
        if candidates.is_excluded(last.target):
            return None
        key = candidates.key(last.candidate)
        if key is NO_KEY_READY:
            return None
        delay = key.wait if key else 0.0
        if delay > candidates.wait_budget_left(candidates.others(last.candidate)):
            return None
        return self._attempt(last.candidate, key, last.candidate.why, delay=delay, recover=last.recover)

    def _fallback(self, last: Attempt) -> Attempt | None:
        """The best candidate that was not asked yet; then one that was; last one whose key was refused elsewhere."""
        candidates = self._candidates
        found: list[tuple[tuple[bool, bool], RankedCandidate, KeyView | None]] = []
        for candidate in candidates.options:
            if candidate.target == last.target or candidates.is_degraded(candidate.target):
                continue
            if (key := candidates.usable(candidate)) is not NO_KEY_READY:
                rank = (candidates.is_doubtful(candidate.target, key), candidates.tries(candidate.target) > 0)
                found.append((rank, candidate, key))
        if not found:
            return None
        _, candidate, key = min(found, key=lambda one: one[0])
        why = f"{candidate.why}, after {last.target} failed" if self._state.last else candidate.why
        delay = max(key.wait if key else 0.0, candidates.retry_after_left(candidate))
        return self._attempt(candidate, key, why, delay=delay, next=f"trying {candidate.target}")

    def _recovery(self, last: Attempt) -> Attempt | None:
        """Continue where the answer was cut: by prefill where a target can, else from the start."""
        state, usable = self._state, self._usable_for_recovery(last)
        if state.rules.on_cut == "continue" and state.progress.characters:
            for candidate, key in usable:
                if candidate.model.prefill and candidate.target not in state.no_prefill:
                    why = f"continues where {last.target} was cut off"
                    next = f"{candidate.target} continues the answer"
                    return self._attempt(
                        candidate, key, why, delay=self._resume_delay(candidate, last), recover="continue", next=next
                    )
        for candidate, key in sorted(usable, key=lambda pair: pair[0].target in state.cut):
            why = f"starts again after {last.target} was cut off"
            next = f"{candidate.target} starts the answer again"
            return self._attempt(
                candidate, key, why, delay=self._resume_delay(candidate, last), recover="restart", next=next
            )
        return None

    def _usable_for_recovery(self, last: Attempt) -> list[tuple[RankedCandidate, KeyView | None]]:
        """Who can take a cut answer up, the target that began it first; one that is degraded only where all are."""
        candidates = self._candidates
        usable = [
            (candidate, key)
            for candidate in sorted(candidates.options, key=lambda candidate: candidate.target != last.target)
            if (key := candidates.usable(candidate, again=True)) is not NO_KEY_READY
        ]
        if not candidates.has_attempt_to_spare(last.candidate):
            usable = [pair for pair in usable if not candidates.tries(pair[0].target)] or usable
        healthy = [pair for pair in usable if not candidates.is_degraded(pair[0].target)]
        usable = healthy or [(replace(candidate, last_resort=True), key) for candidate, key in usable]
        return [pair for pair in usable if not candidates.is_doubtful(pair[0].target, pair[1])] or usable

    def _resume_delay(self, candidate: RankedCandidate, last: Attempt) -> float:
        """The same target gets a moment to recover; another one needs none."""
        failed = self._state.last
        if candidate.target != last.target or failed is None or isinstance(failed.error, BadRequest):
            return 0.0
        return self._delay(failed.error, changed=False)

    def _delay(self, error: ProviderError, changed: bool) -> float:
        """Full jitter over a doubling span, and at least what the provider asked for."""
        if changed:
            return 0.0
        limits, failures = self._state.rules.limits, len(self._state.failures)
        floor = error.retry_after or 0.0
        if isinstance(error, ModelLoading):
            return max(floor, limits.warming)
        return max(floor, self._random() * min(limits.backoff_cap, limits.backoff * (1 << failures)))

    def _attempt(
        self,
        candidate: RankedCandidate,
        key: KeyView | None,
        why: str,
        delay: float = 0.0,
        recover: OnCut | None = None,
        next: str = "",
    ) -> Attempt:
        candidates = self._candidates
        candidates.count(candidate.target, delay)
        others = candidates.others(candidate)
        label = key.label if key is not None else None
        hedge = self._hedge(candidate) if candidate.hedge_after is not None and others and recover is None else None
        return Attempt(
            candidates.made,
            candidate,
            label,
            why=why,
            delay=delay,
            others=others,
            recover=recover,
            next=next,
            hedge=hedge,
        )

    def _hedge(self, first: RankedCandidate) -> Attempt | None:
        """The candidate for a hedge: the next one that can be asked at once."""
        for candidate in self._candidates.options:
            if candidate.target == first.target or self._candidates.tries(candidate.target):
                continue
            key = self._candidates.usable(candidate)
            if key is not NO_KEY_READY and (key is None or key.wait == 0.0):
                label = key.label if key is not None else None
                return Attempt(self._candidates.made + 1, candidate, label, f"{first.target} is slower than usual")
        return None


def _cooldown_left(key: KeyView | None, error: ProviderError, changed: bool) -> float:
    """A key that just cooled without a word how long may be tried once more when nothing else is left."""
    if key is None:
        return 0.0
    alone = not changed and isinstance(error, RateLimited) and error.retry_after is None and not error.daily
    return 0.0 if alone else key.wait
