"""`KeyStore`: the keys of every provider, wherever they live, found when they are first needed.

Making one touches nothing: no file, no bus, no library.  What has been found once is kept in memory, so
that asking again costs microseconds; another program's change to the list of keys is noticed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from routerterm.catalog.values import ProviderInfo
from routerterm.config.keys.encrypted_vault import EncryptedVault
from routerterm.config.keys.errors import VaultLocked, VaultSlow
from routerterm.config.keys.files import file_signature
from routerterm.config.keys.index import KeyIndex, Records
from routerterm.config.keys.kernel_keyring import KernelKeyring
from routerterm.config.keys.redact_output import forbid_dumps
from routerterm.config.keys.rows import rows_of
from routerterm.config.keys.system import system_vault
from routerterm.config.keys.timeouts import run_with_timeout
from routerterm.config.keys.values import PLACES, KeyLocation, KeyRecord, PlaceStatus
from routerterm.config.keys.vault import CommandVault, EnvironmentVault, Vault
from routerterm.config.paths import make_private_folder
from routerterm.core.errors import VaultError
from routerterm.core.ports import ApiKey
from routerterm.core.redact import secret_redactor
from routerterm.core.secret import Secret

if TYPE_CHECKING:
    from routerterm.config.schema import KeyRef

VAULT_FILE = "keys.vault"
INDEX_FILE = "keys.json"
LOCKED_FILE = "keys.locked"
"""Touched whenever a place is locked, so that other programs that run forget what they hold."""
PROBE_LIMIT = 4.0
GET_LIMIT = 25.0
TROUBLE_LASTS = 30.0
"""Seconds before a place that failed is asked again."""
LOCKED_LASTS = 0.5
"""The same for our own locked vault: asking it takes a millisecond, and another program may have unlocked it."""


class KeyStore:
    """A `KeySource`.  ``environ`` is copied; ``unlocked`` is seconds that our vault stays open after its last use."""

    def __init__(
        self,
        folder: Path,
        providers: Mapping[str, ProviderInfo],
        *,
        references: Mapping[str, Sequence[KeyRef]] | None = None,
        order: Sequence[str] = PLACES,
        unlocked: int = 1800,
        environ: Mapping[str, str] | None = None,
        vaults: Mapping[KeyLocation, Vault] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.providers = providers
        self.references = dict(references or {})
        self.order = tuple(KeyLocation(place) for place in order)
        self.environ = dict(os.environ if environ is None else environ)
        self.index = KeyIndex(folder / INDEX_FILE)
        self.vaults: dict[KeyLocation, Vault] = {
            KeyLocation.KEYRING: system_vault(),
            KeyLocation.VAULT: EncryptedVault(folder / VAULT_FILE, KernelKeyring(unlocked)),
            KeyLocation.COMMAND: CommandVault(self.environ),
            KeyLocation.ENVIRONMENT: EnvironmentVault(self.environ),
            **(vaults or {}),
        }
        self._locked_file = folder / LOCKED_FILE
        self._locked_stamp = file_signature(self._locked_file)
        self._unlocked = unlocked
        self._clock = clock
        self._used = clock()
        self._stamp: tuple[int, int, int] | None = None
        self._ready: dict[str, tuple[ApiKey, ...]] = {}
        self._secrets: dict[tuple[KeyLocation, str], Secret] = {}
        self._trouble: dict[tuple[KeyLocation, str], tuple[float, VaultError]] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._learn_the_environment()

    async def keys(self, provider: str) -> Sequence[ApiKey]:
        """The provider's enabled keys in order of preference.

        A place that fails is passed over as long as another gives a key; otherwise its `VaultError` is raised,
        `VaultLocked` before any other.
        """
        self.notice_locking()
        self._close_when_unused()
        if (now := self.index.stamp) != self._stamp:
            self._ready.clear()
            self._stamp = now
        ready = self._ready.get(provider)
        if ready is None:
            async with self._asking.setdefault(provider, asyncio.Lock()):
                ready = await self._gather(provider)
        return ready

    async def rows(self, provider: str) -> tuple[KeyRecord, ...]:
        """What is known of the provider's keys, disabled ones included, without opening any place."""
        return self._rows(provider, await self.records())

    async def all_rows(self) -> tuple[KeyRecord, ...]:
        """The same of every provider that has a key, in the order of the catalogue."""
        records = await self.records()
        names = dict.fromkeys([*self.providers, *self.references, *(record.provider for record in records)])
        return tuple(row for name in names for row in self._rows(name, records))

    async def readable_rows(self) -> tuple[KeyRecord, ...]:
        """The same, a damaged list taken for an empty one: for those who can do without its keys."""
        try:
            return await self.all_rows()
        except VaultError:
            names = dict.fromkeys([*self.providers, *self.references])
            return tuple(row for name in names for row in self._rows(name, ()))

    async def records(self) -> Records:
        """The index as it is now."""
        return await run_with_timeout("The list of keys", self.index.read, PROBE_LIMIT)

    async def secret(self, row: KeyRecord) -> Secret:
        """The key of one row.  Raises `VaultError`."""
        self.notice_locking()
        known = self._secrets.get((row.place, row.address))
        if known is not None:
            return known
        vault = self.vaults[row.place]
        secret = await run_with_timeout(f"{row.place.value} for {row.label}", lambda: vault.get(row.address), GET_LIMIT)
        if secret is None:
            raise VaultError(
                f"The key {row.label} of {row.provider} is not in {row.place.value} any more.",
                f"Add it again: `routerterm keys add {row.provider}`.",
            )
        forbid_dumps()
        secret_redactor.learn(secret.reveal())
        self._secrets[row.place, row.address] = secret
        return secret

    async def places(self) -> tuple[PlaceStatus, ...]:
        """What each allowed place is, here and now; asked all at once, each with a time limit."""
        self.notice_locking()
        return tuple(await asyncio.gather(*(self._status(place) for place in self.order)))

    async def locked_places(self, model: str = "") -> tuple[PlaceStatus, ...]:
        """The places that hold enabled keys and are locked: ask for their passphrases before the first message.

        Where ``model`` is ``provider/model``, only what that provider needs.
        """
        self.notice_locking()
        provider, slash, _ = model.partition("/")
        try:
            rows = await self.rows(provider) if slash and provider in self.providers else await self.all_rows()
        except VaultError:
            return ()  # a damaged list opens nothing; whoever needs a key is told when it is asked for
        needed = {row.place for row in rows if row.enabled and row.stored}
        needed -= {place for place, _ in self._secrets}
        statuses = await asyncio.gather(*(self._status(place) for place in self.order if place in needed))
        return tuple(status for status in statuses if status.state == "locked")

    def trouble(self, row: KeyRecord) -> VaultError | None:
        """Why the row's key could not be had when it was last asked for."""
        found = self._trouble.get((row.place, row.address))
        return found[1] if found else None

    def forget(self, place: KeyLocation | None = None) -> None:
        """Drop what is held in memory, of one place or of all; it is found anew when it is next needed."""
        self._ready.clear()
        for held in (self._secrets, self._trouble):
            for address in [address for address in held if place in (None, address[0])]:
                del held[address]

    def notice_locking(self) -> None:
        """Forget every key if another program has locked a place since."""
        if (now := file_signature(self._locked_file)) != self._locked_stamp:
            self._locked_stamp = now
            self.forget()
            self._close_vault()

    def tell_of_locking(self) -> None:
        """Let the other programs that run forget their keys too.  Raises `VaultError`."""
        try:
            make_private_folder(self._locked_file.parent)
            self._locked_file.touch(mode=0o600)
            os.utime(self._locked_file)
        except OSError as error:
            raise VaultError(
                f"{self._locked_file} cannot be written: {error.strerror}.",
                "It is locked here, but programs that are running may still hold its keys: end them.",
            ) from error
        self._locked_stamp = file_signature(self._locked_file)

    def _close_vault(self) -> None:
        vault = self.vaults[KeyLocation.VAULT]
        if isinstance(vault, EncryptedVault):
            vault.close()

    def _rows(self, provider: str, records: Records) -> tuple[KeyRecord, ...]:
        info, references = self.providers.get(provider), self.references.get(provider, ())
        return rows_of(provider, info, references, index=records, environ=self.environ, order=self.order)

    async def _gather(self, provider: str) -> tuple[ApiKey, ...]:
        found: dict[str, ApiKey] = {}
        troubles: list[VaultError] = []
        for row in await self.rows(provider):
            if not row.enabled:
                continue
            try:
                secret = await self._secret_or_recent_trouble(row)
            except VaultError as error:
                troubles.append(error)
            else:
                found.setdefault(secret.reveal(), ApiKey(row.label, secret, row.quota, row.rpm, row.tpm))
        keys = tuple(found.values())
        if troubles and not keys:
            raise next((error for error in troubles if isinstance(error, VaultLocked)), troubles[0])
        if not troubles:
            self._ready[provider] = keys
        return keys

    async def _secret_or_recent_trouble(self, row: KeyRecord) -> Secret:
        address = (row.place, row.address)
        if address in self._trouble:
            when, error = self._trouble[address]
            ours = row.place is KeyLocation.VAULT and isinstance(error, VaultLocked)
            if self._clock() - when < (LOCKED_LASTS if ours else TROUBLE_LASTS):
                raise error
        try:
            secret = await self.secret(row)
        except VaultError as error:
            self._trouble[address] = (self._clock(), error)
            raise
        self._trouble.pop(address, None)
        return secret

    async def _status(self, place: KeyLocation) -> PlaceStatus:
        try:
            return await run_with_timeout(place.value, self.vaults[place].status, PROBE_LIMIT)
        except VaultSlow as error:
            return PlaceStatus(place, place.value, "absent", error.message)

    def _close_when_unused(self) -> None:
        """Our vault closes by itself when no key was asked for in a while."""
        now = self._clock()
        if 0 < self._unlocked < now - self._used:
            self.forget(KeyLocation.VAULT)
            self._close_vault()
        self._used = now

    def _learn_the_environment(self) -> None:
        """Teach the redactor what the environment holds, before anything could show it."""
        secret_redactor.learn_environment(self.environ, self._named_variables())

    def _named_variables(self) -> frozenset[str]:
        named = {name for info in self.providers.values() for name in info.env}
        for references in self.references.values():
            named |= {reference.ref[4:] for reference in references if reference.ref.startswith("env:")}
        return frozenset(named)
