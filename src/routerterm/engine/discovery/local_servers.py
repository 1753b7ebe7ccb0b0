"""Model servers that run on this machine already: asked for their models on their usual ports, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.hosts import is_loopback
from routerterm.engine.discovery.price_lists import refresh

if TYPE_CHECKING:
    from routerterm.catalog.rows import Listing
    from routerterm.catalog.values import ProviderInfo
    from routerterm.core.ports import ApiKey
    from routerterm.router.transports.base import Transport

USUAL = ("ollama", "lmstudio", "llamacpp")
"""Those that people run at home."""
PATIENCE = 1.5
"""Seconds for a server on this very machine."""


class LocalServer(Struct, frozen=True):
    """A server that answered."""

    provider: str
    title: str
    listing: Listing
    """What it says of its models."""

    @property
    def models(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.listing.models)


class _NoKeys:
    async def keys(self, provider: str) -> Sequence[ApiKey]:
        return ()


async def local_servers(
    providers: Sequence[ProviderInfo], transport: Callable[[str], Transport], date: str
) -> list[LocalServer]:
    """The servers among ``providers`` that answer here and have a model; ``date`` is today's."""
    here = [info for info in providers if info.name in USUAL and _is_here(info.base_url)]
    found = await asyncio.gather(*(_ask(info, transport, date) for info in here))
    return [neighbour for neighbour in found if neighbour is not None]


async def _ask(info: ProviderInfo, transport: Callable[[str], Transport], date: str) -> LocalServer | None:
    try:
        async with asyncio.timeout(PATIENCE):
            if not await _listens(info.base_url):
                return None
        async with (
            asyncio.timeout(PATIENCE),
            aclosing(refresh([replace(info, needs_key=False)], _NoKeys(), transport, date)) as answers,
        ):
            async for answer in answers:
                if answer.listing is not None and answer.listing.models:
                    return LocalServer(info.name, info.title, answer.listing)
    except TimeoutError:
        return None
    return None


async def _listens(url: str) -> bool:
    """Whether anybody takes connections there.  Mostly nobody does: then no HTTP client is loaded, nine megabytes."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, ValueError):  # a port that is none is a server that is not here
        return False
    writer.close()
    return True


def _is_here(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")
