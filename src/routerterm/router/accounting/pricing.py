"""What an attempt cost, by the catalogue: the router's `Pricer`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from routerterm.catalog.pricing import cost
from routerterm.catalog.values import ModelInfo
from routerterm.core.money import Cost
from routerterm.core.usage import Usage


class CatalogPricer(Struct, frozen=True):
    """Exact prices with their tiers, cache rates and cheap hours.  ``now`` gives the moment, with a time zone."""

    now: Callable[[], datetime]

    def cost(self, usage: Usage, model: ModelInfo) -> Cost:
        """See `routerterm.catalog.pricing.cost`."""
        return cost(usage, model, self.now() if model.off_peak else None)
