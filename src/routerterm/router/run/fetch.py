"""One exchange that asks for no answer of a model: a list of models, or what belongs to a batch."""

from __future__ import annotations

from routerterm.core.errors import ResponseTimeout
from routerterm.protocols.base import HttpRequest
from routerterm.router.options import TimeoutOptions
from routerterm.router.transports.base import Timeouts, Transport, read_body

LISTING_WAIT, CALL_WAIT = 20.0, 120.0
"""Seconds."""
LISTING_MOST = 16 * 1024 * 1024


async def fetched(
    transport: Transport, request: HttpRequest, whose: str, timeouts: TimeoutOptions, most: int, wait: float
) -> bytes:
    """The body, at most so many bytes, within so many seconds.  Raises `ProviderError`."""
    import asyncio

    from routerterm.protocols.classify import classify

    try:
        async with (
            asyncio.timeout(wait),
            transport.exchange(request, Timeouts(timeouts.connect, timeouts.write)) as answer,
        ):
            body = await read_body(answer, most, whose)
    except TimeoutError:
        raise ResponseTimeout(f"{whose} sent no answer within {wait:.0f} s.") from None
    if answer.status >= 300:
        raise classify(answer.status, answer.headers, body, provider=whose)
    return body
