"""A thread that owns one SQLite connection, and runs on it what it is given, one job after the other.

The seam for everything with SQL: write a plain function that takes a `sqlite3.Connection` and give it to
`read` (no transaction of its own) or `write` (one ``BEGIN IMMEDIATE`` transaction, run again from its start
if another program was in the way, so it must have no side effect but its SQL).  Rows come as `sqlite3.Row`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from routerterm.core.errors import StoreError
from routerterm.store.errors import is_busy, translate

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]

PATIENCE = 60.0
"""Seconds to wait for another program before a person hears of it; each try waits `BUSY_MS` inside SQLite."""
BUSY_MS = 5_000


class Worker:
    """One thread, one connection, opened with the first job."""

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection], name: str) -> None:
        self._path = path
        self._connect = connect
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"routerterm-{name}")
        self._connection: sqlite3.Connection | None = None
        self._using = threading.Lock()
        self._stale = False
        self.refusal: StoreError | None = None
        """Why nothing can be written, once that is known."""
        self.before_job: Callable[[], None] | None = None
        """Called on the thread before each job, for what may have happened to the file meanwhile."""

    async def read(self, job: Job[T]) -> T:
        """What ``job`` answers.  If the caller is cancelled before its turn came, it never runs."""
        return await asyncio.wrap_future(self._pool.submit(self._run, job))

    async def write(self, job: Job[T], *, durable: bool = False) -> T:
        """Run ``job`` in one transaction; it happens whole, even if the caller is cancelled meanwhile.

        ``durable`` waits until the disk has it for good (fsync): it then survives a power cut, and so does
        all that was written before it.  Without it, it survives the death of the program.
        """
        writing = asyncio.wrap_future(self._pool.submit(self._transact, job, durable))
        writing.add_done_callback(_consume_exception)
        return await asyncio.shield(writing)

    def reconnect(self) -> None:
        """Open a new connection with the next job: the file is another one."""
        with self._using:
            self._stale = True

    def interrupt(self) -> None:
        """Break off the statement that is running now, if one is."""
        with self._using:
            if self._connection is not None:
                self._connection.interrupt()

    async def close(self) -> None:
        """Close the connection after all jobs that were given before."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, self._shut)
        self._pool.shutdown(wait=False)

    def _shut(self) -> None:
        with self._using:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self.before_job is not None and self._connection is not None:
            self.before_job()
        if self._stale:
            self._shut()
            self._stale = False
        if self._connection is None:
            connection = self._connect()
            with self._using:
                self._connection = connection
        return self._connection

    def _run(self, job: Job[T]) -> T:
        return self._patiently(lambda: job(self._open()))

    def _transact(self, job: Job[T], durable: bool) -> T:
        def attempt() -> T:
            connection = self._open()
            if self.refusal is not None:
                raise self.refusal
            return transact(connection, job, durable=durable)

        return self._patiently(attempt)

    def _patiently(self, attempt: Callable[[], T]) -> T:
        """Try again while another program is in the way; everything else becomes an error of ours."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return attempt()
            except sqlite3.Error as error:
                if not is_busy(error) or time.monotonic() > end:
                    raise translate(error, self._path) from error
                time.sleep(0.01)
            except OSError as error:
                raise translate(error, self._path) from error


def _consume_exception(writing: asyncio.Future[T]) -> None:
    """An error is told to the caller; if that one has been cancelled meanwhile, nobody need hear of it."""
    if not writing.cancelled():
        writing.exception()


def transact(connection: sqlite3.Connection, job: Job[T], *, durable: bool = False) -> T:
    """Run ``job`` in a transaction of its own on the calling thread."""
    if durable:
        connection.execute("PRAGMA synchronous = FULL")
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = job(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result
    finally:
        if durable:
            connection.execute("PRAGMA synchronous = NORMAL")
