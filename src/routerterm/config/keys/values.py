"""The values of the key rooms: places, their states, and what is known of a key besides itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Literal, TypeAlias

from msgspec import Struct

from routerterm.core.secret import Secret

SERVICE = "routerterm"
"""The service name of our entries in a keyring."""


class KeyLocation(StrEnum):
    """Where a key lives.  The values are the words of the settings."""

    KEYRING = "keyring"
    VAULT = "vault"
    COMMAND = "cmd"
    ENVIRONMENT = "env"


STORES = (KeyLocation.KEYRING, KeyLocation.VAULT)
"""The places that keys can be written to."""
PLACES = (KeyLocation.KEYRING, KeyLocation.VAULT, KeyLocation.COMMAND, KeyLocation.ENVIRONMENT)

LockState: TypeAlias = Literal["ready", "locked", "new", "absent"]
"""``new`` is a place that will be made with the passphrase it is given."""


class PlaceStatus(Struct, frozen=True):
    """What a place is, here and now."""

    place: KeyLocation
    title: str
    state: LockState
    detail: str = ""
    """One sentence: where it is, or why it is not there."""

    @property
    def writable(self) -> bool:
        """Whether a key could be stored there, perhaps after a passphrase."""
        return self.place in STORES and self.state != "absent"


class KeyRecord(Struct, frozen=True):
    """What is known of a key besides itself, as the index keeps it.  ``quota``, ``rpm``, ``tpm`` as in `ApiKey`."""

    provider: str
    label: str
    place: KeyLocation
    where: str = ""
    """A variable's name or a command; empty for what we store, which lies under `name`."""
    masked: str = "****"
    quota: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    notes: str = ""
    enabled: bool = True
    added_at: int | None = None
    """Milliseconds since the epoch."""

    @property
    def name(self) -> str:
        """``provider/label``: its name in a place that stores, and to the router's memory."""
        return f"{self.provider}/{self.label}"

    @property
    def address(self) -> str:
        """What its place is asked for."""
        return self.where or self.name

    @property
    def stored(self) -> bool:
        """Whether we wrote it, and may therefore move and remove it."""
        return self.place in STORES


class ProbeResult(Struct, frozen=True):
    """What a provider said to a key when asked for its list of models."""

    ok: bool
    says: str
    """One sentence for a person."""
    models: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    """What it told of its limits: "500 requests/min, 499 left"."""
    hint: str = ""
    refused: bool = False
    """Whether the provider turned the key itself away, rather than the line being down."""
    proven: bool = True
    """Whether a good answer says anything of the key: some providers answer anyone."""


Probe: TypeAlias = Callable[[str, Secret | None], Awaitable[ProbeResult]]
"""Asks a provider whether a key is good.  Never raises for what the provider answers."""
