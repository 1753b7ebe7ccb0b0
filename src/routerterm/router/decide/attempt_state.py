"""Who may still be asked in the middle of a request, with which key, and after which wait."""

from __future__ import annotations

from collections.abc import Sequence

from routerterm.core.errors import ModelLoading, ProviderError
from routerterm.core.targets import Target
from routerterm.router.decide.key_limits import KeyView
from routerterm.router.decide.ranking import RankedCandidate
from routerterm.router.options import Limits

NO_KEY_READY = KeyView("")
"""Means: no key of the target is available (None is for one that needs none)."""


class CandidateState:
    """The state of targets and keys; the plan tells it what happened and asks it what is possible."""

    def __init__(self, options: Sequence[RankedCandidate], limits: Limits, now: float) -> None:
        self.options = tuple(options)
        self.now = self._start = now
        self.made = 0
        """Attempts so far."""
        self._refused_keys = 0
        """Those of them that only found a key refused: walking along a pool of keys uses up none."""
        self._limits = limits
        self._waited = 0.0
        self._tries: dict[Target, int] = {}
        self._excluded: set[Target] = set()
        self._degraded: set[Target] = set()
        self._not_before: dict[Target, float] = {}
        """What Retry-After asked for."""
        self._ready: dict[tuple[str, str, str], float | None] = {}
        """When a key may be used again for a model (or any, under an empty name); None once it is out."""
        self._unpaid: set[tuple[str, str]] = set()
        """Keys that are out only for what costs something."""
        self._doubted: set[tuple[str, str]] = set()
        """Keys that were refused for one model: asked for another only where nothing else is left."""

    def count(self, target: Target, delay: float = 0.0) -> None:
        """An attempt is made, after a wait."""
        self.made += 1
        self._tries[target] = self._tries.get(target, 0) + 1
        self._waited += delay

    def take_back(self, target: Target, delay: float) -> None:
        """An attempt that was counted did not leave."""
        self.made -= 1
        self._tries[target] -= 1
        self._waited -= delay

    def exclude(self, target: Target) -> None:
        """Never ask it again for this request."""
        self._excluded.add(target)

    def is_excluded(self, target: Target) -> bool:
        """Whether it is not to be asked again."""
        return target in self._excluded

    def deprioritise(self, target: Target) -> None:
        """Ask it again only where no other is left."""
        self._degraded.add(target)

    def is_degraded(self, target: Target) -> bool:
        """Whether it is asked only where no other is left."""
        return target in self._degraded

    def delay(self, target: Target, seconds: float) -> None:
        """The target asked not to be asked for a while."""
        self._not_before[target] = self.now + seconds

    def discount_refused_key(self, target: Target) -> None:
        """An attempt only showed that its key is refused, and another key is there: it does not count."""
        self._refused_keys += 1
        self._tries[target] -= 1

    def key_ready(self, target: Target, label: str | None, at: float | None, *, whole: bool = True) -> None:
        """When the key may be used again; None: not in this request.  ``whole``: for any model, not just this one."""
        if label is not None:
            self._ready[target.provider, label, "" if whole else target.model] = at

    def key_doubted(self, target: Target, label: str | None) -> None:
        """The key was refused for this model; it may have been meant for all, or only for this one."""
        if label is not None:
            self.key_ready(target, label, None, whole=False)
            self._doubted.add((target.provider, label))

    def is_doubtful(self, target: Target, key: KeyView | None) -> bool:
        """Whether a key was refused for another model in this request."""
        return key is not None and (target.provider, key.label) in self._doubted

    def key_unpaid(self, target: Target, label: str | None) -> None:
        """The key's account cannot pay: it is left for what costs nothing."""
        if label is not None:
            self._unpaid.add((target.provider, label))

    def refused_elsewhere(self, target: Target, label: str | None) -> bool:
        """Whether the key was refused for another model in this request."""
        return any(
            (provider, name) == (target.provider, label) and model not in ("", target.model)
            for provider, name, model in self._ready
        )

    def has_other_key(self, candidate: RankedCandidate, label: str | None) -> bool:
        """Whether the target can be asked with a key that was not refused in this request."""
        return any(
            view.label != label
            and view.wait <= 0
            and self._ready_at(candidate, view.label) == 0.0
            and not self.is_doubtful(candidate.target, view)
            for view in candidate.keys
        )

    def is_spent(self) -> bool:
        """Whether no attempt is left."""
        return self.made - self._refused_keys >= self._limits.attempts

    def only_larger_than(self, candidate: RankedCandidate) -> None:
        """Only larger windows are left, and unknown ones."""
        known = candidate.model.context
        for other in self.options:
            context = other.model.context
            if other.target == candidate.target or (known is not None and context is not None and context <= known):
                self.exclude(other.target)

    def tries(self, target: Target) -> int:
        """How often it was asked."""
        return self._tries.get(target, 0)

    def tries_left(self, candidate: RankedCandidate, error: ProviderError) -> bool:
        """Twice on one target; a server that is loading answers nothing yet, and may be asked to the end."""
        most = self._limits.attempts if isinstance(error, ModelLoading) else self._limits.per_target
        return self.tries(candidate.target) < most

    def first_key(self, candidate: RankedCandidate) -> KeyView | None:
        """The key to begin with."""
        if candidate.keys:
            return candidate.keys[0]
        return NO_KEY_READY if candidate.needs_key else None

    def key(self, candidate: RankedCandidate) -> KeyView | None:
        """The key that may be used soonest, with the wait from now; `NO_KEY_READY` if all are out."""
        best = NO_KEY_READY if candidate.needs_key else None
        for view in candidate.keys:
            ready = self._ready_at(candidate, view.label)
            if ready is None:
                continue
            since = ready or view.wait + self._start
            wait = max(0.0, since - self.now)
            if (
                best is None
                or best is NO_KEY_READY
                or self._rank(candidate, view, wait) < self._rank(candidate, best, best.wait)
            ):
                best = KeyView(view.label, wait)
        return best

    def _rank(self, candidate: RankedCandidate, view: KeyView, wait: float) -> tuple[bool, float]:
        return self.is_doubtful(candidate.target, view), wait

    def _ready_at(self, candidate: RankedCandidate, label: str) -> float | None:
        """When this request may use a key for a target: 0 is now, None never."""
        target = candidate.target
        if (target.provider, label) in self._unpaid and not candidate.is_free:
            return None
        found = [self._ready.get((target.provider, label, model), 0.0) for model in ("", target.model)]
        return None if None in found else max(at for at in found if at is not None)

    def usable(self, candidate: RankedCandidate, *, again: bool = False) -> KeyView | None:
        """The key to ask this target with, None where it needs none, or `NO_KEY_READY` if it cannot be asked now."""
        if self.is_excluded(candidate.target) or self.tries(candidate.target) >= self._limits.per_target:
            return NO_KEY_READY
        key = self.key(candidate)
        if key is NO_KEY_READY:
            return NO_KEY_READY
        wait = max(key.wait if key is not None else 0.0, self.retry_after_left(candidate))
        return NO_KEY_READY if wait > self.wait_budget_left(not again and self.others(candidate)) else key

    def retry_after_left(self, candidate: RankedCandidate) -> float:
        """Seconds that the target asked not to be asked for."""
        return max(0.0, self._not_before.get(candidate.target, 0.0) - self.now)

    def wait_budget_left(self, others: bool) -> float:
        """Seconds of waiting that are left."""
        return (self._limits.patience if others else self._limits.patience_alone) - self._waited

    def others(self, candidate: RankedCandidate) -> bool:
        """Whether another candidate stands ready that was not asked yet."""
        return not self.is_spent() and self._fresh(candidate) > 0

    def has_attempt_to_spare(self, candidate: RankedCandidate) -> bool:
        """Whether asking it once more still leaves an attempt for each candidate that was not asked yet."""
        return self._limits.attempts - self.made + self._refused_keys > self._fresh(candidate)

    def _fresh(self, candidate: RankedCandidate) -> int:
        """How many other candidates stand ready that were not asked yet."""
        return sum(
            other.target != candidate.target
            and not self.is_excluded(other.target)
            and not self.tries(other.target)
            and (key := self.key(other)) is not NO_KEY_READY
            and (key is None or key.wait <= self._limits.patience)
            for other in self.options
        )
