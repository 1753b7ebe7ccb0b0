"""HTTP to providers: straight to them where nothing stands between, by httpx where a proxy does.

The only place that knows httpx.  It loads when it is first needed, not with this module.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

from routerterm import __version__
from routerterm.core.errors import BadRequest, InvalidResponse, ServerError, SettingsError, StreamInterrupted
from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest
from routerterm.router.transports.base import HttpResponse, Timeouts
from routerterm.router.transports.errors import address_label, connection_error

if TYPE_CHECKING:
    import httpx

    from routerterm.router.transports.h11_client import H11Client

USER_AGENT = f"routerterm/{__version__}"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class HttpTransport:
    """Carries requests over the network.

    ``proxy`` None takes what the environment says (AI_PROXY_URL, PROXY_URL, then the usual variables);
    an empty one means none.  Loopback addresses never go through a proxy.
    """

    def __init__(self, proxy: str | None = None, environ: Mapping[str, str] | None = None) -> None:
        self._proxy = proxy
        self._environ = os.environ if environ is None else environ
        self._client: httpx.AsyncClient | None = None
        self._straight: H11Client | None = None
        self._ways: dict[str, bool] = {}
        """Whether nothing stands between, by address."""
        self._lock = asyncio.Lock()

    def exchange(self, request: HttpRequest, waits: Timeouts) -> AbstractAsyncContextManager[HttpResponse]:
        """See `Transport.exchange`."""
        url = request.url
        straight = self._ways.get(url)
        if straight is None:
            straight = self._is_straight(url)
            if len(self._ways) < 1000:
                self._ways[url] = straight
        if not straight:
            return self._through_httpx(request, waits)
        if self._straight is None:
            from routerterm.router.transports.h11_client import H11Client

            self._straight = H11Client(USER_AGENT, _tls)
        return self._straight.exchange(request, waits)

    def _is_straight(self, url: str) -> bool:
        """Whether an address is asked without a proxy, and without a password of its own."""
        try:
            parts = urlsplit(url)
            host, password = parts.hostname or "", parts.username
        except ValueError:
            return True  # it is refused there
        if password is not None:
            return False
        if host in _LOOPBACK or self._proxy == "":
            return True
        named = self._proxy or self._environ.get("AI_PROXY_URL") or self._environ.get("PROXY_URL")
        return not named and not any(name != "no" for name in getproxies())

    @asynccontextmanager
    async def _through_httpx(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
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
            yield HttpResponse(response.status_code, _body(response, request.url), _lowered(response.headers))
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        client, self._client = self._client, None
        straight, self._straight = self._straight, None
        if straight is not None:
            await straight.aclose()
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
        direct: dict[str, None] = {f"all://[{host}]" if ":" in host else f"all://{host}": None for host in _LOOPBACK}
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

    trusted = httpx.create_ssl_context()
    trusted.set_alpn_protocols(["http/1.1"])
    return trusted


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
        raise BadRequest(f"{address_label(url)} is not an address.", "Check the provider's base_url.") from None
    except httpx.LocalProtocolError:
        # h11 quotes the offending header, which may be the key: nothing of it goes on.
        raise BadRequest(
            "The request could not be written as HTTP.", "Is there a line break or a blank in the key or a header?"
        ) from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.PoolTimeout) as error:
        raise connection_error(error, url) from error
    except httpx.DecodingError as error:
        raise InvalidResponse(f"{address_label(url)} sent a body that cannot be unpacked.") from error
    except httpx.TransportError as error:
        if begun:
            raise StreamInterrupted(
                f"The connection to {address_label(url)} broke in the middle of the answer.", code="reset"
            ) from error
        raise ServerError(f"{address_label(url)} closed the connection without an answer.", code="reset") from error
    except httpx.StreamError as error:
        raise StreamInterrupted(f"The answer of {address_label(url)} could not be read to its end.") from error
