"""What the recorded days would have been like under other settings: rules out of settings, rows out of the ledger."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from routerterm.catalog import Catalog
from routerterm.config.model_list_cache import read_kept
from routerterm.engine.replay.report import Replay, replay
from routerterm.engine.replay.values import Rules
from routerterm.engine.usage.clock import DAY
from routerterm.router.decide.budget import day_start, month_start
from routerterm.router.decide.names import Names
from routerterm.store.database import milliseconds
from routerterm.store.requests import RequestFilter, rows_of_filter
from routerterm.wiring.costs import budget_rules
from routerterm.wiring.default_model import providers_with_key
from routerterm.wiring.settings_mapping import catalog_of, options_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routerterm.config.schema import Settings
    from routerterm.core.ledger import AttemptRecord
    from routerterm.core.targets import Target
    from routerterm.router.decide.yours import Rating
    from routerterm.wiring.services import Services

MOST_ROWS = 200_000
"""Newest attempts that are looked at."""


async def replay_days(
    services: Services, days: int, settings: Settings, *, before: Settings | None = None, route: str | None = None
) -> Replay:
    """The last ``days`` days under other settings; only what was asked of ``route``, if that is named.

    ``before`` are the settings that they were recorded under; None takes the present ones.
    """
    now = milliseconds()
    since = day_start(now, services.zone) - (days - 1) * DAY
    start = min(since, month_start(since, services.zone))
    wanted = RequestFilter(start, now + 1)
    rows = await services.store.reader.read(lambda connection: rows_of_filter(connection, wanted, MOST_ROWS))
    if route is not None:
        rows = tuple(row for row in rows if row.route == route or row.started_at < since)
    with_key = await providers_with_key(services.settings, services.keys)
    rated = await services.costs.ratings.of_kind("")
    return await asyncio.to_thread(
        _replay, services, before or services.settings, settings, rows, with_key, since, rated
    )


def _replay(
    services: Services,
    before: Settings,
    after: Settings,
    rows: Sequence[AttemptRecord],
    with_key: frozenset[str],
    since: int,
    rated: Mapping[Target, Rating],
) -> Replay:
    keys: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if row.key_label is not None and row.key_label not in keys.get(row.provider, ()):
            keys[row.provider] = (*keys.get(row.provider, ()), row.key_label)
    with_key |= keys.keys()
    builtin = Catalog.builtin().merged(fresh=read_kept(services.paths))
    old, new = (_rules(one, builtin, with_key, keys, rated) for one in (before, after))
    return replay(rows, old, new, since)


def _rules(
    settings: Settings,
    builtin: Catalog,
    with_key: frozenset[str],
    keys: Mapping[str, tuple[str, ...]],
    rated: Mapping[Target, Rating],
) -> Rules:
    catalog, options = catalog_of(settings, builtin), options_of(settings)
    names = Names(options, catalog.provider, catalog.providers, catalog.lists)
    return Rules(
        options,
        budget_rules(settings.budget),
        catalog.model,
        provider=catalog.provider,
        names=names,
        with_key=with_key,
        keys=keys,
        ratings=rated,
    )
