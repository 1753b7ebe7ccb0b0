"""What a model's reported prompts teach about our estimates of it: an offset and a factor, learned as they come.

Two numbers, because a hidden preamble weighs on short prompts and a different tokenizer on long ones.  Least squares
over relative errors with a prior of "we are right", and slow forgetting, so that a provider may change its mind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

_FORGET = 0.98
_NOISE = 0.05
"""Relative error that a good estimate has anyway."""
_OFFSET_SPREAD, _FACTOR_SPREAD = 30.0, 0.1
"""How far the offset (tokens) and the factor stray among models, before anything is known of this one."""


class Calibration(Struct, frozen=True):
    """The sums of a weighted fit ``reported ≈ offset + factor × estimated``; a value that learns by replacement."""

    weight: float = 0.0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    samples: int = 0

    def learned(self, estimated: float, reported: float) -> Calibration:
        """With one more report.  What cannot be meant for the same prompt is not believed."""
        if estimated <= 0 or reported <= 0 or not 0.1 < (reported + 50) / (estimated + 50) < 50:
            return self
        share = 1 / (_NOISE * reported) ** 2
        return Calibration(
            self.weight * _FORGET + share,
            self.x * _FORGET + share * estimated,
            self.y * _FORGET + share * reported,
            xx=self.xx * _FORGET + share * estimated * estimated,
            xy=self.xy * _FORGET + share * estimated * reported,
            samples=self.samples + 1,
        )

    def apply(self, estimated: float) -> float:
        """An estimate, corrected: never to less than half of it."""
        offset, factor = self.line()
        return max(1.0, estimated / 2, offset + factor * estimated)

    def line(self) -> tuple[float, float]:
        """The offset in tokens and the factor that the reports and the prior make most likely."""
        if not self.samples:
            return 0.0, 1.0
        prior = 1 / _FACTOR_SPREAD**2
        a, b, c = self.weight + 1 / _OFFSET_SPREAD**2, self.x, self.xx + prior
        right_a, right_b = self.y, self.xy + prior
        determinant = a * c - b * b
        return (right_a * c - b * right_b) / determinant, (a * right_b - b * right_a) / determinant

    def to_json(self) -> dict[str, Any]:
        """For the router's memory."""
        return {name: getattr(self, name) for name in ("weight", "x", "y", "xx", "xy", "samples")}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Calibration:
        """Back from it; a broken one starts afresh."""
        try:
            weight, x, y, xx, xy = (float(body[name]) for name in ("weight", "x", "y", "xx", "xy"))
            return cls(weight, x, y, xx, xy, int(body["samples"]))
        except (KeyError, TypeError, ValueError):
            return cls()
