"""The tools of one person, put together; imported when a tool is first wanted, never at the start."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from routerterm.catalog import Catalog
from routerterm.config.keys.key_store import KeyStore
from routerterm.config.paths import Paths
from routerterm.config.schema import Settings
from routerterm.config.settings import load_settings
from routerterm.engine.tools.toolbox import Toolbox
from routerterm.wiring.keys import keyring_of
from routerterm.wiring.settings_mapping import catalog_of


def toolbox_of(settings: Settings, keys: KeyStore, paths: Paths, environ: Mapping[str, str] | None = None) -> Toolbox:
    """The tools by these settings.  routerterm's own folders, with keys and history, are never read by a tool."""
    forbidden = (paths.data, paths.state, paths.config_file.parent)
    return Toolbox(settings, keys, paths.data, forbidden=forbidden, environ=environ)


async def open_toolbox(paths: Paths | None = None, environ: Mapping[str, str] | None = None) -> Toolbox:
    """The tools alone, without history and router.  Raises `SettingsError`."""
    paths = paths or Paths.find(environ)
    settings = await asyncio.to_thread(load_settings, paths, environ)
    catalog = await asyncio.to_thread(lambda: catalog_of(settings, Catalog.builtin()))
    paths.make()
    return toolbox_of(settings, keyring_of(settings, catalog, paths, environ), paths, environ)
