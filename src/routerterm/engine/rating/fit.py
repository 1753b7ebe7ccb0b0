"""Ratings from votes: Bradley and Terry's model with a normal prior, at its most likely point (pure, deterministic).

A model of strength ``s`` is preferred to one of ``t`` with the chance 1 / (1 + exp(t - s)).  The prior keeps models
near the average until votes say otherwise, and makes the best fit unique; the curvature there gives the uncertainty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from routerterm.engine.rating.votes import Vote
from routerterm.router.decide.yours import PRIOR_SPREAD, Rating

_STEPS = 60
_CLOSE = 1e-10
_KIND_SPREAD = 0.5
"""How far a model's strength for one kind of prompt is believed to lie from its strength for all."""


def ratings(votes: Sequence[Vote], kind: str = "") -> dict[str, Rating]:
    """By model: for one kind of prompt, or for all.

    For a kind each model begins at its rating for all kinds, so that a few votes already say something.
    """
    names = sorted({name for vote in votes for name in (vote.winner, vote.loser)})
    overall = _fit(names, votes, dict.fromkeys(names, 0.0), PRIOR_SPREAD)
    if not kind:
        return {name: Rating(*overall[name], _weight(votes, name)) for name in names}
    own = [vote for vote in votes if vote.kind == kind]
    fitted = _fit(names, own, {name: overall[name][0] for name in names}, _KIND_SPREAD)
    found = {}
    for name in names:
        counted = _weight(own, name)
        strength, spread = fitted[name]
        # Where the kind says little the doubt about the whole remains.
        spread = min(PRIOR_SPREAD, math.hypot(spread, overall[name][1] * spread / _KIND_SPREAD))
        found[name] = (
            Rating(strength, spread, counted, kind) if counted else Rating(*overall[name], _weight(votes, name))
        )
    return found


def _weight(votes: Sequence[Vote], name: str) -> float:
    return sum(vote.weight for vote in votes if name in (vote.winner, vote.loser))


def _fit(
    names: Sequence[str], votes: Sequence[Vote], centre: Mapping[str, float], spread: float
) -> dict[str, tuple[float, float]]:
    """Strength and uncertainty of each, by Newton's method on a concave function."""
    place = {name: n for n, name in enumerate(names)}
    pairs: dict[tuple[int, int], float] = {}
    for vote in sorted(votes, key=lambda vote: (vote.winner, vote.loser, vote.weight)):
        pair = place[vote.winner], place[vote.loser]
        pairs[pair] = pairs.get(pair, 0.0) + vote.weight
    at = [centre[name] for name in names]
    start = list(at)
    precision = 1 / spread**2
    inverse: list[list[float]] = []
    for _ in range(_STEPS):
        slope = [(start[n] - at[n]) * precision for n in range(len(names))]
        curve = [[precision if n == m else 0.0 for m in range(len(names))] for n in range(len(names))]
        for (winner, loser), weight in pairs.items():
            lost = 1 / (1 + math.exp(max(-40.0, min(40.0, at[winner] - at[loser]))))
            slope[winner] += weight * lost
            slope[loser] -= weight * lost
            bend = weight * lost * (1 - lost)
            for one, other, sign in ((winner, winner, 1), (loser, loser, 1), (winner, loser, -1), (loser, winner, -1)):
                curve[one][other] += sign * bend
        inverse = _inverted(curve)
        step = [sum(row[m] * slope[m] for m in range(len(names))) for row in inverse]
        largest = max(map(abs, step), default=0.0)
        damp = min(1.0, 2.0 / largest) if largest else 1.0
        at = [value + damp * change for value, change in zip(at, step, strict=True)]
        if largest < _CLOSE:
            break
    return {name: (at[n], math.sqrt(max(0.0, inverse[n][n]))) for name, n in place.items()}


def _inverted(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """By Gauss and Jordan: the matrix is symmetric and positive, and a few dozen models wide at most."""
    size = len(matrix)
    rows = [[*row, *(1.0 if n == m else 0.0 for m in range(size))] for n, row in enumerate(matrix)]
    for n in range(size):
        pivot = max(range(n, size), key=lambda m: abs(rows[m][n]))
        rows[n], rows[pivot] = rows[pivot], rows[n]
        factor = rows[n][n]
        rows[n] = [value / factor for value in rows[n]]
        for m in range(size):
            if m != n and rows[m][n]:
                times = rows[m][n]
                rows[m] = [value - times * other for value, other in zip(rows[m], rows[n], strict=True)]
    return [row[size:] for row in rows]
