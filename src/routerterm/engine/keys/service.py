"""`KeyService`: all that a person does with keys, for the keys screen and the command line alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from routerterm.config.keys.key_manager import KeyManager
from routerterm.config.keys.paste import Pasted, recognise
from routerterm.config.keys.values import KeyLocation, KeyRecord, Probe, ProbeResult
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


class KeyService(KeyManager):
    """A `KeyManager` that also knows the router's memory of keys and can test them."""

    def __init__(
        self,
        key_store: KeyStore,
        memory: StateStore,
        probe: Probe,
        *,
        now: Callable[[], float] = wall_clock,
        close: Callable[[], Awaitable[None]] | None = None,
        last_used: LastUsed | None = None,
    ) -> None:
        super().__init__(key_store)
        self._memory = memory
        self._probe = probe
        self._wall_clock = now
        self._close = close
        self._last_used = last_used
        self._tests: dict[str, ProbeResult] = {}
        self._tried: tuple[Secret, ProbeResult] | None = None

    async def view(self, *, with_empty: bool = True) -> KeysView:
        """Everything there is to show, without asking the person for anything."""
        places = await self.key_store.places()
        rows = await self.key_store.all_rows()
        troubles = {row.name: trouble for row in rows if (trouble := self.key_store.trouble(row)) is not None}
        states = await self._memory.read("key:")
        now = self._wall_clock()
        lines = lines_of(
            rows, states, {status.place: status for status in places}, troubles=troubles, tests=self._tests, now=now
        )
        if self._last_used is not None:
            used = [await self._last_used(row.provider, row.label) for row in rows]
            lines = tuple(replace(line, used_at=at or line.used_at) for line, at in zip(lines, used, strict=True))
        infos = tuple(self.key_store.providers.values())
        return KeysView(now, places, grouped(infos, lines, with_empty=with_empty))

    def recognise(self, text: str) -> Pasted:
        """The key in a pasted text and whose it may be.  Raises `VaultError`."""
        return recognise(text, self.key_store.providers.values())

    async def find(self, provider: str, label: str) -> KeyRecord:
        """A key by its name.  Raises `VaultError` that names those there are."""
        rows = await self.key_store.rows(provider)
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
        rpm: int | None = None,
        tpm: int | None = None,
        notes: str = "",
    ) -> KeyRecord:
        """Store a key; what the router remembered of its name is over.  Raises as `KeyManager.add`."""
        record = await super().add(
            provider,
            secret,
            label=label,
            place=place,
            replace_old=replace_old,
            quota=quota,
            rpm=rpm,
            tpm=tpm,
            notes=notes,
        )
        await self._revive(record)
        if self._tried is not None and self._tried[0] == secret:
            self._tests[record.name] = self._tried[1]
        self._tried = None
        return record

    async def test(self, record: KeyRecord) -> ProbeResult:
        """Ask the provider whether the key is good; a key that is accepted is no longer out.  Raises `VaultError`."""
        result = await self._probe(record.provider, await self.key_store.secret(record))
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
        await self.change(record, enabled=enabled)
        if enabled:
            await self._revive(record)

    async def adopt(self, row: KeyRecord, *, label: str = "", place: KeyLocation | None = None) -> KeyRecord:
        """Store the key of an environment variable or a command; what a test of it said is true of the copy."""
        adopted = await super().adopt(row, label=label, place=place)
        if row.name in self._tests:
            self._tests[adopted.name] = self._tests[row.name]
        return adopted

    async def remove(self, row: KeyRecord) -> None:
        """Forget a key, and what the router remembers of it."""
        await super().remove(row)
        self._tests.pop(row.name, None)
        await self._memory.change(f"key:{row.name}", lambda _: None)

    async def aclose(self) -> None:
        """Close what the tests of keys opened."""
        if self._close is not None:
            await self._close()

    async def _revive(self, record: KeyRecord) -> None:
        await self._memory.change(f"key:{record.name}", revived)
