"""An answer as it goes out: head, pieces, end; and what it may take a client to read it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from routerterm.gateway.request import ClientDisconnected, Send

if TYPE_CHECKING:
    from routerterm.gateway.connection import Connection

STALLED = 120.0
"""Seconds after which a client that reads nothing is hung up on."""
Header = tuple[str, str]


class Response:
    """Writes one answer.  Raises `ClientDisconnected` where the client takes nothing any more.

    With its ``connection`` the head waits for the first words, and pieces of a stream take the short way out.
    """

    def __init__(
        self,
        send: Send,
        headers: Iterable[Header] = (),
        stalled: float | None = None,
        connection: Connection | None = None,
    ) -> None:
        self._send = send
        self._more = tuple(headers)
        self._patience = STALLED if stalled is None else stalled
        self.connection = connection
        self.started = self.ended = False
        self.stalled = False
        """Whether the client reads nothing any more: what is still to be sent to it will never be."""
        self.status = 0

    async def start(self, status: int, kind: str, headers: Iterable[Header] = (), length: int | None = None) -> None:
        """The head; without a length the body comes in pieces."""
        fields = [("content-type", kind), *headers, *self._more]
        if length is not None:
            fields.append(("content-length", str(length)))
        raw = [(name.encode("latin-1"), _fit(value)) for name, value in fields]
        self.started, self.status = True, status
        if self.connection is not None:
            self.connection.cork()
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def piece(self, data: bytes) -> None:
        """A piece of the body."""
        if data and not (self.connection is not None and self.connection.piece(data)):
            await self._out({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        """The last piece."""
        self.ended = True
        if self.connection is not None:
            self.connection.cork()
        await self._out({"type": "http.response.body", "body": data, "more_body": False})

    async def whole(self, status: int, body: bytes, headers: Iterable[Header] = (), kind: str = "") -> None:
        """Everything at once."""
        await self.start(status, kind or "application/json", headers, len(body))
        await self.end(body)

    async def _out(self, message: dict[str, object]) -> None:
        try:
            if self.connection is not None and self.connection.takes_more:
                await self._send(message)
            else:
                async with asyncio.timeout(self._patience):
                    await self._send(message)
        except TimeoutError:
            self.stalled = True
            raise ClientDisconnected from None
        except OSError:
            raise ClientDisconnected from None
        finally:
            if self.connection is not None:
                self.connection.uncork()


def _fit(value: str) -> bytes:
    """A value that is fit for a header: no other letters, and no space at its ends, where h11 refuses the head."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in value).strip().encode("ascii")
