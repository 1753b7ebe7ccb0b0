"""One request for an answer, from its bytes to its last byte, whatever client and providers do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from math import ceil
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec.structs import replace

from routerterm.core.errors import ContextTooLong, RoutertermError
from routerterm.core.events import AttemptStarted, Event, Failed, WireEvent
from routerterm.core.request import ChatRequest
from routerterm.gateway.http_errors import HttpError, forbidden
from routerterm.gateway.keys import Client
from routerterm.gateway.limits import check_request
from routerterm.gateway.rate_limiter import Permit
from routerterm.gateway.relay import Relay
from routerterm.gateway.request import ClientDisconnected, Receive, headers_of
from routerterm.gateway.request_options import RequestOptions, request_options
from routerterm.gateway.request_record import RequestRecord
from routerterm.gateway.response import Header, Response
from routerterm.protocols.server_base import ServerCodec, ServerRequest

if TYPE_CHECKING:
    from routerterm.gateway.request import Scope
    from routerterm.gateway.state import GatewayState

Why: TypeAlias = Literal["", "gone", "stopping"]
HEARTBEAT = 15.0
"""Seconds without a byte after which a waiting client hears a comment."""
LARGE = 100_000
"""Bytes from which on a body is read beside the event loop."""
_IDS = {"openai-chat": "chatcmpl-", "openai-responses": "resp_", "anthropic-messages": "msg_"}


class ChatHandler:
    """One request.  `run` is its whole life; `interrupt` ends it from outside."""

    def __init__(
        self, house: GatewayState, protocol: str, half: ServerCodec, scope: Scope, receive: Receive, out: Response
    ):
        self._house, self._protocol, self._half = house, protocol, half
        self._scope, self._receive, self._out = scope, receive, out
        self._limit: asyncio.Timeout | None = None
        self._why: Why = ""
        self._quiet_since = house.now()
        self._stream = half.ServerStream(id="", model="", created=0)
        self._relay = Relay()

    def interrupt(self, why: Why) -> None:
        """End it at once: hang up on the provider, and tell the client what can still be told."""
        self._why = self._why or why
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def run(self, who: Client, account: RequestRecord) -> None:
        """Answer.  Raises `HttpError` as long as nothing has gone out."""
        house, headers = self._house, headers_of(self._scope)
        wishes = request_options(headers)
        account.visible = wishes.log
        body = await house.bodies.read(headers, self._receive)
        try:
            asked = await self._read(body)
            account.asked(asked.request.model, asked.stream)
            request = self._request(asked, who, wishes)
            counted = who.allowance.tpm is not None
            prompt = house.prompt_tokens(request) if counted else 0
            ticket = house.gate.enter(who, prompt, request.params.max_output)
            if ticket.answer is not None:
                request = replace(request, params=replace(request.params, max_output=ticket.answer))
            try:
                await self._answer(request, asked, wishes, who, account, ticket)
            finally:
                house.gate.leave(ticket, account.tokens)
        finally:
            house.bodies.release(len(body))

    async def _read(self, body: bytes) -> ServerRequest:
        decode = self._half.decode_request
        asked = await asyncio.to_thread(decode, body) if len(body) > LARGE else decode(body)
        check_request(asked.request)
        return asked

    def _request(self, asked: ServerRequest, who: Client, wishes: RequestOptions) -> ChatRequest:
        """The request as the router gets it.  Raises `HttpError` (403)."""
        if not who.allowance.allows(asked.request.model):
            raise forbidden(f"This key may not ask for {asked.request.model[:100]!r}.")
        caps = (*who.caps(*self._house.day_and_month()), *wishes.caps)
        params, most = asked.request.params, who.allowance.max_output
        if most is not None:
            params = replace(params, max_output=min(most, params.max_output or most))
        return replace(asked.request, client=who.name, controls=wishes.controls, caps=caps, params=params)

    async def _answer(
        self,
        request: ChatRequest,
        asked: ServerRequest,
        wishes: RequestOptions,
        who: Client,
        account: RequestRecord,
        ticket: Permit,
    ) -> None:
        slot = self._house.slot(request, wishes, who)
        self._relay = Relay(whole=not asked.stream)
        watch = asyncio.create_task(self._watch(asked.stream))
        self._house.exchanges.add(self)
        try:
            async with asyncio.timeout(None) as self._limit:
                if self._why:
                    self.interrupt(self._why)
                account.cached = account.row.cached = slot is not None and slot.answer is not None
                events = self._house.stream(request) if slot is None else slot.events(self._house, request)
                if who.allowance.tpm is not None:
                    events = self._counted(events, ticket, who.allowance.tpm)
                async with aclosing(events) as running:
                    if asked.stream:
                        said = await self._in_pieces(running, asked, account)
                    else:
                        said = await self._at_once(running, account)
            if slot is not None:
                slot.keep(self._relay, said)
        except TimeoutError:
            await self._interrupted(asked, account)
        finally:
            self._limit = None
            self._house.exchanges.discard(self)
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    async def _counted(
        self, events: AsyncGenerator[Event, None], ticket: Permit, tpm: int
    ) -> AsyncGenerator[Event, None]:
        """The events, as long as the key has tokens left for another attempt: it leaves when its event is taken."""
        async with aclosing(events):
            async for event in events:
                if isinstance(event, AttemptStarted) and event.n > 1:
                    try:
                        self._house.gate.again(ticket, tpm)
                    except HttpError as denied:
                        yield Failed(denied.error, attempts=event.n - 1)
                        return
                yield event

    async def _at_once(self, events: AsyncGenerator[Event, None], account: RequestRecord) -> list[WireEvent]:
        said: list[WireEvent] = []
        relay = self._relay
        async for event in events:
            fresh = relay.feed(event)
            if relay.restart:
                relay.restart = False
                said.clear()
            said += fresh
            account.saw(relay, fresh)
            if relay.over:
                break
        account.end(relay)
        if relay.error is not None:
            raise http_error(relay.error, self._half)
        body = self._half.encode_body(said, id=self._id(), model=self._model(), created=self._house.seconds())
        await self._out.whole(200, body, (*self._who_answered(), *account.headers()))
        return said

    async def _in_pieces(
        self, events: AsyncGenerator[Event, None], asked: ServerRequest, account: RequestRecord
    ) -> list[WireEvent]:
        said: list[WireEvent] = []
        relay, out = self._relay, self._out
        async for event in events:
            fresh = relay.feed(event)
            account.saw(relay, fresh)
            if not fresh:
                continue
            if relay.error is not None and not out.started:
                break
            said += fresh
            head = b"" if out.started else await self._start(asked)
            data = head + b"".join([self._stream.event(wire) for wire in fresh])
            if relay.over:
                account.end(relay)
                await out.end(data + self._stream.end() + account.comment())
                break
            self._quiet_since = self._house.now()
            await out.piece(data)
        if relay.error is not None and not out.started:
            account.end(relay)
            raise http_error(relay.error, self._half)
        return said

    async def _start(self, asked: ServerRequest) -> bytes:
        """The head of a stream; its first bytes are to go out with the first words."""
        made = {"id": self._id(), "model": self._model(), "created": self._house.seconds(), "usage": asked.usage}
        self._stream = self._half.ServerStream(**made)  # type: ignore[arg-type]
        headers = [("cache-control", "no-cache"), ("x-accel-buffering", "no"), *self._who_answered()]
        await self._out.start(200, "text/event-stream; charset=utf-8", headers)
        return self._stream.start()

    async def _watch(self, streams: bool) -> None:
        """Hear when the client hangs up, and let it hear of us while it waits long."""
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT):
                    message = await self._receive()
            except TimeoutError:
                if streams and self._out.started and self._house.now() - self._quiet_since >= HEARTBEAT:
                    with suppress(ClientDisconnected):
                        await self._out.piece(b": waiting\n\n")
                continue
            if message["type"] == "http.disconnect":
                if not self._out.ended:
                    self.interrupt("gone")
                return

    async def _interrupted(self, asked: ServerRequest, account: RequestRecord) -> None:
        """Say what can still be said; the provider was hung up on already, and the ledger has the cost."""
        if self._why == "gone":
            raise ClientDisconnected
        error = RoutertermError("The gateway is stopping.", "Ask again when it is back.")
        account.broke(error)
        if not self._out.started:
            raise http_error(error, self._half)
        await self._out.end(self._stream.error(error) + self._stream.end() + account.comment())

    def _id(self) -> str:
        return _IDS[self._protocol] + self._house.new_id().lower()

    def _model(self) -> str:
        return str(self._relay.target) if self._relay.target is not None else ""

    def _who_answered(self) -> list[Header]:
        relay = self._relay
        if relay.target is None:
            return []
        return [
            ("x-routerterm-provider", relay.target.provider),
            ("x-routerterm-model", relay.target.model),
            ("x-routerterm-attempts", str(relay.attempts)),
            ("x-routerterm-fallback", "true" if relay.failed else "false"),
        ]


def http_error(error: RoutertermError, half: ServerCodec | None = None) -> HttpError:
    """An error of the router as the answer, by the status that its protocol has for it."""
    from routerterm.protocols.server_base import error_mapping

    status = error_mapping(error).status if half is None else half.encode_error(error)[0]
    if isinstance(error, ContextTooLong) and error.status == 413:
        status = 413
    wait = getattr(error, "retry_after", None)
    headers = (("retry-after", str(max(1, ceil(wait)))),) if wait is not None and status in (429, 503, 529) else ()
    return HttpError(status, error, headers)
