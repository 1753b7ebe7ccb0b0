"""The person's own prompts by name: system prompts, and templates with fields."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Literal, TypeAlias

from msgspec import Struct

from routerterm.store.values import replace_surrogates
from routerterm.store.worker import Worker

PromptKind: TypeAlias = Literal["system", "template"]


class Prompt(Struct, frozen=True):
    """A named text."""

    name: str
    kind: PromptKind
    text: str
    updated_at: int = 0


class Prompts:
    """The table ``prompt``."""

    def __init__(self, writer: Worker, reader: Worker, clock: Callable[[], int]) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock

    async def all(self, kind: PromptKind | None = None) -> tuple[Prompt, ...]:
        """Every prompt of that kind, by name."""
        sql = "SELECT * FROM prompt WHERE ?1 IS NULL OR kind = ?1 ORDER BY name"
        rows = await self._reader.read(lambda connection: connection.execute(sql, (kind,)).fetchall())
        return tuple(Prompt(**dict(row)) for row in rows)

    async def get(self, name: str) -> Prompt | None:
        """The prompt of that name."""
        sql = "SELECT * FROM prompt WHERE name = ?"
        row = await self._reader.read(lambda connection: connection.execute(sql, (name,)).fetchone())
        return Prompt(**dict(row)) if row else None

    async def keep(self, name: str, kind: PromptKind, text: str) -> Prompt:
        """Write a prompt, in place of one of the same name."""
        prompt = Prompt(replace_surrogates(name), kind, replace_surrogates(text), self._clock())

        def job(connection: sqlite3.Connection) -> None:
            sql = "INSERT OR REPLACE INTO prompt (name, kind, text, updated_at) VALUES (?, ?, ?, ?)"
            connection.execute(sql, (prompt.name, prompt.kind, prompt.text, prompt.updated_at))

        await self._writer.write(job)
        return prompt

    async def remove(self, name: str) -> bool:
        """Forget a prompt; False if there was none."""
        sql = "DELETE FROM prompt WHERE name = ?"
        return bool(await self._writer.write(lambda connection: connection.execute(sql, (name,)).rowcount))
