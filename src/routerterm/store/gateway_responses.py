"""What the gateway keeps of the Responses API, so that a client can go on from an answer by its id."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from msgspec import Struct

from routerterm.store.worker import Worker

KEPT_MS = 30 * 86_400_000
"""How long one is kept."""
MOST_BYTES = 64_000_000
"""How much one client's may take together: the oldest go first."""
_DEEPEST = 2_000
"""Answers that one conversation may go back."""


class KeptResponse(Struct, frozen=True):
    """One answer, with the part of its input that was new.  Both are JSON."""

    id: str
    client: str
    previous: str | None
    created_at: int
    """Milliseconds since the epoch."""
    input: str
    response: str


class GatewayResponses:
    """Each client sees its own alone."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def add(self, kept: KeptResponse) -> None:
        """Keep one; what is too old, and what is too much for its client, goes."""
        size = len(kept.input) + len(kept.response)
        if size > MOST_BYTES // 4:
            return

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO gateway_response (id, client, previous, created_at, size, input, response)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (kept.id, kept.client, kept.previous, kept.created_at, size, kept.input, kept.response),
            )
            connection.execute("DELETE FROM gateway_response WHERE created_at < ?", (kept.created_at - KEPT_MS,))
            connection.execute(
                "DELETE FROM gateway_response WHERE id IN (SELECT id FROM (SELECT id, sum(size) OVER"
                " (ORDER BY created_at DESC, id DESC) AS together FROM gateway_response WHERE client = ?)"
                " WHERE together > ?)",
                (kept.client, MOST_BYTES),
            )

        await self._writer.write(job)

    async def get(self, client: str, id: str) -> KeptResponse | None:
        """One by its id."""
        found = await self.chain(client, id, 1)
        return found[0] if found else None

    async def chain(self, client: str, id: str, most: int = _DEEPEST) -> Sequence[KeptResponse]:
        """The answer and all that it goes on from, the oldest first; none where it is not there."""

        def job(connection: sqlite3.Connection) -> list[KeptResponse]:
            rows = connection.execute(
                "WITH RECURSIVE line (depth, id) AS (SELECT 1, ? UNION ALL SELECT depth + 1, r.previous"
                " FROM line JOIN gateway_response r ON r.id = line.id AND r.client = ?"
                " WHERE r.previous IS NOT NULL AND depth < ?)"
                " SELECT r.id, r.client, r.previous, r.created_at, r.input, r.response FROM line"
                " JOIN gateway_response r ON r.id = line.id AND r.client = ? ORDER BY line.depth DESC",
                (id, client, most, client),
            )
            return [KeptResponse(*row) for row in rows]

        return await self._reader.read(job)

    async def item(self, client: str, id: str) -> str | None:
        """One item of an answer or an input by its id, as JSON; the newest answers are looked through."""

        def job(connection: sqlite3.Connection) -> str | None:
            row = connection.execute(
                "SELECT item.value FROM (SELECT input, response FROM gateway_response WHERE client = ?"
                " ORDER BY created_at DESC LIMIT 500) AS r, json_each(json_array(json(r.input),"
                " json_extract(r.response, '$.output'))) AS list, json_each(list.value) AS item"
                " WHERE json_extract(item.value, '$.id') = ? LIMIT 1",
                (client, id),
            ).fetchone()
            return None if row is None else str(row[0])

        return await self._reader.read(job)

    async def remove(self, client: str, id: str) -> bool:
        """Forget one; False where it is not there."""

        def job(connection: sqlite3.Connection) -> bool:
            done = connection.execute("DELETE FROM gateway_response WHERE id = ? AND client = ?", (id, client))
            return done.rowcount > 0

        return await self._writer.write(job)
