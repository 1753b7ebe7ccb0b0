"""Our vault as a backend of the `keyring` library, so that the ordinary tools find what lies in it.

    keyring -b routerterm.config.keys.backend.VaultKeyring get routerterm openai/default

It never asks for the passphrase: open the vault with ``routerterm keys unlock`` first.  routerterm itself
goes to `EncryptedVault` directly, which spares it the import of keyring.
"""

from __future__ import annotations

from keyring.backend import KeyringBackend
from keyring.errors import InitError, KeyringLocked, PasswordDeleteError, PasswordSetError

from routerterm.config.keys.encrypted_vault import EncryptedVault
from routerterm.config.keys.errors import VaultLocked
from routerterm.config.keys.kernel_keyring import KernelKeyring
from routerterm.config.keys.key_store import VAULT_FILE
from routerterm.config.keys.values import SERVICE
from routerterm.config.paths import Paths
from routerterm.core.errors import VaultError
from routerterm.core.secret import Secret

UNLOCKED = 1800
"""Seconds that the vault stays open after a use from outside."""


class VaultKeyring(KeyringBackend):
    """Entries of the service ``routerterm``; a user name is ``provider/label``."""

    priority = 0.5
    """Below what keyring would choose by itself."""

    def __init__(self, vault: EncryptedVault | None = None) -> None:
        # The base class would let KEYRING_PROPERTY_… variables set any attribute: ours has none to set.
        self._vault = vault or EncryptedVault(Paths.find().data / VAULT_FILE, KernelKeyring(UNLOCKED))

    def get_password(self, service: str, username: str) -> str | None:
        """The key; None where there is none.  Raises keyring's `KeyringLocked` and `InitError`."""
        if service != SERVICE:
            return None
        try:
            secret = self._vault.get(username)
        except VaultLocked as error:
            raise KeyringLocked(f"{error.message} {error.hint}") from error
        except VaultError as error:
            raise InitError(error.message) from error
        return None if secret is None else secret.reveal()

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store a key.  Raises keyring's `KeyringLocked` and `PasswordSetError`."""
        if service != SERVICE:
            raise PasswordSetError(f"This vault keeps keys of the service {SERVICE} only.")
        try:
            self._vault.set(username, Secret(password))
        except VaultLocked as error:
            raise KeyringLocked(f"{error.message} {error.hint}") from error
        except VaultError as error:
            raise PasswordSetError(error.message) from error

    def delete_password(self, service: str, username: str) -> None:
        """Remove a key.  Raises keyring's `KeyringLocked` and `PasswordDeleteError`."""
        if self.get_password(service, username) is None:
            raise PasswordDeleteError("There is no such key.")
        try:
            self._vault.delete(username)
        except VaultError as error:
            raise PasswordDeleteError(error.message) from error
