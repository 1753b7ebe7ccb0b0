"""Recorded requests, the rules that they are replayed under, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from routerterm.catalog.values import ModelInfo, ProviderInfo
from routerterm.core.ledger import AttemptRecord
from routerterm.core.targets import Target
from routerterm.router.decide.budget import BudgetRules
from routerterm.router.decide.names import Names, Resolved
from routerterm.router.decide.yours import Rating
from routerterm.router.options import RouterOptions


class PastRequest(Struct, frozen=True):
    """One recorded request: its attempts in the order in which they began."""

    rows: tuple[AttemptRecord, ...]

    @property
    def route(self) -> str:
        """What was asked for: a route, or a model by its name."""
        return self.rows[0].route

    @property
    def ranked(self) -> tuple[str, ...]:
        """Whom the policy had to choose from then, in its order; empty where that is not on record."""
        return tuple((self.rows[0].ranked or "").split("\n")) if self.rows[0].ranked else ()

    @property
    def at(self) -> float:
        """When it began, in seconds since the epoch."""
        return self.rows[0].started_at / 1000

    @property
    def prompt(self) -> int:
        """Tokens of the prompt; 0 where no attempt came so far that they are known."""
        return max(prompt_of(row) for row in self.rows)

    @property
    def answer(self) -> int:
        """Tokens of the answer: of the whole one, or of the longest part."""
        whole = [row.output_tokens or 0 for row in self.rows if row.outcome == "done"]
        return whole[-1] if whole else max(row.output_tokens or 0 for row in self.rows)


class Rules(Struct, frozen=True):
    """All that decides where a request goes and what it costs."""

    options: RouterOptions
    budget: BudgetRules
    model: Callable[[Target], ModelInfo | None]
    provider: Callable[[str], ProviderInfo | None]
    names: Names
    with_key: frozenset[str]
    keys: Mapping[str, tuple[str, ...]]
    """The labels of the keys that were used, by provider."""
    ratings: Mapping[Target, Rating] = field(default_factory=dict)
    """The person's own, of today."""


class Tried(Struct, frozen=True):
    """One attempt of a replay.  Money is nano-dollars, None where a price is unknown; times are seconds."""

    target: Target
    outcome: str
    cost: int | None
    waited: float
    """Before it and in it, until it spoke or failed."""
    recorded: bool
    """Whether it is on record just so, rather than assumed."""


class Course(Struct, frozen=True):
    """What became of one request."""

    request: PastRequest
    tried: tuple[Tried, ...]
    answered: bool
    refused: str = ""
    """Why it was not sent at all."""
    confirmed: int = 0
    """Recorded attempts that the policy chose by itself; the others are taken from the record."""

    @property
    def cost(self) -> int:
        """Of the attempts whose cost is known."""
        return sum(one.cost or 0 for one in self.tried)

    @property
    def unpriced(self) -> int:
        """Attempts whose cost is not."""
        return sum(one.cost is None for one in self.tried)

    @property
    def waited(self) -> float:
        """Until the first word, or the end of what failed."""
        return sum(one.waited for one in self.tried)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Who was asked, in order."""
        return tuple(one.target for one in self.tried)


class Facts(Struct, frozen=True):
    """What the record says about the moment of a request, beside its attempts."""

    resolved: Resolved | None
    """What its name meant; None where it means nothing any more."""
    unavailable: frozenset[Target]
    """Models that the policy would have asked before, and that were not asked: they rested, or were full."""
    turn: int
    """Which place was drawn, for routes by turn and by chance."""


def prompt_of(row: AttemptRecord) -> int:
    """All tokens of the prompt, those of the cache included."""
    return (row.input_tokens or 0) + (row.cache_read_tokens or 0) + (row.cache_write_tokens or 0)


def target_of(row: AttemptRecord) -> Target:
    """Whom an attempt asked."""
    return Target(row.provider, row.model)


def requests_of(rows: Iterable[AttemptRecord]) -> tuple[PastRequest, ...]:
    """The requests behind some rows, by when they began.

    A first attempt begins one; a later one belongs to the latest of the same message, client and route that waits for
    it.  What the gateway answered from its memory and what is still running are left out.
    """
    found: list[list[AttemptRecord]] = []
    waiting: dict[tuple[str | None, str, str, str | None, int], list[AttemptRecord]] = {}
    for row in sorted(rows, key=lambda row: (row.started_at, row.n, row.id)):
        if row.cached or row.outcome == "running":
            continue
        whose = row.message_id, row.client, row.route, row.conversation_id
        group = waiting.pop((*whose, row.n), None) if row.n > 1 else None
        if group is None:
            group = []
            found.append(group)
        group.append(row)
        waiting[(*whose, row.n + 1)] = group
    return tuple(PastRequest(tuple(group)) for group in found)


def totals(courses: Sequence[Course]) -> Iterator[tuple[str, int, int, int]]:
    """By model: requests it was the last to be asked for, what all its attempts cost, and those whose cost is unknown.

    The dearest first.
    """
    counts: dict[Target, list[int]] = {}
    for course in courses:
        for place, one in enumerate(course.tried, 1):
            entry = counts.setdefault(one.target, [0, 0, 0])
            entry[0] += place == len(course.tried)
            entry[1] += one.cost or 0
            entry[2] += one.cost is None
    for target, (requests, cost, unpriced) in sorted(counts.items(), key=lambda item: (-item[1][1], item[0])):
        yield str(target), requests, cost, unpriced
