"""The whole store: one file, one thread that writes, one that reads, one that searches.

What other rooms write against it: a class that takes `Worker`s and runs plain functions of a
`sqlite3.Connection` on them (`Worker.read`, `Worker.write`); see `routerterm.store.worker`.  The ledger
(`routerterm.store.ledger.StoredLedger`) is made so: ``StoredLedger(writer, reader, program)``, where
``program`` goes into ``attempt.program`` so that a later start can tell rows of the dead from the living.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from msgspec.structs import replace

from routerterm.core.errors import StoreError
from routerterm.core.ids import ulid
from routerterm.store.changes import POLL, changes
from routerterm.store.conversations import Conversations
from routerterm.store.drafts import Drafts
from routerterm.store.errors import translate
from routerterm.store.instances import Instances
from routerterm.store.maintenance import CalledOff, Check, back_up, check, repair
from routerterm.store.memory import StoredMemory
from routerterm.store.messages import Messages
from routerterm.store.opening import (
    Opening,
    connect_read_only,
    connect_to_memory,
    connect_to_read,
    mark_damaged,
    mark_interrupted,
    open_file,
)
from routerterm.store.presence import Presence, reconnected
from routerterm.store.prompts import Prompts
from routerterm.store.search import Search
from routerterm.store.transfer import Transfer
from routerterm.store.turns import Turns
from routerterm.store.worker import Worker

if TYPE_CHECKING:
    from routerterm.store.gateway_keys import GatewayKeys
    from routerterm.store.gateway_responses import GatewayResponses
    from routerterm.store.ledger import StoredLedger
    from routerterm.store.outbox import StoredOutbox
    from routerterm.store.shared.state import SharedState

T = TypeVar("T")

SEARCH_CACHE = 8_000
"""Kilobytes of the index that the search keeps at hand from one key to the next: a sixth less work than with 2,000."""


def milliseconds() -> int:
    """The time of day in milliseconds since the epoch; 0 where the clock stands before it."""
    return max(0, time.time_ns() // 1_000_000)


class Store:
    """A person's history.  Nothing touches the disk before the first access."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], int],
        random_bytes: Callable[[int], bytes],
        shared: SharedState | None = None,
    ) -> None:
        self.path = path
        self._clock = clock
        self._random_bytes = random_bytes
        self.shared = shared
        """What other gateways share with this history; None where it stands alone."""
        self._door = threading.Lock()
        self._closing = self._must_rescue = False
        self._connection: sqlite3.Connection | None = None
        self._opening: Opening | None = None
        self._presence: Presence | None = None
        self.notices: list[StoreError] = []
        """What happened to the file since it was opened, for whoever tells the person; they take it out."""
        self.program = self.new_id()
        """This program's name among those that share the file."""
        self._instances = Instances(path, self.program)
        self.writer = Worker(path, self._connect, "writer")
        self.reader = Worker(path, self._connect_to_read, "reader")
        self.conversations = Conversations(self.writer, self.reader, clock, self.new_id)
        self.messages = Messages(self.writer, self.reader, clock)
        self.drafts = Drafts(self.writer, self.reader)
        self.turns = Turns(self.writer, clock, self.new_id, self.program)
        self.prompts = Prompts(self.writer, self.reader, clock)
        self.search_worker = Worker(path, self._connect_to_search, "search")
        self.search = Search(self.search_worker, self.writer, clock)
        self.transfer = Transfer(self.writer, self.reader)
        self.memory = self._memory()

    @classmethod
    def open(
        cls,
        path: Path,
        clock: Callable[[], int] = milliseconds,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        *,
        shared: SharedState | None = None,
    ) -> Self:
        """The history in that file; the file is opened, made or mended with the first access, or by `start`."""
        return cls(path, clock, random_bytes, shared)

    def _memory(self) -> StoredMemory:
        if self.shared is None:
            return StoredMemory(self.writer, self.reader)
        from routerterm.store.shared.memory import SharedMemory

        return SharedMemory(self.writer, self.reader, self.shared)

    @cached_property
    def ledger(self) -> StoredLedger:
        """The book of spending."""
        if self.shared is not None:
            from routerterm.store.shared.ledger import SharedLedger

            return SharedLedger(
                self.writer, self.reader, self.program, shared=self.shared, memory=self.memory, clock=self._clock
            )
        from routerterm.store.ledger import StoredLedger

        return StoredLedger(self.writer, self.reader, self.program)

    @cached_property
    def outbox(self) -> StoredOutbox:
        """Questions that wait to be sent."""
        from routerterm.store.outbox import StoredOutbox

        return StoredOutbox(self.writer, self.reader, self._clock, self.program)

    def living(self) -> frozenset[str]:
        """The programs that have the file open now, this one included."""
        return self._instances.living()

    @cached_property
    def gateway_keys(self) -> GatewayKeys:
        """The gateway's virtual keys."""
        if self.shared is not None:
            from routerterm.store.shared.keys import SharedKeys

            return SharedKeys(self.writer, self.reader, self.shared, self._clock)
        from routerterm.store.gateway_keys import GatewayKeys

        return GatewayKeys(self.writer, self.reader)

    @cached_property
    def gateway_responses(self) -> GatewayResponses:
        """What the gateway keeps of the Responses API."""
        from routerterm.store.gateway_responses import GatewayResponses

        return GatewayResponses(self.writer, self.reader)

    async def start(self) -> Opening:
        """Open the file now, and say what was found and done.  Raises `StoreError`."""
        await self.writer.read(lambda _: None)
        assert self._opening is not None
        return self._opening

    async def close(self) -> None:
        """Finish what was asked for and close the file."""
        self._closing = True
        if self.shared is not None:
            await self._leave(self.shared)
        await self.search_worker.close()
        await self.reader.close()
        await self.writer.close()
        self._instances.leave()

    async def _leave(self, shared: SharedState) -> None:
        from routerterm.store.shared.ledger import SharedLedger

        if isinstance(ledger := self.__dict__.get("ledger"), SharedLedger):
            await ledger.aclose()
        await shared.aclose()

    async def flush(self) -> None:
        """Wait until all that was written so far survives a power cut.  Raises `StoreError`."""
        await self.writer.write(_touch, durable=True)

    def now(self) -> int:
        """The time of day in milliseconds since the epoch, as this store's clock tells it."""
        return self._clock()

    def new_id(self) -> str:
        """A fresh ULID."""
        return ulid(self._clock(), self._random_bytes(10))

    def changes(self, every: float = POLL) -> AsyncGenerator[None]:
        """See `store.changes`: yields whenever another program has changed the file."""
        return changes(self.path, self.writer, self.notices, every)

    async def maintain(self) -> Check | None:
        """What a program does once after its start, in the background: check, back up, carry out old deletions.

        The file is checked only after an unclean end.  A damaged file is not backed up over a sound backup; it is
        rescued at the next start.
        Raises `StoreError`; nothing of it is urgent.
        """
        opening = await self.start()
        found = await self.check() if opening.unclean else None
        if found is not None and found.damaged:
            await self._aside(lambda: mark_damaged(self.path))
        try:
            if found is None or not found.problems:
                await self._aside(lambda: back_up(self.path, self._clock(), self._is_closing))
        finally:
            await self.conversations.purge()
            await self.search.complete_words(self._is_closing)
        return found

    async def check(self, *, repairs: bool = False) -> Check:
        """Look at every page, every reference and (when repairing) the search index; repair what can be repaired."""
        await self.start()

        def look() -> Check:
            with closing(connect_to_read(self.path)) as connection:
                return check(connection, self._is_closing)

        found = await self._aside(look)
        if not repairs:
            return found
        mended = await self.writer.write(repair)
        return replace(await self._aside(look), mended=mended)

    @property
    def is_closing(self) -> bool:
        """Whether the program is about to end: what is long is left for another time."""
        return self._closing

    def _is_closing(self) -> bool:
        return self._closing

    async def rescue(self) -> Opening:
        """Set a damaged file aside and save what can be read; the store must not have been used before.

        Raises `Damaged` while another program has the file open.
        """
        if self._opening is not None:
            raise StoreError("A history in use cannot be rescued.", "Start again.")
        self._must_rescue = True
        return await self.start()

    async def _aside(self, work: Callable[[], T]) -> T:
        """Run something long on a thread of its own."""
        try:
            return await asyncio.to_thread(work)
        except CalledOff as error:
            raise StoreError("The program ended first.") from error
        except (sqlite3.Error, OSError) as error:
            raise translate(error, self.path) from error

    async def recover(self) -> int:
        """Label the answers of programs that have died since the start; how many there were."""
        living = self._instances.living()
        return await self.writer.write(lambda connection: mark_interrupted(connection, living))

    def _connect(self) -> sqlite3.Connection:
        """Open the file for the writer, once, whichever thread comes first."""
        with self._door:
            if self._connection is None:
                self._connection, self._opening = open_file(
                    self.path, self._instances, self._clock(), damaged=self._must_rescue
                )
                self.writer.refusal = self._opening.read_only
                if self._opening.read_only is None:
                    self._presence = Presence(self.path, self._connection)
                    self.writer.before_job = self._see_that_it_is_there
            return self._connection

    def _see_that_it_is_there(self) -> None:
        """Notice, on the writer's thread, that the file was deleted or replaced.  Raises `Replaced`."""
        if self._presence is not None and (notice := self._presence.restored()) is not None:
            self.notices.append(notice)
            with self._door:
                self._connection = reconnected(self.path)
            self._presence = Presence(self.path, self._connection)
            for worker in (self.writer, self.reader, self.search_worker):
                worker.reconnect()

    def _connect_to_read(self) -> sqlite3.Connection:
        self._connect()
        if self._opening is not None and self._opening.read_only:
            address = self._opening.memory
            return connect_to_memory(address) if address else connect_read_only(self.path)
        return connect_to_read(self.path)

    def _connect_to_search(self) -> sqlite3.Connection:
        connection = self._connect_to_read()
        connection.execute(f"PRAGMA cache_size = -{SEARCH_CACHE}")
        return connection


def _touch(connection: sqlite3.Connection) -> None:
    """The smallest write there is: a transaction that writes nothing would not wait for the disk."""
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('settled', hex(randomblob(4)))")
