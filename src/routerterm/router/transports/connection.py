"""One connection to a provider: bytes in, bytes out, and how it is made where a name has several addresses."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, cast

from routerterm.core.errors import BadRequest

_MOST_HELD = 256 * 1024
"""Bytes that may lie unread before the sender is made to wait."""
_HEAD_START = 0.25
"""Seconds that an address has before the next one of the same name is tried beside it (RFC 8305)."""


class Connection(asyncio.Protocol):
    """A connection that is read by one task at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._held: deque[bytes] = deque()
        self._size = 0
        self._over = self._paused = self._full = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.used = self._loop.time()
        """When it was last given back: the event loop's time."""

    @property
    def idle(self) -> bool:
        """Whether a request may go over it: it is there, nothing came unasked, and nothing is still to be sent."""
        return (
            not (self._over or self._held or self._full)
            and self._transport is not None
            and not self._transport.is_closing()
        )

    async def read(self) -> bytes:
        """All that has come; nothing at the end.  Raises `OSError`."""
        if not self._held and not self._over:
            await self._changed()
        if self._held:
            data = self._held.popleft() if len(self._held) == 1 else b"".join(self._held)
            self._held.clear()
            self._size = 0
            if self._paused and self._transport is not None:
                self._paused = False
                self._transport.resume_reading()
            return data
        if self._error is not None:
            raise self._error
        return b""

    def write(self, data: bytes) -> bool:
        """Send; False where the other side does not take it as fast as we give it."""
        assert self._transport is not None
        self._transport.write(data)
        return not self._full

    async def written(self) -> None:
        """Until what was written is on its way, or the other side answers before it has read everything."""
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
        if self._size > _MOST_HELD and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """See `asyncio.Protocol`."""
        self._over = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._over, self._error = True, self._error or exc
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


async def connected(host: str, port: int, tls: ssl.SSLContext | None) -> Connection:
    """A fresh connection.  Raises `OSError`."""
    loop = asyncio.get_running_loop()
    name = host if tls is not None else None
    if _is_address(host):
        return (await loop.create_connection(Connection, host, port, ssl=tls, server_hostname=name))[1]
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise BadRequest(f"{host[:80]!r} is not a name that a machine can have.", "Check base_url.") from None
    addresses = _in_turn([(family, str(address[0])) for family, _, _, _, address in found])

    async def attempt(address: str) -> Connection:
        return (await loop.create_connection(Connection, address, port, ssl=tls, server_hostname=name))[1]

    return await attempt(addresses[0]) if len(addresses) == 1 else await _first(addresses, attempt)


async def _first(addresses: Sequence[str], attempt: Callable[[str], Coroutine[Any, Any, Connection]]) -> Connection:
    """The first connection that stands; each address gets a head start before the next."""
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
    """A connection that came too late is not left open."""
    with suppress(asyncio.CancelledError, OSError):
        task.result().close()


def _in_turn(found: Sequence[tuple[int, str]]) -> list[str]:
    """The addresses, each once, the families in turn."""
    first = [address for family, address in found if family == found[0][0]]
    second = [address for family, address in found if family != found[0][0]]
    mixed: list[str] = []
    while first or second:
        mixed += [addresses.pop(0) for addresses in (first, second) if addresses]
    return list(dict.fromkeys(mixed))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
