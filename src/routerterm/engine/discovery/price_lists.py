"""Fetches what providers and others say of models and prices now, to be laid over the shipped lists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from routerterm.catalog.litellm_list import listings
from routerterm.catalog.overlay import listing_of
from routerterm.catalog.rows import Listing, parse_listing
from routerterm.core.errors import ProviderError, RoutertermError, VaultError
from routerterm.protocols import codec
from routerterm.protocols.base import HttpRequest
from routerterm.protocols.classify import classify
from routerterm.router.transports.base import Timeouts, Transport, read_body

if TYPE_CHECKING:
    from routerterm.catalog.values import ProviderInfo
    from routerterm.core.ports import KeySource

PATIENCE = 30.0
"""Seconds for one list."""
LARGEST = 32 * 1024 * 1024
"""Bytes of a list."""


class Refreshed(Struct, frozen=True):
    """A provider's own list of models, or why there is none."""

    provider: str
    listing: Listing | None
    problem: str = ""


async def refresh(
    providers: Sequence[ProviderInfo], keys: KeySource, transport: Callable[[str], Transport], date: str
) -> AsyncGenerator[Refreshed]:
    """Ask each provider that has a key (or needs none) for its models; ``date`` is today's."""
    for info in providers:
        try:
            found = await keys.keys(info.name)
        except VaultError as error:
            yield Refreshed(info.name, None, error.message)
            continue
        if info.needs_key and not found:
            continue
        try:
            async with asyncio.timeout(PATIENCE):
                wire = codec(info.protocol, info.dialect)
                asked = wire.models_request(base_url=info.base_url, key=found[0].secret if found else None)
                asked = HttpRequest(asked.method, asked.url, (*asked.headers, *info.headers), asked.body)
                body = await fetch(asked, transport(info.name), info)
                models = wire.decode_models(body)
        except TimeoutError:
            yield Refreshed(info.name, None, f"no answer within {PATIENCE:g} s")
        except ProviderError as error:
            yield Refreshed(info.name, None, error.message)
        else:
            yield Refreshed(info.name, listing_of(models, date, f"{info.title}'s own list"))


async def fetch(request: HttpRequest, transport: Transport, info: ProviderInfo | None = None) -> bytes:
    """The body of a good answer.  Raises `ProviderError`."""
    name = info.name if info else "the list"
    async with transport.exchange(request, Timeouts()) as answer:
        body = await read_body(answer, LARGEST, info.title if info else "The server of the list")
        if answer.status != 200:
            raise classify(answer.status, answer.headers, body, protocol=info.protocol if info else "", provider=name)
        return body


def read_lists(body: bytes, date: str, source: str) -> Mapping[str, Listing]:
    """Lists by provider from a file: litellm's, or one of ours that names its ``provider``.

    Raises `RoutertermError` that says what it should have been.
    """
    try:
        return listings(body, date, source)
    except (ValueError, RecursionError):
        pass
    try:
        import json

        provider = json.loads(body)["provider"]
        found = parse_listing(body)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise RoutertermError(
            f"{source} is not a model list that routerterm can read.",
            "Use litellm's model_prices_and_context_window.json.",
        ) from None
    return {str(provider): Listing(found.date or date, found.sources or (source,), found.models)}


def read_file(path: Path, date: str) -> Mapping[str, Listing]:
    """`read_lists` of a file.  Raises `RoutertermError`."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise RoutertermError(f"{path} cannot be read: {error.strerror or type(error).__name__}.") from None
    return read_lists(body, date, path.name)
