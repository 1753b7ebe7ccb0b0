"""One recorded request once more, through the policy and the retry plan that the router itself uses.

The record is taken at its word.  As long as a request's name means what it meant, the policy is asked at each step for
its choice, among those that the record says it had then, in the order of then; where the record shows another one, the
policy's was not available (its key was full), and is told so, as the router would be.  Under other rules what was not
available then is not available either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from routerterm.catalog.pricing import cost as priced
from routerterm.core.errors import NoCandidate
from routerterm.core.ledger import AttemptRecord
from routerterm.core.targets import Forecast, Target
from routerterm.core.usage import Usage
from routerterm.engine.replay.past import Past
from routerterm.engine.replay.spending import Spending
from routerterm.engine.replay.values import Course, Facts, PastRequest, Rules, target_of
from routerterm.engine.replay.walk import Walk, moment, size_of
from routerterm.router.decide.circuit_breaker import Health
from routerterm.router.decide.filtering import CandidateInfo, Needs
from routerterm.router.decide.key_limits import KeyView
from routerterm.router.decide.names import Entry, Resolved
from routerterm.router.decide.ranking import Plan, plan
from routerterm.router.decide.yours import UNRATED


class Replayer:
    """Replays requests in the order in which they began.  ``before`` are the rules under which they were recorded."""

    def __init__(self, requests: Sequence[PastRequest], before: Rules, after: Rules) -> None:
        self._before = before
        self._after = after
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
        walk = self._walk(request, self._before)
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
        walk = self._walk(request, self._after, facts.unavailable)
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
        return self._walk(request, rules).along_record(None)

    def _walk(self, request: PastRequest, rules: Rules, unavailable: frozenset[Target] = frozenset()) -> Walk:
        return Walk(request, self._before, rules, past=self._past, unavailable=unavailable, typical=self._typical)

    def _planned(self, request: PastRequest, rules: Rules, resolved: Resolved, turn: int, *, capped: bool) -> Plan:
        """The router's ranking at that moment.  ``turn`` is also who is drawn first where chance decides."""
        prompt, answer = size_of(request, self._typical)
        subjects = [
            self._subject(request, rules, entry, route=resolved.route, prompt=prompt, answer=answer, capped=capped)
            for entry in resolved.entries
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
        usd = priced(Usage(fresh=prompt, output=answer), model, moment(request.at)).usd
        forecast = Forecast(prompt, usd, usd, model.context, answer)
        labels = rules.keys.get(info.name, ()) or (("key",) if info.name in rules.with_key or asked else ())
        reason = self._spent.objection(request, target, route, forecast) if capped else None
        keys = tuple(KeyView(label) for label in labels)
        return CandidateInfo(
            entry,
            info,
            model,
            health=_known(health),
            keys=keys,
            forecast=forecast,
            budget_rejection=reason,
            rating=rules.ratings.get(target, UNRATED),
        )


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


def _drawing(turn: int, count: int) -> Callable[[], float]:
    """Chance that draws the candidate of a place first and keeps the others in their order."""
    place = turn % count if count else 0
    draws = iter([1.0 - 1e-12 if n == place else 0.5 for n in range(count)])
    return lambda: next(draws, 0.5)


def _known(health: Health) -> Health:
    """Without what only the present moment knows: what was avoided by hand."""
    return replace(health, avoided_for=0.0)
