"""Budgets and virtual keys as accounts: what is left of each, when it begins again, what it is projected to come to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.ledger import Cap
from routerterm.core.money import from_nano, to_nano, with_unknown
from routerterm.engine.usage.periods import ms
from routerterm.engine.virtual_keys import VirtualKey, of_row
from routerterm.router.decide.budget import (
    Every,
    Gauge,
    amount_words,
    day_start,
    month_start,
    next_month_start,
    scope_words,
)
from routerterm.store.errors import SharedStateAway

if TYPE_CHECKING:
    from routerterm.engine.usage.projection import MonthForecast
    from routerterm.store.gateway_keys import GatewayKeys


class Ledger(Protocol):
    """What is needed of a `routerterm.store.ledger.StoredLedger`."""

    async def used(self, caps: Sequence[Cap]) -> Sequence[int]:
        """What is used of each."""
        ...

    async def unpriced(self, caps: Sequence[Cap]) -> Sequence[bool]:
        """Whether a part of that is not known."""
        ...


class Account(Struct, frozen=True):
    """A limit, how much of it is used, and when it begins again."""

    gauge: Gauge
    resets_at: int | None
    """Milliseconds since the epoch; None is never."""
    key: VirtualKey | None = None
    """The virtual key that it is about."""
    unknown: bool = False
    """Whether something counts of which the price is not known."""
    projected: float = 0.0
    """The share of the limit that it is projected to come to; 0 is not known."""

    @property
    def name(self) -> str:
        """What it is about: ``today``, ``this month``, ``provider openai this month``, ``key editor in all``."""
        when = {"day": "today", "month": "this month", "": "in all"}[self.gauge.every]
        if self.key is not None:
            return f"key {self.key.name} {when}" + (" (suspended)" if self.key.allowance.suspended else "")
        scope = self.gauge.cap.scope
        unit = "" if self.gauge.cap.unit == "usd" else f" {self.gauge.cap.unit}"
        return scope_words(self.gauge.cap) + (unit if scope in ("day", "month") else f" {when}")

    @property
    def left(self) -> str:
        """What is left, for a person."""
        return amount_words(self.gauge.cap, self.gauge.left)

    @property
    def used(self) -> str:
        """``$0.41 of $2.00``, ``$0.41+? of $2.00``."""
        cap, used = self.gauge.cap, self.gauge.used
        words = with_unknown(from_nano(used), self.unknown) if cap.unit == "usd" else amount_words(cap, used)
        return f"{words} of {amount_words(cap, cap.limit)}"


async def accounts(
    gauges: Sequence[Gauge],
    keys: GatewayKeys,
    ledger: Ledger,
    month: MonthForecast | None,
    now: int,
    zone: tzinfo | None,
) -> tuple[Account, ...]:
    """The limits of the settings in their order, then those of virtual keys."""
    found = [_account(gauge, now, zone, month) for gauge in gauges]
    try:
        rows = await keys.all()
    except SharedStateAway:  # the rest can be shown
        rows = ()
    of_keys = [(key, cap, every) for key in map(of_row, rows) for cap, every in key_caps(key, now, zone)]
    amounts = await ledger.used([cap for _, cap, _ in of_keys]) if of_keys else ()
    for (key, cap, every), amount in zip(of_keys, amounts, strict=True):
        found.append(Account(Gauge(cap, amount, None, every), resets(every, now, zone), key))
    unknown = await ledger.unpriced([account.gauge.cap for account in found]) if found else ()
    return tuple(replace(account, unknown=part) for account, part in zip(found, unknown, strict=True))


def key_caps(key: VirtualKey, now: int, zone: tzinfo | None) -> list[tuple[Cap, Every]]:
    """What a key's spending is held against."""
    own, name = key.allowance, key.client().name
    limits: tuple[tuple[Decimal | None, int, Every], ...] = (
        (own.daily, day_start(now, zone), "day"),
        (own.monthly, month_start(now, zone), "month"),
        (own.balance, key.created_at, ""),
    )
    return [
        (Cap("client", "usd", to_nano(limit), since, name), every)
        for limit, since, every in limits
        if limit is not None
    ]


def resets(every: Every, now: int, zone: tzinfo | None) -> int | None:
    """When a limit begins from nothing again."""
    if every == "month":
        return next_month_start(now, zone)
    if every == "day":
        today = datetime.fromtimestamp(day_start(now, zone) / 1000, zone)
        return ms(today + timedelta(days=1))
    return None


def _account(gauge: Gauge, now: int, zone: tzinfo | None, month: MonthForecast | None) -> Account:
    projected = 0.0
    if gauge.cap.scope == "month" and gauge.cap.unit == "usd" and month is not None and month.expected is not None:
        projected = float(month.expected / from_nano(gauge.cap.limit)) if gauge.cap.limit else 0.0
    return Account(gauge, resets(gauge.every, now, zone), projected=projected)


def until_words(milliseconds: int) -> str:
    """``9 days``, ``11 h 44 min``, ``3 min``."""
    minutes = max(1, round(milliseconds / 60_000))
    if minutes >= 2 * 24 * 60:
        return f"{minutes // (24 * 60)} days"
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
