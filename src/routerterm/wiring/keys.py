"""Puts keyring, router memory, transport and catalogue together for what a person does with keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from routerterm.catalog import Catalog
from routerterm.config.keys.key_store import KeyStore
from routerterm.config.keys.values import Probe
from routerterm.config.paths import Paths
from routerterm.config.schema import Settings
from routerterm.router.transports.base import Transport
from routerterm.wiring.settings_mapping import catalog_of, options_of, shared_of

if TYPE_CHECKING:
    from routerterm.engine.keys.service import KeyService


def key_store_of(
    settings: Settings, catalog: Catalog, paths: Paths, environ: Mapping[str, str] | None = None
) -> KeyStore:
    """The person's keys; nothing is opened or asked yet."""
    return KeyStore(
        paths.data,
        {info.name: info for info in catalog.providers(disabled=True)},
        references={name: own.keys for name, own in settings.providers.items() if own.keys},
        order=settings.keys.order,
        unlocked=settings.keys.unlocked * 60,
        environ=environ,
    )


class ProbeTransports:
    """The transports that tests of keys go over, by provider; opened when first needed."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        from routerterm.engine.keys.probe import prober

        self._proxies = options_of(settings).proxies
        self._transports: dict[str | None, Transport] = {}
        self.probe: Probe = prober(catalog.provider, self.transport)

    def transport(self, provider: str) -> Transport:
        """The transport to a provider, by the person's proxies."""
        from routerterm.router.transports.http import HttpTransport

        proxy = self._proxies.get(provider, self._proxies.get("*"))
        if proxy not in self._transports:
            self._transports[proxy] = HttpTransport(proxy)
        return self._transports[proxy]

    async def aclose(self) -> None:
        """Close what was opened."""
        while self._transports:
            await self._transports.popitem()[1].aclose()


@asynccontextmanager
async def open_key_service(paths: Paths, environ: Mapping[str, str] | None = None) -> AsyncIterator[KeyService]:
    """For a command that does one thing and ends.  The history is opened only if the router's memory is asked."""
    from routerterm.config.settings import load_settings
    from routerterm.engine.keys.service import KeyService
    from routerterm.store.database import Store

    settings = load_settings(paths, environ)
    catalog = catalog_of(settings, Catalog.builtin())
    store = Store.open(paths.database, shared=shared_of(settings, environ))
    line = ProbeTransports(settings, catalog)
    try:
        keys = key_store_of(settings, catalog, paths, environ)
        yield KeyService(keys, store.memory, line.probe, last_used=store.ledger.last_used)
    finally:
        await line.aclose()
        await store.close()
