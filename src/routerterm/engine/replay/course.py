"""One recorded request once more, through the policy and the retry plan that the router itself uses.

The record is taken at its word.  As long as a request's name means what it meant, the policy is asked at each step for
its choice, among those that the record says it had then, in the order of then; where the record shows another one, the
policy's was not available (its key was full), and is told so, as the router would be.  Under other rules what was not
available then is not available either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from routerterm.catalog.pricing import cost as priced
from routerterm.catalog.values import ModelInfo
from routerterm.core.errors import NoCandidate
from routerterm.core.ledger import AttemptRecord
from routerterm.core.money import to_nano
from routerterm.core.targets import Forecast, Target
from routerterm.core.usage import Usage
from routerterm.engine.replay.past import FAILED, Past, error_of
from routerterm.engine.replay.spending import Spending
from routerterm.engine.replay.values import Course, Facts, PastRequest, Rules, Tried, target_of
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
from routerterm.router.decide.circuit_breaker import Health
from routerterm.router.decide.filtering import CandidateInfo, Needs
from routerterm.router.decide.key_limits import KeyView
from routerterm.router.decide.names import Entry, Resolved
from routerterm.router.decide.ranking import Plan, plan
from routerterm.router.decide.retry import RetryPlan, retry_plan
from routerterm.router.decide.yours import UNRATED

_MOST_STEPS = 64
_HALF = 0.5


class Replayer:
    """Replays requests in the order in which they began.  ``before`` are the rules under which they were recorded."""

    def __init__(self, requests: Sequence[PastRequest], before: Rules, after: Rules) -> None:
        self._before, self._after = before, after
        self._past = Past(requests, before.options.breaker)
        self._typical = self._past.typical()
        self._spent = Spending(after.budget, after.model)
        self._capped = after.budget != before.budget
        self._turns: dict[str, int] = {}

    def spend(self, row: AttemptRecord) -> None:
        """A row from before the period counts against the caps of its month."""
        self._spent.add(row, row.cost_nanousd)

    def replay(self, request: PastRequest) -> tuple[Course, Course]:
        """The request as it was, and as it would have been."""
        was, facts = self._as_recorded(request)
        would = self._under_new_rules(request, facts)
        self._past.pass_by(request)
        for row, one in zip(_rows_for(would), would.tried, strict=True):
            self._spent.add(row, one.cost)
        return was, would

    def _as_recorded(self, request: PastRequest) -> tuple[Course, Facts]:
        resolved = _resolved(self._before, request)
        if resolved is None:
            return self._from_record(request, self._before), Facts(None, frozenset(), 0)
        first = target_of(request.rows[0])
        turn, made = next(
            (
                (turn, made)
                for turn in range(len(resolved.entries))
                if (made := self._planned(request, self._before, resolved, turn, capped=False)).options
                and made.options[0].target == first
            ),
            (0, self._planned(request, self._before, resolved, 0, capped=False)),
        )
        walk = _Walk(request, self._before, self._before, self._past, frozenset(), self._typical)
        course = walk.along_record(_as_ranked(made, request))
        named = request.ranked or tuple(str(entry.target) for entry in resolved.entries)
        walk.unavailable |= {entry.target for entry in resolved.entries if str(entry.target) not in named}
        return course, Facts(resolved, frozenset(walk.unavailable), turn)

    def _under_new_rules(self, request: PastRequest, facts: Facts) -> Course:
        resolved = _resolved(self._after, request)
        if resolved is None and facts.resolved is None:
            return self._from_record(request, self._after)
        if resolved is None:
            return Course(request, (), answered=False, refused=f"nothing is called {request.route!r}")
        walk = _Walk(request, self._before, self._after, self._past, facts.unavailable, self._typical)
        same = resolved == facts.resolved and self._after.options.limits == self._before.options.limits
        if same and not self._capped:
            made = self._planned(request, self._after, resolved, facts.turn, capped=False)
            return walk.along_record(_as_ranked(made, request))
        turn = facts.turn
        if resolved.strategy in ("round-robin", "weighted") and resolved != facts.resolved:
            turn = self._turns[resolved.route] = self._turns.get(resolved.route, -1) + 1
        made = self._planned(request, self._after, resolved, turn, capped=True)
        if not made.options:
            passed = made.decision.passed_over
            return Course(request, (), answered=False, refused=passed[0].reason if passed else "no candidate")
        return walk.freely(made)

    def _from_record(self, request: PastRequest, rules: Rules) -> Course:
        """Of a name that means nothing any more only the record is left."""
        walk = _Walk(request, self._before, rules, self._past, frozenset(), self._typical)
        return walk.along_record(None)

    def _planned(self, request: PastRequest, rules: Rules, resolved: Resolved, turn: int, *, capped: bool) -> Plan:
        """The router's ranking at that moment.  ``turn`` is also who is drawn first where chance decides."""
        prompt, answer = _size(request, self._typical)
        subjects = [
            self._subject(request, rules, entry, resolved.route, prompt, answer, capped) for entry in resolved.entries
        ]
        return plan(
            resolved,
            subjects,
            Needs(reserve=answer),
            request.at,
            limits=rules.options.limits,
            random=_drawing(turn, len(subjects)),
            turn=turn,
            budget_blocks=rules.budget.on_cap != "cheaper",
        )

    def _subject(
        self, request: PastRequest, rules: Rules, entry: Entry, route: str, prompt: int, answer: int, capped: bool
    ) -> CandidateInfo:
        target = entry.target
        model, info = rules.model(target), rules.provider(target.provider)
        if model is None or info is None:
            return CandidateInfo(entry, None, None)
        health = self._past.health(target, request.at)
        asked = any(target_of(row) == target for row in request.rows)
        if asked:  # the record shows that it was not left alone
            health = replace(health, open_for=0.0, gone_for=0.0)
        usd = priced(Usage(fresh=prompt, output=answer), model, _moment(request.at)).usd
        forecast = Forecast(prompt, usd, usd, model.context, answer)
        labels = rules.keys.get(info.name, ()) or (("key",) if info.name in rules.with_key or asked else ())
        reason = self._spent.objection(request, target, route, forecast) if capped else None
        keys = tuple(KeyView(label) for label in labels)
        return CandidateInfo(
            entry, info, model, _known(health), keys, forecast, reason, rating=rules.ratings.get(target, UNRATED)
        )


class _Walk:
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
        self._request, self._before, self._after, self._past = request, before, after, past
        self._size = _size(request, typical)
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


def _as_ranked(made: Plan, request: PastRequest) -> Plan:
    """The plan as it was made then, where that is on record: without those that were left out, in the order of then."""
    if not request.ranked:
        return made
    places = {name: place for place, name in enumerate(request.ranked)}
    kept = [option for option in made.options if str(option.target) in places]
    return replace(made, options=tuple(sorted(kept, key=lambda option: places[str(option.target)])))


def _rows_for(course: Course) -> list[AttemptRecord]:
    """Rows as the ledger would have them, for the caps."""
    first = course.request.rows[0]
    return [replace(first, provider=one.target.provider, model=one.target.model) for one in course.tried]


def _resolved(rules: Rules, request: PastRequest) -> Resolved | None:
    try:
        return rules.names.resolve(request.route, rules.with_key)
    except NoCandidate:
        return None


def _size(request: PastRequest, typical: tuple[int, int]) -> tuple[int, int]:
    """Tokens of the prompt and the answer; typical ones where every attempt failed before they were known."""
    return (request.prompt, request.answer or typical[1]) if request.prompt else typical


def _drawing(turn: int, count: int) -> Callable[[], float]:
    """Chance that draws the candidate of a place first and keeps the others in their order."""
    place = turn % count if count else 0
    draws = iter([1.0 - 1e-12 if n == place else 0.5 for n in range(count)])
    return lambda: next(draws, 0.5)


def _known(health: Health) -> Health:
    """Without what only the present moment knows: what was avoided by hand."""
    return replace(health, avoided_for=0.0)


def _charged(usage: Usage, model: ModelInfo, at: float) -> int | None:
    if model.local:
        return 0
    usd = priced(usage, model, _moment(at)).usd
    return None if usd is None else to_nano(usd)


def _prices(model: ModelInfo) -> tuple[object, ...]:
    return model.prices, model.tiers, model.off_peak, model.local


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
