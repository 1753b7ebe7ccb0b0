"""What may be said of a message before it is sent: what the models behind a name can do, and what they would cost."""

from __future__ import annotations

from routerterm.engine.abilities import AbilityBook
from routerterm.router.resolve import Names
from routerterm.wiring.services import Services


async def abilities(services: Services) -> AbilityBook:
    """What the models of a name can do, by the keys of the moment."""
    rows = await services.keys.all_rows()
    with_key = frozenset(row.provider for row in rows if row.enabled)
    names = Names(services.options, services.catalog.provider, services.catalog.providers)
    return AbilityBook(names, services.catalog.model, with_key)
