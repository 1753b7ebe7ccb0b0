"""What a person wants to see at a glance: what today has cost, and how the providers with a key are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypeAlias

from routerterm.core.ledger import Cap
from routerterm.core.money import from_nano
from routerterm.router.client import wall_clock
from routerterm.router.decide.circuit_breaker import health

if TYPE_CHECKING:
    from routerterm.core.ports import State
    from routerterm.store.ledger import StoredLedger

ProviderStatus: TypeAlias = Literal["on", "half", "off"]
"""Well; some of its models are left alone; all that were asked are."""


async def spent_today(ledger: StoredLedger, zone: tzinfo | None) -> tuple[Decimal, bool]:
    """Dollars since midnight there, what running requests hold back included, and whether a part is unknown."""
    midnight = datetime.now(zone).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    day = Cap("day", "usd", limit=0, since=int(midnight.timestamp() * 1000))
    return from_nano((await ledger.used([day]))[0]), (await ledger.unpriced([day]))[0]


def provider_status(providers: Iterable[str], states: Mapping[str, State]) -> tuple[tuple[str, ProviderStatus], ...]:
    """The providers in order, each with how it is; ``states`` are the router's ``health:provider/model``."""
    now = wall_clock()
    return tuple((provider, _status_of(provider, states, now)) for provider in providers)


def _status_of(provider: str, states: Mapping[str, State], now: float) -> ProviderStatus:
    prefix = f"health:{provider}/"
    readings = [health(state, now) for name, state in states.items() if name.startswith(prefix)]
    closed = [reading.open_for == 0 and reading.avoided_for == 0 and not reading.probing for reading in readings]
    if all(closed):
        return "on"
    return "half" if any(closed) else "off"
