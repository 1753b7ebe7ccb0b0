"""What the router remembers of models and keys: small JSON objects by name, shared by all of a person's programs."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from routerterm.core.ports import State
from routerterm.store.errors import DiskTrouble
from routerterm.store.values import json_object, to_json
from routerterm.store.worker import Worker

RECENT = 0.25
"""Seconds for which everything is remembered as it was read: what another program changes is seen that much later."""


class StoredMemory:
    """Fulfils `routerterm.core.ports.Memory`.  ``clock`` is seconds that never go back."""

    def __init__(self, writer: Worker, reader: Worker, clock: Callable[[], float] = time.monotonic) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._recent: dict[str, State] | None = None
        self._read_at = 0.0
        self._changes = 0
        self._unwritten: dict[str, State | None] = {}
        """What the disk had no room for; it holds for this program."""

    async def read(self, prefix: str = "") -> dict[str, State]:
        """All that is remembered under names that begin so.

        The router reads everything before each request: of many at once only the first one asks the disk.  What
        this program itself has changed is always there.
        """
        if prefix:
            return await self._read(prefix)
        if self._recent is not None and self._clock() - self._read_at < RECENT:
            return dict(self._recent)
        changes, now = self._changes, self._clock()
        states = await self._read("")
        if changes == self._changes:
            self._recent, self._read_at = dict(states), now
        return states

    async def _read(self, prefix: str) -> dict[str, State]:

        def job(connection: sqlite3.Connection) -> dict[str, State]:
            rows = connection.execute(
                "SELECT name, state FROM memory WHERE name >= ? AND substr(name, 1, ?) = ? ORDER BY name",
                (prefix, len(prefix), prefix),
            )
            return {row["name"]: json_object(row["state"]) for row in rows}

        states = await self._reader.read(job)
        for name, state in self._unwritten.items():
            if name.startswith(prefix):
                states.pop(name, None)
                if state is not None:
                    states[name] = state
        return states

    async def change(self, name: str, change: Callable[[State | None], State | None]) -> State | None:
        """Replace what is under a name by what ``change`` makes of it, in one transaction; None forgets it."""

        def job(connection: sqlite3.Connection) -> State | None:
            row = connection.execute("SELECT state FROM memory WHERE name = ?", (name,)).fetchone()
            before = json_object(row["state"]) if row else None
            after = change(before)
            if after is None:
                connection.execute("DELETE FROM memory WHERE name = ?", (name,))
            elif after != before:
                connection.execute("INSERT OR REPLACE INTO memory (name, state) VALUES (?, ?)", (name, to_json(after)))
            return after

        self._changes += 1
        try:
            after = await self._writer.write(job)
            self._unwritten.pop(name, None)
        except DiskTrouble:
            before = (await self._read(name)).get(name)
            after = self._unwritten[name] = change(before)
        except BaseException:
            self._recent = None  # it may happen all the same
            raise
        self._changes += 1
        if self._recent is not None:
            self._recent.pop(name, None)
            if after is not None:
                self._recent[name] = after
        return after
