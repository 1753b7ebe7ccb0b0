"""What the shell offers after TAB: models, routes and conversations, as they are at that moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_MOST = 200


def models(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Routes and aliases, then providers; the models of a provider once its name and a slash are there."""
    from click.shell_completion import CompletionItem

    from routerterm.catalog import Catalog
    from routerterm.config.paths import Paths
    from routerterm.config.settings import load_settings
    from routerterm.core.errors import RoutertermError
    from routerterm.router.options import BUILTIN_ROUTES
    from routerterm.wiring.settings_mapping import catalog_of

    try:
        settings = load_settings(Paths.find())
        catalog = catalog_of(settings, Catalog.builtin())
    except RoutertermError:
        return []
    provider, slash, _ = incomplete.partition("/")
    if slash:
        names = [str(model.target) for model in catalog.models(provider)]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)][:_MOST]
    routes = [CompletionItem(name, help="route") for name in dict.fromkeys([*settings.routes, *BUILTIN_ROUTES])]
    aliases = [CompletionItem(name, help=f"means {meant}") for name, meant in settings.aliases.items()]
    providers = [CompletionItem(f"{each.name}/", help=each.title) for each in catalog.providers()]
    return [item for item in (*routes, *aliases, *providers) if str(item.value).startswith(incomplete)]


def conversations(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """The newest conversations, by id and title."""
    from click.shell_completion import CompletionItem

    from routerterm.config.paths import Paths
    from routerterm.core.errors import RoutertermError
    from routerterm.core.sanitise import one_line

    path = Paths.find().database
    if not path.exists():
        return []
    try:
        found = asyncio.run(_newest(path))
    except RoutertermError:
        return []
    items = [CompletionItem("last", help="the latest conversation")]
    items += [CompletionItem(id, help=one_line(title)[:60]) for id, title in found]
    return [item for item in items if str(item.value).startswith(incomplete)]


async def _newest(path: object) -> list[tuple[str, str]]:
    from pathlib import Path

    from routerterm.store.database import Store

    assert isinstance(path, Path)
    store = Store.open(path)
    try:
        return [(each.id, each.title or "") for each in await store.conversations.page(30)]
    finally:
        await store.close()
