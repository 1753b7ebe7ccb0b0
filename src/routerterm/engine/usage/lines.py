"""A line of figures: what some rows of the ledger add up to, ready to be shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from routerterm.core.money import from_nano
from routerterm.store.statistics import Speed, Sums


class Percentiles(Struct, frozen=True):
    """The middle one of some measurements, and the one that 95 of 100 do not pass."""

    p50: float
    p95: float


class Line(Struct, frozen=True):
    """One line of a summary.  Money is US dollars."""

    name: str
    """``2026-11-21``, ``2026-W47``, ``2026-11``, ``09`` (an hour of the day), ``provider/model``, a route, a title…"""
    id: str
    """What the name stands for: the same, or the id of a conversation."""
    requests: int
    """What somebody asked for, however many attempts each took."""
    retries: int
    """Attempts at the same model after a failure."""
    failovers: int
    """Attempts at another model after a failure."""
    hedges: int
    """Attempts beside one that was slow to begin."""
    input_tokens: int
    """The whole prompts, cached tokens included."""
    output_tokens: int
    reasoning_tokens: int
    cached_tokens: int
    cost: Decimal
    unpriced: int
    """Attempts whose cost is unknown: they are not in ``cost``."""
    saved: Decimal
    """By providers' prompt caches."""
    estimated: int
    """Attempts whose tokens no provider reported."""
    errors: int
    """Attempts that failed, were cut off, or were lost with the program."""
    cancelled: int
    ttft_ms: Percentiles | None = None
    tokens_per_second: Percentiles | None = None

    @property
    def attempts(self) -> int:
        """All of them."""
        return self.requests + self.retries + self.failovers + self.hedges

    @property
    def tokens(self) -> int:
        """Prompts and answers."""
        return self.input_tokens + self.output_tokens

    @property
    def estimated_share(self) -> float:
        """How much of it rests on our own counting, 0 to 1."""
        return self.estimated / self.attempts if self.attempts else 0.0

    @property
    def is_unknown(self) -> bool:
        """Whether a part of its cost is not known."""
        return self.unpriced > 0


def percentiles(values: Iterable[float]) -> Percentiles | None:
    """Of some values; None where there are none."""
    known = sorted(values)
    if not known:
        return None
    return Percentiles(known[(len(known) - 1) // 2], known[min(len(known) - 1, len(known) * 95 // 100)])


def line_of(name: str, id: str, sums: Sums, quick: Sequence[Speed] = ()) -> Line:
    """Sums with a name, and how quick their answers were."""
    return Line(
        name,
        id,
        requests=sums.requests,
        retries=sums.retries,
        failovers=sums.failovers,
        hedges=sums.hedges,
        input_tokens=sums.input + sums.cache_read + sums.cache_write,
        output_tokens=sums.output,
        reasoning_tokens=sums.reasoning,
        cached_tokens=sums.cache_read,
        cost=from_nano(sums.cost),
        unpriced=sums.unpriced,
        saved=from_nano(sums.saved),
        estimated=sums.estimated,
        errors=sums.errors,
        cancelled=sums.cancelled,
        ttft_ms=percentiles([speed.ttft_ms for speed in quick if speed.ttft_ms is not None]),
        tokens_per_second=percentiles(
            [speed.tokens_per_second for speed in quick if speed.tokens_per_second is not None]
        ),
    )
