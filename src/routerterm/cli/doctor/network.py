"""The line to every provider that has a key, or that runs in this house; no key is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from email.utils import parsedate_to_datetime

from msgspec import Struct

from routerterm.catalog.values import ProviderInfo
from routerterm.cli.doctor import CheckContext, Finding
from routerterm.core.errors import ProviderError
from routerterm.protocols.http import get
from routerterm.router.transports.base import Timeouts, Transport

PATIENCE = 10.0
"""Seconds that a provider may take to say anything at all."""


class Reached(Struct, frozen=True):
    """What came of a knock at a provider's door."""

    provider: ProviderInfo
    trouble: ProviderError | None = None
    seconds: float = 0.0
    ahead: float | None = None
    """How many seconds our clock is ahead of its; None where it does not say."""


async def look(context: CheckContext) -> AsyncGenerator[Finding]:
    """Knock at all doors at once, and tell them in the order of the catalogue."""
    doors = await probe(context)
    for reached in doors:
        yield of_a_door(reached)
    if not doors:
        yield Finding("note", "No provider has a key yet, so none was contacted.")


def of_a_door(reached: Reached) -> Finding:
    """One provider in a sentence."""
    title = reached.provider.title
    if reached.trouble is not None:
        if reached.provider.local:
            return Finding("note", f"{title} does not run here ({reached.provider.base_url}).")
        return Finding("bad", f"{title}: {reached.trouble.message}", reached.trouble.hint)
    return Finding("good", f"{title} answers within {reached.seconds * 1000:.0f} ms.")


async def probe(context: CheckContext) -> list[Reached]:
    """Ask for each provider's front page."""
    from routerterm.catalog import Catalog
    from routerterm.config.settings import load_settings
    from routerterm.wiring.keys import ProbeTransports, key_store_of
    from routerterm.wiring.settings_mapping import catalog_of

    settings = load_settings(context.paths)
    catalog = catalog_of(settings, Catalog.builtin())
    key_store = key_store_of(settings, catalog, context.paths)
    wanted = {row.provider for row in await key_store.all_rows() if row.enabled} | set(settings.providers)
    infos = [info for info in catalog.providers() if info.name in wanted and not info.in_process]
    line = ProbeTransports(settings, catalog)
    try:
        return await asyncio.gather(*(_knock(info, line.transport(info.name)) for info in infos))
    finally:
        await line.aclose()


async def _knock(info: ProviderInfo, transport: Transport) -> Reached:
    """Any answer will do, a refusal too: it came through."""
    began = time.monotonic()
    try:
        async with (
            asyncio.timeout(PATIENCE),
            transport.exchange(get(info.base_url, ()), Timeouts(connect=PATIENCE)) as answer,
        ):
            return Reached(info, None, time.monotonic() - began, _ahead(answer.headers))
    except ProviderError as error:
        return Reached(info, error)
    except TimeoutError:
        return Reached(info, ProviderError(f"no answer within {PATIENCE:g} s.", "Check the network connection."))


def _ahead(headers: Mapping[str, str]) -> float | None:
    try:
        return time.time() - parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None
