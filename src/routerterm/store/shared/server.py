"""The port of a server that several gateways share: named values, changed in transactions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct

from routerterm.store.errors import SharedStateAway

CONNECT_SECONDS = 3
"""To reach the server; who asks meanwhile waits as long."""
WORK_SECONDS = 5
"""For one transaction, the wait for other gateways included."""


class Entry(Struct, frozen=True):
    """A value to be written.  What is kept for a number of ``seconds`` cannot be listed; None is for good."""

    value: bytes
    seconds: int | None = None


Values: TypeAlias = Mapping[str, bytes]
Change: TypeAlias = Callable[[Values], Mapping[str, Entry | None]]
"""From the values that are there to those to be written; None deletes one.  Pure: it may be called again."""


class SharedServer(Protocol):
    """Values by name, as in ``memory/health:openai/gpt``: what stands before the slash is the name's space.

    Every method raises `SharedStateAway` where the server cannot be asked.  They are called one after the other.
    """

    async def change(self, names: Collection[str], change: Change) -> None:
        """Read the values of ``names`` and write what ``change`` makes of them, in one transaction: whole or not at
        all, as if no other gateway existed meanwhile."""
        ...

    async def under(self, space: str) -> dict[str, bytes]:
        """The values in a space that are kept for good, by their names without it."""
        ...

    async def aclose(self) -> None:
        """Give up the connection."""
        ...


class Address(Struct, frozen=True):
    """Where a server is, in words that hold no password."""

    kind: str
    """As in ``PostgreSQL``."""
    place: str
    """As in ``db.example:5432``."""

    def __str__(self) -> str:
        return f"{self.kind} at {self.place}"

    @classmethod
    def of(cls, url: str, kind: str) -> Address:
        """Of a URL.  One that cannot be read says nothing: a part of it may be the password."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            return cls(kind, "an address that cannot be read")
        if not host:
            return cls(kind, parts.path if parts.scheme == "unix" else "this computer")
        return cls(kind, f"{host}:{port}" if port else host)

    def away(self, why: str, hint: str = "") -> SharedStateAway:
        """The error of a server that cannot be used.  Where it is stands in the hint, which no client is told."""
        return SharedStateAway(
            f"The shared state on {self.kind} cannot be used ({why}): nothing that costs money is sent until it can.",
            f"{hint or 'Check that it runs, and the setting gateway.state.'} ({self})",
        )
