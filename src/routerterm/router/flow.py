"""The course of one request as a generator: it yields attempts and is sent their outcomes.  Pure.

    course = flow(plan.options, rules, chance, now)
    attempt = next(course)
    attempt = course.send(Lost(error, now, progress))     # the next thing to try
    course.send(Answered())                               # ends it: StopIteration, value None
    # StopIteration's value is the error that ends the request

Times are seconds; ``now`` comes with the outcomes.  Waiting, sending and measuring are the client's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, assert_never

from routerterm.core.errors import (
    CallerFault,
    Cut,
    Malformed,
    NoCandidate,
    Offline,
    ProviderError,
    RateLimited,
    RoutertermError,
    Transient,
    Unreachable,
    Warming,
)
from routerterm.core.events import OnCut
from routerterm.core.targets import Target
from routerterm.router.limits import KeyView, cooldown
from routerterm.router.options import CutPolicy, KeyLimits, Limits
from routerterm.router.policy import Option
from routerterm.router.words import span


@dataclass(frozen=True, slots=True)
class Progress:
    """What has reached the person so far."""

    characters: int = 0
    """Of text."""
    content: bool = False
    """Anything at all, reasoning included."""
    tool_calls: bool = False


NOTHING = Progress()


@dataclass(frozen=True, slots=True)
class Lost:
    """The attempt failed.  ``progress`` is what this attempt itself brought."""

    error: ProviderError
    now: float
    progress: Progress = NOTHING


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing left: another program took the probe, the key's last request of the minute, the rest of a budget."""

    what: Literal["model", "key", "budget"]
    reason: str
    now: float
    wait: float = 0.0
    """Seconds until a key may be used."""
    error: RoutertermError | None = None
    """What to end with if nothing else is left."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer is whole."""


@dataclass(frozen=True, slots=True)
class Hedged:
    """The spare attempt was made as well.  ``other`` is how the slower one failed; None if it was called off."""

    spare_won: bool
    winner: Lost | Answered
    other: Lost | None = None


Outcome: TypeAlias = Lost | NotSent | Answered | Hedged


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing to try."""

    n: int
    option: Option
    key: str | None
    """The key's label; None where none is needed."""
    why: str
    delay: float = 0.0
    others: bool = False
    """Another candidate stands ready: patience is short."""
    recover: OnCut | None = None
    """How this attempt goes on with a cut answer, if there is one."""
    despite_rest: bool = False
    """The key was just told to rest; ``delay`` is all of it that is to be kept."""
    next: str = ""
    """What is done now, in words, for the failure before it."""
    spare: Attempt | None = None
    """What may be made as well when this one is slower to its first token than usual; counted once it is made."""

    @property
    def target(self) -> Target:
        """Whom it asks."""
        return self.option.target


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that the flow follows."""

    limits: Limits = field(default_factory=Limits)
    keys: KeyLimits = field(default_factory=KeyLimits)
    on_cut: CutPolicy = "continue"


Flow: TypeAlias = Generator[Attempt, Outcome, RoutertermError | None]


def flow(options: Sequence[Option], rules: Rules, chance: Callable[[], float], now: float = 0.0) -> Flow:
    """The attempts for one request; see the module."""
    course = _Course(options, rules, chance, now)
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
            case Answered():
                return None
            case NotSent():
                course.not_sent(attempt, outcome)
            case Lost():
                if not course.lost(attempt, outcome):
                    break
            case _:
                assert_never(outcome)
        attempt = course.following(attempt)
    return course.conclusion()


def is_network(error: ProviderError) -> bool:
    """Whether nobody was reached at all: it may be our own line that is down."""
    return isinstance(error, Unreachable) and error.code != "tls"


class _Course:
    """What is known in the middle of a request."""

    def __init__(self, options: Sequence[Option], rules: Rules, chance: Callable[[], float], now: float) -> None:
        self._start = self._now = now
        self._options = tuple(options)
        self._rules = rules
        self._chance = chance
        self._tries: dict[Target, int] = {}
        self._dead: set[Target] = set()
        self._broke: set[Target] = set()
        """Targets whose answer broke off."""
        self._no_prefill: set[Target] = set()
        self._not_before: dict[Target, float] = {}
        """What Retry-After asked for."""
        self._ready: dict[tuple[str, str], float | None] = {}
        """When a key may be used again; None once it is out."""
        self._failures: list[ProviderError] = []
        self._refusal: NotSent | None = None
        self._last: Lost | None = None
        self._progress = NOTHING
        self._waited = 0.0
        self._made = 0

    def first(self) -> Attempt | None:
        """The attempt to begin with."""
        for option in self._options:
            key = self._initial_key(option)
            if key is not _NONE:
                return self._attempt(option, key, option.why, delay=key.wait if key else 0.0)
        return None

    def not_sent(self, attempt: Attempt, outcome: NotSent) -> None:
        """Nothing was sent: the attempt does not count."""
        self._now = outcome.now
        self._made -= 1
        self._tries[attempt.target] -= 1
        self._waited -= attempt.delay
        if self._refusal is None or outcome.error is not None:
            self._refusal = outcome
        if outcome.what == "key" and attempt.key is not None:
            self._set_ready(attempt, outcome.now + outcome.wait if outcome.wait else None)
        else:
            self._dead.add(attempt.target)
        self._last = None

    def lost(self, attempt: Attempt, outcome: Lost) -> bool:
        """Learn from a failure; False where nothing more is to be tried."""
        self._now = outcome.now
        error, cure = outcome.error, outcome.error.cure
        self._failures.append(error)
        self._last = outcome
        self._absorb(attempt, outcome)
        if attempt.recover == "continue" and isinstance(error, CallerFault) and not outcome.progress.content:
            self._no_prefill.add(attempt.target)
            return True
        if self._progress.tool_calls or (not cure.next_candidate and not cure.retry):
            return False
        if self._progress.content and self._rules.on_cut == "stop":
            return False
        if cure.drop_key:
            self._set_ready(attempt, None)
        if cure.cool_key:
            self._set_ready(attempt, outcome.now + cooldown(error, self._rules.keys))
        if cure.larger_context:
            self._drop_smaller(attempt.option)
        if error.retry_after is not None and not cure.cool_key:
            self._not_before[attempt.target] = outcome.now + error.retry_after
        if outcome.progress.content:
            self._broke.add(attempt.target)
        if not (cure.retry or cure.next_key or self._continuable(error)):
            self._dead.add(attempt.target)
        if (isinstance(error, Unreachable) and error.code == "tls") or error.code == "stalled":
            self._dead.add(attempt.target)
        return True

    def following(self, last: Attempt) -> Attempt | None:
        """The next attempt, or None where nothing is left."""
        if self._made >= self._rules.limits.attempts:
            return None
        if self._progress.content:
            return self._recovery(last)
        return self._again(last) or self._elsewhere(last)

    def conclusion(self) -> RoutertermError | None:
        """The error that ends the request."""
        if not self._failures:
            return self._nothing_sent()
        last = self._failures[-1]
        if self._progress.content:
            return last if isinstance(last, Cut) or not last.cure.next_candidate else _cut(last, self._progress)
        if all(is_network(error) for error in self._failures):
            return _offline(self._failures)
        return last

    def _nothing_sent(self) -> RoutertermError:
        refusal = self._refusal
        if refusal is not None and refusal.error is not None:
            return refusal.error
        reason = refusal.reason if refusal is not None else "no key is usable"
        return NoCandidate(f"No model can be asked now: {reason}.", "`routerterm why` lists every candidate.")

    def spare_made(self, spare: Attempt) -> None:
        """The hedge was made: it counts."""
        self._made += 1
        self._tries[spare.target] = self._tries.get(spare.target, 0) + 1

    def _absorb(self, attempt: Attempt, outcome: Lost) -> None:
        """Only a leg that brought something changes what the person sees."""
        seen = outcome.progress
        if not seen.content:
            return
        if attempt.recover == "continue":
            seen = Progress(self._progress.characters + seen.characters, True, seen.tool_calls)
        self._progress = seen

    def _again(self, last: Attempt) -> Attempt | None:
        """The same target once more, if that is worth it and soon enough."""
        if self._last is None:
            return self._other_key(last)
        error, option = self._last.error, last.option
        if option.target in self._dead or not self._tries_left(option, error) or option.last_resort:
            return None
        others = self._others(option)
        key = self._key(option)
        if key is _NONE:
            return None
        changed = key is not None and key.label != last.key
        if error.cure.next_key and not changed and not error.cure.retry:
            return None
        if isinstance(error, Unreachable | Malformed) and others:
            return None
        if isinstance(error, RateLimited) and not changed and error.retry_after is None and others:
            return None
        delay = max(self._delay(error, changed), self._key_delay(key, error, changed))
        if delay > self._patience(others):
            return None
        words = f"another key of {option.target.provider}" if changed else f"once more in {span(delay)}"
        if isinstance(error, Warming):
            words = f"the model is still loading: once more in {span(delay)}"
        attempt = self._attempt(option, key, option.why, delay=delay, next=words)
        return replace(attempt, despite_rest=isinstance(error, RateLimited) and not changed)

    def _other_key(self, last: Attempt) -> Attempt | None:
        """After an attempt that was never sent: another key, or the same one a moment later."""
        if last.target in self._dead:
            return None
        key = self._key(last.option)
        if key is _NONE:
            return None
        delay = key.wait if key else 0.0
        if delay > self._patience(self._others(last.option)):
            return None
        return self._attempt(last.option, key, last.option.why, delay=delay, recover=last.recover)

    def _elsewhere(self, last: Attempt) -> Attempt | None:
        """The best candidate that was not asked yet; then one that was, if it may be asked again."""
        for fresh in (True, False):
            for option in self._options:
                if option.target == last.target or (self._tries.get(option.target, 0) == 0) is not fresh:
                    continue
                if (key := self._usable(option)) is _NONE:
                    continue
                why = f"{option.why}, after {last.target} failed" if self._last else option.why
                delay = max(key.wait if key else 0.0, self._owed(option))
                return self._attempt(option, key, why, delay=delay, next=f"{option.target} is asked")
        return None

    def _recovery(self, last: Attempt) -> Attempt | None:
        """Go on where the answer was cut: by prefill where a target can, else from the start."""
        usable = [
            (option, key)
            for option in sorted(self._options, key=lambda option: option.target != last.target)
            if (key := self._usable(option, again=True)) is not _NONE
        ]
        if self._rules.on_cut == "continue" and self._progress.characters:
            for option, key in usable:
                if option.model.prefill and option.target not in self._no_prefill:
                    why = f"goes on where {last.target} broke off"
                    next = f"{option.target} goes on with the answer"
                    return self._attempt(option, key, why, self._resume_delay(option, last), "continue", next)
        for option, key in sorted(usable, key=lambda pair: pair[0].target in self._broke):
            why = f"starts anew, after {last.target} broke off"
            next = f"{option.target} starts the answer anew"
            return self._attempt(option, key, why, self._resume_delay(option, last), "restart", next)
        return None

    def _resume_delay(self, option: Option, last: Attempt) -> float:
        """The same target gets a moment to recover; another one needs none."""
        if option.target != last.target or self._last is None or isinstance(self._last.error, CallerFault):
            return 0.0
        return self._delay(self._last.error, changed=False)

    def _usable(self, option: Option, *, again: bool = False) -> KeyView | None:
        """The key to ask this target with, None where it needs none, or `_NONE` if it cannot be asked now."""
        if option.target in self._dead or self._tries.get(option.target, 0) >= self._rules.limits.per_target:
            return _NONE
        key = self._key(option)
        if key is _NONE:
            return _NONE
        wait = max(key.wait if key is not None else 0.0, self._owed(option))
        return _NONE if wait > self._patience(not again and self._others(option)) else key

    def _owed(self, option: Option) -> float:
        """Seconds that the target asked not to be asked for."""
        return max(0.0, self._not_before.get(option.target, 0.0) - self._now)

    def _others(self, option: Option) -> bool:
        """Whether another candidate stands ready that was not asked yet."""
        if self._made >= self._rules.limits.attempts:
            return False
        return any(
            other.target != option.target
            and other.target not in self._dead
            and not self._tries.get(other.target)
            and (key := self._key(other)) is not _NONE
            and (key is None or key.wait <= self._rules.limits.patience)
            for other in self._options
        )

    def _initial_key(self, option: Option) -> KeyView | None:
        if option.keys:
            return option.keys[0]
        return _NONE if option.needs_key else None

    def _key(self, option: Option) -> KeyView | None:
        """The key that may be used soonest, with the wait from now; `_NONE` if all are out."""
        best = _NONE if option.needs_key else None
        for view in option.keys:
            ready = self._ready.get((option.target.provider, view.label), 0.0)
            if ready is None:
                continue
            since = ready or view.wait + self._start
            wait = max(0.0, since - self._now)
            if best is None or best is _NONE or wait < best.wait:
                best = KeyView(view.label, wait)
        return best

    def _set_ready(self, attempt: Attempt, at: float | None) -> None:
        if attempt.key is not None:
            self._ready[attempt.target.provider, attempt.key] = at

    def _key_delay(self, key: KeyView | None, error: ProviderError, changed: bool) -> float:
        """A key that just cooled without a word how long may be tried once more when nothing else is left."""
        if key is None:
            return 0.0
        alone = not changed and isinstance(error, RateLimited) and error.retry_after is None and not error.daily
        return 0.0 if alone else key.wait

    def _delay(self, error: ProviderError, changed: bool) -> float:
        """Full jitter over a doubling span, and at least what the provider asked for."""
        if changed:
            return 0.0
        limits = self._rules.limits
        floor = error.retry_after or 0.0
        if isinstance(error, Warming):
            return max(floor, limits.warming)
        return max(floor, self._chance() * min(limits.backoff_cap, limits.backoff * (1 << len(self._failures))))

    def _patience(self, others: bool) -> float:
        limits = self._rules.limits
        return (limits.patience if others else limits.patience_alone) - self._waited

    def _tries_left(self, option: Option, error: ProviderError) -> bool:
        """Twice on one target; a server that is loading answers nothing yet, and may be asked to the end."""
        limits = self._rules.limits
        most = limits.attempts if isinstance(error, Warming) else limits.per_target
        return self._tries.get(option.target, 0) < most

    def _continuable(self, error: ProviderError) -> bool:
        """A cut answer may go on at the same target."""
        return isinstance(error, Cut | Transient) and self._progress.content

    def _drop_smaller(self, option: Option) -> None:
        """Only larger windows are left, and unknown ones."""
        known = option.model.context
        for other in self._options:
            context = other.model.context
            if other.target == option.target or (known is not None and context is not None and context <= known):
                self._dead.add(other.target)

    def _attempt(
        self,
        option: Option,
        key: KeyView | None,
        why: str,
        delay: float = 0.0,
        recover: OnCut | None = None,
        next: str = "",
    ) -> Attempt:
        self._made += 1
        self._tries[option.target] = self._tries.get(option.target, 0) + 1
        self._waited += delay
        others = self._others(option)
        label = key.label if key is not None else None
        spare = self._spare(option) if option.hedge_after is not None and others and recover is None else None
        return Attempt(self._made, option, label, why, delay, others, recover, next=next, spare=spare)

    def _spare(self, first: Option) -> Attempt | None:
        """The candidate for a hedge: the next one that can be asked at once."""
        for option in self._options:
            if option.target == first.target or self._tries.get(option.target):
                continue
            key = self._usable(option)
            if key is not _NONE and (key is None or key.wait == 0.0):
                label = key.label if key is not None else None
                return Attempt(self._made + 1, option, label, f"{first.target} is slower than usual")
        return None


_NONE = KeyView("")
"""No key can be had."""


def _cut(error: ProviderError, progress: Progress) -> Cut:
    return Cut(
        f"The answer broke off after {progress.characters} characters: {error.message}",
        error.hint or "What came is kept. Ask again to get the whole answer.",
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
        "You seem to be offline. The question is kept; send it again when the network is back.",
    )
