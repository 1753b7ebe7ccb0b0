"""`/v1/responses` as a WebSocket: requests in, the events of their answers out, one answer at a time.

Each turn is a request like any other: the same checks, limits, caps, guard, rows in the list and the log.
<https://developers.openai.com/api/docs/guides/websocket-mode>, and "WebSocket Transport" of openresponses.org.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from routerterm.core.errors import RoutertermError
from routerterm.core.events import StreamEnd
from routerterm.engine.virtual_keys import Client
from routerterm.gateway.answers import LONGEST_PATH, answered
from routerterm.gateway.chat_handler import ChatHandler
from routerterm.gateway.http_errors import HttpError, forbidden, http_error, wrong
from routerterm.gateway.limits import check_request
from routerterm.gateway.request import BODIES_TOGETHER, ClientDisconnected, Message, Scope, beside_loop, headers_of
from routerterm.gateway.request_options import request_options
from routerterm.gateway.request_record import RequestRecord
from routerterm.gateway.response import Header, Response
from routerterm.gateway.socket_history import SocketHistory, SocketMemory
from routerterm.gateway.websocket import BROKEN, GOING_AWAY, REFUSED, WebSocket
from routerterm.gateway.wires import RESPONSES
from routerterm.protocols import server_codec
from routerterm.protocols.json_utils import dumps, loads, text
from routerterm.protocols.server_base import read_object

if TYPE_CHECKING:
    from routerterm.gateway.connection import Connection
    from routerterm.gateway.state import GatewayState

LONGEST = 3_600.0
"""Seconds that a connection may last, as the specification has it; an answer that runs is not cut by it."""
_CREATE = "response.create"
_NOT_OURS = ("type", "generate", "stream", "stream_options")
"""Fields of the message that are no part of the request: it always streams."""
_OF_A_BODY = (b"content-encoding", b"content-length", b"content-type")


class ResponsesSockets:
    """All such connections of one gateway."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state
        self._memory = SocketMemory(state.bodies.largest * BODIES_TOGETHER)

    async def serve(self, scope: Scope) -> None:
        """One connection, from its handshake to its end.  Raises `HttpError` where it is refused."""
        state = self._state
        await state.client_of(scope)
        request_options(headers_of(scope))
        connection: Connection | None = scope.get("state", {}).get("connection")
        if connection is None:
            raise wrong(501, "This server hands over no connections.")
        socket = WebSocket(connection, state.bodies)
        socket.accept(scope)
        scope["out"].started = True  # no error can be told as an answer of HTTP any more
        history = SocketHistory(state.services.store.gateway_responses, self._memory)
        try:
            await _Turns(state, scope, socket, history).run()
        finally:
            history.forget()
            socket.close(GOING_AWAY)


class _Turns:
    """The turns of one connection, one after the other."""

    def __init__(self, state: GatewayState, scope: Scope, socket: WebSocket, history: SocketHistory) -> None:
        self._state = state
        self._scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] not in _OF_A_BODY]}
        self._socket = socket
        self._history = history
        self._codec = server_codec(RESPONSES.protocol)
        self._held = 0
        """Bytes of the message that is being looked at."""
        self._previous = ""
        """What the request goes on from."""

    async def run(self) -> None:
        """Until the client goes, its time is up, or the gateway stops."""
        until = asyncio.get_running_loop().time() + LONGEST
        try:
            while (message := await self._next(until)) is not None:
                self._socket.busy(True)
                await self._turn(message)
                self._socket.busy(False)
        except ClientDisconnected:
            return
        if self._socket.stopping:
            self._socket.close(GOING_AWAY, "The gateway is stopping.")

    async def _next(self, until: float) -> bytes | None:
        try:
            return await self._socket.next(until)
        except TimeoutError:
            words = f"This connection has reached its limit of {LONGEST / 60:.0f} minutes: open another one."
            error = {"code": "websocket_connection_limit_reached", "message": words, "type": "invalid_request_error"}
            await self._socket.send([dumps({"type": "error", "status": 400, "error": error | {"param": None}})])
            self._socket.close(GOING_AWAY, words)
            return None

    async def _turn(self, message: bytes) -> None:
        """One request; what goes wrong is an event.  Raises `ClientDisconnected`."""
        self._held, self._previous = len(message), ""
        went = False
        try:
            went = await self._request(await self._client(), message)
        except HttpError as error:
            await self._refuse(error)
        except (ClientDisconnected, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the last door, as for a request by HTTP
            from routerterm.config.crash import report

            crash = await asyncio.to_thread(report, error)
            await self._refuse(HttpError(500, RoutertermError(crash.message)))
            self._socket.close(BROKEN, "The gateway failed.")
        finally:
            self._release()
            self._history.reset()
            if self._previous and not went:
                self._history.forget(self._previous)

    def _release(self) -> None:
        """The message is no longer held here: its request is over, or holds it by itself."""
        self._state.bodies.release(self._held)
        self._held = 0

    async def _request(self, client: Client, message: bytes) -> bool:
        """Answer, or take what is only to be remembered; whether that went well.  Raises `HttpError`."""
        state = self._state
        record = state.open(client, self._scope["path"][:LONGEST_PATH])
        try:
            payload = await self._payload(message)
            self._previous = text(payload.get("previous_response_id"))
            asked = {name: value for name, value in payload.items() if name not in _NOT_OURS}
            body = await asyncio.to_thread(dumps, asked | {"stream": True})
            if payload.get("generate") is False:
                await self._warm_up(client, body, record)
                record.finish()
                record.close(None, 200)
                state.close(record)
                return True
        except (HttpError, RoutertermError) as error:
            refusal = error if isinstance(error, HttpError) else http_error(error, self._codec)
            record.failed(refusal.error)
            record.close("denied", refusal.status)
            state.close(record)
            raise refusal from error
        except BaseException:
            record.close("error", 500)
            state.close(record)
            raise
        scope = {**self._scope, "out": SocketResponse(self._socket)}
        receive = _Receive(body, self._socket, self._release)
        handler = ChatHandler(state, RESPONSES, self._codec, scope=scope, receive=receive, history=self._history)
        await answered(state, handler, client, record)
        return record.row.ending == "done"

    async def _client(self) -> Client:
        """Who asks, looked up anew: a key may have been taken back meanwhile.  Raises `HttpError`."""
        try:
            return await self._state.client_of(self._scope)
        except HttpError as error:
            await self._refuse(error)
            self._socket.close(REFUSED, error.error.message)
            raise ClientDisconnected from None

    async def _payload(self, message: bytes) -> dict[str, Any]:
        """The message as an object.  Raises `BadRequest` and `HttpError`."""
        payload = await beside_loop(read_object, message)
        if (kind := payload.get("type")) != _CREATE:
            raise wrong(400, f"The type of a message must be {_CREATE!r}, not {text(kind)[:40]!r}.")
        return payload

    async def _warm_up(self, client: Client, body: bytes, record: RequestRecord) -> None:
        """Take what the next turn goes on from, and ask nobody (``generate: false``).  Raises as a request does."""
        state = self._state
        whole = loads(await self._history.with_history(body, client))
        read = self._codec.decode_request(dumps(whole | {"input": whole.get("input") or "-"}))  # it may have none yet
        check_request(read.request)
        model = read.request.model
        if not client.allowance.allows(model):
            raise forbidden(f"This key may not use {model[:100]!r}.")
        record.asked(model, True)
        id = RESPONSES.prefix + state.new_id().lower()
        stream = self._codec.ServerStream(id=id, model=model, created=state.seconds(), echo=read.echo)
        data = stream.start() + stream.event(StreamEnd("stop")) + stream.end()
        record.visible = request_options(headers_of(self._scope)).log
        made, now = getattr(stream, "finished", None) or {}, state.milliseconds()
        await self._history.keep(body, made, client, now, store=record.visible)
        await self._socket.send(_messages(data))

    async def _refuse(self, refusal: HttpError) -> None:
        """Tell an error as an event."""
        _, body = self._codec.encode_error(refusal.error)
        error = loads(body)["error"]
        event = {"type": "error", "status": refusal.status, "error": error | {"code": error["code"] or error["type"]}}
        headers = {"headers": dict(refusal.headers)} if refusal.headers else {}
        await self._socket.send([dumps(event | headers)])


class SocketResponse(Response):
    """Writes one answer as messages: each event of its stream is one, and a comment is a ping."""

    def __init__(self, socket: WebSocket) -> None:
        super().__init__(_nowhere)
        self._socket = socket

    async def start(self, status: int, kind: str, headers: Iterable[Header] = (), length: int | None = None) -> None:
        """See `Response`; a message has no head."""
        self.started, self.status = True, status

    async def piece(self, data: bytes) -> None:
        """See `Response`."""
        if messages := list(_messages(data)):
            await self._socket.send(messages)
        elif data:
            self._socket.ping()

    async def end(self, data: bytes = b"") -> None:
        """See `Response`."""
        self.ended = True
        await self.piece(data)


class _Receive:
    """A request's body, then the end of the connection, as ASGI tells them."""

    def __init__(self, body: bytes, socket: WebSocket, given: Callable[[], None]) -> None:
        """``given`` is called when the body goes out."""
        self._body: bytes | None = body
        self._socket = socket
        self._given = given

    async def __call__(self) -> Message:
        """The next message."""
        body, self._body = self._body, None
        if body is not None:
            self._given()
            return {"type": "http.request", "body": body, "more_body": False}
        await self._socket.gone.wait()
        return {"type": "http.disconnect"}


async def _nowhere(message: Message) -> None:
    """Nothing of such an answer goes out as HTTP."""
    raise AssertionError(message["type"])


def _messages(data: bytes) -> Iterator[bytes]:
    """The JSON of each event of a piece of an event stream; comments have none."""
    for event in data.split(b"\n\n"):
        _, _, found = (b"\n" + event).partition(b"\ndata: ")
        if found:
            yield found
