"""`KeyService`: all that a person does with keys, for the keys screen and the command line alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from routerterm.config.keys.key_manager import KeyManager
from routerterm.config.keys.paste import Pasted, recognise
from routerterm.config.keys.values import KeyLocation, KeyRecord, PlaceStatus, Probe, ProbeResult
from routerterm.core.errors import VaultError
from routerterm.engine.keys.view import KeysView, grouped, lines_of
from routerterm.router.client import wall_clock
from routerterm.router.decide.key_limits import revived

if TYPE_CHECKING:
    from routerterm.config.keys.key_store import KeyStore
    from routerterm.core.ports import StateStore
    from routerterm.core.secret import Secret


LastUsed: TypeAlias = Callable[[str, str], Awaitable[float | None]]
"""When the key of a provider and a label was last used, in seconds since the epoch."""


class KeyService:
    """Puts keyring, router memory and the test of keys together."""

    def __init__(
        self,
        keyring: KeyStore,
        memory: StateStore,
        probe: Probe,
        *,
        now: Callable[[], float] = wall_clock,
        close: Callable[[], Awaitable[None]] | None = None,
        last_used: LastUsed | None = None,
    ) -> None:
        self.keyring = keyring
        self.key_manager = KeyManager(keyring)
        self._memory = memory
        self._probe = probe
        self._now = now
        self._close = close
        self._last_used = last_used
        self._tests: dict[str, ProbeResult] = {}
        self._tried: tuple[Secret, ProbeResult] | None = None

    async def view(self, *, with_empty: bool = True) -> KeysView:
        """Everything there is to show, without asking the person for anything."""
        places = await self.keyring.places()
        rows = await self.keyring.all_rows()
        troubles = {row.name: trouble for row in rows if (trouble := self.keyring.trouble(row)) is not None}
        states = await self._memory.read("key:")
        now = self._now()
        lines = lines_of(rows, states, {status.place: status for status in places}, troubles, self._tests, now)
        if self._last_used is not None:
            used = [await self._last_used(row.provider, row.label) for row in rows]
            lines = tuple(replace(line, used_at=at or line.used_at) for line, at in zip(lines, used, strict=True))
        infos = tuple(self.keyring.providers.values())
        return KeysView(now, places, grouped(infos, lines, with_empty=with_empty))

    def recognise(self, text: str) -> Pasted:
        """The key in a pasted text and whose it may be.  Raises `VaultError`."""
        return recognise(text, self.keyring.providers.values())

    async def place_for_new_keys(self) -> PlaceStatus:
        """Where a new key will live."""
        return await self.keyring.place_for_new_keys()

    async def find(self, provider: str, label: str) -> KeyRecord:
        """A key by its name.  Raises `VaultError` that names those there are."""
        rows = await self.keyring.rows(provider)
        for row in rows:
            if row.label == label or (not label and len(rows) == 1):
                return row
        if not rows:
            raise VaultError(f"{provider} has no key.", f"Add one: `routerterm keys add {provider}`.")
        names = ", ".join(row.label for row in rows)
        said = f"{provider} has no key {label}." if label else f"{provider} has several keys."
        raise VaultError(said, f"Its keys are: {names}.")

    async def add(
        self,
        provider: str,
        secret: Secret,
        *,
        label: str = "",
        place: KeyLocation | None = None,
        replace_old: bool = False,
        quota: int | None = None,
        notes: str = "",
    ) -> KeyRecord:
        """Store a key.  Raises `VaultLocked` where its place wants a passphrase first."""
        record = await self.key_manager.add(
            provider, secret, label=label, place=place, replace_old=replace_old, quota=quota, notes=notes
        )
        await self._revive(record)
        if self._tried is not None and self._tried[0] == secret:
            self._tests[record.name] = self._tried[1]
        self._tried = None
        return record

    async def test(self, record: KeyRecord) -> ProbeResult:
        """Ask the provider whether the key is good; a key that is accepted is no longer out.  Raises `VaultError`."""
        result = await self._probe(record.provider, await self.keyring.secret(record))
        self._tests[record.name] = result
        if result.ok and result.proven:
            await self._revive(record)
        return result

    async def try_out(self, provider: str, secret: Secret | None) -> ProbeResult:
        """Ask the provider about a key that is not stored."""
        result = await self._probe(provider, secret)
        self._tried = (secret, result) if secret is not None else None
        return result

    async def set_enabled(self, record: KeyRecord, enabled: bool) -> None:
        """Let the router use a key, or not; enabling gives it a fresh start."""
        await self.key_manager.change(record, enabled=enabled)
        if enabled:
            await self._revive(record)

    async def describe(self, record: KeyRecord, *, notes: str, quota: int | None) -> None:
        """Set what a person notes of a key, and its requests per day."""
        await self.key_manager.change(record, notes=notes, quota=quota)

    async def adopt(self, record: KeyRecord) -> KeyRecord:
        """Store the key of an environment variable or a command."""
        adopted = await self.key_manager.adopt(record)
        if record.name in self._tests:
            self._tests[adopted.name] = self._tests[record.name]
        return adopted

    async def move(self, record: KeyRecord, place: KeyLocation) -> KeyRecord:
        """Let a key live elsewhere."""
        return await self.key_manager.move(record, place)

    async def shift(self, record: KeyRecord, by: int) -> None:
        """Prefer a key more (negative) or less."""
        await self.key_manager.shift(record, by)

    async def remove(self, record: KeyRecord) -> None:
        """Forget a key, and what the router remembers of it."""
        await self.key_manager.remove(record)
        self._tests.pop(record.name, None)
        await self._memory.change(f"key:{record.name}", lambda _: None)

    async def unlock(self, place: KeyLocation, passphrase: str) -> None:
        """Open a place, or make it where it is new.  Raises `WrongPassphrase`."""
        await self.key_manager.unlock(place, passphrase)

    async def lock(self, place: KeyLocation = KeyLocation.VAULT) -> None:
        """Close a place."""
        await self.key_manager.lock(place)

    async def change_passphrase(self, old: str, new: str) -> None:
        """Of our own vault.  Raises `WrongPassphrase`."""
        await self.key_manager.change_passphrase(old, new)

    async def aclose(self) -> None:
        """Close what the tests of keys opened."""
        if self._close is not None:
            await self._close()

    async def _revive(self, record: KeyRecord) -> None:
        await self._memory.change(f"key:{record.name}", revived)
