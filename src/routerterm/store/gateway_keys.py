"""The gateway's virtual keys: what is kept of them is a hash and what they may do."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from routerterm.store.ledger import TOKENS
from routerterm.store.values import json_object, to_json
from routerterm.store.worker import Worker

_EVER = "gateway_keys"
"""The entry of ``meta`` that says that there was a key once."""


class GatewayKeys:
    """Writes keys down, and tells what their clients have used."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def add(self, row: Mapping[str, Any]) -> bool:
        """One more; False where there is one of that name already."""

        def job(connection: sqlite3.Connection) -> bool:
            done = connection.execute(
                "INSERT INTO gateway_key (name, digest, hint, created_at, allowance) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (name) DO NOTHING",
                (row["name"], row["digest"], row["hint"], row["created_at"], to_json(row["allowance"])),
            )
            _remember(connection)
            return done.rowcount > 0

        return await self._writer.write(job, durable=True)

    async def remove(self, name: str) -> bool:
        """Take one back; False where there is none of that name."""

        def job(connection: sqlite3.Connection) -> bool:
            if connection.execute("DELETE FROM gateway_key WHERE name = ?", (name,)).rowcount == 0:
                return False
            _remember(connection)  # also where a version that did not yet write it down made the key
            return True

        return await self._writer.write(job, durable=True)

    async def ever(self) -> bool:
        """Whether there is a key, or was one: from the first on nobody is let in without."""

        def job(connection: sqlite3.Connection) -> bool:
            found = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM gateway_key) OR EXISTS (SELECT 1 FROM meta WHERE name = ?)", (_EVER,)
            ).fetchone()
            return bool(found[0])

        return await self._reader.read(job)

    async def change(self, name: str, allowance: Mapping[str, Any]) -> bool:
        """What a key may do from now on; False where there is none of that name."""

        def job(connection: sqlite3.Connection) -> bool:
            sql = "UPDATE gateway_key SET allowance = ? WHERE name = ?"
            return connection.execute(sql, (to_json(allowance), name)).rowcount > 0

        return await self._writer.write(job, durable=True)

    async def all(self) -> Sequence[dict[str, Any]]:
        """Every key by name."""

        def job(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            rows = connection.execute("SELECT name, digest, hint, created_at, allowance FROM gateway_key ORDER BY name")
            return [{**dict(row), "allowance": json_object(row["allowance"])} for row in rows]

        return await self._reader.read(job)

    async def used(self, since: int, client: str | None = None) -> Sequence[dict[str, Any]]:
        """What clients have used since then (milliseconds since the epoch), by client and model."""
        where, values = ("AND client = ?", (since, client)) if client is not None else ("", (since,))

        def job(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            rows = connection.execute(
                "SELECT client, provider, model, count(*) AS attempts, sum(cached) AS cached,"
                " sum(coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0))"
                f" AS input_tokens, sum(coalesce(output_tokens, 0)) AS output_tokens, sum({TOKENS}) AS tokens,"
                " sum(usage_source <> 'reported') AS estimated, sum(cost_nanousd IS NULL) AS unpriced,"
                " sum(coalesce(cost_nanousd, 0)) AS cost_nanousd"
                f" FROM attempt WHERE started_at >= ? {where} GROUP BY client, provider, model"
                " ORDER BY cost_nanousd DESC, client, provider, model",
                values,
            )
            return [dict(row) for row in rows]

        return await self._reader.read(job)


def _remember(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, '1')", (_EVER,))
