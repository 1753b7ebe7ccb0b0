"""Virtual keys: what each tool of the person may do, and how such a key is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct

from routerterm.core.ledger import Cap
from routerterm.core.money import to_nano


class Allowance(Struct, frozen=True):
    """What one tool may do; None is no limit."""

    rpm: int | None = None
    """Requests a minute."""
    tpm: int | None = None
    """Tokens a minute, of prompts and answers."""
    at_once: int | None = None
    """Requests at the same time."""
    daily: Decimal | None = None
    """US dollars a day."""
    monthly: Decimal | None = None
    models: tuple[str, ...] = ()
    """Routes and models that it may ask for; ``*`` stands for anything.  None named: all."""
    max_output: int | None = None
    """Tokens of an answer."""
    cache: bool = False
    """Whether its requests may be answered from memory."""
    balance: Decimal | None = None
    """US dollars in all, from the day it was made."""
    tools: tuple[str, ...] = ()
    """Globs of the hosted tools that it may use: a provider's own, and those of MCP servers that run here."""
    suspended: bool = False
    """Whether it is refused until the person lets it in again."""

    hidden: bool = False
    """Whether it is not told which provider and model answered."""

    def allows(self, model: str) -> bool:
        """Whether a model may be asked for by this name."""
        return not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)


class Client(Struct, frozen=True):
    """The one who asks."""

    name: str
    """As in the ledger's column ``client``."""
    allowance: Allowance = Allowance()
    since: int = 0
    """When its key was made, in milliseconds since the epoch: its balance counts from there."""
    is_owner: bool = False
    """May see what all have used."""

    def caps(self, day: int, month: int) -> tuple[Cap, ...]:
        """What its spending is held against; the beginnings of day and month are milliseconds since the epoch."""
        own = self.allowance
        caps = []
        if own.daily is not None:
            caps.append(Cap("client", "usd", to_nano(own.daily), day, self.name))
        if own.monthly is not None:
            caps.append(Cap("client", "usd", to_nano(own.monthly), month, self.name))
        if own.balance is not None:
            caps.append(Cap("client", "usd", to_nano(own.balance), self.since, self.name))
        return tuple(caps)


OWNER = Client("gateway", is_owner=True)
"""The person: with the gateway's own token, or on a gateway that wants none."""
STRANGER = Client("")
"""Somebody without a key, where none is asked for."""


class VirtualKey(Struct, frozen=True):
    """A key as it is kept: never the key itself."""

    name: str
    digest: str
    """SHA-256 of the key, as hexadecimal digits."""
    hint: str
    """Its last letters, by which a person tells it from others."""
    created_at: int
    """Milliseconds since the epoch, UTC."""
    allowance: Allowance = Allowance()

    def client(self) -> Client:
        """The one who asks with it."""
        return Client(f"gateway:{self.name}", self.allowance, self.created_at)


def new_token(random_bytes: Callable[[int], str]) -> str:
    """A fresh key; ``random_bytes`` gives so many of them in letters that fit a header."""
    return "rt-" + random_bytes(32)


def of_row(row: Mapping[str, Any]) -> VirtualKey:
    """A key from the store's row."""
    own = row["allowance"]
    return VirtualKey(
        row["name"],
        row["digest"],
        row["hint"],
        row["created_at"],
        Allowance(
            rpm=own.get("rpm"),
            tpm=own.get("tpm"),
            at_once=own.get("at_once"),
            daily=_usd(own.get("daily")),
            monthly=_usd(own.get("monthly")),
            models=tuple(own.get("models", ())),
            max_output=own.get("max_output"),
            cache=bool(own.get("cache")),
            balance=_usd(own.get("balance")),
            tools=tuple(own.get("tools", ())),
            suspended=bool(own.get("suspended")),
            hidden=bool(own.get("hidden")),
        ),
    )


def to_row(key: VirtualKey) -> dict[str, Any]:
    """A key as the store keeps it."""
    own = key.allowance
    said = {
        "rpm": own.rpm,
        "tpm": own.tpm,
        "at_once": own.at_once,
        "daily": None if own.daily is None else str(own.daily),
        "monthly": None if own.monthly is None else str(own.monthly),
        "balance": None if own.balance is None else str(own.balance),
        "models": list(own.models) or None,
        "tools": list(own.tools) or None,
        "max_output": own.max_output,
        "cache": own.cache or None,
        "suspended": own.suspended or None,
        "hidden": own.hidden or None,
    }
    allowance = {name: value for name, value in said.items() if value is not None}
    return {
        "name": key.name,
        "digest": key.digest,
        "hint": key.hint,
        "created_at": key.created_at,
        "allowance": allowance,
    }


def _usd(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
