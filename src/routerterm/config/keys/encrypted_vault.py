"""Our own encrypted vault: one file, one passphrase, for machines without a keyring.

The derived key is kept by the kernel for a while where it can (see `KernelKeyring`), otherwise by this
program alone; the passphrase is kept by nobody.  The entries are read again when another program has
replaced the file.  The format is described in `routerterm.config.keys.vault_format`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Protocol

from routerterm.config.keys.errors import VaultDamaged, VaultLocked, WrongPassphrase
from routerterm.config.keys.files import atomic_write, file_lock, file_signature
from routerterm.config.keys.values import KeyLocation, PlaceStatus
from routerterm.config.keys.vault_format import Cost, Lock, Sealed, derive, parse, seal, unseal
from routerterm.core.errors import VaultError
from routerterm.core.redact import secret_redactor
from routerterm.core.secret import Secret

SHORTEST_PASSPHRASE = 8


class Cache(Protocol):
    """Remembers a derived key beyond this program."""

    def keep(self, name: str, secret: bytes) -> bool:
        """Whether it was taken."""
        ...

    def recall(self, name: str) -> bytes | None:
        """What was kept, if it still is."""
        ...

    def forget(self, name: str) -> None:
        """Keep it no longer."""
        ...


class EncryptedVault:
    """See the module.  Safe for several threads and several programs."""

    place = KeyLocation.VAULT

    def __init__(
        self, path: Path, cache: Cache, *, cost: Cost | None = None, random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self.path = path
        self._cache = cache
        self._cost = cost or Cost()
        self._random_bytes = random_bytes
        self._mutex = RLock()
        self._derived: bytes | None = None
        self._entries: dict[str, str] = {}
        self._seen: tuple[int, int, int] | None = None
        """The stamp of the file that the entries were read from."""

    def status(self) -> PlaceStatus:
        """What it is now; a damaged file counts as locked, and unlocking says what is wrong."""
        title = "Encrypted vault"
        if not self.path.exists():
            return PlaceStatus(
                self.place, title, "new", f"will be created at {self.path}, protected by your passphrase"
            )
        try:
            with self._mutex:
                self._read()
        except VaultLocked:
            return PlaceStatus(self.place, title, "locked", str(self.path))
        except VaultError as error:
            return PlaceStatus(self.place, title, "locked", error.message)
        return PlaceStatus(self.place, title, "ready", str(self.path))

    def get(self, name: str) -> Secret | None:
        """The key under a name; None where there is none."""
        with self._mutex:
            self._read()
            value = self._entries.get(name)
        return None if value is None else Secret(value)

    def names(self) -> tuple[str, ...]:
        """All names that have a key."""
        with self._mutex:
            self._read()
            return tuple(sorted(self._entries))

    def set(self, name: str, secret: Secret) -> None:
        """Store a key, replacing what was under the name."""
        self._change(lambda entries: {**entries, name: secret.reveal()})

    def delete(self, name: str) -> None:
        """Remove a key; nothing happens where there is none."""
        self._change(lambda entries: {other: key for other, key in entries.items() if other != name})

    def unlock(self, passphrase: str) -> None:
        """Open it, or make it where there is none.  Raises `WrongPassphrase` or `VaultDamaged`."""
        with self._mutex:
            if self.path.exists():
                self._open(passphrase)
                return
            with file_lock(self.path):
                if not self.path.exists():
                    self._write_anew({}, passphrase)
                    return
            self._open(passphrase)  # another program made it meanwhile

    def lock(self) -> None:
        """Forget the derived key, here and in the kernel."""
        with self._mutex:
            with suppress(VaultError):  # nothing is there that could have been kept
                self._cache.forget(_cache_name(self._load().lock))
            self._forget()

    def close(self) -> None:
        """Forget the derived key in this program only; the kernel may still know it."""
        with self._mutex:
            self._forget()

    def change_passphrase(self, old: str, new: str) -> None:
        """Seal the same entries under another passphrase.  Raises `WrongPassphrase`; the old one then still holds."""
        with self._mutex, file_lock(self.path):
            sealed = self._load()
            entries = unseal(sealed, derive(old, sealed.lock.salt, sealed.lock.cost))
            self._write_anew(entries, new)
            self._cache.forget(_cache_name(sealed.lock))

    def _open(self, passphrase: str) -> None:
        sealed = self._load()
        derived = derive(passphrase, sealed.lock.salt, sealed.lock.cost)
        self._remember(unseal(sealed, derived), derived)
        self._cache.keep(_cache_name(sealed.lock), derived)

    def _write_anew(self, entries: dict[str, str], passphrase: str) -> None:
        """Write under a fresh lock; the caller holds the file."""
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise WrongPassphrase(
                f"A passphrase needs at least {SHORTEST_PASSPHRASE} characters.",
                "Four random words are safe and easy to remember.",
            )
        salt = self._random_bytes(16)
        derived = derive(passphrase, salt, self._cost)
        lock = Lock(self._cost, salt, derived[32:])
        atomic_write(self.path, seal(entries, derived, lock, self._random_bytes(12)))
        self._remember(entries, derived)
        self._cache.keep(_cache_name(lock), derived)

    def _change(self, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        """Read, change and write as one step among all programs."""
        with self._mutex, file_lock(self.path):
            lock = self._read(again=True)
            assert lock is not None
            entries = change(self._entries)
            assert self._derived is not None
            atomic_write(self.path, seal(entries, self._derived, lock, self._random_bytes(12)))
            self._remember(entries, self._derived)

    def _read(self, *, again: bool = False) -> Lock | None:
        """Bring the entries up to date with the file.  Raises `VaultLocked`, `VaultDamaged`."""
        now = file_signature(self.path)
        if now is not None and now == self._seen and self._derived is not None and not again:
            return None
        sealed = self._load()
        for derived in (self._derived, self._cache.recall(_cache_name(sealed.lock))):
            if derived is not None and sealed.lock.fits(derived):
                self._remember(unseal(sealed, derived), derived, now)
                return sealed.lock
        self._forget()
        raise _locked()

    def _load(self) -> Sealed:
        try:
            return parse(self.path.read_bytes())
        except FileNotFoundError as error:
            raise _locked() from error
        except OSError as error:
            raise VaultDamaged(
                f"{self.path} cannot be read: {error.strerror}.", "Check its owner and permissions."
            ) from error

    def _remember(self, entries: dict[str, str], derived: bytes, seen: tuple[int, int, int] | None = None) -> None:
        self._entries, self._derived = entries, derived
        self._seen = seen or file_signature(self.path)
        for value in entries.values():
            secret_redactor.learn(value)

    def _forget(self) -> None:
        self._entries, self._derived, self._seen = {}, None, None


def _locked() -> VaultLocked:
    return VaultLocked(
        "The encrypted vault is locked.",
        "Unlock it with its passphrase: `routerterm keys unlock`.",
        place=KeyLocation.VAULT,
    )


def _cache_name(lock: Lock) -> str:
    """Named by the salt, so that a changed passphrase leaves nothing behind that still fits."""
    return f"vault:{lock.salt.hex()}"
