"""The gateway inside the chat: open while the settings say so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError

if TYPE_CHECKING:
    from routerterm.engine.gateway_port import Host, HostMaker
    from routerterm.wiring import Services

GRACE = 3.0
"""Seconds that other programs' answers get to finish when the chat is left or the switch is turned off."""


class GatewayController:
    """Opens and closes the gateway as the settings change."""

    def __init__(self, make: HostMaker | None = None) -> None:
        self._make = make
        self._lock = asyncio.Lock()
        self._like: object = None
        self.host: Host | None = None
        """The gateway, while it is open."""

    async def follow(self, services: Services) -> None:
        """Be as the settings say now.  Raises `RoutertermError` where it cannot be opened."""
        async with self._lock:
            own = services.settings.gateway
            if self.host is not None and (not own.enabled or own != self._like):
                await self._close()
            if self.host is None and own.enabled:
                if self._make is None:
                    raise RoutertermError("The gateway cannot run inside this program.")
                host = self._make(services)
                await host.start()
                self.host, self._like = host, own

    async def close(self) -> None:
        """Close it, if it is open."""
        async with self._lock:
            await self._close()

    async def _close(self) -> None:
        host, self.host = self.host, None
        if host is not None:
            await host.stop(GRACE)
