"""The record of what the guard found, without the text."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from msgspec import Struct

from routerterm.store.worker import Worker


class GuardHit(Struct, frozen=True):
    """A rule struck ``count`` times at a moment (milliseconds since the epoch), in words of ``role``."""

    at: int
    rule: str
    action: str
    role: str
    count: int = 1
    timed_out: bool = False
    conversation_id: str | None = None


class GuardHits:
    """Writes hits down and tells of them."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def add(self, hit: GuardHit) -> None:
        """One more."""

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO guard_hit (at, rule, action, role, count, timed_out, conversation_id)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (hit.at, hit.rule, hit.action, hit.role, hit.count, hit.timed_out, hit.conversation_id),
            )

        await self._writer.write(job)

    async def newest(self, limit: int = 100) -> Sequence[GuardHit]:
        """The newest hits, newest first."""

        def job(connection: sqlite3.Connection) -> list[GuardHit]:
            rows = connection.execute(
                "SELECT at, rule, action, role, count, timed_out, conversation_id FROM guard_hit"
                " ORDER BY at DESC, rowid DESC LIMIT ?",
                (limit,),
            )
            return [
                GuardHit(
                    at, rule, action, role=role, count=count, timed_out=bool(timed_out), conversation_id=conversation
                )
                for at, rule, action, role, count, timed_out, conversation in rows
            ]

        return await self._reader.read(job)
