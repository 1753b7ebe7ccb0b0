"""The shared state on PostgreSQL: one table, one advisory lock that is held for a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from routerterm.core.secret import Secret
from routerterm.store.errors import SharedStateAway
from routerterm.store.shared.server import CONNECT_SECONDS, WORK_SECONDS, Address, Change, Entry

T = TypeVar("T")

_LOCK = 0x726F75746572
"""Of all that gateways change: "router" in letters."""
_FORMAT = "1"
_TABLE = """
CREATE TABLE IF NOT EXISTS routerterm_state (
    name text COLLATE "C" PRIMARY KEY, value text NOT NULL, expires timestamptz
) WITH (fillfactor = 70)
"""
_WRITE = """
INSERT INTO routerterm_state (name, value, expires)
SELECT name, value, now() + seconds * interval '1 second'
FROM unnest(%s::text[], %s::text[], %s::float8[]) AS new (name, value, seconds)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, expires = excluded.expires
"""
_SETTINGS = (
    # Whoever stalls in a transaction loses it: the others go on.
    f"SET statement_timeout = '{WORK_SECONDS}s'; SET idle_in_transaction_session_timeout = '{WORK_SECONDS}s'"
)
_SWEEP_EVERY = 5_000
"""Transactions after which what has expired is deleted."""
_HINTS = {
    "28P01": ("it refused the password", "Give it in ~/.pgpass, PGPASSWORD or the variable of gateway.state."),
    "28000": ("it refused the user", "Check the user in gateway.state and pg_hba.conf on the server."),
    "3D000": ("it has no such database", "Create it with: createdb NAME"),
    "42501": ("the user may not create or use its table", "Grant the user CREATE on the schema public."),
    "57014": ("it did not answer in time", ""),
    "25P03": ("it did not answer in time", ""),
    "53300": ("it has too many connections", "Each gateway needs one; raise max_connections."),
}  # fmt: skip


class PostgreSql:
    """A `SharedServer`: one connection, opened with the first question and again after a failure."""

    def __init__(self, url: Secret, address: Address) -> None:
        self._url = url
        self._address = address
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._changes = 0
        self._left: set[asyncio.Task[Any]] = set()

    async def change(self, names: Collection[str], change: Change) -> None:
        """See `SharedServer.change`."""
        await self._in_time(self._change(list(names), change))

    async def _change(self, names: list[str], change: Change) -> None:
        connection = await self._connected()
        async with connection.pipeline(), connection.transaction():  # two round trips: reading, and all the rest
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            found = await connection.execute(
                "SELECT name, value FROM routerterm_state"
                " WHERE name = ANY(%s) AND (expires IS NULL OR expires > now())",
                (names,),
            )
            written = change({name: value.encode() async for name, value in found})
            await self._write(connection, {name: entry for name, entry in written.items() if entry is not None})
            if gone := [name for name, entry in written.items() if entry is None]:
                await connection.execute("DELETE FROM routerterm_state WHERE name = ANY(%s)", (gone,))

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work answers.  Raises `SharedStateAway`, also where the server says nothing for too long.

        psycopg, when cancelled, first asks the server to stop and waits for it: that happens behind our back.  The
        lock stays with the old connection until the server has ended it: what comes later is later there, too.
        """
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=CONNECT_SECONDS + WORK_SECONDS)
        except asyncio.CancelledError:
            self._leave(task)
            raise
        if not done:
            self._leave(task)
            raise self._address.away("it did not answer in time")
        try:
            return task.result()
        except (psycopg.Error, OSError) as error:
            raise await self._lost(error) from error

    def _leave(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        connection, self._connection = self._connection, None
        self._left.add(task)

        def forget(task: asyncio.Task[Any]) -> None:
            self._left.discard(task)
            if not task.cancelled():
                task.exception()
            if connection is not None:
                connection.pgconn.finish()

        task.add_done_callback(forget)

    async def _write(self, connection: psycopg.AsyncConnection[Any], entries: dict[str, Entry]) -> None:
        if not entries:
            return
        values = [entry.value.decode() for entry in entries.values()]
        seconds = [entry.seconds for entry in entries.values()]
        await connection.execute(_WRITE, (list(entries), values, seconds))
        self._changes += 1
        if self._changes % _SWEEP_EVERY == 1:
            await connection.execute("DELETE FROM routerterm_state WHERE expires < now()")

    async def under(self, space: str) -> dict[str, bytes]:
        """See `SharedServer.under`."""
        return await self._in_time(self._under(space))

    async def _under(self, space: str) -> dict[str, bytes]:
        connection = await self._connected()
        found = await connection.execute(
            "SELECT substr(name, %s), value FROM routerterm_state WHERE name >= %s AND name < %s AND expires IS NULL",
            (len(space) + 2, f"{space}/", f"{space}0"),  # "0" is what comes after "/"
        )
        return {name: value.encode() async for name, value in found}

    async def aclose(self) -> None:
        """See `SharedServer.aclose`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error, OSError):
                await connection.close()

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            connection = await psycopg.AsyncConnection.connect(
                self._url.reveal(),
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                application_name="routerterm",
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
            )
            self._connection = connection
            await connection.execute(_SETTINGS)
            await self._prepare(connection)
        return self._connection

    async def _prepare(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Make the table, unless it is there.  Raises `SharedStateAway` where a later version made it."""
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            found = await connection.execute("SELECT to_regclass('routerterm_state')")
            if await found.fetchone() == (None,):
                await connection.execute(_TABLE)
                await connection.execute(
                    "INSERT INTO routerterm_state (name, value) VALUES ('meta/format', %s)", (_FORMAT,)
                )
            found = await connection.execute("SELECT value FROM routerterm_state WHERE name = 'meta/format'")
            if await found.fetchone() != (_FORMAT,):
                raise self._address.away(
                    "its table routerterm_state is of another version", "Run the same version of routerterm everywhere."
                )

    async def _lost(self, error: Exception) -> SharedStateAway:
        """The error in our words; the connection is given up.  What libpq says of a URL may hold the password."""
        await self.aclose()
        known = _HINTS.get(getattr(error, "sqlstate", None) or "")
        if known is not None:
            return self._address.away(*known)
        said = str(error)
        for code, (words, hint) in _WORDS.items():
            if code in said:
                return self._address.away(words, hint or _HINTS["28P01"][1])
        if isinstance(error, psycopg.OperationalError | OSError):
            return self._address.away("it cannot be reached")
        with suppress(psycopg.Error):
            conninfo_to_dict(self._url.reveal())
            return self._address.away(f"it answered with {type(error).__name__}")
        return self._address.away("gateway.state is not a valid URL", "As in postgresql://USER@HOST:5432/DATABASE")


_WORDS = {
    "password authentication failed": _HINTS["28P01"],
    "no password supplied": ("it wants a password", ""),
    "no pg_hba.conf entry": _HINTS["28000"],
    "starting up": ("it is starting up", "Wait a moment."),
    "shutting down": ("it is shutting down", "Start it again."),
    "does not exist": ("it has no such database or user", _HINTS["3D000"][1]),
    "too many": _HINTS["53300"],
}
"""What a failed connection says: psycopg gives it no code."""
