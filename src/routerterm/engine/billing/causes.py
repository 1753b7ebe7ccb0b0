"""Why a bill and the ledger may differ: the likely cause of a gap, by what both sides know."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct, field

from routerterm.engine.billing.values import TokenClass

_PROMPT: tuple[TokenClass, ...] = ("input", "cache read", "cache write")
ELSEWHERE = "used outside routerterm with the same account, or before its ledger began"
NOT_BILLED = "not on this bill: another account or key, a free quota, or the export is not complete yet"
MIDNIGHT = "requests around midnight: the provider counts them to the other day"


class Side(Struct, frozen=True):
    """What one side has of a model and a day.  The counts of requests are the ledger's alone."""

    name: str
    tokens: Mapping[TokenClass, int] = field(default_factory=dict)
    cost: Decimal = Decimal(0)
    requests: int = 0
    unpriced: int = 0
    estimated: int = 0
    broken: int = 0
    batch: bool = False

    @property
    def all_tokens(self) -> int:
        """Of every class."""
        return sum(self.tokens.values())


def one_sided_cause(billed: Side | None, kept: Side | None, beside: tuple[tuple[Side, Side], ...]) -> str | None:
    """Why only one side has anything; None where that is no gap: what came to nothing and costs nothing."""
    here = (billed or Side("")).all_tokens - (kept or Side("")).all_tokens
    if _moved(here, beside):
        return MIDNIGHT
    if kept is None:
        return ELSEWHERE
    return None if not kept.all_tokens and not kept.cost and not kept.unpriced else NOT_BILLED


def token_cause(kind: TokenClass, billed: Side, kept: Side, beside: tuple[tuple[Side, Side], ...]) -> str:
    """Why the counts of one class differ, where both sides have the model and day."""
    more = billed.tokens.get(kind, 0) - kept.tokens.get(kind, 0)
    if kind in _PROMPT and _prompt(billed) == _prompt(kept):
        return "the same prompts, with cached tokens counted in another class"
    if kept.estimated:
        return f"{kept.estimated:,} of {kept.requests:,} requests are estimated: no tokens were reported for them"
    if _moved(more, beside, kind):
        return MIDNIGHT
    if more > 0 and kept.broken:
        return f"{kept.broken:,} answers were stopped or cut off: the provider counts all that it wrote"
    return ELSEWHERE if more > 0 else NOT_BILLED


def cost_cause(billed: Side, kept: Side, tokens_differ: bool) -> str:
    """Why the costs differ, where both sides have the model and day."""
    if kept.unpriced:
        return f"no price was known for {kept.unpriced:,} of {kept.requests:,} requests: set it under [models]"
    if tokens_differ:
        return "follows from the tokens above"
    if billed.cost == 0:
        return "covered by a free quota or credits"
    if billed.batch or abs(billed.cost * 2 - kept.cost) <= kept.cost / 50:
        return "half price: a batch or the flex tier"
    if billed.cost < kept.cost:
        return "lower prices than in the price list of then: a discount, or the cache"
    if not billed.all_tokens:
        return "higher prices than in the price list of then, or used outside routerterm as well"
    return "higher prices than in the price list of then: set yours under [models]"


def _moved(more: int, beside: tuple[tuple[Side, Side], ...], kind: TokenClass | None = None) -> bool:
    """Whether a day beside it lacks just what this one has too many, or the other way round."""

    def count(side: Side) -> int:
        return side.all_tokens if kind is None else side.tokens.get(kind, 0)

    return more != 0 and any(count(billed) - count(kept) == -more for billed, kept in beside)


def _prompt(side: Side) -> int:
    return sum(side.tokens.get(kind, 0) for kind in _PROMPT)
