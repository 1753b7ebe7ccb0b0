"""What the router needs of rooms it does not know; the store and the key vault fulfil it, `wiring` hands it over.

Each has an in-memory twin here or in the router, so that the library works without a database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from routerterm.core.ledger import AttemptRecord, Cap, CapReached
from routerterm.core.secret import Secret

State: TypeAlias = Mapping[str, Any]
"""What is remembered under one name: a small JSON object."""


class StateStore(Protocol):
    """What the router remembers of models and keys, shared by all programs of one person.

    Names are ``health:provider/model`` and ``key:provider/label``; the values' meaning is the router's.
    """

    async def read(self, prefix: str = "") -> dict[str, State]:
        """All that is remembered under names that begin so."""
        ...

    async def change(self, name: str, change: Callable[[State | None], State | None]) -> State | None:
        """Replace what is under a name by what ``change`` makes of it, in one transaction; None forgets it.

        ``change`` is pure and may be called in another thread, and again if two programs meet.
        """
        ...


class Ledger(Protocol):
    """The book of spending."""

    async def reserve(self, record: AttemptRecord, caps: Sequence[Cap]) -> CapReached | None:
        """Write the row with its reserved high end if no cap breaks, in one transaction; else the cap in the way."""
        ...

    async def reached(self, record: AttemptRecord, caps: Sequence[Cap]) -> CapReached | None:
        """The cap that `reserve` would name; nothing is written."""
        ...

    async def settle(self, record: AttemptRecord) -> None:
        """Replace the row by how it ended."""
        ...


class ApiKey(Struct, frozen=True):
    """A key with its name.  ``quota`` is requests per 86,400 s; ``rpm`` and ``tpm`` are per minute."""

    label: str
    secret: Secret
    quota: int | None = None
    rpm: int | None = None
    tpm: int | None = None


class KeySource(Protocol):
    """Where the keys of a provider come from."""

    async def keys(self, provider: str) -> Sequence[ApiKey]:
        """The provider's keys in order of preference; none where there is none.  Raises `VaultError`."""
        ...


class InMemoryStateStore:
    """A `StateStore` that forgets at the end of the program."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}

    async def read(self, prefix: str = "") -> dict[str, State]:
        """See `StateStore.read`."""
        return {name: state for name, state in self._states.items() if name.startswith(prefix)}

    async def change(self, name: str, change: Callable[[State | None], State | None]) -> State | None:
        """See `StateStore.change`."""
        state = change(self._states.get(name))
        if state is None:
            self._states.pop(name, None)
        else:
            self._states[name] = state
        return state


class NoLedger:
    """A `Ledger` that keeps no book and knows no cap."""

    async def reserve(self, record: AttemptRecord, caps: Sequence[Cap]) -> CapReached | None:
        """See `Ledger.reserve`."""
        return None

    async def reached(self, record: AttemptRecord, caps: Sequence[Cap]) -> CapReached | None:
        """See `Ledger.reached`."""
        return None

    async def settle(self, record: AttemptRecord) -> None:
        """See `Ledger.settle`."""
