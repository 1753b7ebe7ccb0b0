"""What gateways remember together: the health of models, cooldowns and quotas of keys, what is paused.

Without the server each goes on with what it knew last and learns itself: no money hangs on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from routerterm.core.ports import State
from routerterm.store.errors import SharedStateAway
from routerterm.store.memory import RECENT, StoredMemory
from routerterm.store.shared.state import Draft, SharedState
from routerterm.store.values import json_object, to_json
from routerterm.store.worker import Worker

SHARED = ("health:", "key:", "pause:", "cache:")
"""How the names begin that all gateways share; the rest is of this computer."""
_SPACE = "memory"


class SharedMemory(StoredMemory):
    """Fulfils `routerterm.core.ports.StateStore`.  ``clock`` is seconds that never go back."""

    def __init__(
        self, writer: Worker, reader: Worker, shared: SharedState, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(writer, reader, clock)
        self._shared = shared
        self._known: dict[str, State] = {}
        self._known_at = float("-inf")
        self._changed = 0

    async def read(self, prefix: str = "") -> dict[str, State]:
        """See `StateStore.read`."""
        found = await super().read(prefix)
        if prefix and not prefix.startswith(SHARED):
            return found
        states = {name: state for name, state in found.items() if not name.startswith(SHARED)}
        await self._look()
        return states | {name: state for name, state in self._known.items() if name.startswith(prefix)}

    async def _look(self) -> None:
        """See what others have learned, if it is time: of many requests at once only the first one asks."""
        if self._clock() - self._known_at < RECENT:
            return
        changed, self._known_at = self._changed, self._clock()
        try:
            found = await self._shared.under(_SPACE)
        except SharedStateAway:
            return
        if changed == self._changed:
            self._known = {name: json_object(value.decode()) for name, value in found.items()}

    async def change(self, name: str, change: Callable[[State | None], State | None]) -> State | None:
        """See `StateStore.change`."""
        if not name.startswith(SHARED):
            return await super().change(name, change)
        full = f"{_SPACE}/{name}"

        def job(draft: Draft) -> State | None:
            value = draft.get(full)
            before = None if value is None else json_object(value.decode())
            after = change(before)
            if after is None:
                draft.drop(full)
            elif after != before:
                draft.put(full, to_json(after).encode())
            return after

        self._changed += 1
        try:
            after = await self._shared.run((full,), job)
        except SharedStateAway:
            after = change(self._known.get(name))
        self._changed += 1
        if after is None:
            self._known.pop(name, None)
        else:
            self._known[name] = after
        return after
