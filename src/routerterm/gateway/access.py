"""Who may ask: by which name we are called, from which web page, with which key."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address

from routerterm.core.secret import Secret
from routerterm.engine.virtual_keys import OWNER, Client, VirtualKey
from routerterm.gateway.http_errors import forbidden, unauthorised


class Access:
    """Looks at every request before anything else does.  ``keys`` gives the virtual keys as they are now.

    ``tokens`` are the owner's own.  ``required``: nobody is let in without a key.  ``open_to_all``: everybody on this
    machine is.  Otherwise a program of the same user is, as the caller says at each request.
    """

    def __init__(
        self,
        keys: Callable[[], Sequence[VirtualKey]],
        *,
        tokens: Sequence[Secret] = (),
        required: bool = False,
        open_to_all: bool = False,
        hosts: Sequence[str] = (),
        origins: Sequence[str] = (),
    ) -> None:
        self._keys = keys
        self.required = required
        self.open_to_all = open_to_all and not required
        self._tokens = tuple(hash_of(token.reveal()) for token in tokens)
        self._hosts = {"localhost", socket.gethostname().lower(), *(host.lower() for host in hosts)}
        self.origins = frozenset(origin.rstrip("/") for origin in origins)

    def check_place(self, headers: Mapping[str, str]) -> None:
        """Refuse what a web page may have sent.  Raises `HttpError` (403).

        A page that has its own name point to this machine (DNS rebinding) still calls us by that name.
        """
        if not self._is_ours(headers.get("host", "")):
            raise forbidden("This gateway does not accept that host name (the setting gateway.hosts allows others).")
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "none").strip().lower()
        from_page = origin is not None or site not in (
            "none",
            "same-origin",
        )  # a browser says so also without an origin
        if from_page and origin not in self.origins:
            raise forbidden("Web pages may not use this gateway (the setting gateway.origins allows some).")

    def client_of(self, headers: Mapping[str, str], *, keyless: Callable[[], bool] = lambda: False) -> Client:
        """Whose key it is; ``keyless`` says whether this client needs none.  Raises `HttpError` (401)."""
        presented = _presented(headers)
        found: Client | None = None
        for digest in map(hash_of, presented):
            for key in self._keys():  # every one is compared, so that time tells nothing
                if hmac.compare_digest(key.digest, digest):
                    found = key.client()
            for token in self._tokens:
                if hmac.compare_digest(token, digest):
                    found = OWNER
        if found is not None:
            if found.allowance.suspended:
                raise forbidden("This key is suspended.")
            return found
        stale = any(key.startswith(PREFIX) for key in presented)  # one of ours, taken back
        if not self.required and not stale and (self.open_to_all or keyless()):
            return OWNER
        raise unauthorised()

    def _is_ours(self, host: str) -> bool:
        name = _without_port(host.strip().lower())
        if name in self._hosts or name.removesuffix(".") in self._hosts:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True


PREFIX = "rt-"
"""How our own keys begin."""


def hash_of(token: str) -> str:
    """What is kept of a key.  It holds 256 random bits, so one round is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _presented(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The keys in all headers that protocols have for them: programs that know several services fill several."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    bearer = token if kind.lower() == "bearer" else ""
    found = (bearer, headers.get("x-api-key", ""), headers.get("x-goog-api-key", ""), headers.get("api-key", ""))
    return tuple(dict.fromkeys(key.strip() for key in found if key.strip()))


def _without_port(host: str) -> str:
    if host.startswith("["):
        address, closed, _ = host[1:].partition("]")
        return address if closed else ""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host
