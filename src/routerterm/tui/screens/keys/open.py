"""Opens the screens that are told their data by a model of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.engine.keys.service import KeyService
from routerterm.tui.screens.keys.screen import KeysScreen
from routerterm.wiring.keys import ProbeTransports

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext


async def open_keys(app: AppContext, pasted: str = "", asking: bool = False) -> None:
    """The keys of every provider; what can answer may be another afterwards.

    ``asking`` begins with asking for a new key; ``pasted`` is that key.
    """
    services = app.services
    assert services is not None
    line = ProbeTransports(services.settings, services.catalog)
    key_service = KeyService(
        services.keys, services.store.memory, line.probe, close=line.aclose, last_used=services.store.ledger.last_used
    )

    async def left(_: None) -> None:
        await app.keys_changed()

    app.push_screen(KeysScreen(key_service, app.active_theme, pasted=pasted, asking=asking or bool(pasted)), left)
