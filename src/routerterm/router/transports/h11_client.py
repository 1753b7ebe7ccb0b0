"""HTTP/1.1 to a provider without a proxy between: h11 speaks, we carry.

Most of what a request costs before its first token is the HTTP library's; a stream of many small pieces pays it
for each of them.  What goes through a proxy is left to httpx, see `routerterm.router.transports.http`.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

import h11

from routerterm.core.errors import BadRequest, InvalidResponse, ServerError, StreamInterrupted
from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest
from routerterm.router.transports.base import HttpResponse, Timeouts
from routerterm.router.transports.connection import Connection, connected
from routerterm.router.transports.errors import address_label, connection_error

_HEAD_MOST = 100 * 1024
_IDLE = 60.0
"""Seconds that a connection is kept for the next request."""
_IDLE_MOST = 32
"""Connections that are kept for one server."""
_SAFE = "%/:=&?~#+!$,;'@()*[]"
_ENCODINGS: Mapping[str, int] = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""How zlib is told what it unpacks."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a URL leads."""

    secure: bool
    host: str
    port: int
    authority: str
    """As the header ``Host`` wants it."""
    path: str


@lru_cache(maxsize=256)
def address_of(url: str) -> Address:
    """The parts of a URL.  Raises `BadRequest`."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode("ascii"), parts.port
    except ValueError:  # a UnicodeError is one
        raise _no_address(url) from None
    if not host or parts.scheme not in ("http", "https"):
        raise _no_address(url)
    secure = parts.scheme == "https"
    usual = 443 if secure else 80
    name = f"[{host}]" if ":" in host else host
    authority = name if port in (None, usual) else f"{name}:{port}"
    path = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    return Address(secure, host, port or usual, authority, path)


def _no_address(url: str) -> BadRequest:
    return BadRequest(f"{address_label(url)} is not an address.", "Check the provider's base_url.")


class H11Client:
    """Connections to any number of servers, kept for the next request.  ``tls`` gives the certificates to trust."""

    def __init__(self, agent: str, tls: Callable[[], ssl.SSLContext]) -> None:
        self._agent, self._tls = agent, tls
        self._trusted: ssl.SSLContext | None = None
        self._kept: dict[tuple[bool, str, int], list[Connection]] = defaultdict(list)

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        """See `Transport.exchange`."""
        url = request.url
        address = address_of(url)
        wire = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_MOST)
        data = _written(wire, request, address, self._agent)
        line = self._take(address) or await self._connected(address, url, waits.connect)
        try:
            response = await _asked(line, wire, data, url, waits.write)
            headers = _headers(response)
            yield HttpResponse(
                response.status_code, _body(line, wire, url, headers.get("content-encoding", "")), headers
            )
        finally:
            if wire.our_state is h11.DONE and wire.their_state is h11.DONE and line.idle:
                self._keep(address, line)
            else:
                line.close()

    async def aclose(self) -> None:
        """Close what is kept."""
        kept, self._kept = self._kept, defaultdict(list)
        for lines in kept.values():
            for line in lines:
                line.close()

    def _take(self, address: Address) -> Connection | None:
        """The connection that was used last: those that are too many grow old and go."""
        lines = self._kept[address.secure, address.host, address.port]
        oldest = asyncio.get_running_loop().time() - _IDLE
        while lines:
            line = lines.pop()
            if line.idle and line.used > oldest:
                return line
            line.close()
        return None

    def _keep(self, address: Address, line: Connection) -> None:
        lines = self._kept[address.secure, address.host, address.port]
        line.used = now = asyncio.get_running_loop().time()
        lines.append(line)
        while len(lines) > _IDLE_MOST or not lines[0].idle or lines[0].used < now - _IDLE:
            lines.pop(0).close()
            if not lines:
                break

    async def _connected(self, address: Address, url: str, wait: float) -> Connection:
        if address.secure and self._trusted is None:
            self._trusted = await asyncio.to_thread(self._tls)  # reading the machine's certificates takes a while
        tls = self._trusted if address.secure else None
        try:
            async with asyncio.timeout(wait):
                return await connected(address.host, address.port, tls)
        except OSError as error:  # a TimeoutError is one
            raise connection_error(error, url) from error


def _written(wire: h11.Connection, request: HttpRequest, address: Address, agent: str) -> bytes:
    """The request as bytes."""
    given = {name.lower() for name, _ in request.headers}
    usual = (
        ("Host", address.authority),
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip, deflate"),
        ("User-Agent", agent),
    )
    headers = [(name, value) for name, value in usual if name.lower() not in given]
    headers += ((name, value.reveal() if isinstance(value, Secret) else value) for name, value in request.headers)
    if request.body or request.method not in ("GET", "HEAD"):
        headers.append(("Content-Length", str(len(request.body))))
    try:
        head = wire.send(h11.Request(method=request.method, target=address.path, headers=headers)) or b""
        body = (wire.send(h11.Data(data=request.body)) or b"") if request.body else b""
        return head + body + (wire.send(h11.EndOfMessage()) or b"")
    except (h11.LocalProtocolError, UnicodeError):
        # h11 quotes the offending header, which may be the key: nothing of it goes on.
        raise BadRequest(
            "The request could not be written as HTTP.", "Is there a line break or a blank in the key or a header?"
        ) from None


async def _asked(line: Connection, wire: h11.Connection, data: bytes, url: str, wait: float) -> h11.Response:
    """Send, and hear the head of the answer."""
    try:
        if not line.write(data):
            async with asyncio.timeout(wait):
                await line.written()
        while True:
            event = wire.next_event()
            if event is h11.NEED_DATA:
                wire.receive_data(await line.read())
            elif isinstance(event, h11.Response):
                return event
            elif not isinstance(event, h11.InformationalResponse):
                raise ServerError(f"{address_label(url)} closed the connection without an answer.", code="reset")
    except (h11.RemoteProtocolError, OSError) as error:
        raise ServerError(f"{address_label(url)} closed the connection without an answer.", code="reset") from error


async def _body(line: Connection, wire: h11.Connection, url: str, encoding: str) -> AsyncIterator[bytes]:
    """The bytes of an answer, as many at a time as came together."""
    unpack = _unpacker(encoding, url)
    over = False
    try:
        while not over:
            pieces: list[bytes] = []
            while (event := wire.next_event()) is not h11.NEED_DATA:
                if not isinstance(event, h11.Data):
                    over = True
                    break
                pieces.append(bytes(event.data))
            data = b"".join(pieces) if len(pieces) != 1 else pieces[0]
            if data and unpack is not None:
                data = unpack(data)
            if data:
                yield data
            if not over:
                wire.receive_data(await line.read())
    except zlib.error as error:
        raise InvalidResponse(f"{address_label(url)} sent a body that cannot be unpacked.") from error
    except (h11.RemoteProtocolError, OSError) as error:
        raise StreamInterrupted(
            f"The connection to {address_label(url)} broke in the middle of the answer.", code="reset"
        ) from error


def _unpacker(encoding: str, url: str) -> Callable[[bytes], bytes] | None:
    word = encoding.strip().lower()
    if word in ("", "identity"):
        return None
    if word not in _ENCODINGS:
        raise InvalidResponse(f"{address_label(url)} sent a body that cannot be unpacked ({word[:20]}).")
    return zlib.decompressobj(_ENCODINGS[word]).decompress


def _headers(response: h11.Response) -> dict[str, str]:
    """By name in lower case; several of one name are joined."""
    found: dict[str, str] = {}
    for raw, value in response.headers:
        name, text = raw.decode("ascii").lower(), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found
