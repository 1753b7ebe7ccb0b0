"""HTTP by httpx, the only place that knows it: proxies, connections, and its errors as ours.

httpx loads with the first request, not with this module.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from routerterm import __version__
from routerterm.core.errors import CallerFault, Cut, Malformed, ProviderError, SettingsError, Transient, Unreachable
from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest
from routerterm.router.exchange import Answer, Waits

if TYPE_CHECKING:
    import httpx

USER_AGENT = f"routerterm/{__version__}"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class HttpTransport:
    """Carries requests over the network.

    ``proxy`` None takes what the environment says (AI_PROXY_URL, PROXY_URL, then the usual variables);
    an empty one means none.  Loopback addresses never go through a proxy.
    """

    def __init__(self, proxy: str | None = None, environ: Mapping[str, str] | None = None) -> None:
        self._proxy = proxy
        self._environ = os.environ if environ is None else environ
        self._client: httpx.AsyncClient | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Waits) -> AsyncIterator[Answer]:
        """See `Transport.exchange`."""
        import httpx

        client = self._client or await self._opened()
        timeout = httpx.Timeout(None, connect=waits.connect, write=waits.write, pool=waits.connect)
        headers = [(name, value.reveal() if isinstance(value, Secret) else value) for name, value in request.headers]
        with _translated(request.url, begun=False):
            message = client.build_request(
                request.method, request.url, headers=headers, content=request.body or None, timeout=timeout
            )
            response = await client.send(message, stream=True)
        try:
            yield Answer(response.status_code, _body(response, request.url), _lowered(response.headers))
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _opened(self) -> httpx.AsyncClient:
        """The client; made in a thread, because reading the machine's certificates takes a while."""
        async with self._lock:
            if self._client is None:
                self._client = await asyncio.to_thread(self._made)
            return self._client

    def _made(self) -> httpx.AsyncClient:
        import httpx

        proxy = self._proxy
        if proxy is None:
            proxy = self._environ.get("AI_PROXY_URL") or self._environ.get("PROXY_URL") or None
        direct: dict[str, None] = {f"all://{host}": None for host in _LOOPBACK}
        if proxy:
            direct |= {f"all://{pattern}": None for pattern in no_proxy(self._environ)}
        try:
            return httpx.AsyncClient(
                verify=_tls(),
                proxy=proxy or None,
                mounts=direct,
                trust_env=proxy is None,
                follow_redirects=False,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=10, keepalive_expiry=60.0),
                headers={"user-agent": USER_AGENT},
            )
        except (ValueError, ImportError) as error:
            raise SettingsError(
                "The proxy in the settings or the environment cannot be used.",
                "Write it as http://host:port or socks5://host:port (socks needs the socksio package).",
            ) from error


@cache
def _tls() -> ssl.SSLContext:
    """The certificates that are trusted, read once for all clients."""
    import httpx

    return httpx.create_ssl_context()


def no_proxy(environ: Mapping[str, str]) -> Iterator[str]:
    """The hosts that NO_PROXY excepts, as httpx's patterns."""
    for entry in (environ.get("NO_PROXY") or environ.get("no_proxy") or "").split(","):
        if host := entry.strip().lstrip("."):
            yield "*" if host == "*" else host if host.replace(".", "").isdigit() else f"*{host}"


def _lowered(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


async def _body(response: httpx.Response, url: str) -> AsyncIterator[bytes]:
    with _translated(url, begun=True):
        async for data in response.aiter_bytes():
            yield data


@contextmanager
def _translated(url: str, *, begun: bool) -> Iterator[None]:
    """Turns httpx's errors into ours; ``begun``: the body was being read."""
    import httpx

    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise CallerFault(f"{_place(url)} is not an address.", "Check the provider's base_url.") from None
    except httpx.LocalProtocolError:
        # h11 quotes the offending header, which may be the key: nothing of it goes on.
        raise CallerFault(
            "The request could not be written as HTTP.", "Is there a line break or a blank in the key or a header?"
        ) from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.PoolTimeout) as error:
        raise unreachable(error, url) from error
    except httpx.DecodingError as error:
        raise Malformed(f"{_place(url)} sent a body that cannot be unpacked.") from error
    except httpx.TransportError as error:
        if begun:
            raise Cut(f"The connection to {_place(url)} broke in the middle of the answer.", code="reset") from error
        raise Transient(f"{_place(url)} closed the connection without an answer.", code="reset") from error
    except httpx.StreamError as error:
        raise Cut(f"The answer of {_place(url)} could not be read to its end.") from error


def unreachable(error: BaseException, url: str) -> ProviderError:
    """What a failed connection means: no name, refused, no way there, or a certificate that is not trusted."""
    place, causes = _place(url), list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(
                f"The certificate of {place} is not trusted: {cause.verify_message}.",
                "If a proxy of yours inspects TLS, set SSL_CERT_FILE to its certificate; else do not go on.",
                code="tls",
            )
        if isinstance(cause, ssl.SSLError):
            return Unreachable(
                f"No secure connection to {place} could be agreed on.",
                "Is it https at all? Check base_url.",
                code="tls",
            )
    if type(error).__name__ == "ProxyError":
        return Unreachable(
            "The proxy refuses to connect.", "Check the proxy in the settings or PROXY_URL.", code="proxy"
        )
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return Unreachable(f"The name of {place} cannot be resolved.", "Is the network there?", code="dns")
        if isinstance(cause, ConnectionRefusedError):
            return Unreachable(f"{place} refuses the connection.", "Is the server running?", code="refused")
    if "Timeout" in type(error).__name__:
        return Unreachable(f"{place} does not answer the connection.", "Is the network there?", code="timeout")
    if any(
        "refused" in str(cause).lower() or "all connection attempts failed" in str(cause).lower() for cause in causes
    ):
        return Unreachable(f"{place} refuses the connection.", "Is the server running?", code="refused")
    return Unreachable(f"{place} cannot be reached.", "Is the network there?", code="route")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _causes(inner)
        error = error.__cause__ or error.__context__


def _place(url: str) -> str:
    """Host and port of an address: what a person knows it by, without a query or a password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    return "the provider's address" if not host else f"{host}:{port}" if port else host
