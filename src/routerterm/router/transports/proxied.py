"""What goes through a proxy: which proxy for which addresses, and httpx's own transport to it."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from urllib.request import getproxies

import httpx

from routerterm.core.errors import SettingsError
from routerterm.core.hosts import address_of, is_loopback

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=10, keepalive_expiry=60.0)


class ProxiedTransport(httpx.AsyncBaseTransport):
    """To a proxy; opened with the first request.  This machine's own addresses go over ``direct`` all the same."""

    def __init__(
        self, proxy: str, direct: httpx.AsyncBaseTransport, tls: Callable[[], Awaitable[ssl.SSLContext]]
    ) -> None:
        self._proxy = proxy
        self._direct = direct
        self._tls = tls
        self._opened: httpx.AsyncHTTPTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and give the answer from its head on.  Raises httpx's errors, and `SettingsError`.

        As on a direct way, a kept connection that dies before any byte of an answer is replaced unseen.
        """
        if is_here(request.url.host):
            return await self._direct.handle_async_request(request)
        transport = self._opened or await self._open()
        fresh = False

        async def watch(event: str, _: object) -> None:
            nonlocal fresh
            fresh = fresh or event.endswith("connect_tcp.started")

        request.extensions = {**request.extensions, "trace": watch}
        try:
            return await transport.handle_async_request(request)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            if fresh:
                raise
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what is kept."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()

    async def _open(self) -> httpx.AsyncHTTPTransport:
        tls = await self._tls()
        try:
            self._opened = httpx.AsyncHTTPTransport(verify=tls, proxy=self._proxy, limits=_LIMITS, trust_env=False)
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            raise SettingsError(
                "The proxy in the settings or the environment cannot be used.",
                "Write it as http://host:port or socks5://host:port (socks needs the socksio package).",
            ) from error
        return self._opened


def is_here(host: str) -> bool:
    """Whether a host is this machine: no proxy can reach it for us."""
    address = address_of(host)
    return is_loopback(host) or (address is not None and address.is_unspecified)


def proxies(proxy: str | None, environ: Mapping[str, str]) -> dict[str, str | None]:
    """httpx's patterns and the proxy of each; None goes straight.

    ``proxy`` is the settings' (empty: none at all).  Else the environment's: AI_PROXY_URL and PROXY_URL for every
    address, then the usual variables by scheme, on some systems also what is set there.
    """
    if proxy is None:
        proxy = environ.get("AI_PROXY_URL") or environ.get("PROXY_URL")
        if not proxy:
            return _of_the_system()
    return {"all://": proxy, **{f"all://{host}": None for host in no_proxy(environ)}} if proxy else {}


def _of_the_system() -> dict[str, str | None]:
    found = getproxies()
    by_scheme: dict[str, str | None] = {}
    for scheme in ("http", "https", "all"):
        if address := found.get(scheme):
            by_scheme[f"{scheme}://"] = address if "://" in address else f"http://{address}"
    excepted = list(no_proxy({"NO_PROXY": found.get("no", "")}))
    if not by_scheme or "*" in excepted:
        return {}
    return {**by_scheme, **{f"all://{host}": None for host in excepted}}


def no_proxy(environ: Mapping[str, str]) -> Iterator[str]:
    """The hosts that NO_PROXY excepts, as httpx's patterns: a name means itself and all names below it."""
    for entry in (environ.get("NO_PROXY") or environ.get("no_proxy") or "").split(","):
        if host := entry.strip().lstrip("."):
            address = address_of(host) if host != "*" else None
            name = f"[{host.strip('[]')}]" if address is not None and ":" in host else host
            yield name if host == "*" or address is not None else f"*{host}"
