"""The book of spending of several gateways: caps hold for all of them together, rows stay in each one's history.

A reservation goes to the server first, then into the history; without the server nothing is spent.  What a row came to
goes into the history first: should the server be away then, the high end counts there until it is back and told.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from typing import TypeVar

from routerterm.core.errors import RoutertermError
from routerterm.core.ledger import AttemptRecord, Cap, CapReached
from routerterm.core.ports import State
from routerterm.store.errors import SharedStateAway
from routerterm.store.ledger import StoredLedger, ended_since
from routerterm.store.memory import StoredMemory
from routerterm.store.shared import book
from routerterm.store.shared.state import Draft, SharedState
from routerterm.store.worker import Worker

T = TypeVar("T")
_Act = Callable[[Draft, AttemptRecord], None]

_OF_THIS_HISTORY = ("conversation", "project")
"""Caps on what no other computer has."""
_UNTOLD = "shared:untold"
"""In the history's memory: the rows whose end the server was not told, should this program end before it is."""
_WEEK_MS = 7 * 86_400_000


class SharedLedger(StoredLedger):
    """Fulfils `routerterm.core.ports.Ledger` for all gateways; ``clock`` is milliseconds since the epoch."""

    def __init__(
        self,
        writer: Worker,
        reader: Worker,
        program: str,
        *,
        shared: SharedState,
        memory: StoredMemory,
        clock: Callable[[], int],
    ) -> None:
        super().__init__(writer, reader, program)
        self._shared = shared
        self._memory = memory
        self._clock = clock
        self._late: dict[str, tuple[AttemptRecord, _Act]] = {}
        """What the server has not heard: rows to be entered or withdrawn, by their ids."""
        self._kept_untold: set[str] = set()
        self._caught_up = False
        self._catching_up = asyncio.Lock()

    async def reserve(self, record: AttemptRecord, caps: Sequence[Cap]) -> CapReached | None:
        """See `Ledger.reserve`.  Raises `SharedStateAway`: what cannot be entered is not spent.

        What is free and held against no cap is entered when it is over.
        """
        ours, theirs = _split(caps)
        if record.cost_nanousd == 0 and not theirs:
            return await super().reserve(record, ours)
        now = self._clock()

        def job(draft: Draft) -> CapReached | None:
            found = book.broken_cap(draft, record, theirs, now)
            if found is None:
                book.enter(draft, record)
            return found

        try:
            found = await self._run(book.names_of_row(record) | book.names_of_caps(theirs, now), job)
            if found is not None:
                return found
            found = await super().reserve(record, ours)
        except SharedStateAway as error:
            if error.unsure:
                self._late[record.id] = record, book.withdraw
            raise
        except BaseException:  # the request does not leave: its reservation must not stay
            self._late[record.id] = record, book.withdraw
            raise
        if found is not None:
            self._late[record.id] = record, book.withdraw
            with suppress(SharedStateAway):
                await self.tell()
        return found

    async def reached(self, record: AttemptRecord, caps: Sequence[Cap]) -> CapReached | None:
        """See `Ledger.reached`."""
        ours, theirs = _split(caps)
        now = self._clock()
        if theirs:
            found = await self._run(
                book.names_of_caps(theirs, now), lambda draft: book.broken_cap(draft, record, theirs, now)
            )
            if found is not None:
                return found
        return await super().reached(record, ours)

    async def settle(self, record: AttemptRecord) -> None:
        """See `Ledger.settle`."""
        await super().settle(record)
        await self.share(record)

    async def share(self, record: AttemptRecord) -> None:
        """See `StoredLedger.share`.  Without the server it is remembered, and told later."""
        try:
            await self._run(book.names_of_row(record), lambda draft: book.enter(draft, record))
        except RoutertermError:
            self._late[record.id] = record, book.enter
            self._kept_untold.add(record.id)
            await self._change_untold(lambda rows: rows | {record.id})
        except asyncio.CancelledError:
            self._late[record.id] = record, book.enter
            raise

    async def used(self, caps: Sequence[Cap]) -> tuple[int, ...]:
        """What is used of each cap by all gateways, reservations included.  Raises `SharedStateAway`."""
        return await self._of_each(caps, super().used, book.used)

    async def unpriced(self, caps: Sequence[Cap]) -> tuple[bool, ...]:
        """See `StoredLedger.unpriced`.  Raises `SharedStateAway`."""
        return await self._of_each(caps, super().unpriced, book.is_unpriced)

    async def _of_each(
        self,
        caps: Sequence[Cap],
        of_ours: Callable[[Sequence[Cap]], Awaitable[tuple[T, ...]]],
        of_theirs: Callable[[Draft, Cap, int], T],
    ) -> tuple[T, ...]:
        """What this history says of its own caps, and the server of the others, in the order of all."""
        ours, theirs = _split(caps)
        now = self._clock()
        found = dict(zip(ours, await of_ours(ours), strict=True)) if ours else {}
        if theirs:
            told = await self._run(
                book.names_of_caps(theirs, now), lambda draft: [of_theirs(draft, cap, now) for cap in theirs]
            )
            found |= dict(zip(theirs, told, strict=True))
        return tuple(found[cap] for cap in caps)

    @property
    def figures(self) -> StoredLedger:
        """See `StoredLedger.figures`."""
        return _Figures(self, self._writer, self._reader, self._program)

    async def aclose(self) -> None:
        """Try once more to tell what the server has not heard; what it held back counts there until it is told."""
        if self._late:
            with suppress(RoutertermError):
                await self.tell()

    async def tell(self) -> None:
        """Tell the server what it has not heard.  Raises `SharedStateAway`."""
        await self._run((), lambda _: None)

    async def _run(self, names: Collection[str], job: Callable[[Draft], T]) -> T:
        """Run a job, after all that the server has not heard yet."""
        await self._catch_up()
        late, self._late = self._late, {}

        def all_of_it(draft: Draft) -> T:
            for record, act in late.values():
                act(draft, record)
            return job(draft)

        more = {name for record, _ in late.values() for name in book.names_of_row(record)}
        try:
            answer = await self._shared.run({*names, *more} if more else names, all_of_it)
        except BaseException:
            self._late = late | self._late
            raise
        if told := self._kept_untold & late.keys():
            self._kept_untold -= told
            await self._change_untold(lambda rows: rows - told)
        return answer

    async def _change_untold(self, change: Callable[[set[str]], set[str]]) -> None:
        """Change the rows that are kept as untold: other programs of this history keep theirs beside ours."""

        def changed(state: State | None) -> State | None:
            rows = change({str(id) for id in (state or {}).get("rows", ())})
            return {"rows": sorted(rows)} if rows else None

        await self._memory.change(_UNTOLD, changed)

    async def _catch_up(self) -> None:
        """Once: tell what programs that ended before could not, so that what they held back is let go."""
        if self._caught_up:
            return
        async with self._catching_up:
            if not self._caught_up:
                await self._tell_of_the_dead()
                self._caught_up = True

    async def _tell_of_the_dead(self) -> None:
        untold = [str(id) for id in (await self._memory.read(_UNTOLD)).get(_UNTOLD, {}).get("rows", ())]
        since = self._clock() - _WEEK_MS

        def ended(connection: sqlite3.Connection) -> Sequence[AttemptRecord]:
            return ended_since(connection, since, untold)

        rows = await self._reader.read(ended)

        def job(draft: Draft) -> None:
            for row in rows:  # one that was lost and is not known there is from before there was a server
                book.enter(draft, row, if_known=row.id not in untold)

        await self._shared.run({name for row in rows for name in book.names_of_row(row)}, job)
        if untold:
            await self._change_untold(lambda rows: rows - set(untold))


class _Figures(StoredLedger):
    """The sums of all gateways; without the server those of this history."""

    def __init__(self, of_all: SharedLedger, writer: Worker, reader: Worker, program: str) -> None:
        super().__init__(writer, reader, program)
        self._of_all = of_all

    async def used(self, caps: Sequence[Cap]) -> tuple[int, ...]:
        """See `StoredLedger.used`."""
        try:
            return await self._of_all.used(caps)
        except SharedStateAway:
            return await super().used(caps)

    async def unpriced(self, caps: Sequence[Cap]) -> tuple[bool, ...]:
        """See `StoredLedger.unpriced`."""
        try:
            return await self._of_all.unpriced(caps)
        except SharedStateAway:
            return await super().unpriced(caps)


def _split(caps: Sequence[Cap]) -> tuple[list[Cap], list[Cap]]:
    """The caps that only this history can answer, and those of all gateways."""
    ours = [cap for cap in caps if cap.scope in _OF_THIS_HISTORY]
    return ours, [cap for cap in caps if cap.scope not in _OF_THIS_HISTORY]
