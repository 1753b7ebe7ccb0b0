"""The seam between deciding and the network: one HTTP exchange, whoever carries it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct, field

from routerterm.core.errors import InvalidResponse, ProviderError
from routerterm.protocols.base import HttpRequest


class Timeouts(Struct, frozen=True):
    """Seconds for the phases that only a transport can tell apart; reading is timed by who reads."""

    connect: float = 10.0
    write: float = 60.0


class HttpResponse(Struct, frozen=True):
    """Status and headers (names in lower case) have come; the body's bytes come while they are asked for."""

    status: int
    body: AsyncIterator[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport(Protocol):
    """Carries requests.  Leaving the context closes the connection at once if the body was not read to its end."""

    def exchange(self, request: HttpRequest, waits: Timeouts) -> AbstractAsyncContextManager[HttpResponse]:
        """Send and give the answer.  Raises `ProviderError`, also while the body is read: never the library's own."""
        ...

    async def aclose(self) -> None:
        """Close what is kept open."""
        ...


async def read_body(answer: HttpResponse, limit: int, whose: str) -> bytes:
    """The whole body.  Raises `InvalidResponse` where it is more than ``limit`` bytes, and says ``whose`` it is.

    Of a refusal as much as can be read is enough: its status and headers say what matters.
    """
    body = bytearray()
    refused = answer.status >= 300
    try:
        async for data in answer.body:
            body += data
            if len(body) > limit:
                break
    except ProviderError:
        if not refused:
            raise
    if len(body) > limit and not refused:
        raise InvalidResponse(f"The answer of {whose} is too long: more than {limit / 1_000_000:,.1f} MB.")
    return bytes(body[:limit])
