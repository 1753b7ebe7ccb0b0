"""Data in, lookups out: providers, models, what they can do, what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.core.lazily import lazily

if TYPE_CHECKING:
    from routerterm.catalog.catalog import Catalog as Catalog
    from routerterm.catalog.overlay import ModelOverride as ModelOverride
    from routerterm.catalog.values import ModelInfo as ModelInfo
    from routerterm.catalog.values import Prices as Prices
    from routerterm.catalog.values import ProviderInfo as ProviderInfo

__getattr__ = lazily(
    __name__,
    {
        "Catalog": "routerterm.catalog.catalog",
        "ModelOverride": "routerterm.catalog.overlay",
        "ModelInfo": "routerterm.catalog.values",
        "Prices": "routerterm.catalog.values",
        "ProviderInfo": "routerterm.catalog.values",
    },
)
