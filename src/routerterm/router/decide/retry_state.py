"""What one request has learned from its attempts so far, and the error that ends it.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

from routerterm.core.errors import (
    BadRequest,
    CircuitOpen,
    ContentBlocked,
    CoolingDown,
    InsufficientCredit,
    ModelForbidden,
    Offline,
    PartialCredit,
    ProviderError,
    RoutertermError,
    ServerError,
    StreamInterrupted,
    Unreachable,
    UnsupportedRequest,
)
from routerterm.core.targets import Target
from routerterm.router.decide.attempt_state import CandidateState
from routerterm.router.decide.attempts import NOTHING, Attempt, AttemptLost, AttemptRejected, Progress, Rules
from routerterm.router.decide.key_limits import cooldown
from routerterm.router.decide.ranking import RankedCandidate

_WRONG_REQUEST = (BadRequest, UnsupportedRequest)


def is_network(error: ProviderError) -> bool:
    """Whether no one was reached at all: it may be our own connection that is down."""
    return isinstance(error, Unreachable) and error.code != "tls"


class RetryState:
    """Told how each attempt ended; asked by the plan what is left."""

    def __init__(self, options: Sequence[RankedCandidate], rules: Rules, now: float) -> None:
        self.rules = rules
        self.candidates = CandidateState(options, rules.limits, now)
        self.cut: set[Target] = set()
        """Targets whose answer was cut off."""
        self.no_prefill: set[Target] = set()
        """Targets that refused to continue a cut answer."""
        self.failures: list[ProviderError] = []
        self.last: AttemptLost | None = None
        """How the last attempt failed; None where it was never sent."""
        self.progress = NOTHING
        """What the person has seen of the answer."""
        self._objectors: dict[str, set[str]] = {}
        """Providers that found the request itself wrong, by class of error."""
        self._rejection: AttemptRejected | None = None

    def attempt_rejected(self, attempt: Attempt, outcome: AttemptRejected) -> None:
        """Nothing was sent: the attempt does not count."""
        candidates = self.candidates
        candidates.now = outcome.now
        candidates.take_back(attempt.target, attempt.delay)
        if self._rejection is None or outcome.error is not None:
            self._rejection = outcome
        if outcome.what == "key" and attempt.key is not None:
            ready_at = outcome.now + outcome.wait if outcome.wait else None
            candidates.key_ready(attempt.target, attempt.key, ready_at, whole=False)
        else:
            candidates.exclude(attempt.target)
        self.last = None

    def attempt_failed(self, attempt: Attempt, outcome: AttemptLost) -> bool:
        """Learn from a failure; False where nothing more is to be tried."""
        candidates, target, error = self.candidates, attempt.target, outcome.error
        policy = error.recovery
        candidates.now = outcome.now
        self.failures.append(error)
        self.last = outcome
        self._add_progress(attempt, outcome.progress)
        if attempt.recover == "continue" and isinstance(error, _WRONG_REQUEST) and not outcome.progress.content:
            self.no_prefill.add(target)
            return True
        if self._is_agreed(target, error):
            return False
        if self.progress.tool_calls or (not policy.next_candidate and not policy.retry):
            return False
        if self.progress.content and self.rules.on_cut == "stop":
            return False
        self._judge_key(attempt, error)
        if policy.larger_context:
            candidates.only_larger_than(attempt.candidate)
        if error.retry_after is not None and not policy.cool_key:
            candidates.delay(target, error.retry_after)
        if outcome.progress.content:
            self.cut.add(target)
        if outcome.resting:
            candidates.deprioritise(target)
        if not (policy.retry or policy.next_key or self._can_continue(error)):
            candidates.exclude(target)
        if (isinstance(error, Unreachable) and error.code == "tls") or error.code == "stalled":
            candidates.exclude(target)
        return True

    def final_error(self) -> RoutertermError:
        """The error that ends the request."""
        if not self.failures:
            return _nothing_sent(self._rejection)
        last = self.failures[-1]
        if self.progress.content:
            kept = isinstance(last, StreamInterrupted | BadRequest | ContentBlocked) or not last.recovery.next_candidate
            return last if kept else _interrupted(last, self.progress)
        if all(is_network(error) for error in self.failures):
            return _offline(self.failures)
        return last

    def _is_agreed(self, target: Target, error: ProviderError) -> bool:
        """Whether a second provider finds the request itself wrong: what one alone says is about that one."""
        if not isinstance(error, BadRequest | ContentBlocked):
            return False
        self._objectors.setdefault(type(error).kind, set()).add(target.provider)
        return len(self._objectors[type(error).kind]) > 1

    def _judge_key(self, attempt: Attempt, error: ProviderError) -> None:
        """What a refusal means for the key in the rest of this request."""
        candidates, target, policy = self.candidates, attempt.target, error.recovery
        if policy.drop_key and not candidates.refused_elsewhere(target, attempt.key):
            candidates.key_doubted(target, attempt.key)
        elif policy.drop_key and isinstance(error, InsufficientCredit):
            candidates.key_unpaid(target, attempt.key)
            if attempt.candidate.is_free:
                candidates.exclude(target)
        elif policy.drop_key:
            candidates.key_ready(target, attempt.key, None)
        elif isinstance(error, ModelForbidden):
            candidates.key_ready(target, attempt.key, None, whole=False)
        elif policy.cool_key:
            whole = error.account or candidates.refused_elsewhere(target, attempt.key)
            at = candidates.now + cooldown(error, self.rules.keys, None if error.account else 1)
            candidates.key_ready(target, attempt.key, at, whole=whole)
        elif isinstance(error, PartialCredit) and (attempt.most is not None or error.affordable is None):
            candidates.key_unpaid(target, attempt.key)
        if policy.next_key and candidates.has_other_key(attempt.candidate, attempt.key):
            candidates.discount_refused_key(target)

    def _add_progress(self, attempt: Attempt, seen: Progress) -> None:
        """Only an attempt that brought something changes what the person sees."""
        if not seen.content:
            return
        if attempt.recover == "continue":
            seen = Progress(self.progress.characters + seen.characters, True, seen.tool_calls)
        self.progress = seen

    def _can_continue(self, error: ProviderError) -> bool:
        """Whether a cut answer may continue at the same target."""
        return isinstance(error, StreamInterrupted | ServerError) and self.progress.content


def _nothing_sent(rejection: AttemptRejected | None) -> RoutertermError:
    if rejection is not None and rejection.error is not None:
        return rejection.error
    reason = rejection.reason if rejection is not None else "no usable key"
    message, hint = f"No model is available now: {reason}.", "`routerterm why` lists every candidate."
    if rejection is not None and rejection.what == "model":
        return CircuitOpen(message, hint, retry_after=max(1.0, rejection.wait))
    return CoolingDown(message, hint, retry_after=max(1.0, rejection.wait if rejection is not None else 1.0))


def _interrupted(error: ProviderError, progress: Progress) -> StreamInterrupted:
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
    """No one was reached: of one that is known to refuse, say so; otherwise it is our own connection."""
    if all(error.code in ("refused", "proxy") for error in failures):
        return failures[-1]
    return Offline(
        f"No provider can be reached: {failures[-1].message}",
        "You seem to be offline. Your question is saved: ask it again when the network is back.",
    )
