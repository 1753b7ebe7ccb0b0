"""Money, exactly: ``Decimal`` US dollars in code, whole nano-dollars in the database.

An unknown amount is None and shows as ``?``: never as ``$0.00``, which means free.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal, TypeAlias

from msgspec import Struct

NANO = Decimal("1e-9")
MOST_USD = Decimal(1_000_000)
"""No attempt costs more: a larger amount is a mistake or a lie, and is taken for unknown."""
MOST_NANO = 10**15
"""The same in nano-dollars: thousands of them add up within SQLite's 64 bits."""
CostSource: TypeAlias = Literal["reported", "computed", "declared"]
"""Charged by the provider's own word; computed from a price list; declared free (a local model)."""


class Cost(Struct, frozen=True):
    """What an attempt cost.  ``price_date`` is the ISO date of the price list behind a computed one."""

    usd: Decimal | None
    source: CostSource | None = None
    price_date: str | None = None
    saved: Decimal | None = None
    """What the prompt cache saved against the full price, where that is known; negative where it cost more."""

    def __eq__(self, other: object) -> bool:
        return self._charged() == other._charged() if isinstance(other, Cost) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._charged())

    def _charged(self) -> tuple[object, ...]:
        """Two costs of the same charge are equal, whatever is known of the savings."""
        return self.usd, self.source, self.price_date


UNKNOWN_COST = Cost(None)
FREE = Cost(Decimal(0), "declared")


def to_nano(usd: Decimal) -> int:
    """Dollars as whole nano-dollars, half to even, and never beyond `MOST_USD` either way."""
    bounded = max(-MOST_USD, min(usd, MOST_USD))
    return int((bounded / NANO).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def from_nano(nano: int) -> Decimal:
    """Whole nano-dollars as dollars."""
    return nano * NANO


def with_unknown(usd: Decimal, unknown: bool) -> str:
    """A sum of which a part may be ``unknown``: ``$0.02+?``, or ``?`` where nothing of it is known."""
    if not unknown:
        return show_usd(usd)
    return f"{show_usd(usd)}+?" if usd else "?"


def exact_usd(usd: Decimal, unknown: bool) -> str:
    """The same for a file, with all its digits and no sign: ``0.0203``, ``0.0203+?``, ``?``."""
    if not unknown:
        return f"{usd.normalize():f}"
    return f"{usd.normalize():f}+?" if usd else "?"


def show_range(low: Decimal | None, high: Decimal | None, *, unknown: bool = False) -> str:
    """``$0.002–0.011``, ``$0``, ``?``; ``$0.002–0.011+?`` where a part of it is ``unknown``."""
    if low is None or high is None:
        return "?"
    shown, most = show_usd(low), show_usd(high)
    if shown != most:
        most = f"{shown}–{most.removeprefix('$')}"
    return f"{most}+?" if unknown else most


def show_usd(usd: Decimal | None) -> str:
    """An amount for a person, with as many digits as it takes to tell it from nothing.

    ``?`` where it is unknown, ``$0`` where it is free, ``$0.0041``, ``$12.30``; ``<$0.000001`` below that.
    """
    if usd is None:
        return "?"
    if usd == 0:
        return "$0"
    sign, size = ("-" if usd < 0 else ""), abs(usd)
    if size < Decimal("0.000001"):
        return f"{sign}<$0.000001"
    if size >= Decimal("0.995"):
        return f"{sign}${size:,.2f}"
    places = 1 - size.adjusted()
    return f"{sign}${size:.{max(2, places)}f}"
