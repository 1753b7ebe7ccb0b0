"""The person's own ratings out of the history, as the router and the picker ask for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from routerterm.core.request import ChatRequest
from routerterm.core.targets import Target

if TYPE_CHECKING:
    from routerterm.engine.rating.votes import Question, Vote
    from routerterm.router.decide.yours import Rating
    from routerterm.store.database import Store
    from routerterm.store.versions import AnswerRow

FRESH = 60.0
"""Seconds for which votes that were read are used."""


class StoredRatings:
    """The router's `Ratings`.  Votes are read when they are first asked for, and again after a minute."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._votes: tuple[Vote, ...] = ()
        self._read_at: float | None = None
        self._by_kind: dict[str, Mapping[Target, Rating]] = {}

    async def ratings(self, request: ChatRequest) -> Mapping[Target, Rating]:
        """For the kind of prompt that the request ends with."""
        from routerterm.engine.rating.kinds import kind_of  # its patterns cost a start some milliseconds

        last = next((message for message in reversed(request.messages) if message.role == "user"), None)
        kind = kind_of(last.text if last else "", images=bool(last and last.images))
        return await self.of_kind(kind)

    async def of_kind(self, kind: str) -> Mapping[Target, Rating]:
        """For one kind of prompt; empty is all together."""
        from routerterm.engine.rating.fit import ratings
        from routerterm.engine.rating.votes import votes
        from routerterm.store.versions import answered_by_several

        now = self._clock()
        if self._read_at is None or now - self._read_at > FRESH:
            rows = await self._store.reader.read(answered_by_several)
            self._votes = await asyncio.to_thread(lambda: tuple(votes(map(_question, rows))))
            self._read_at, self._by_kind = now, {}
        if kind not in self._by_kind:
            found = await asyncio.to_thread(ratings, self._votes, kind)
            self._by_kind[kind] = {
                Target.parse(name): rating for name, rating in found.items() if "/" in name.strip("/")
            }
        return self._by_kind[kind]

    def forget(self) -> None:
        """Read the votes again when they are next asked for: there is a new one."""
        self._read_at = None


def _question(rows: tuple[AnswerRow, ...]) -> Question:
    from routerterm.engine.rating.kinds import kind_of
    from routerterm.engine.rating.votes import Question, Version

    kind = kind_of(rows[0].text, images=rows[0].images)
    versions = (
        Version(row.model, row.created_at, row.finished_at, chosen=row.chosen, continued=row.continued, shown=row.shown)
        for row in rows
    )
    return Question(kind, tuple(versions))
