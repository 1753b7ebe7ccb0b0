"""The addresses where models answer, each request with its line in the list of requests and in the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from routerterm.core.errors import BadRequest, RoutertermError
from routerterm.core.events import StreamEnd
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.engine.virtual_keys import Client
from routerterm.gateway.chat_handler import ChatHandler
from routerterm.gateway.http_errors import HttpError, http_error
from routerterm.gateway.request import ClientDisconnected, Receive, Scope, Send, headers_of
from routerterm.gateway.request_record import RequestRecord
from routerterm.gateway.wires import EVENTS, GEMINI, MESSAGES, Wire
from routerterm.protocols import server_codec
from routerterm.protocols.server_base import NothingAsked

if TYPE_CHECKING:
    from routerterm.gateway.state import GatewayState

LONGEST_PATH = 200
"""Characters of an address that are kept in rows and logs."""


class Answers:
    """One of the addresses where models answer."""

    def __init__(self, state: GatewayState, wire: Wire) -> None:
        self._state = state
        self._wire = wire
        self._codec = server_codec(wire.protocol)

    def _address(self, scope: Scope) -> Mapping[str, Any]:
        """What of the request stands in its path and its headers."""
        betas = headers_of(scope).get("anthropic-beta") if self._wire is MESSAGES else None
        return {} if betas is None else {"betas": betas}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, with its line in the list of requests and in the metrics."""
        state = self._state
        client = await state.client_of(scope)
        record = state.open(client, scope["path"][:LONGEST_PATH])
        address = self._address(scope)
        handler = ChatHandler(state, self._wire, self._codec, scope=scope, receive=receive, address=address)
        await answered(state, handler, client, record)


async def answered(state: GatewayState, handler: ChatHandler, client: Client, record: RequestRecord) -> None:
    """Run one request to its end; close its record however it ends.  Raises `HttpError`, `ClientDisconnected`."""
    try:
        try:
            await handler.run(client, record)
        except NothingAsked as ready:
            await _made_ready(ready, state, handler, client, record)
        record.close(None, handler.out.status)
    except HttpError as error:
        if error.status == 404:
            error.error = await state.with_nearest(error.error, record.row.asked, client)
        if record.row.ending == "error":  # the router was asked, and failed
            record.close(None, error.status)
        else:
            record.failed(error.error)
            record.close("denied", error.status)
        raise
    except RoutertermError as error:
        record.failed(error)
        refusal = http_error(error, handler.codec)
        record.close("denied" if isinstance(error, BadRequest) else "error", refusal.status)
        raise refusal from error
    except ClientDisconnected:
        record.close("gone", handler.out.status or 499)
        raise
    except BaseException:
        record.close("error", handler.out.status or 500)
        raise
    finally:
        state.close(record)


async def _made_ready(
    ready: NothingAsked, state: GatewayState, handler: ChatHandler, client: Client, record: RequestRecord
) -> None:
    """Say that a model is ready, if it may be asked: nothing has to be loaded here.  Raises as asking it would."""
    record.asked(ready.wanted, stream=False)
    await state.count_tokens(ChatRequest(ready.wanted, (Message.of("user", "Hello"),)), client)
    done = StreamEnd("other", ready.done)
    body = handler.codec.encode_body([done], id="", model=ready.wanted, created=state.seconds())
    record.finish()
    await handler.out.whole(200, body)


class EventAnswers(Answers):
    """The address of our own typed events, which always streams."""

    def __init__(self, state: GatewayState) -> None:
        super().__init__(state, EVENTS)

    def _address(self, scope: Scope) -> Mapping[str, Any]:
        """It streams."""
        return {"stream": True}


class GeminiAnswers(Answers):
    """Gemini's addresses: the model and whether to stream stand in the path."""

    def __init__(self, state: GatewayState, *, stream: bool) -> None:
        super().__init__(state, GEMINI)
        self._stream = stream

    def _address(self, scope: Scope) -> Mapping[str, Any]:
        """The model's name, with its slashes."""
        return {"model": scope["path_params"]["model"], "stream": self._stream}
