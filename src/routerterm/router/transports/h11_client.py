"""HTTP/1.1 to a provider without a proxy between: a transport that is mounted into the `httpx.AsyncClient`.

Why not httpx's own: it costs about four times as much for each piece of an answer at 20 streams, and it hands bytes
that a server sent too many to the next request on the same connection.  httpx stays in charge of addresses, headers
and redirects; here h11 speaks, and asyncio carries.  Errors are httpx's, as its interface for transports wants.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any, TypeAlias, cast

import h11
import httpx

from routerterm.core.hosts import address_of

_HEAD_MOST = 100 * 1024
"""Bytes of an answer's headers; a Content-Security-Policy alone has been seen with 20 kB."""
_HELD_MOST = 256 * 1024
"""Bytes that may lie unread before the server is made to wait."""
_IDLE = 60.0
"""Seconds that a connection is kept for the next request; servers in use close theirs after 60 to 120."""
_IDLE_MOST = 32
"""Connections that are kept for one server."""
_HEAD_START = 0.25
"""Seconds that an address has before the next one of the same name is tried beside it (RFC 8305)."""
_Where: TypeAlias = tuple[bool, str, int]
"""Whether TLS, host, port."""


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


class DirectTransport(httpx.AsyncBaseTransport):
    """Connections to any number of servers, kept for the next request.  ``tls`` gives the certificates to trust.

    ``allowed`` says of an address whether it may be connected to.  It is asked of the very address that is connected
    to, so that a name which first leads to a public address and then to one at home (DNS rebinding) gains nothing.
    """

    def __init__(
        self, tls: Callable[[], Awaitable[ssl.SSLContext]], allowed: Callable[[str], bool] | None = None
    ) -> None:
        self._tls = tls
        self._allowed = allowed
        self._kept: dict[_Where, list[Connection]] = defaultdict(list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and give the answer from its head on.  Raises httpx's errors.

        A kept connection may have been closed by the server at the very moment it was used: as long as no byte of an
        answer has come, the request is sent again on a fresh one, and nobody hears of it.
        """
        url = request.url
        if url.scheme not in ("http", "https") or not url.host:
            raise httpx.UnsupportedProtocol("neither http nor https", request=request)
        where = (
            url.scheme == "https",
            url.raw_host.decode("ascii"),
            url.port or (443 if url.scheme == "https" else 80),
        )
        waits = request.extensions.get("timeout", {})
        if (kept := self._take(where)) is not None:
            try:
                return await self._ask(kept, where, request, waits)
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                if kept.answered:
                    raise
        fresh = await self._connect(where, waits.get("connect"))
        return await self._ask(fresh, where, request, waits)

    async def aclose(self) -> None:
        """Close what is kept."""
        kept, self._kept = self._kept, defaultdict(list)
        for connections in kept.values():
            for connection in connections:
                connection.close()

    async def _ask(
        self, connection: Connection, where: _Where, request: httpx.Request, waits: dict[str, float | None]
    ) -> httpx.Response:
        wire = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_MOST)
        try:
            data = _written(wire, request)
            try:
                async with asyncio.timeout(waits.get("write")):
                    await connection.write(data)
            except TimeoutError as error:
                raise httpx.WriteTimeout("the request was not taken in time") from error
            head = await _head(connection, wire)
        except BaseException:
            connection.close()
            raise
        stream = Pieces(connection, wire, lambda: self._give_back(where, connection, wire))
        extensions = {"reason_phrase": bytes(head.reason), "http_version": b"HTTP/1.1", "pieces": stream}
        return httpx.Response(head.status_code, headers=head.headers.raw_items(), stream=stream, extensions=extensions)

    def _take(self, where: _Where) -> Connection | None:
        """The connection that was used last: those that are too many grow old and go."""
        kept = self._kept[where]
        oldest = asyncio.get_running_loop().time() - _IDLE
        while kept:
            connection = kept.pop()
            if connection.idle and connection.used > oldest:
                return connection
            connection.close()
        return None

    def _give_back(self, where: _Where, connection: Connection, wire: h11.Connection) -> None:
        """Keep it if the exchange is over on both sides and not a byte too many came; else hang up."""
        over = wire.our_state is h11.DONE and wire.their_state is h11.DONE
        if not over or wire.trailing_data[0] or not connection.idle:
            connection.close()
            return
        connection.used = now = asyncio.get_running_loop().time()
        kept = self._kept[where]
        kept.append(connection)
        while kept and (len(kept) > _IDLE_MOST or not kept[0].idle or kept[0].used < now - _IDLE):
            kept.pop(0).close()

    async def _connect(self, where: _Where, wait: float | None) -> Connection:
        secure, host, port = where
        tls = await self._tls() if secure else None
        try:
            async with asyncio.timeout(wait):
                return await _connected(host, port, tls, self._allowed)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except (OSError, UnicodeError) as error:  # a name that is too long for DNS is a UnicodeError
            raise httpx.ConnectError(type(error).__name__) from error


class Pieces(httpx.AsyncByteStream):
    """The bytes of an answer, as many at a time as came together.  An iterator, not a generator: it runs per token."""

    def __init__(self, connection: Connection, wire: h11.Connection, done: Callable[[], None]) -> None:
        self._connection = connection
        self._wire = wire
        self._done: Callable[[], None] | None = done
        self._over = False

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> bytes:
        wire = self._wire
        try:
            while not self._over:
                pieces: list[bytes] = []
                while (event := wire.next_event()) is not h11.NEED_DATA:
                    if not isinstance(event, h11.Data):
                        self._over = True
                        break
                    pieces.append(bytes(event.data))
                if pieces:
                    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
                if not self._over:
                    wire.receive_data(await self._connection.read())
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(type(error).__name__) from error
        except OSError as error:
            raise httpx.ReadError(type(error).__name__) from error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Give the connection back, or hang up at once: nothing is waited for."""
        done, self._done = self._done, None
        if done is not None:
            done()


def _written(wire: h11.Connection, request: httpx.Request) -> bytes:
    """The request as bytes: one write, so that it leaves in as few packets as it can."""
    headers, body = request.headers.raw, request.content
    try:
        head = wire.send(h11.Request(method=request.method, target=request.url.raw_path, headers=headers)) or b""
        data = (wire.send(h11.Data(data=body)) or b"") if body else b""
        return head + data + (wire.send(h11.EndOfMessage()) or b"")
    except h11.LocalProtocolError:
        # h11 quotes the offending header, which may be the key: nothing of it goes on.
        raise httpx.LocalProtocolError("not to be written as HTTP") from None


async def _head(connection: Connection, wire: h11.Connection) -> h11.Response:
    try:
        while not isinstance(event := wire.next_event(), h11.Response):
            if event is h11.NEED_DATA:
                wire.receive_data(await connection.read())
            elif not isinstance(event, h11.InformationalResponse) or event.status_code == 101:
                raise httpx.RemoteProtocolError("no answer")
    except h11.RemoteProtocolError as error:
        raise httpx.RemoteProtocolError(type(error).__name__) from error
    except OSError as error:
        raise httpx.ReadError(type(error).__name__) from error
    return event


async def _connected(
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
