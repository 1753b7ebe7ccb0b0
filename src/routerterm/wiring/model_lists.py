"""Which models can answer here, and the lists of them that providers of one's own are asked for at first use."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from routerterm.catalog.overlay import listing_of
from routerterm.config.local_model import SMOLLM2
from routerterm.config.local_model import status as local_status
from routerterm.config.model_list_cache import keep
from routerterm.core.errors import NoCandidate, RoutertermError
from routerterm.core.nearest import nearest
from routerterm.core.targets import Target
from routerterm.router.options import BUILTIN_ROUTES
from routerterm.router.transports.demo import MODELS as DEMO_MODELS

if TYPE_CHECKING:
    from routerterm.catalog.rows import Listing
    from routerterm.catalog.values import ModelInfo, ProviderInfo
    from routerterm.wiring.services import Services

PATIENCE = 6.0
"""Seconds for a provider's list: somebody may be waiting for the first answer."""
RECENT = 50
"""Models that answered last, which are known for that."""
NEAREST = 3
"""Names that are offered for one that is not known."""


def unlisted(services: Services, tried: Iterable[str] = ()) -> tuple[ProviderInfo, ...]:
    """Providers that can be asked and of which no model is known: those of the person's own, at first."""
    tried = frozenset(tried)
    return tuple(
        info
        for info in services.catalog.providers()
        if info.name in services.settings.providers
        and info.base_url
        and info.name not in tried
        and (info.name in services.with_key or not info.needs_key)
        and not services.catalog.is_listed(info.name)
    )


async def fetch_lists(services: Services, providers: Sequence[ProviderInfo]) -> bool:
    """Ask these providers for their lists and keep what they give; whether any gave one.  What fails stays unknown."""
    today = datetime.now(UTC).date().isoformat()

    async def ask(info: ProviderInfo) -> tuple[str, Listing] | None:
        try:
            async with asyncio.timeout(PATIENCE):
                listed = await services.router.listed(info.name)
        except (RoutertermError, TimeoutError):
            return None
        return (info.name, listing_of(listed, today, info.base_url)) if listed else None

    found = dict(filter(None, await asyncio.gather(*map(ask, providers))))
    if found:
        await asyncio.to_thread(_keep, services, found)
    return bool(found)


def _keep(services: Services, found: dict[str, Listing]) -> None:
    try:
        keep(services.paths, found)
    except OSError:
        return  # they are asked again next time


def answerable(services: Services, recent: Iterable[str] = ()) -> tuple[ModelInfo, ...]:
    """Every model that is known to answer: listed ones, defaults, the demonstration, the one on this machine.

    ``recent`` are names that have answered: a local server's models stand in no list of ours.
    """
    catalog = services.catalog
    targets = _targets(services, catalog.providers())
    enabled = {info.name for info in catalog.providers()}
    for name in recent:
        provider, slash, model = name.partition("/")
        if slash and model and provider in enabled:
            targets.append(Target(provider, model))
    found = (catalog.model(target) for target in dict.fromkeys(targets))
    return tuple(info for info in found if info is not None)


def count_ready(services: Services) -> int:
    """How many models can be asked now, without a key or with one that is here; only their lists are read."""
    providers = services.catalog.providers()
    ready = [info for info in providers if not info.needs_key or info.name in services.with_key]
    return len(set(_targets(services, ready)))


def _targets(services: Services, providers: Sequence[ProviderInfo]) -> list[Target]:
    """The models of these providers that are known to answer, some of them twice."""
    targets = services.catalog.targets(info.name for info in providers)
    targets += [Target(info.name, info.default_model) for info in providers if info.default_model]
    for info in providers:
        if info.in_process == "demo":
            targets += [Target(info.name, name) for name in DEMO_MODELS]
        elif info.in_process and local_status(services.paths).weights is not None:
            targets.append(Target(info.name, SMOLLM2.model))
    return targets


async def check_name(services: Services, name: str) -> None:
    """Raises `NoCandidate`, with the nearest names, for a model or route that nothing answers to.

    A model that its provider's list does not hold is refused; where no list is known, the provider knows best.
    """
    routes = (*BUILTIN_ROUTES, *services.options.routes, *services.options.aliases)
    if name in routes:
        return
    catalog = services.catalog
    provider, slash, model = name.partition("/")
    info = catalog.provider(provider)
    if info is not None and info.enabled:
        target = Target(provider, model) if slash and model else None
        if target is None and not slash and info.default_model:
            return
        known = model in DEMO_MODELS if info.in_process == "demo" else info.local or not catalog.is_listed(provider)
        if target is not None and (known or catalog.knows(target)):
            return
    recent = await services.store.conversations.recent_models(RECENT)
    if name in recent:
        return
    names = [*routes, *(str(one.target) for one in answerable(services, recent))]
    near = nearest(name, names, NEAREST, 0.5)
    if info is not None and len(near) < NEAREST:
        own = [one for one in names if one.startswith(f"{provider}/")]
        near += [one for one in nearest(name, own, NEAREST, 0.0) if one not in near]
    hint = f"Nearest: {', '.join(near[:NEAREST])}." if near else "F3 lists the models that can answer."
    raise NoCandidate(f"There is no model or route {name}.", hint)
