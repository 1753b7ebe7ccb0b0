"""Looks providers and models up: shipped rows, under the providers' own listings, under the person's settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from routerterm.catalog.overlay import ModelOverride, merged_row, overridden
from routerterm.catalog.rows import EMPTY, Listing, builtin_listing, model_info
from routerterm.catalog.values import FREE_PRICES, ModelInfo, ProviderInfo
from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.targets import Target

_VERSION = LazyPattern(r"([-@:](latest|\d{4}-\d{2}-\d{2}|20\d{6}|\d{4}))+$")


class Catalog:
    """What is known of providers and models.  A provider's models are read when the first of them is asked for."""

    def __init__(
        self,
        providers: Iterable[ProviderInfo],
        *,
        overrides: Iterable[ModelOverride] = (),
        fresh: Mapping[str, Listing] | None = None,
        shipped: Callable[[str], Listing] = builtin_listing,
    ) -> None:
        self._providers = {provider.name: provider for provider in providers}
        self._overrides = {override.target: override for override in overrides}
        self._fresh = dict(fresh or {})
        self._shipped = shipped
        self._listings: dict[str, Listing] = {}
        self._models: dict[Target, ModelInfo] = {}

    @classmethod
    def builtin(cls) -> Catalog:
        """The catalogue as it was shipped."""
        from routerterm.catalog.providers import builtin_providers

        return cls(builtin_providers())

    def merged(
        self,
        *,
        providers: Iterable[ProviderInfo] = (),
        models: Iterable[ModelOverride] = (),
        fresh: Mapping[str, Listing] | None = None,
    ) -> Catalog:
        """With the person's providers and models, and with listings that providers gave since."""
        return Catalog(
            (self._providers | {provider.name: provider for provider in providers}).values(),
            overrides=(self._overrides | {model.target: model for model in models}).values(),
            fresh=self._fresh | dict(fresh or {}),
            shipped=self._shipped,
        )

    def provider(self, name: str) -> ProviderInfo | None:
        """The provider of that name, also where it is switched off."""
        return self._providers.get(name)

    def providers(self, *, disabled: bool = False) -> tuple[ProviderInfo, ...]:
        """The providers that may be used, in the order of the data; with ``disabled`` also those switched off."""
        return tuple(info for info in self._providers.values() if info.enabled or disabled)

    def model(self, target: Target) -> ModelInfo | None:
        """What is known of a model; None where even the provider is unknown.

        A model that no list names is an honest blank: no price, no size, `abilities_known` false, except that
        everything at a local provider is free.  A dated or ``-latest`` name is given the plain name's row.
        """
        if target not in self._models:
            provider = self._providers.get(target.provider)
            if provider is None:
                return None
            self._models[target] = self._look_up(target, provider)
        return self._models[target]

    def lists(self, target: Target) -> bool:
        """Whether a list (shipped, fetched, or the settings') names the model, itself or with a date behind it."""
        ids = self._listing(target.provider).models.keys() | self._fresh.get(target.provider, EMPTY).models.keys()
        if target in self._overrides or not ids.isdisjoint((target.model, _VERSION.sub("", target.model))):
            return True
        dated = f"{target.model}-"
        return any(id.startswith(dated) and _VERSION.sub("", id) == target.model for id in ids)

    def models(self, provider: str | None = None) -> tuple[ModelInfo, ...]:
        """All listed models (of one provider), those of the settings included; none of a provider switched off."""
        names = [info.name for info in self.providers() if provider in (None, info.name)]
        return tuple(info for target in self.targets(names) if (info := self.model(target)) is not None)

    def targets(self, providers: Iterable[str]) -> list[Target]:
        """The names of all listed models of these providers: no list of another is read, and no row."""
        found: list[Target] = []
        for name in providers:
            ids = dict.fromkeys([*self._listing(name).models, *self._fresh.get(name, EMPTY).models])
            ids |= dict.fromkeys(target.model for target in self._overrides if target.provider == name)
            found += (Target(name, id) for id in ids)
        return found

    def is_listed(self, provider: str) -> bool:
        """Whether a list of the provider's models is known, shipped or fetched."""
        return bool(self._fresh.get(provider, EMPTY).models) or bool(self._listing(provider).models)

    def knows(self, target: Target) -> bool:
        """Whether a list or the settings name this model, or the one of which it is a dated version."""
        listed = self._fresh.get(target.provider, EMPTY).models.keys() | self._listing(target.provider).models.keys()
        names = (target.model, target.model.lower(), _VERSION.sub("", target.model))
        return target in self._overrides or any(name in listed for name in names)

    def first_listed(self, provider: str) -> str:
        """The first model of the list that the provider itself gave; empty where it gave none."""
        return next(iter(self._fresh.get(provider, EMPTY).models), "")

    def price_date(self, provider: str) -> str | None:
        """The ISO date of the newest price list of a provider."""
        dates = (self._listing(provider).date, self._fresh.get(provider, EMPTY).date)
        return max((date for date in dates if date), default=None)

    def _listing(self, provider: str) -> Listing:
        if provider not in self._listings:
            self._listings[provider] = self._shipped(provider)
        return self._listings[provider]

    def _look_up(self, target: Target, provider: ProviderInfo) -> ModelInfo:
        shipped, fresh = self._listing(target.provider), self._fresh.get(target.provider, EMPTY)
        info = ModelInfo(target.provider, target.model, abilities_known=False)
        for id in (target.model, target.model.lower(), _VERSION.sub("", target.model)):
            new = fresh.models.get(id)
            row = merged_row(shipped.models.get(id), new)
            if row is not None:
                date = fresh.date if new is not None and new.get("prices") else shipped.date
                info = model_info(target.provider, target.model, row, date)
                break
        web = next((web for pattern, web in provider.web if re.search(pattern, target.model)), None)
        info = replace(info, web=web) if web is not None else info
        if provider.cache_seconds:
            marked = bool(provider.cache_marks and re.search(provider.cache_marks, target.model))
            info = replace(
                info,
                cache_seconds=provider.cache_seconds,
                cache_least=provider.cache_least,
                cache_marked=marked,
            )
        if provider.local:
            info = replace(info, local=True, prices=FREE_PRICES, tiers=(), off_peak=None, price_date=None)
        override = self._overrides.get(target)
        return info if override is None else overridden(info, override)
