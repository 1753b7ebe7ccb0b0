"""What the keys screen asks and orders: a protocol, so that it knows no keyring and no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from routerterm.config.keys.paste import Pasted
    from routerterm.config.keys.values import KeyLocation, KeyRecord, PlaceStatus, ProbeResult
    from routerterm.core.secret import Secret
    from routerterm.engine.keys.view import KeysView


class KeysModel(Protocol):
    """What the screen asks and orders.  All may raise `RoutertermError`, which becomes a sentence at the foot."""

    async def view(self) -> KeysView:
        """Everything there is to show."""
        ...

    def recognise(self, text: str) -> Pasted:
        """The key in a pasted text."""
        ...

    async def place_for_new_keys(self) -> PlaceStatus:
        """Where a new key will live."""
        ...

    async def try_out(self, provider: str, secret: Secret | None) -> ProbeResult:
        """Ask the provider about a key that is not stored."""
        ...

    async def add(
        self, provider: str, secret: Secret, *, label: str = "", place: KeyLocation | None = None
    ) -> KeyRecord:
        """Store a key."""
        ...

    async def test(self, record: KeyRecord) -> ProbeResult:
        """Ask the provider about a key."""
        ...

    async def set_enabled(self, record: KeyRecord, enabled: bool) -> None:
        """Use it or not."""
        ...

    async def change(self, record: KeyRecord, /, *, notes: str, quota: int | None) -> KeyRecord:
        """Set its notes and its requests per day."""
        ...

    async def adopt(self, record: KeyRecord) -> KeyRecord:
        """Store the key of a variable or a command."""
        ...

    async def move(self, record: KeyRecord, place: KeyLocation) -> KeyRecord:
        """Let it live elsewhere."""
        ...

    async def shift(self, record: KeyRecord, by: int) -> None:
        """Prefer it more (negative) or less."""
        ...

    async def remove(self, record: KeyRecord) -> None:
        """Forget it."""
        ...

    async def unlock(self, place: KeyLocation, passphrase: str) -> None:
        """Open a place, or make it."""
        ...

    async def lock(self, place: KeyLocation) -> None:
        """Close a place."""
        ...

    async def aclose(self) -> None:
        """The screen is gone."""
        ...
