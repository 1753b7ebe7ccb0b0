"""HTTP to providers: one `httpx.AsyncClient` carries every request.

Straight to a provider it goes over our own transport (`h11_client`), through a proxy over httpx's (`proxied`); both are
mounted into the one client, whose are addresses, headers and errors.  httpx loads with the first request.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import cache, lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from routerterm import __version__
from routerterm.core.errors import AnswerTooLong, BadRequest, InvalidResponse
from routerterm.core.import_without import import_without
from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest
from routerterm.router.transports.base import HttpResponse, Timeouts
from routerterm.router.transports.certificates import Certificates
from routerterm.router.transports.errors import address_label, translated
from routerterm.router.transports.unpacking import PIECE, NotUnpacked, Unpacker

if TYPE_CHECKING:
    import httpx

USER_AGENT = f"routerterm/{__version__}"
_HEADERS = {
    b"accept": b"*/*",
    b"accept-encoding": b"gzip, deflate",
    b"connection": b"keep-alive",
    b"user-agent": USER_AGENT.encode("ascii"),
}
LONGEST = 256 * 1024 * 1024
"""The most bytes of one answer, unpacked: some ten times the longest that any model gives as events."""
_STRAIGHT = "pieces"
"""The extension in which our own transport hands over its bytes: httpx would wrap a generator around each piece."""

_SYSTEM = Certificates()
"""What this process trusts, read once for all of its transports."""


class HttpTransport:
    """Carries requests over the network.

    ``proxy`` None takes what the environment says (AI_PROXY_URL, PROXY_URL, then the usual variables);
    an empty one means none.  This machine's own addresses are never asked through a proxy.
    ``allowed`` says which addresses may be connected to; where a proxy connects, that is the proxy's to say.
    """

    def __init__(
        self,
        proxy: str | None = None,
        environ: Mapping[str, str] | None = None,
        certificates: Certificates | None = None,
        allowed: Callable[[str], bool] | None = None,
    ) -> None:
        self._proxy = proxy
        self._allowed = allowed
        self._certificates = certificates or _SYSTEM
        self._environ = os.environ if environ is None else environ
        self._client: httpx.AsyncClient | None = None

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        """See `Transport.exchange`."""
        client = self._client or await self._opened()
        response = await _sent(client, request, waits)
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            yield HttpResponse(response.status_code, _Body(response, request.url), headers)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _opened(self) -> httpx.AsyncClient:
        """The client.  What it needs is imported in a thread: that takes a while, and other answers go on."""
        await asyncio.to_thread(_load_all)
        if self._client is None:
            self._client = self._made()
        return self._client

    def _made(self) -> httpx.AsyncClient:
        from routerterm.router.transports.client import Client
        from routerterm.router.transports.h11_client import DirectTransport
        from routerterm.router.transports.proxied import ProxiedTransport, proxies

        direct = DirectTransport(self._certificates, self._allowed)
        mounts: dict[str, httpx.AsyncBaseTransport | None] = {}
        for pattern, proxy in proxies(self._proxy, self._environ).items():
            mounts[pattern] = None if proxy is None else ProxiedTransport(proxy, direct, self._certificates)
        # What the environment says is in the mounts.  Of the rest, ~/.netrc would be sent in place of the key.
        return Client(transport=direct, mounts=mounts, trust_env=False, follow_redirects=False)


async def _sent(client: httpx.AsyncClient, request: HttpRequest, waits: Timeouts) -> httpx.Response:
    """Send, and give the answer from its head on.  Raises `ProviderError`.

    The request is made whole here.  `AsyncClient.build_request` would lay the client's own headers, cookies and
    parameters under it, and with the cookies of the answer that is a sixth of all that a short request takes.
    """
    import httpx

    timeout = {"connect": waits.connect, "read": None, "write": waits.write, "pool": waits.connect}
    try:
        message = httpx.Request(
            request.method,
            _url(request.url),
            headers=_headers(request),
            content=request.body or None,
            extensions={"timeout": timeout},
        )
        return await client.send(message, stream=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise translated(error, request.url, begun=False) from _harmless(error)


@lru_cache(maxsize=256)
def _url(url: str) -> httpx.URL:
    """The parts of an address; taking it apart costs more than anything else of a request."""
    import httpx

    if any(letter.isspace() or not letter.isprintable() for letter in url):
        # A browser would take a line break out, and ask for another address than the one that was meant.
        raise BadRequest(
            f"The address of {address_label(url)} contains a line break, a space or an invisible character.",
            "Correct the provider's base_url.",
        )
    return httpx.URL(url)


def _headers(request: HttpRequest) -> list[tuple[bytes, bytes]]:
    """Name and value as bytes, ours where the request names none.  Raises `BadRequest` where they are not ASCII."""
    try:
        named = [
            (name.lower().encode("ascii"), (value.reveal() if isinstance(value, Secret) else value).encode("ascii"))
            for name, value in request.headers
        ]
    except UnicodeError:
        raise BadRequest(
            "The request could not be written as HTTP.", "Check the key and headers for non-ASCII characters."
        ) from None
    ours = dict(_HEADERS)
    for name, _ in named:
        ours.pop(name, None)
    return [*ours.items(), *named]


def _harmless(error: Exception) -> Exception | None:
    """The cause, if it may be shown: h11 quotes a header that it refuses, which may be the key."""
    return None if type(error).__name__ in ("LocalProtocolError", "InvalidURL") else error


class _Body:
    """The bytes of an answer, unpacked, in pieces of a bounded size.  An iterator: a generator would cost per token."""

    def __init__(self, response: httpx.Response, url: str) -> None:
        self._url = url
        self._pieces: AsyncIterator[bytes] = aiter(response.extensions.get(_STRAIGHT, response.stream))
        self._coding = response.headers.get("content-encoding", "")
        self._unpack: Unpacker | None = None
        self._ready: Iterator[bytes] | None = None
        self._size = 0

    def __aiter__(self) -> _Body:
        return self

    async def __anext__(self) -> bytes:
        try:
            while True:
                if self._ready is None:
                    data = await anext(self._pieces)
                    if not self._coding and len(data) <= PIECE:
                        return self._counted(data)
                    self._ready = self._taken_apart(data)
                if (piece := next(self._ready, None)) is not None:
                    await asyncio.sleep(0)  # there may be very many of them, and others wait
                    return self._counted(piece)
                self._ready = None
        except NotUnpacked as error:
            raise InvalidResponse(
                f"{address_label(self._url)} sent a body that cannot be decompressed: {error}."
            ) from None
        except _errors() as error:
            raise translated(error, self._url, begun=True) from error

    def _taken_apart(self, data: bytes) -> Iterator[bytes]:
        if self._coding and self._unpack is None:
            self._unpack = Unpacker(self._coding)
            if not self._unpack:
                self._coding = ""
        if self._coding and self._unpack is not None:
            return self._unpack.feed(data)
        return (data[start : start + PIECE] for start in range(0, len(data), PIECE))

    def _counted(self, data: bytes) -> bytes:
        self._size += len(data)
        if self._size > LONGEST:
            raise AnswerTooLong(f"The answer of {address_label(self._url)} is longer than {LONGEST >> 20} MB.")
        return data


@cache
def _errors() -> tuple[type[Exception], ...]:
    import httpx

    return (httpx.HTTPError, httpx.StreamError)


_LOADING = Lock()


def load_httpx() -> None:
    """httpx, without its command line: `httpx` imports ``httpx._main``, and with it click, rich and pygments.

    That doubles the time of the import.  httpx goes on without where these are not installed.
    """
    with _LOADING:  # two requests at once, each in a thread, and one would take the other's None away
        if "httpx" not in sys.modules:
            with import_without("httpx._main"):
                import httpx  # noqa: F401 - only that it is there


def _load_all() -> None:
    load_httpx()
    from routerterm.router.transports import client, h11_client, proxied  # noqa: F401 - only that they are there
