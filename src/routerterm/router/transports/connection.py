"""A connection to a server: bytes in, bytes out, and how one comes about; what they mean is said elsewhere."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any, cast

from routerterm.core.hosts import address_of

_HELD_MOST = 256 * 1024
"""Bytes that may lie unread before the server is made to wait."""
_HEAD_START = 0.25
"""Seconds that an address has before the next one of the same name is tried beside it (RFC 8305)."""


class Connection(asyncio.Protocol):
    """Bytes in, bytes out; read by one task at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._held: deque[bytes] = deque()
        self._size = 0
        self._over = False
        self._paused = False
        self._full = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.used = 0.0
        """When it was last given back, by the event loop's clock; 0 for one that has carried nothing yet."""
        self.answered = False
        """Whether a byte came since the last request was written."""

    @property
    def idle(self) -> bool:
        """Whether a request may go over it: it is there, nothing came unasked, and nothing is still to be sent."""
        busy = self._over or self._held or self._full
        return not busy and self._transport is not None and not self._transport.is_closing()

    async def read(self) -> bytes:
        """All that has come; nothing at the end.  Raises `OSError`."""
        while not self._held and not self._over:
            await self._changed()
        if not self._held:
            if self._error is not None:
                raise self._error
            return b""
        data = self._held.popleft() if len(self._held) == 1 else b"".join(self._held)
        self._held.clear()
        self._size = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Until it is on its way, or the other side answers before it has read everything (as with 413)."""
        assert self._transport is not None
        self.answered = False
        self._transport.write(data)
        while self._full and not self._held and not self._over:
            await self._changed()

    def close(self) -> None:
        """Hang up at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._held.append(data)
        self._size += len(data)
        self.answered = True
        if self._size > _HELD_MOST and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._over = True
        self._error = self._error or exc
        self._wake()

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._full = True

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._full = False
        self._wake()

    async def _changed(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def connected(
    host: str, port: int, tls: ssl.SSLContext | None, allowed: Callable[[str], bool] | None = None
) -> Connection:
    """A fresh connection, to the first of the name's addresses that answers and is allowed.  Raises `OSError`."""
    loop = asyncio.get_running_loop()
    name = host if tls is not None else None

    async def attempt(address: str) -> Connection:
        if allowed is not None and not allowed(address):
            raise PermissionError("the address is not allowed")
        return (await loop.create_connection(Connection, address, port, ssl=tls, server_hostname=name))[1]

    if address_of(host) is not None:
        return await attempt(host)  # without a thread for a look-up
    ranked: list[tuple[int, str]] = []
    seen: Counter[int] = Counter()
    for family, _, _, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        ranked.append((seen[family], str(address[0])))
        seen[family] += 1
    ranked.sort(key=itemgetter(0))  # the families in turn; within one, the order of the look-up
    addresses = list(dict.fromkeys(address for _, address in ranked))
    return await attempt(addresses[0]) if len(addresses) == 1 else await _first(addresses, attempt)


async def _first(addresses: Sequence[str], attempt: Callable[[str], Coroutine[Any, Any, Connection]]) -> Connection:
    """The first connection that is made; each address gets a head start before the next.

    asyncio can do that too (``happy_eyeballs_delay``), but the gateway's uvloop cannot.
    """
    waiting = list(addresses)
    running: set[asyncio.Task[Connection]] = set()
    failure: Exception = OSError("no address")
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.ensure_future(attempt(waiting.pop(0))))
            pause = _HEAD_START if waiting else None
            done, running = await asyncio.wait(running, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (error := task.exception()) is None:
                    return task.result()
                failure = error if isinstance(error, Exception) else failure
        raise failure
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_hang_up)


def _hang_up(task: asyncio.Task[Connection]) -> None:
    """A connection that was made too late is not left open."""
    with suppress(asyncio.CancelledError, OSError):
        task.result().close()
