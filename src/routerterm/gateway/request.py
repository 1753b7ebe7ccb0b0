"""A request as it comes in: its headers, and its body within limits of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias, TypeVar

from routerterm.gateway.http_errors import HttpError, busy, wrong
from routerterm.router.transports.unpacking import NotUnpacked, Unpacker

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Result = TypeVar("Result")

BODY_WAIT = 60.0
"""Seconds within which a whole body must have come."""
LARGE = 100_000
"""Bytes of a body from which on it is worked through beside the event loop."""
BODIES_TOGETHER = 8
"""All bodies that are being read or answered may take so many times the largest one."""


async def beside_loop(work: Callable[[bytes], Result], body: bytes) -> Result:
    """What ``work`` makes of a body; a large one is worked through in a thread: other requests go on meanwhile."""
    return await asyncio.to_thread(work, body) if len(body) > LARGE else work(body)


class ClientDisconnected(Exception):
    """The client hung up."""


class BodyLimiter:
    """Reads bodies, and keeps count of the memory that they take together."""

    def __init__(self, largest: int, wait: float = BODY_WAIT) -> None:
        self._largest = largest
        self._most = largest * BODIES_TOGETHER
        self._wait = wait
        self._held = 0

    async def read(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        """The body.  Raises `HttpError` (408, 413, 503) and `ClientDisconnected`; `release` gives its room back."""
        coding = _coding(headers)
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._largest:
            raise self._too_large()
        body = bytearray()
        try:
            async with asyncio.timeout(self._wait):
                await self._fill(body, receive)
        except TimeoutError:
            self.release(len(body))
            raise wrong(
                408, f"The request was not complete within {self._wait:.0f} s.", ("connection", "close")
            ) from None
        except BaseException:
            self.release(len(body))
            raise
        return bytes(body) if coding is None else await self._unpacked(bytes(body), coding)

    async def _unpacked(self, packed: bytes, coding: str) -> bytes:
        """The body as it was before it was compressed, held instead of the other."""
        try:
            body = await asyncio.to_thread(unpack, packed, coding, self._largest)
            if self._held - len(packed) + len(body) > self._most:
                raise busy("The gateway has reached its limit of large requests.")
        except BaseException:
            self.release(len(packed))
            raise
        self._held += len(body) - len(packed)
        return body

    def release(self, size: int) -> None:
        """A body of that size is no longer held."""
        self._held -= size

    @property
    def largest(self) -> int:
        """Bytes that one body may have."""
        return self._largest

    def hold(self, size: int) -> None:
        """Count so many bytes more as held, until `release`.  Raises `HttpError` (503)."""
        if self._held + size > self._most:
            raise busy("The gateway has reached its limit of large requests.")
        self._held += size

    async def _fill(self, body: bytearray, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            piece = message.get("body", b"")
            if len(body) + len(piece) > self._largest:
                raise self._too_large()
            self.hold(len(piece))
            body += piece
            if not message.get("more_body", False):
                return

    def _too_large(self) -> HttpError:
        return too_large(self._largest)


def too_large(largest: int) -> HttpError:
    """More than a request may be; ``largest`` is bytes."""
    return wrong(413, f"The request is larger than {largest // 1_000_000} MB (the setting gateway.largest).")


def unpack(packed: bytes, coding: str, largest: int) -> bytes:
    """A compressed body, of one or several members, at most ``largest`` bytes.  Raises `HttpError` (400, 413)."""
    body = bytearray()
    unpacker = Unpacker(coding, ratio=None)
    try:
        for piece in unpacker.feed(packed):
            body += piece
            if len(body) > largest:
                raise too_large(largest)
    except NotUnpacked:
        raise wrong(400, "The request's body does not match its Content-Encoding.") from None
    if not unpacker.is_whole:
        raise wrong(400, "The compressed request is truncated.")
    return bytes(body)


_CODINGS = ("gzip", "x-gzip", "deflate")


def _coding(headers: Mapping[str, str]) -> str | None:
    """How the body is compressed, if it is.  Raises `HttpError` (415) for what cannot be read."""
    named = headers.get("content-encoding", "").strip().lower()
    if named in ("", "identity", "none"):
        return None
    if named in _CODINGS:
        return named
    raise wrong(415, f"The Content-Encoding {named[:40]!r} is not supported.", ("accept-encoding", "gzip, deflate"))


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers by name in lower case; of several with one name the first counts."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found


def flag(headers: Mapping[str, str], name: str) -> bool | None:
    """A header that says yes or no; None where it is not there.  Raises `HttpError`."""
    value = headers.get(name)
    if value is None:
        return None
    word = value.strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise wrong(400, f"The header {name} must be true or false.")
