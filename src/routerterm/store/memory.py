"""What the router remembers of models and keys: small JSON objects by name, shared by all of a person's programs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from routerterm.core.ports import State
from routerterm.store.values import json_object, to_json
from routerterm.store.worker import Worker


class StoredMemory:
    """Fulfils `routerterm.core.ports.Memory`."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer, self._reader = writer, reader

    async def read(self, prefix: str = "") -> dict[str, State]:
        """All that is remembered under names that begin so."""

        def job(connection: sqlite3.Connection) -> dict[str, State]:
            rows = connection.execute(
                "SELECT name, state FROM memory WHERE name >= ? AND substr(name, 1, ?) = ? ORDER BY name",
                (prefix, len(prefix), prefix),
            )
            return {row["name"]: json_object(row["state"]) for row in rows}

        return await self._reader.read(job)

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

        return await self._writer.write(job)
