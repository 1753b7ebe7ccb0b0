"""The seam between deciding and the network: one HTTP exchange, whoever carries it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from routerterm.protocols.base import HttpRequest


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for the phases that only a transport can tell apart; reading is timed by who reads."""

    connect: float = 10.0
    write: float = 60.0


@dataclass(frozen=True, slots=True)
class HttpResponse:
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
