"""What is to be done on the shared server, gathered into transactions: one at a time, each with all that has come
meanwhile, so that 200 requests at once cost a few round trips and not 200.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from copy import copy
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct

from routerterm.core.errors import RoutertermError
from routerterm.store.errors import SharedStateAway
from routerterm.store.shared.server import Entry, SharedServer

log = logging.getLogger(__name__)
T = TypeVar("T")

MOST_AT_ONCE = 256
"""Jobs of one transaction."""
AGAIN = 1.0
"""Seconds after a failure during which everybody is refused at once: nobody waits for a server that is away."""


class Draft:
    """The values of a transaction as its jobs read and write them, one job after the other."""

    def __init__(self, values: Mapping[str, bytes]) -> None:
        self._values = dict(values)
        self.written: dict[str, Entry | None] = {}

    def get(self, name: str) -> bytes | None:
        """A value; only of a name that the job has told."""
        return self._values.get(name)

    def put(self, name: str, value: bytes, seconds: int | None = None) -> None:
        """Write a value."""
        self._values[name] = value
        self.written[name] = Entry(value, seconds)

    def drop(self, name: str) -> None:
        """Delete a value."""
        if self._values.pop(name, None) is not None:
            self.written[name] = None


Job: TypeAlias = Callable[[Draft], T]
"""Pure but for its draft; may be called again, on another one."""


class _Waiting(Struct, eq=False):
    names: Collection[str]
    job: Job[Any]
    answer: asyncio.Future[Any]


class SharedState:
    """Runs jobs on a server.  ``connect`` makes it, at the first job; ``clock`` is seconds that never go back."""

    def __init__(
        self, connect: Callable[[], SharedServer], place: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connect = connect
        self._clock = clock
        self.place = place
        """Where it is, in words without a password."""
        self.told: Callable[[str], None] = lambda words: log.info("%s", words)
        """Hears when the server goes away and when it is back."""
        self._server: SharedServer | None = None
        self._using = asyncio.Lock()
        self._waiting: list[_Waiting] = []
        self._work: asyncio.Task[None] | None = None
        self._away: RoutertermError | None = None
        self._away_until = float("-inf")

    async def run(self, names: Collection[str], job: Job[T]) -> T:
        """What ``job`` answers.  It happens whole, even if the caller is cancelled meanwhile.

        ``names`` are all that it may read.  Raises `SharedStateAway`, whose ``unsure`` tells whether it may have
        happened all the same.
        """
        self._refuse()
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_consume_exception)
        self._waiting.append(_Waiting(names, job, answer))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._until_done())
        return await asyncio.shield(answer)

    async def under(self, space: str) -> dict[str, bytes]:
        """All values of a space.  Raises `SharedStateAway`."""
        self._refuse()
        async with self._using:
            try:
                found = await self._reached().under(space)
            except RoutertermError as error:
                self._went_away(error)
                raise
        self._came_back()
        return found

    async def aclose(self) -> None:
        """Finish what was asked for and give up the connection."""
        if self._work is not None:
            await self._work
        if self._server is not None:
            await self._server.aclose()

    async def _until_done(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            answers: list[Any] = []
            try:
                self._refuse()
                async with self._using:
                    await self._transact(batch, answers)
            except RoutertermError as error:
                self._went_away(error)
                _fail(batch, error, unsure=bool(answers))
            except Exception as error:  # noqa: BLE001 - a fault of ours: who comes next must not wait for ever
                log.error("The shared state failed: %s", type(error).__name__)  # its words may name what is stored
                _fail(batch, SharedStateAway(f"The shared state failed: {type(error).__name__}."), unsure=bool(answers))
            else:
                self._came_back()
                for each, answer in zip(batch, answers, strict=True):
                    if not each.answer.done():
                        each.answer.set_result(answer)

    async def _transact(self, batch: list[_Waiting], answers: list[Any]) -> None:
        """Run the jobs; their ``answers`` are there before anything is written."""

        def change(values: Mapping[str, bytes]) -> Mapping[str, Entry | None]:
            draft = Draft(values)
            answers[:] = [each.job(draft) for each in batch]
            return draft.written

        await self._reached().change({name for each in batch for name in each.names}, change)

    def _reached(self) -> SharedServer:
        if self._server is None:
            self._server = self._connect()
        return self._server

    def _refuse(self) -> None:
        if self._away is not None and self._clock() < self._away_until:
            raise copy(self._away)

    def _went_away(self, error: RoutertermError) -> None:
        if self._away is None:
            self.told(error.message)
        if self._clock() >= self._away_until:
            self._away, self._away_until = copy(error), self._clock() + AGAIN

    def _came_back(self) -> None:
        if self._away is not None:
            self.told("The shared state can be used again.")
        self._away = None


def _fail(batch: list[_Waiting], error: RoutertermError, *, unsure: bool) -> None:
    for each in batch:
        if not each.answer.done():
            own = copy(error)
            if isinstance(own, SharedStateAway):
                own.unsure = unsure
            each.answer.set_exception(own)


def _consume_exception(answer: asyncio.Future[Any]) -> None:
    """An error is told to the caller; if that one has been cancelled meanwhile, nobody need hear of it."""
    if not answer.cancelled():
        answer.exception()
