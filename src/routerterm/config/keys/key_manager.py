"""`KeyManager`: adds, changes, moves and removes keys, and opens and closes the places they live in.

A secret is written before the list names it, and leaves the list before it is removed: a program that is
killed in between leaves nothing that is named and not there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from routerterm.config.keys.encrypted_vault import EncryptedVault
from routerterm.config.keys.index import Records
from routerterm.config.keys.key_store import KeyStore
from routerterm.config.keys.rows import free_label
from routerterm.config.keys.timeouts import run_with_timeout
from routerterm.config.keys.values import KeyLocation, KeyRecord, PlaceStatus
from routerterm.core.errors import VaultError
from routerterm.core.redact import secret_redactor
from routerterm.core.sanitise import one_line
from routerterm.core.secret import Secret, mask

WRITE_LIMIT = 30.0
UNLOCK_LIMIT = 60.0


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


class KeyManager:
    """Changes what a `KeyStore` gives."""

    def __init__(self, key_store: KeyStore, now: Callable[[], int] = _milliseconds) -> None:
        self.key_store = key_store
        self._now = now

    async def place_for_new_keys(self) -> PlaceStatus:
        """Where a new key goes: an existing keyring, else our vault, in the order of the settings."""
        statuses = [status for status in await self.key_store.places() if status.writable]
        for status in statuses:
            if status.state != "new" or status.place is KeyLocation.VAULT:
                return status
        if statuses:
            return statuses[0]
        raise VaultError("The settings allow no place to store keys in.", 'Put "vault" into `order` of [keys].')

    async def add(
        self,
        provider: str,
        secret: Secret,
        *,
        label: str = "",
        place: KeyLocation | None = None,
        replace_old: bool = False,
        quota: int | None = None,
        rpm: int | None = None,
        tpm: int | None = None,
        notes: str = "",
    ) -> KeyRecord:
        """Store a key; the record says where.  Raises `VaultLocked` where the place wants its passphrase first."""
        secret_redactor.learn(secret.reveal())
        rows = await self.key_store.rows(provider)
        label = label.strip() or free_label("default", (row.label for row in rows))
        _must_be_a_label(label)
        # A label that only the settings name is not taken: it waits for exactly this key.
        indexed = {record.name for record in await self.key_store.records()}
        old = next((row for row in rows if row.label == label and (row.name in indexed or not row.stored)), None)
        if old is not None and not (replace_old and old.stored):
            raise VaultError(
                f"{provider} already has a key {label}.", "Choose another label, or remove that one first."
            )
        for row in rows:
            if row.stored and row.label != label and await self._is(row, secret):
                raise VaultError(f"That key is stored already, as {row.label}.", "Nothing was changed.")
        place = place or (await self.place_for_new_keys()).place
        record = KeyRecord(
            provider, label, place,
            masked=mask(secret.reveal()), quota=quota, rpm=rpm, tpm=tpm, notes=_plain(notes),
            added_at=self._now(),
        )  # fmt: skip
        await self._write(record, secret)
        await self._list(lambda records: _with(records, record))
        if old is not None and old.stored and old.place is not place:
            await self._erase(old)
        return record

    async def adopt(self, row: KeyRecord, *, label: str = "", place: KeyLocation | None = None) -> KeyRecord:
        """Store the key of a variable or a command; what it was found in stays as it is."""
        secret = await self.key_store.secret(row)
        return await self.add(
            row.provider, secret, label=label, place=place, quota=row.quota, rpm=row.rpm, tpm=row.tpm, notes=row.notes
        )

    async def remove(self, row: KeyRecord) -> None:
        """Forget a stored key for good."""
        if not row.stored:
            raise VaultError(
                f"The key {row.label} comes from {row.place.value} and cannot be removed here.", "Disable it instead."
            )
        await self._list(lambda records: [other for other in records if other.name != row.name])
        await self._erase(row)

    async def change(self, row: KeyRecord, **fields: Any) -> KeyRecord:
        """Set ``enabled``, ``notes``, ``quota``, ``rpm`` or ``tpm``."""
        if "notes" in fields:
            fields["notes"] = _plain(fields["notes"])
        changed = replace(row, **fields)
        await self._list(lambda records: _with(records, changed))
        return changed

    async def move(self, row: KeyRecord, place: KeyLocation) -> KeyRecord:
        """Let a stored key live elsewhere; it is read back there before it leaves its old place."""
        if not row.stored:
            return await self.adopt(row, place=place)
        if row.place is place:
            return row
        secret = await self.key_store.secret(row)
        moved = replace(row, place=place)
        await self._write(moved, secret)
        if not await self._is(moved, secret):
            raise VaultError(f"{place.value} did not keep the key.", f"It is still in {row.place.value}.")
        await self._list(lambda records: _with(records, moved))
        await self._erase(row)
        return moved

    async def shift(self, row: KeyRecord, by: int) -> None:
        """Move a stored key up (negative) or down among its provider's."""

        def shifted(records: Records) -> Sequence[KeyRecord]:
            own = [record for record in records if record.provider == row.provider and record.stored]
            at = next((i for i, record in enumerate(own) if record.label == row.label), None)
            if at is None:
                return records
            own.insert(max(0, min(len(own) - 1, at + by)), own.pop(at))
            queue = iter(own)
            return [next(queue) if record.provider == row.provider and record.stored else record for record in records]

        await self._list(shifted)

    async def unlock(self, place: KeyLocation, passphrase: str) -> None:
        """Open a place, or make it where it is new.  Raises `WrongPassphrase`."""
        self.key_store.notice_locking()
        vault = self.key_store.vaults[place]
        await run_with_timeout(place.value, lambda: vault.unlock(passphrase), UNLOCK_LIMIT)
        self.key_store.forget(place)

    async def lock(self, place: KeyLocation = KeyLocation.VAULT) -> None:
        """Close a place and drop what it gave, here and in every program of the same person that is running."""
        vault = self.key_store.vaults[place]
        self.key_store.forget(place)
        try:
            await run_with_timeout(place.value, vault.lock, WRITE_LIMIT)
        finally:
            await run_with_timeout("The list of keys", self.key_store.tell_of_locking, WRITE_LIMIT)

    async def change_passphrase(self, old: str, new: str) -> None:
        """Of our own vault.  Raises `WrongPassphrase`."""
        vault = self.key_store.vaults[KeyLocation.VAULT]
        assert isinstance(vault, EncryptedVault)
        await run_with_timeout(KeyLocation.VAULT.value, lambda: vault.change_passphrase(old, new), UNLOCK_LIMIT)

    async def _is(self, row: KeyRecord, secret: Secret) -> bool:
        """Whether a row's key is this one; a place that cannot be read now is no obstacle."""
        if row.masked not in ("****", mask(secret.reveal())):
            return False
        try:
            return await self.key_store.secret(row) == secret
        except VaultError:
            return False

    async def _write(self, record: KeyRecord, secret: Secret) -> None:
        vault = self.key_store.vaults[record.place]
        await run_with_timeout(record.place.value, lambda: vault.set(record.address, secret), WRITE_LIMIT)
        self.key_store.forget(record.place)

    async def _erase(self, row: KeyRecord) -> None:
        vault = self.key_store.vaults[row.place]
        await run_with_timeout(row.place.value, lambda: vault.delete(row.address), WRITE_LIMIT)
        self.key_store.forget(row.place)

    async def _list(self, change: Callable[[Records], Sequence[KeyRecord]]) -> None:
        await run_with_timeout("The list of keys", lambda: self.key_store.index.change(change), WRITE_LIMIT)
        self.key_store.forget()


def _with(records: Records, record: KeyRecord) -> Sequence[KeyRecord]:
    """The list with this record in the place of its old self, or at the end."""
    if any(other.name == record.name for other in records):
        return [record if other.name == record.name else other for other in records]
    return [*records, record]


def _plain(notes: str) -> str:
    """One line of text without a key in it."""
    return secret_redactor(one_line(notes))[:500]


def _must_be_a_label(label: str) -> None:
    if (
        not label.isprintable()
        or "/" in label
        or len(label) > 60
        or secret_redactor.knows(label)
        or secret_redactor(label) != label
    ):
        raise VaultError("That is not a valid label for a key.", "Use a short word such as work or private.")
