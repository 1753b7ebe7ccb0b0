"""HTTP/1.1 to a provider without a proxy between: a transport that is mounted into the `httpx.AsyncClient`.

Why not httpx's own: it costs about four times as much for each piece of an answer at 20 streams, and it hands bytes
that a server sent too many to the next request on the same connection.  httpx stays in charge of addresses, headers
and redirects; here h11 speaks, and asyncio carries.  Errors are httpx's, as its interface for transports wants.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import h11
import httpx

from routerterm.router.transports.connection import Connection, connected

_HEAD_MOST = 100 * 1024
"""Bytes of an answer's headers; a Content-Security-Policy alone has been seen with 20 kB."""
_IDLE = 60.0
"""Seconds that a connection is kept for the next request; servers in use close theirs after 60 to 120."""
_IDLE_MOST = 32
"""Connections that are kept for one server."""
_Where: TypeAlias = tuple[bool, str, int]
"""Whether TLS, host, port."""


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
                return await connected(host, port, tls, self._allowed)
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
