"""Who may ask: by which name we are called, from which web page, with which key."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address

from routerterm.core.secret import Secret
from routerterm.gateway.denied import forbidden, unauthorised
from routerterm.gateway.keys import OWNER, VirtualKey, Who


class Access:
    """Looks at every request before anything else does.  ``keys`` gives the virtual keys as they are now.

    ``required``: nobody is let in without a key, even where there is none yet (or any more).
    """

    def __init__(
        self,
        keys: Callable[[], Sequence[VirtualKey]],
        *,
        token: Secret | None = None,
        required: bool = False,
        hosts: Sequence[str] = (),
        origins: Sequence[str] = (),
    ) -> None:
        self._keys, self._required = keys, required
        self._token = None if token is None else hash_of(token.reveal())
        self._hosts = {"localhost", socket.gethostname().lower(), *(host.lower() for host in hosts)}
        self.origins = frozenset(origin.rstrip("/") for origin in origins)

    def check_place(self, headers: Mapping[str, str]) -> None:
        """Refuse what a web page may have sent.  Raises `Denied` (403).

        A page that has its own name point to this machine (DNS rebinding) still calls us by that name.
        """
        if not self._is_ours(headers.get("host", "")):
            raise forbidden(
                "This gateway does not answer to that name.", "Names are allowed in the setting gateway.hosts."
            )
        origin = headers.get("origin")
        if origin is not None and origin not in self.origins:
            raise forbidden("Web pages may not use this gateway.", "Allow one in the setting gateway.origins.")

    def who(self, headers: Mapping[str, str]) -> Who:
        """Whose key it is.  Raises `Denied` (401)."""
        presented = _presented(headers)
        digest = hash_of(presented) if presented else ""
        found: Who | None = None
        keys = self._keys()
        for key in keys:  # every one is compared, so that time tells nothing
            if hmac.compare_digest(key.digest, digest):
                found = key.who()
        if self._token is not None and hmac.compare_digest(self._token, digest):
            found = OWNER
        if found is not None:
            return found
        if not self._required and self._token is None and not keys and not presented.startswith(PREFIX):
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


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _presented(headers: Mapping[str, str]) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key", "").strip()


def _without_port(host: str) -> str:
    if host.startswith("["):
        address, closed, _ = host[1:].partition("]")
        return address if closed else ""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host
