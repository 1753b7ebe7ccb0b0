"""The course of one request as a generator: it yields attempts and is sent their outcomes.  Pure.

    course = flow(plan.options, rules, chance, now)
    attempt = next(course)
    attempt = course.send(Lost(error, now, progress))     # the next thing to try
    course.send(Answered())                               # ends it: StopIteration, value None
    # StopIteration's value is the error that ends the request

Waiting, sending and measuring are the client's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from routerterm.core.errors import (
    BadRequest,
    CircuitOpen,
    ContentBlocked,
    CoolingDown,
    InsufficientCredit,
    InvalidResponse,
    ModelLoading,
    Offline,
    PartialCredit,
    ProviderError,
    RateLimited,
    RoutertermError,
    ServerError,
    StreamInterrupted,
    Unreachable,
    UnsupportedRequest,
)
from routerterm.core.events import OnCut
from routerterm.core.targets import Target
from routerterm.router.decide.attempt_state import NO_KEY_READY, CandidateState
from routerterm.router.decide.attempts import (
    NOTHING,
    Attempt,
    AttemptLost,
    AttemptRejected,
    AttemptSucceeded,
    Hedged,
    Outcome,
    Progress,
    Rules,
)
from routerterm.router.decide.format import format_duration
from routerterm.router.decide.key_limits import KeyView, cooldown
from routerterm.router.decide.ranking import RankedCandidate

_WRONGLY_ASKED = (BadRequest, UnsupportedRequest)
_SHORTEST_ANSWER = 64
"""Tokens below which a shorter answer is not worth asking for."""
RetryPlan: TypeAlias = Generator[Attempt, Outcome, RoutertermError | None]


def retry_plan(
    options: Sequence[RankedCandidate], rules: Rules, chance: Callable[[], float], now: float = 0.0
) -> RetryPlan:
    """The attempts for one request; see the module."""
    course = _RetryState(options, rules, chance, now)
    attempt = course.first()
    while attempt is not None:
        outcome = yield attempt
        if isinstance(outcome, Hedged):
            assert attempt.spare is not None
            course.spare_made(attempt.spare)
            ahead, behind = (attempt.spare, attempt) if outcome.spare_won else (attempt, attempt.spare)
            if outcome.other is not None:
                course.lost(behind, outcome.other)
            attempt, outcome = ahead, outcome.winner
        match outcome:
            case AttemptSucceeded():
                return None
            case AttemptRejected():
                course.not_sent(attempt, outcome)
            case AttemptLost():
                if not course.lost(attempt, outcome):
                    break
            case _:
                assert_never(outcome)
        attempt = course.next_attempt(attempt)
    return course.conclusion()


def is_network(error: ProviderError) -> bool:
    """Whether nobody was reached at all: it may be our own line that is down."""
    return isinstance(error, Unreachable) and error.code != "tls"


class _RetryState:
    """What was learned so far, and what it means for the next attempt."""

    def __init__(
        self, options: Sequence[RankedCandidate], rules: Rules, chance: Callable[[], float], now: float
    ) -> None:
        self._standing = CandidateState(options, rules.limits, now)
        self._rules = rules
        self._chance = chance
        self._broke: set[Target] = set()
        """Targets whose answer broke off."""
        self._no_prefill: set[Target] = set()
        self._objectors: dict[str, set[str]] = {}
        """Providers that found the request itself wrong, by class of error."""
        self._failures: list[ProviderError] = []
        self._refusal: AttemptRejected | None = None
        self._last: AttemptLost | None = None
        self._progress = NOTHING

    def first(self) -> Attempt | None:
        """The attempt to begin with."""
        for option in self._standing.options:
            key = self._standing.first_key(option)
            if key is not NO_KEY_READY:
                return self._attempt(option, key, option.why, delay=key.wait if key else 0.0)
        return None

    def not_sent(self, attempt: Attempt, outcome: AttemptRejected) -> None:
        """Nothing was sent: the attempt does not count."""
        self._standing.now = outcome.now
        self._standing.take_back(attempt.target, attempt.delay)
        if self._refusal is None or outcome.error is not None:
            self._refusal = outcome
        if outcome.what == "key" and attempt.key is not None:
            self._standing.key_ready(
                attempt.target, attempt.key, outcome.now + outcome.wait if outcome.wait else None, whole=False
            )
        else:
            self._standing.exclude(attempt.target)
        self._last = None

    def spare_made(self, spare: Attempt) -> None:
        """The hedge was made: it counts."""
        self._standing.count(spare.target)

    def lost(self, attempt: Attempt, outcome: AttemptLost) -> bool:
        """Learn from a failure; False where nothing more is to be tried."""
        standing, target = self._standing, attempt.target
        standing.now = outcome.now
        error, cure = outcome.error, outcome.error.cure
        self._failures.append(error)
        self._last = outcome
        self._absorb(attempt, outcome)
        if attempt.recover == "continue" and isinstance(error, _WRONGLY_ASKED) and not outcome.progress.content:
            self._no_prefill.add(target)
            return True
        if self._is_agreed(target, error):
            return False
        if self._progress.tool_calls or (not cure.next_candidate and not cure.retry):
            return False
        if self._progress.content and self._rules.on_cut == "stop":
            return False
        self._judge_key(attempt, error)
        if cure.larger_context:
            standing.only_larger_than(attempt.option)
        if error.retry_after is not None and not cure.cool_key:
            standing.delay(target, error.retry_after)
        if outcome.progress.content:
            self._broke.add(target)
        if outcome.resting:
            standing.spare(target)
        if not (cure.retry or cure.next_key or self._continuable(error)):
            standing.exclude(target)
        if (isinstance(error, Unreachable) and error.code == "tls") or error.code == "stalled":
            standing.exclude(target)
        return True

    def next_attempt(self, last: Attempt) -> Attempt | None:
        """The next attempt, or None where nothing is left."""
        if self._standing.is_spent():
            return None
        if self._progress.content:
            return self._recovery(last)
        return self._shorter(last) or self._retry_same(last) or self._fallback(last)

    def conclusion(self) -> RoutertermError | None:
        """The error that ends the request."""
        if not self._failures:
            return _nothing_sent(self._refusal)
        last = self._failures[-1]
        if self._progress.content:
            kept = isinstance(last, StreamInterrupted | BadRequest | ContentBlocked) or not last.cure.next_candidate
            return last if kept else _cut(last, self._progress)
        if all(is_network(error) for error in self._failures):
            return _offline(self._failures)
        return last

    def _is_agreed(self, target: Target, error: ProviderError) -> bool:
        """Whether a second provider finds the request itself wrong: what one alone says is about that one."""
        if not isinstance(error, BadRequest | ContentBlocked):
            return False
        self._objectors.setdefault(type(error).kind, set()).add(target.provider)
        return len(self._objectors[type(error).kind]) > 1

    def _judge_key(self, attempt: Attempt, error: ProviderError) -> None:
        """What a refusal means for the key in the rest of this request."""
        standing, target, cure = self._standing, attempt.target, error.cure
        if cure.drop_key and not standing.rests_elsewhere(target, attempt.key):
            standing.key_doubted(target, attempt.key)
        elif cure.drop_key and isinstance(error, InsufficientCredit):
            standing.key_unpaid(target, attempt.key)
            if attempt.option.is_free:
                standing.exclude(target)
        elif cure.drop_key:
            standing.key_ready(target, attempt.key, None)
        elif cure.cool_key:
            whole = error.account or standing.rests_elsewhere(target, attempt.key)
            at = standing.now + cooldown(error, self._rules.keys, None if error.account else 1)
            standing.key_ready(target, attempt.key, at, whole=whole)
        elif isinstance(error, PartialCredit) and (attempt.most is not None or error.affordable is None):
            standing.key_unpaid(target, attempt.key)
        if cure.next_key and standing.has_other_key(attempt.option, attempt.key):
            standing.walked_on(target)

    def _shorter(self, last: Attempt) -> Attempt | None:
        """The same target for a shorter answer, where the account can pay for one."""
        error = self._last.error if self._last is not None else None
        if not isinstance(error, PartialCredit) or error.affordable is None or last.most is not None:
            return None
        if error.affordable < _SHORTEST_ANSWER:
            self._standing.key_unpaid(last.target, last.key)
            return None
        words = f"retried for at most {error.affordable:,} tokens: the account has credit for no more"
        key = None if last.key is None else KeyView(last.key)
        return replace(self._attempt(last.option, key, last.option.why, next=words), most=error.affordable)

    def _absorb(self, attempt: Attempt, outcome: AttemptLost) -> None:
        """Only a leg that brought something changes what the person sees."""
        seen = outcome.progress
        if not seen.content:
            return
        if attempt.recover == "continue":
            seen = Progress(self._progress.characters + seen.characters, True, seen.tool_calls)
        self._progress = seen

    def _retry_same(self, last: Attempt) -> Attempt | None:
        """The same target once more, if that is worth it, soon enough, and takes no other candidate's place."""
        if self._last is None:
            return self._other_key(last)
        error, option, standing = self._last.error, last.option, self._standing
        if standing.is_excluded(option.target) or standing.is_degraded(option.target) or option.last_resort:
            return None
        if not standing.tries_left(option, error):
            return None
        others = standing.others(option)
        key = standing.key(option)
        if key is NO_KEY_READY:
            return None
        changed = key is not None and key.label != last.key
        if not changed and not standing.spared(option):
            return None
        if error.cure.next_key and not changed and not error.cure.retry:
            return None
        if isinstance(error, Unreachable | InvalidResponse) and others:
            return None
        if isinstance(error, RateLimited) and not changed and error.retry_after is None and others:
            return None
        delay = max(self._delay(error, changed), _rest(key, error, changed))
        if delay > standing.patience(others):
            return None
        words = f"another key of {option.target.provider}" if changed else f"retried in {format_duration(delay)}"
        if isinstance(error, ModelLoading):
            words = f"the model is still loading: retried in {format_duration(delay)}"
        attempt = self._attempt(option, key, option.why, delay=delay, next=words)
        return replace(attempt, ignore_cooldown=isinstance(error, RateLimited) and not changed)

    def _other_key(self, last: Attempt) -> Attempt | None:
        """After an attempt that was never sent: another key, or the same one a moment later."""
        standing = self._standing
        if standing.is_excluded(last.target):
            return None
        key = standing.key(last.option)
        if key is NO_KEY_READY:
            return None
        delay = key.wait if key else 0.0
        if delay > standing.patience(standing.others(last.option)):
            return None
        return self._attempt(last.option, key, last.option.why, delay=delay, recover=last.recover)

    def _fallback(self, last: Attempt) -> Attempt | None:
        """The best candidate that was not asked yet; then one that was; last one whose key was refused elsewhere."""
        standing = self._standing
        found: list[tuple[tuple[bool, bool], RankedCandidate, KeyView | None]] = []
        for option in standing.options:
            if option.target == last.target or standing.is_degraded(option.target):
                continue
            if (key := standing.usable(option)) is not NO_KEY_READY:
                rank = (standing.is_doubtful(option.target, key), standing.tries(option.target) > 0)
                found.append((rank, option, key))
        if not found:
            return None
        _, option, key = min(found, key=lambda one: one[0])
        why = f"{option.why}, after {last.target} failed" if self._last else option.why
        delay = max(key.wait if key else 0.0, standing.retry_after_left(option))
        return self._attempt(option, key, why, delay=delay, next=f"trying {option.target}")

    def _recovery(self, last: Attempt) -> Attempt | None:
        """Go on where the answer was cut: by prefill where a target can, else from the start."""
        standing = self._standing
        usable = [
            (option, key)
            for option in sorted(standing.options, key=lambda option: option.target != last.target)
            if (key := standing.usable(option, again=True)) is not NO_KEY_READY
        ]
        if not standing.spared(last.option):
            usable = [pair for pair in usable if not standing.tries(pair[0].target)] or usable
        well = [pair for pair in usable if not standing.is_degraded(pair[0].target)]
        usable = well or [(replace(option, last_resort=True), key) for option, key in usable]
        usable = [pair for pair in usable if not standing.is_doubtful(pair[0].target, pair[1])] or usable
        if self._rules.on_cut == "continue" and self._progress.characters:
            for option, key in usable:
                if option.model.prefill and option.target not in self._no_prefill:
                    why = f"continues where {last.target} was cut off"
                    next = f"{option.target} continues the answer"
                    return self._attempt(option, key, why, self._resume_delay(option, last), "continue", next)
        for option, key in sorted(usable, key=lambda pair: pair[0].target in self._broke):
            why = f"starts again after {last.target} was cut off"
            next = f"{option.target} starts the answer again"
            return self._attempt(option, key, why, self._resume_delay(option, last), "restart", next)
        return None

    def _resume_delay(self, option: RankedCandidate, last: Attempt) -> float:
        """The same target gets a moment to recover; another one needs none."""
        if option.target != last.target or self._last is None or isinstance(self._last.error, BadRequest):
            return 0.0
        return self._delay(self._last.error, changed=False)

    def _delay(self, error: ProviderError, changed: bool) -> float:
        """Full jitter over a doubling span, and at least what the provider asked for."""
        if changed:
            return 0.0
        limits = self._rules.limits
        floor = error.retry_after or 0.0
        if isinstance(error, ModelLoading):
            return max(floor, limits.warming)
        return max(floor, self._chance() * min(limits.backoff_cap, limits.backoff * (1 << len(self._failures))))

    def _continuable(self, error: ProviderError) -> bool:
        """A cut answer may go on at the same target."""
        return isinstance(error, StreamInterrupted | ServerError) and self._progress.content

    def _attempt(
        self,
        option: RankedCandidate,
        key: KeyView | None,
        why: str,
        delay: float = 0.0,
        recover: OnCut | None = None,
        next: str = "",
    ) -> Attempt:
        standing = self._standing
        standing.count(option.target, delay)
        others = standing.others(option)
        label = key.label if key is not None else None
        spare = self._spare(option) if option.hedge_after is not None and others and recover is None else None
        return Attempt(standing.made, option, label, why, delay, others, recover, next=next, spare=spare)

    def _spare(self, first: RankedCandidate) -> Attempt | None:
        """The candidate for a hedge: the next one that can be asked at once."""
        for option in self._standing.options:
            if option.target == first.target or self._standing.tries(option.target):
                continue
            key = self._standing.usable(option)
            if key is not NO_KEY_READY and (key is None or key.wait == 0.0):
                label = key.label if key is not None else None
                return Attempt(self._standing.made + 1, option, label, f"{first.target} is slower than usual")
        return None


def _rest(key: KeyView | None, error: ProviderError, changed: bool) -> float:
    """A key that just cooled without a word how long may be tried once more when nothing else is left."""
    if key is None:
        return 0.0
    alone = not changed and isinstance(error, RateLimited) and error.retry_after is None and not error.daily
    return 0.0 if alone else key.wait


def _nothing_sent(refusal: AttemptRejected | None) -> RoutertermError:
    if refusal is not None and refusal.error is not None:
        return refusal.error
    reason = refusal.reason if refusal is not None else "no usable key"
    message, hint = f"No model is available now: {reason}.", "`routerterm why` lists every candidate."
    if refusal is not None and refusal.what == "model":
        return CircuitOpen(message, hint)
    return CoolingDown(message, hint, retry_after=max(1.0, refusal.wait if refusal is not None else 1.0))


def _cut(error: ProviderError, progress: Progress) -> StreamInterrupted:
    return StreamInterrupted(
        f"The answer was cut off after {progress.characters} characters: {error.message}",
        error.hint or "The partial answer is kept. Ask again for the whole answer.",
        status=error.status,
        code=error.code or error.kind,
        provider=error.provider,
        model=error.model,
        key_label=error.key_label,
    )


def _offline(failures: Sequence[ProviderError]) -> RoutertermError:
    """Nobody was reached: of one that is known to refuse, say so; otherwise it is our own line."""
    if all(error.code in ("refused", "proxy") for error in failures):
        return failures[-1]
    return Offline(
        f"No provider can be reached: {failures[-1].message}",
        "You seem to be offline. Your question is saved: ask it again when the network is back.",
    )
