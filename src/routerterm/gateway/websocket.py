"""A WebSocket of a client (RFC 6455): text messages in and out, within bounds.  Loads when the first one is opened.

The frames are wsproto's.  Ours is what they may take: bytes, frames and seconds of a message, messages that wait, how
long a client may read nothing or say nothing.  No compression is offered: a small message could become a large one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import ProtocolError, RemoteProtocolError

from routerterm.gateway.connection import Connection
from routerterm.gateway.http_errors import HttpError, wrong
from routerterm.gateway.request import BODY_WAIT, BodyLimiter, ClientDisconnected, Scope
from routerterm.gateway.response import STALLED

PING_EVERY = 30.0
"""Seconds between pings; they keep proxies from closing, and find clients that vanished without a word."""
SILENT = 100.0
"""Seconds without a byte, not even the answer to a ping, after which a client is taken for gone."""
CLOSE_WAIT = 2.0
"""Seconds that a client gets to answer our close."""
MOST_FRAMES = 50_000
"""Frames that one message may come in: empty ones take no room, but time."""
MOST_WAITING = 16
"""Messages that may wait for their turn; then only a little is read with each ping, to hear whether it is answered."""
GOING_AWAY, WRONG_KIND, REFUSED, TOO_BIG, BROKEN, LATER = 1001, 1003, 1008, 1009, 1011, 1013
"""Close codes of RFC 6455, section 7.4.1; the last one is IANA's."""
_LONGEST_REASON = 120
"""Bytes that fit into a close frame."""


class WebSocket:
    """One connection after its handshake.  ``bodies`` counts what waiting messages take."""

    def __init__(self, connection: Connection, bodies: BodyLimiter) -> None:
        self._connection = connection
        self._bodies = bodies
        self._wire = WSConnection(ConnectionType.SERVER)
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes] = deque()
        self._pieces: list[bytes] = []
        """Of the message that is coming."""
        self._size = self._frames = 0
        self._wake = asyncio.Event()
        self._heard = self._loop.time()
        self._ticker: asyncio.TimerHandle | None = None
        self._slow: asyncio.TimerHandle | None = None
        """Ends a message that does not end by itself."""
        self._last: asyncio.TimerHandle | None = None
        """Hangs up on a client that does not answer our close."""
        self._busy = False
        self.gone = asyncio.Event()
        """Set once no message can come or go any more."""
        self.stopping = False
        """Whether the gateway stops."""

    def accept(self, scope: Scope) -> None:
        """Answer the handshake, and take the connection over.  Raises `HttpError` (400, 426)."""
        names = {name for name, value in scope["headers"] if value.strip() not in (b"", b"0")}
        if scope["http_version"] != "1.1" or names & {b"content-length", b"transfer-encoding"}:
            raise wrong(400, "A WebSocket is opened with a GET request of HTTP/1.1, without a body.")
        try:
            self._wire.initiate_upgrade_connection(scope["headers"], "/")
            list(self._wire.events())
            answer = self._wire.send(AcceptConnection())
        except RemoteProtocolError as error:
            status = getattr(error.event_hint, "status_code", 400)
            extra = (("sec-websocket-version", "13"),) if status == 426 else ()
            raise wrong(status, f"This is no handshake of a WebSocket: {error}.", *extra) from None
        except UnicodeError:
            raise wrong(400, "This is no handshake of a WebSocket: the host is not a name.") from None
        early = self._connection.hand_over(self, answer)
        self._ticker = self._loop.call_later(PING_EVERY, self._tick)
        self._connection.rest(idle=True)
        if early:
            self.received(early)

    async def next(self, until: float) -> bytes | None:
        """The next message; None where none will come.  Raises `TimeoutError` at ``until``, by the loop's clock.

        Its bytes stay counted until whoever takes it releases them.
        """
        if self._waiting and self._loop.time() >= until:  # who always has one waiting would never be timed out
            raise TimeoutError
        async with asyncio.timeout_at(until):
            while not (self._waiting or self.gone.is_set() or self.stopping):
                self._wake.clear()
                await self._wake.wait()
        if self.gone.is_set() or self.stopping:
            return None
        message = self._waiting.popleft()
        if len(self._waiting) < MOST_WAITING and self._connection.flow.read_paused:
            self._connection.flow.resume_reading()
            if self._frames or self._size:
                self._time_message()
        return message

    def busy(self, busy: bool) -> None:
        """Whether an answer runs: then the connection does not give way to others, and is not closed at once."""
        self._busy = busy
        self._connection.rest(idle=not busy)

    async def send(self, messages: Iterable[bytes]) -> None:
        """Send these messages.  Raises `ClientDisconnected` where the client is gone, or takes nothing any more."""
        if self.gone.is_set():
            raise ClientDisconnected
        self._write(b"".join([self._wire.send(TextMessage(data=message.decode())) for message in messages]))
        if self._connection.flow.write_paused:
            try:
                async with asyncio.timeout(STALLED):
                    await self._connection.flow.drain()
            except TimeoutError:
                self._abort()
                raise ClientDisconnected from None

    def ping(self) -> None:
        """Show that we are still there."""
        if self._wire.state is ConnectionState.OPEN and not self._connection.flow.write_paused:
            self._write(self._wire.send(Ping()))

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye; the client has `CLOSE_WAIT` to do so, too."""
        if self._wire.state is ConnectionState.OPEN:
            self._write(
                self._wire.send(CloseConnection(code, reason.encode()[:_LONGEST_REASON].decode(errors="ignore")))
            )
        self._end()

    def received(self, data: bytes) -> None:
        """See `Successor`."""
        self._heard = self._loop.time()
        try:
            self._wire.receive_data(data)
            for event in self._wire.events():
                self._take(event)
            if len(self._waiting) >= MOST_WAITING and not self.gone.is_set():
                self._connection.flow.pause_reading()
                self._stop_timing()  # what is late of the next message is late because of us
        except ProtocolError:  # it goes on after its own close
            self._connection.transport.close()

    def lost(self) -> None:
        """See `Successor`."""
        self._end()
        if self._last is not None:
            self._last.cancel()
        self._bodies.release(self._size + sum(map(len, self._waiting)))
        self._size = 0
        self._waiting.clear()

    def stop(self) -> None:
        """See `Successor`."""
        self.stopping = True
        self._wake.set()
        if not self._busy:
            self.close(GOING_AWAY, "The gateway is stopping.")

    def _take(self, event: Event) -> None:
        if isinstance(event, CloseConnection):
            self._closed(event)
        elif self.gone.is_set():
            return  # what still comes after our close
        elif isinstance(event, TextMessage):
            self._piece(event)
        elif isinstance(event, BytesMessage):
            self.close(WRONG_KIND, "Send JSON as text messages.")
        elif isinstance(event, Ping) and not self._connection.flow.write_paused:
            self._write(self._wire.send(event.response()))  # one that does not read gets none: they would pile up

    def _closed(self, event: CloseConnection) -> None:
        """The client closes, answers our close, or has sent what is no frame."""
        if self._wire.state is ConnectionState.REMOTE_CLOSING:
            self._write(self._wire.send(event.response()))
        elif self._wire.state is ConnectionState.OPEN:
            self._write(self._wire.send(CloseConnection(event.code, "The frame is not valid.")))
        self._end()
        self._connection.transport.close()

    def _piece(self, event: TextMessage) -> None:
        piece = event.data.encode()
        self._frames += event.frame_finished
        if self._size + len(piece) > self._bodies.largest:
            self.close(TOO_BIG, f"A message may have {self._bodies.largest // 1_000_000} MB (gateway.largest).")
            return
        if self._frames > MOST_FRAMES:
            self.close(REFUSED, f"A message may come in at most {MOST_FRAMES:,} frames.")
            return
        try:
            self._bodies.hold(len(piece))
        except HttpError as error:
            self.close(LATER, error.error.message)
            return
        self._size += len(piece)
        if piece:
            self._pieces.append(piece)
        if event.message_finished:
            self._whole()
        else:
            self._time_message()

    def _whole(self) -> None:
        """A message is complete."""
        self._waiting.append(b"".join(self._pieces))
        self._pieces, self._size, self._frames = [], 0, 0
        self._stop_timing()
        self._wake.set()

    def _time_message(self) -> None:
        """A message that has begun must come to its end."""
        if self._slow is None and not self.gone.is_set():
            late = f"The message was not complete within {BODY_WAIT:.0f} s."
            self._slow = self._loop.call_later(BODY_WAIT, self.close, REFUSED, late)

    def _stop_timing(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _tick(self) -> None:
        if self._loop.time() - self._heard > SILENT:
            self._abort()
            return
        self._connection.flow.resume_reading()  # a little: else no answer to a ping is heard while messages wait
        self.ping()
        self._ticker = self._loop.call_later(PING_EVERY, self._tick)

    def _write(self, data: bytes) -> None:
        if not self._connection.transport.is_closing():
            self._connection.buffered.write(data)

    def _abort(self) -> None:
        self._end()
        self._connection.transport.abort()

    def _end(self) -> None:
        """No message comes or goes from here on; the transport goes when the client answers, or after a while."""
        self.gone.set()
        self._wake.set()
        self._connection.rest(idle=False)
        self._connection.flow.resume_reading()
        for timer in (self._ticker, self._slow):
            if timer is not None:
                timer.cancel()
        if self._last is None:
            self._last = self._loop.call_later(CLOSE_WAIT, self._connection.transport.abort)
