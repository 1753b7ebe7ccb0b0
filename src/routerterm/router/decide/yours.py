"""The strategy `yours`: by the person's own rating of models, the price of this prompt, and speed.  Pure.

Each of the three is a share from 0 to 1, so that the weights mean what they say: how often the model's answer would
be preferred to an average one's, the cheapest candidate's price over its own, and the fastest candidate's time over
its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

PRIOR_SPREAD = 1.0
"""How far apart models are believed to be before anybody voted, in natural units: 1 is 73 of 100 votes."""
_POINTS = 400 / math.log(10)
"""Points of a rating, as in chess, to one natural unit."""


class Rating(Struct, frozen=True):
    """How a person likes a model's answers: ``strength`` 0 is the average, one ``spread`` its uncertainty."""

    strength: float = 0.0
    spread: float = PRIOR_SPREAD
    votes: float = 0.0
    """Comparisons behind it; weak ones count half."""
    kind: str = ""
    """The kind of prompt that it is of; empty is all of them together."""

    @property
    def points(self) -> int:
        """As in chess: 1500 is the average."""
        return round(1500 + _POINTS * self.strength)

    @property
    def points_spread(self) -> int:
        """The uncertainty in points."""
        return round(_POINTS * self.spread)

    @property
    def preferred(self) -> float:
        """How often its answer would be preferred to an average model's, 0 to 1."""
        return 1 / (1 + math.exp(-max(-40.0, min(40.0, self.strength))))

    @property
    def words(self) -> str:
        """For a person: ``1584 ±90``; nothing where nobody voted."""
        return f"{self.points} ±{self.points_spread}" if self.votes else ""


UNRATED = Rating()


class Weights(Struct, frozen=True):
    """What counts how much."""

    rating: float = 1.0
    price: float = 0.5
    speed: float = 0.25


class Weighed(Struct, frozen=True):
    """A candidate's score, 0 to 1, and what it is made of, in words."""

    score: float
    why: str


def weigh(candidates: Sequence[tuple[Rating, Decimal | None, float]], weights: Weights) -> tuple[Weighed, ...]:
    """The score of each candidate, from its rating, the price of this prompt (None: unknown) and seconds to answer."""
    prices = [price for _, price, _ in candidates if price is not None]
    cheapest = min(prices, default=Decimal(0))
    fastest = min((seconds for _, _, seconds in candidates), default=0.0)
    whole = weights.rating + weights.price + weights.speed
    found = []
    for rating, price, seconds in candidates:
        shares = (rating.preferred, _cheapness(price, cheapest), fastest / seconds if seconds > 0 else 1.0)
        parts = (weights.rating, weights.price, weights.speed)
        score = sum(share * part for share, part in zip(shares, parts, strict=True)) / whole if whole > 0 else 0.0
        found.append(Weighed(score, _words(score, rating, shares, weights)))
    return tuple(found)


def _cheapness(price: Decimal | None, cheapest: Decimal) -> float:
    """1 for the cheapest, a half for twice its price; nothing where it is unknown.  Beside a free one, free or not."""
    if price is None:
        return 0.0
    return 1.0 if price <= cheapest else float(cheapest / price)


def _words(score: float, rating: Rating, shares: tuple[float, float, float], weights: Weights) -> str:
    rated = (
        f"rated {rating.words}" + (f" for {rating.kind}" if rating.kind else "") if rating.votes else "not rated yet"
    )
    parts = zip(("rating", "price", "speed"), shares, (weights.rating, weights.price, weights.speed), strict=True)
    return (
        f"score {score:.2f}: "
        + ", ".join(f"{name} {share:.2f} × {part:g}" for name, share, part in parts)
        + f"; {rated}"
    )
