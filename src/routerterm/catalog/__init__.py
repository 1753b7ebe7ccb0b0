"""Data in, lookups out: providers, models, what they can do, what they cost."""

from routerterm.catalog.catalog import Catalog
from routerterm.catalog.overlay import ModelOverride
from routerterm.catalog.values import ModelInfo, Prices, ProviderInfo

__all__ = ["Catalog", "ModelInfo", "ModelOverride", "Prices", "ProviderInfo"]
