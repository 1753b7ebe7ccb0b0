"""A whole period replayed, in sums."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from routerterm.core.ledger import AttemptRecord
from routerterm.core.money import from_nano
from routerterm.engine.replay.course import Replayer
from routerterm.engine.replay.values import Course, Rules, requests_of, totals

ASSUMPTIONS = (
    "Prompts and answers are as long as recorded, whichever model answers.",
    "A model that was not asked then answers, unless the nearest request to it within 5 minutes failed; it begins as"
    " quickly as it usually does, and has nothing in its prompt cache.",
    "A model that was left out then (it rested, or its key was full) is left out again.",
    "Ratings are those of today. Images, tools and private conversations are not in the ledger: a route whose models"
    " lack them may look better than it is. Hedges are replayed only where they are recorded.",
)


class Side(Struct, frozen=True):
    """What a period came to, as it was or as it would have been.  Costs are US dollars, times seconds."""

    requests: int
    attempts: int
    cost: Decimal
    unpriced: int
    """Attempts without a known cost."""
    waited: float
    """All waiting for first words and for what failed."""
    failed: int
    """Requests without an answer, refused ones included."""
    refused: int
    models: tuple[tuple[str, int, Decimal, int], ...]
    """By model: requests that it had last, the cost of all its attempts, and those of them without a known cost."""


class Replay(Struct, frozen=True):
    """Both sides of a replay."""

    was: Side
    would: Side
    changed: int
    """Requests that would have gone to another model."""
    assumed: int
    """Attempts whose outcome is not on record."""
    confirmed: int
    """Recorded attempts that the policy of today chooses by itself, of `Side.attempts`."""
    reasons: tuple[tuple[str, int], ...] = ()
    """Why requests would not have been sent, and how many."""


def replay(rows: Sequence[AttemptRecord], before: Rules, after: Rules, since: int = 0) -> Replay:
    """What ``rows`` would have come to under other rules.

    Rows from before ``since`` (milliseconds) only count against the caps of their month.
    """
    requests = requests_of(row for row in rows if row.started_at >= since)
    replayer = Replayer(requests, before, after)
    for row in rows:
        if row.started_at < since and row.outcome != "running":
            replayer.spend(row)
    pairs = [replayer.replay(request) for request in requests]
    was, would = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    reasons: dict[str, int] = {}
    for course in would:
        if course.refused:
            reasons[course.refused] = reasons.get(course.refused, 0) + 1
    return Replay(
        _side(was),
        _side(would),
        sum(one.targets != other.targets for one, other in pairs),
        assumed=sum(not one.recorded for course in would for one in course.tried),
        confirmed=sum(course.confirmed for course in was),
        reasons=tuple(sorted(reasons.items(), key=lambda item: -item[1])),
    )


def _side(courses: Sequence[Course]) -> Side:
    return Side(
        len(courses),
        sum(len(course.tried) for course in courses),
        from_nano(sum(course.cost for course in courses)),
        unpriced=sum(course.unpriced for course in courses),
        waited=sum(course.waited for course in courses),
        failed=sum(not course.answered for course in courses),
        refused=sum(bool(course.refused) for course in courses),
        models=tuple((name, count, from_nano(cost), unpriced) for name, count, cost, unpriced in totals(courses)),
    )
