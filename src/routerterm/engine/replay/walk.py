"""One replayed request's way through its attempts: along its record, or freely under other rules."""

from __future__ import annotations

from datetime import UTC, datetime

from routerterm.catalog.pricing import cost as priced
from routerterm.catalog.values import ModelInfo
from routerterm.core.ledger import AttemptRecord
from routerterm.core.money import to_nano
from routerterm.core.targets import Target
from routerterm.core.usage import Usage
from routerterm.engine.replay.past import FAILED, Past, error_of
from routerterm.engine.replay.values import Course, PastRequest, Rules, Tried, target_of
from routerterm.router.decide.attempts import (
    Attempt,
    AttemptLost,
    AttemptRejected,
    AttemptSucceeded,
    Hedged,
    Outcome,
    Progress,
)
from routerterm.router.decide.attempts import Rules as RetryRules
from routerterm.router.decide.ranking import Plan
from routerterm.router.decide.retry import RetryPlan, retry_plan

_MOST_STEPS = 64
"""Attempts after which a replay of one request is given up: the router itself never makes so many."""
_HALF = 0.5
"""Stands for chance: delays are drawn between two bounds."""


class Walk:
    """One request's way through its attempts."""

    def __init__(
        self,
        request: PastRequest,
        before: Rules,
        after: Rules,
        past: Past,
        unavailable: frozenset[Target],
        typical: tuple[int, int],
    ) -> None:
        self._request = request
        self._before = before
        self._after = after
        self._past = past
        self._size = size_of(request, typical)
        self._left = list(request.rows)
        self._tried: list[Tried] = []
        self._ended = request.rows[0].started_at
        """Milliseconds: when the recorded attempt before this one was over."""
        self._confirmed = 0
        self.unavailable = set(unavailable)

    def along_record(self, made: Plan | None) -> Course:
        """The recorded attempts, each held against what the policy would choose."""
        course = self._course(made)
        attempt = next(course, None) if course is not None else None
        steps, told_off = 0, False
        while course is not None and attempt is not None and self._left and steps < _MOST_STEPS:
            steps += 1
            row = self._left[0]
            outcome: Outcome
            if attempt.target != target_of(row):
                told_off = True
                self.unavailable.add(attempt.target)
                outcome = AttemptRejected("model", "it was not available then", self._now())
            else:
                self._confirmed += not told_off
                told_off = False
                outcome = self._recorded_hedge(attempt) or self._recorded(self._left.pop(0))
            try:
                attempt = course.send(outcome)
            except StopIteration:
                attempt = None
        while self._left:
            self._recorded(self._left.pop(0))
        last = self._request.rows[-1].outcome
        self.unavailable -= {target_of(row) for row in self._request.rows}
        answered = any(row.outcome == "done" for row in self._request.rows) or last == "cancelled"
        return Course(self._request, tuple(self._tried), answered, confirmed=self._confirmed)

    def freely(self, made: Plan) -> Course:
        """The policy's own way: recorded outcomes where it asks who was asked, assumed ones elsewhere."""
        course = self._course(made)
        assert course is not None
        attempt: Attempt | None = next(course, None)
        answered, steps, refused = False, 0, ""
        while attempt is not None and steps < _MOST_STEPS:
            steps += 1
            if attempt.target in self.unavailable:
                outcome: Outcome = AttemptRejected("model", "it was not available then", self._now())
                refused = refused or f"{attempt.target} was not available then"
            else:
                row = next((row for row in self._left if target_of(row) == attempt.target), None)
                if row is not None:
                    self._left.remove(row)
                outcome = self._assumed(attempt) if row is None else self._recorded(row, attempt.delay)
                answered = isinstance(outcome, AttemptSucceeded)
            try:
                attempt = course.send(outcome)
            except StopIteration:
                attempt = None
        return Course(self._request, tuple(self._tried), answered, "" if self._tried else refused)

    def _course(self, made: Plan | None) -> RetryPlan | None:
        if made is None or not made.options:
            return None
        options = self._after.options
        rules = RetryRules(options.limits, options.keys, options.on_cut)
        return retry_plan(made.options, rules, lambda: _HALF, self._request.at)

    def _recorded(self, row: AttemptRecord, delay: float | None = None) -> Outcome:
        """What the record says became of an attempt.  ``delay`` None waits as long before it as was waited then."""
        waited = max(0, row.started_at - self._ended) / 1000 if delay is None else delay
        self._ended = row.started_at + (row.duration_ms or 0)
        spoke = row.outcome == "done" and row.ttft_ms is not None
        waited += ((row.ttft_ms if spoke else row.duration_ms) or 0) / 1000
        target = target_of(row)
        self._tried.append(Tried(target, row.outcome, self._cost(row, target), waited, recorded=True))
        if row.outcome in FAILED:
            return self._lost(row)
        return AttemptSucceeded()

    def _recorded_hedge(self, attempt: Attempt) -> Outcome | None:
        """Two recorded attempts side by side, where the policy had the second ready."""
        if attempt.hedge is None or len(self._left) < 2 or target_of(self._left[1]) != attempt.hedge.target:
            return None
        first, second = self._left[:2]
        if "cancelled" not in (first.outcome, second.outcome):
            return None
        del self._left[:2]
        outcomes = self._recorded(first), self._recorded(second)
        hedge_won = first.outcome == "cancelled"
        winner = outcomes[1] if hedge_won else outcomes[0]
        assert isinstance(winner, AttemptLost | AttemptSucceeded)
        return Hedged(hedge_won, winner)

    def _assumed(self, attempt: Attempt) -> Outcome:
        """What would have become of an attempt that was never made."""
        target, at = attempt.target, self._request.at
        trouble = self._past.trouble(target, at)
        if trouble is not None:
            waited = attempt.delay + (trouble.duration_ms or 0) / 1000
            self._tried.append(Tried(target, trouble.outcome, 0, waited, recorded=False))
            return self._lost(trouble)
        model = self._after.model(target)
        prompt, answer = self._size
        usd = None if model is None else _charged(Usage(fresh=prompt, output=answer), model, at)
        waited = attempt.delay + self._past.first_word(target)
        self._tried.append(Tried(target, "done", usd, waited, recorded=False))
        return AttemptSucceeded()

    def _lost(self, row: AttemptRecord) -> AttemptLost:
        content = row.outcome == "cut" and bool(row.output_tokens)
        progress = Progress(row.output_tokens or 0 if content else 0, content)
        return AttemptLost(error_of(row), self._now(), progress)

    def _now(self) -> float:
        return max(self._request.at, self._ended / 1000)

    def _cost(self, row: AttemptRecord, target: Target) -> int | None:
        """As recorded, where the prices are the same; else the recorded tokens at the new ones."""
        old, new = self._before.model(target), self._after.model(target)
        if old is None or new is None or _prices(old) == _prices(new):
            return row.cost_nanousd
        usage = Usage(
            row.input_tokens or 0,
            row.cache_read_tokens or 0,
            row.cache_write_tokens or 0,
            output=row.output_tokens or 0,
            reasoning=min(row.reasoning_tokens or 0, row.output_tokens or 0),
        )
        return _charged(usage, new, row.started_at / 1000)


def size_of(request: PastRequest, typical: tuple[int, int]) -> tuple[int, int]:
    """Tokens of the prompt and the answer; typical ones where every attempt failed before they were known."""
    return (request.prompt, request.answer or typical[1]) if request.prompt else typical


def _charged(usage: Usage, model: ModelInfo, at: float) -> int | None:
    if model.local:
        return 0
    usd = priced(usage, model, moment(at)).usd
    return None if usd is None else to_nano(usd)


def _prices(model: ModelInfo) -> tuple[object, ...]:
    return model.prices, model.tiers, model.off_peak, model.local


def moment(at: float) -> datetime:
    """Seconds since the epoch as a moment, for prices that depend on the hour."""
    return datetime.fromtimestamp(at, UTC)
