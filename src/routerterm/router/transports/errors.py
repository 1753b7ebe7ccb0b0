"""What a failed connection means, in words: httpx's errors become ours here, and nowhere else."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from routerterm.core.errors import BadRequest, ProviderError, ServerError, StreamInterrupted, Unreachable


def translated(error: Exception, url: str, *, begun: bool) -> ProviderError:
    """An error of httpx as ours; ``begun``: the body was being read."""
    import httpx

    match error:
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return BadRequest(f"{address_label(url)} is not an address.", "Check the provider's base_url.")
        case httpx.LocalProtocolError():
            return BadRequest(
                "The request could not be written as HTTP.", "Check the key and headers for line breaks or spaces."
            )
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.ProxyError() | httpx.PoolTimeout():
            return connection_error(error, url)
    if begun:
        return StreamInterrupted(
            f"The connection to {address_label(url)} was lost in the middle of the answer.", code="reset"
        )
    return ServerError(f"{address_label(url)} closed the connection without an answer.", code="reset")


def connection_error(error: BaseException, url: str) -> ProviderError:
    """What a failed connection means: no name, refused, no way there, or a certificate that is not trusted."""
    where, causes = address_label(url), list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(
                f"The certificate of {where} is not trusted: {cause.verify_message}.",
                "If your proxy inspects TLS, set SSL_CERT_FILE to its certificate; otherwise do not continue.",
                code="tls",
            )
        if isinstance(cause, ssl.SSLError):
            return Unreachable(
                f"No secure connection to {where} could be made.",
                "Check base_url: the server may not use https.",
                code="tls",
            )
    if type(error).__name__ == "ProxyError":
        return Unreachable(
            "The proxy refuses to connect.", "Check the proxy in the settings or PROXY_URL.", code="proxy"
        )
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return Unreachable(f"The name of {where} cannot be resolved.", "Check the network connection.", code="dns")
        if isinstance(cause, ConnectionRefusedError):
            return Unreachable(f"{where} refuses the connection.", "Check that the server is running.", code="refused")
    if "Timeout" in type(error).__name__:
        return Unreachable(f"{where} does not answer the connection.", "Check the network connection.", code="timeout")
    if any(
        "refused" in str(cause).lower() or "all connection attempts failed" in str(cause).lower() for cause in causes
    ):
        return Unreachable(f"{where} refuses the connection.", "Check that the server is running.", code="refused")
    return Unreachable(f"{where} cannot be reached.", "Check the network connection.", code="route")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _causes(inner)
        error = error.__cause__ or error.__context__


def address_label(url: str) -> str:
    """Host and port of an address: what a person knows it by, without a query or a password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        return "the provider's address"
    if port:
        return f"{host}:{port}"
    return host
