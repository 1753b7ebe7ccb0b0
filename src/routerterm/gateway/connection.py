"""One connection of a client: idle ones give way, slow heads are hung up on, and floods are answered and closed."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, Protocol

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WAIT = 20.0
"""Seconds within which the head of a request must have come."""
HEAD_MOST = 32_768
"""Bytes that a head may take."""
_WORDS = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}


class BufferedTransport:
    """A transport that can hold back what is written, so that head and first words go out as one packet."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held: list[bytes] | None = None

    def cork(self) -> None:
        """Hold back what is written from now on."""
        if self._held is None:
            self._held = []

    def uncork(self) -> None:
        """Send what was held back."""
        held, self._held = self._held, None
        if held:
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))

    def write(self, data: bytes) -> None:
        """See `asyncio.Transport`."""
        if self._held is None:
            self._transport.write(data)
        elif data:
            self._held.append(data)

    def close(self) -> None:
        """See `asyncio.Transport`."""
        self.uncork()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Successor(Protocol):
    """Who has a connection once it has left HTTP."""

    def received(self, data: bytes) -> None:
        """Bytes have come."""
        ...

    def lost(self) -> None:
        """The connection is gone."""
        ...

    def stop(self) -> None:
        """The server stops: end what runs, then close."""
        ...


class Connection(H11Protocol):
    """uvicorn's connection, within bounds.  `most` is set by the server before the first one is made."""

    most = 2_000
    successor: Successor | None = None
    own_user: bool | None = None
    """Whether the client is a program of the user that we run as; None until somebody wanted to know."""

    @property
    def takes_more(self) -> bool:
        """Whether what is written now goes out without waiting for the client."""
        return not self.flow.write_paused

    def piece(self, data: bytes) -> bool:
        """Send a piece of a body that is under way in chunks; False where it has to go the long way."""
        cycle = self.cycle
        if (
            cycle is None
            or not cycle.response_started
            or cycle.response_complete
            or cycle.disconnected
            or self.flow.write_paused
            or self.conn.our_state is not h11.SEND_BODY
            or cycle.scope["http_version"] != "1.1"
            or cycle.scope["method"] == "HEAD"
        ):
            return False
        self.buffered.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.buffered.uncork()
        return True

    def cork(self) -> None:
        """Hold back what is written until `uncork`."""
        self.buffered.cork()

    def uncork(self) -> None:
        """Send what was held back."""
        self.buffered.uncork()

    def hand_over(self, successor: Successor, answer: bytes) -> bytes:
        """HTTP ends here with ``answer``; what comes from now on is the successor's.  Returns what has come already."""
        self.cycle.response_started = self.cycle.response_complete = True  # uvicorn expects no more of this request
        self.successor = successor
        self._unset_keepalive_if_required()
        self.buffered.write(answer)
        self.flow.resume_reading()
        early: bytes = self.conn.trailing_data[0]
        return early

    def rest(self, idle: bool) -> None:
        """Whether nothing runs on it: idle connections give way where there are too many."""
        if idle and not self.transport.is_closing():
            self._idle()[self] = None
        else:
            self._idle().pop(self, None)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come; where there are too many, the one that has been idle longest goes."""
        self.buffered = BufferedTransport(transport)
        super().connection_made(self.buffered)  # type: ignore[arg-type]
        self.app_state = {**self.app_state, "connection": self}
        self._head_timer: asyncio.TimerHandle | None = self.loop.call_later(HEAD_WAIT, self._too_slow)
        idle = self._idle()
        idle[self] = None
        while len(self.connections) > self.most and idle:
            oldest = next(iter(idle))
            del idle[oldest]
            self.connections.discard(oldest)
            oldest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._busy()
        if self.successor is not None:
            self.successor.lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come: a head that has begun must be whole in time."""
        if self.successor is not None:
            self.successor.received(data)
            return
        before = self.cycle
        if self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._head_timer = self.loop.call_later(HEAD_WAIT, self._too_slow)
        super().data_received(data)
        if self.cycle is not before:
            self._busy()

    def shutdown(self) -> None:
        """The server stops."""
        if self.successor is not None:
            self.successor.stop()
        else:
            super().shutdown()

    def on_response_complete(self) -> None:
        """An answer is out; the next request may come, or not."""
        self._idle()[self] = None
        super().on_response_complete()
        if self.cycle is not None and not self.cycle.response_complete:
            self._busy()

    def send_400_response(self, msg: str) -> None:
        """What came is no request: say so in the clients' language, and hang up."""
        error = sys.exception()
        status = getattr(error, "error_status_hint", 400) if error is not None else 400
        self._refuse(status if status in _WORDS else 400, "The request cannot be parsed.")

    def _refuse(self, status: int, message: str) -> None:
        if self.transport.is_closing():
            return
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        body = json.dumps({"error": {"message": message, "type": "invalid_request_error", "code": None}}).encode()
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        out = self.conn.send(h11.Response(status_code=status, headers=headers, reason=_WORDS[status])) or b""
        out += self.conn.send(h11.Data(data=body)) or b""
        out += self.conn.send(h11.EndOfMessage()) or b""
        self.transport.write(out)
        self.transport.close()

    def _too_slow(self) -> None:
        self._head_timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            return
        if self.conn.trailing_data[0]:
            self._refuse(408, "The request headers did not arrive in time.")
        else:
            self.transport.close()

    def _busy(self) -> None:
        self._idle().pop(self, None)
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _idle(self) -> dict[Connection, None]:
        """All idle connections of this server, the longest idle first."""
        state: Any = self.server_state
        if not hasattr(state, "idle"):
            state.idle = {}
        found: dict[Connection, None] = state.idle
        return found
