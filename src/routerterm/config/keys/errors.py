"""What can go wrong with a place where keys live.

VaultError
├── VaultAbsent          the place is not on this machine
├── VaultLocked          it is there, and wants its passphrase
├── WrongPassphrase      that was not it
├── VaultDamaged         what lies there is not what was written
└── VaultSlow            it did not answer in time
"""

from __future__ import annotations

from routerterm.config.keys.values import KeyLocation
from routerterm.core.errors import VaultError


class VaultAbsent(VaultError):
    """The place is not on this machine."""


class VaultLocked(VaultError):
    """The place is there, and wants its passphrase."""

    def __init__(self, message: str, hint: str = "", *, place: KeyLocation) -> None:
        super().__init__(message, hint)
        self.place = place


class WrongPassphrase(VaultError):
    """The passphrase does not open it."""


class VaultDamaged(VaultError):
    """What lies there is not what was written."""


class VaultSlow(VaultError):
    """It did not answer in time."""
