"""One request for an answer, from its bytes to its last byte, whatever client and providers do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec.structs import replace

from routerterm.core.errors import BadRequest, RoutertermError
from routerterm.core.events import Event, WireEvent
from routerterm.core.request import ChatRequest
from routerterm.engine.virtual_keys import STRANGER, Client
from routerterm.gateway.choices import Choices
from routerterm.gateway.hosted_tools import Hosted, hosted_tools
from routerterm.gateway.http_errors import forbidden, http_error
from routerterm.gateway.limits import check_request
from routerterm.gateway.rate_limiter import Permit
from routerterm.gateway.relay import Relay
from routerterm.gateway.request import LARGE, ClientDisconnected, Receive, beside_loop, headers_of
from routerterm.gateway.request_options import RequestOptions, request_options
from routerterm.gateway.request_record import RequestRecord
from routerterm.gateway.response import Response
from routerterm.gateway.wires import COMPACTION, MESSAGES, RESPONSES, Wire
from routerterm.protocols.json_utils import loads
from routerterm.protocols.openai_chat.server import encode_choices
from routerterm.protocols.server_base import ServerCodec, ServerRequest

if TYPE_CHECKING:
    from routerterm.gateway.cache import Slot
    from routerterm.gateway.request import Scope
    from routerterm.gateway.responses import ResponseHistory
    from routerterm.gateway.state import GatewayState

StopReason: TypeAlias = Literal["", "gone", "stopping"]
FIRST_BYTE = 5.0
"""Seconds after which a client that waits for a stream gets its beginning, though there is no content yet."""
HEARTBEAT = 15.0
"""Seconds without a byte after which a waiting client hears that we are still there."""


class ChatHandler:
    """One request.  `run` is its whole life; `interrupt` ends it from outside.

    ``address`` is what stands in the request's path and belongs to it, for protocols that put the model there.
    ``history`` is what a Responses request goes on from, where that is not the store alone.
    """

    def __init__(
        self,
        state: GatewayState,
        wire: Wire,
        codec: ServerCodec,
        *,
        scope: Scope,
        receive: Receive,
        address: Mapping[str, Any] | None = None,
        history: ResponseHistory | None = None,
    ) -> None:
        self._state = state
        self._history = history or state.responses
        self._wire = wire
        self.codec = codec
        self._scope = scope
        self._receive = receive
        self._address = address or {}
        self.out: Response = scope["out"]
        self._prompt_tokens = 0
        self._visible = True
        self._body = b""
        self._client = STRANGER
        self._limit: asyncio.Timeout | None = None
        self._stop_reason: StopReason = ""
        self._id = wire.prefix + state.new_id().lower()
        self._quiet_since = state.now()
        self._turn = asyncio.Lock()
        """Held by who writes: pieces of the answer, or signs of life."""
        self._stream = codec.ServerStream(id="", model="", created=0)
        self._relay = Relay()
        self._hosted: Hosted

    def interrupt(self, why: StopReason) -> None:
        """End it at once: hang up on the provider, and tell the client what can still be told."""
        self._stop_reason = self._stop_reason or why
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def run(self, client: Client, record: RequestRecord) -> None:
        """Answer.  Raises `HttpError` as long as nothing has gone out."""
        state, headers = self._state, headers_of(self._scope)
        options = request_options(headers)
        record.visible = self._visible = options.log
        self._body = body = await state.bodies.read(headers, self._receive)
        self._client = client
        try:
            asked = await self._read(body, client)
            record.asked(asked.request.model, asked.stream)
            self._hosted = await hosted_tools(
                state.services, self._request(asked, client, options), client, asked.answers
            )
            request = self._hosted.request
            counted = client.allowance.tpm is not None or (asked.stream and self._wire is MESSAGES)
            prompt = await state.prompt_tokens(request, large=len(body) > LARGE) if counted else 0
            self._prompt_tokens = prompt
            n, most = asked.answers, request.params.max_output
            permit = await state.enter(client, prompt * n, None if most is None else most * n)
            permit.each //= n
            if permit.answer is not None:
                request = replace(request, params=replace(request.params, max_output=max(1, permit.answer // n)))
            try:
                await self._answer(request, asked, options, client=client, record=record, permit=permit)
            finally:
                await state.leave(client, permit, record.tokens)
        finally:
            state.bodies.release(len(body))

    async def _read(self, body: bytes, client: Client) -> ServerRequest:
        """The request, with all that it refers to.  Raises `BadRequest`."""
        if self._wire in (RESPONSES, COMPACTION):
            body = await self._history.with_history(body, client)
        decode: Callable[[bytes], ServerRequest] = partial(self.codec.decode_request, **self._address)
        asked = await beside_loop(decode, body)
        if (name := asked.request.model.strip()) != asked.request.model:  # pasted with a space or a line's end
            asked = replace(asked, request=replace(asked.request, model=name))
        if not name:
            raise BadRequest("`model` is missing.")
        check_request(asked.request)
        return asked

    def _request(self, asked: ServerRequest, client: Client, options: RequestOptions) -> ChatRequest:
        """The request as the router gets it.  Raises `HttpError` (403)."""
        if not client.allowance.allows(asked.request.model):
            raise forbidden(f"This key may not use {asked.request.model[:100]!r}.")
        caps = (*client.caps(*self._state.day_and_month()), *options.caps)
        params, most = asked.request.params, client.allowance.max_output
        if most is not None:
            params = replace(params, max_output=min(most, params.max_output or most))
        return replace(asked.request, client=client.name, controls=options.controls, caps=caps, params=params)

    async def _answer(
        self,
        request: ChatRequest,
        asked: ServerRequest,
        options: RequestOptions,
        client: Client,
        record: RequestRecord,
        permit: Permit,
    ) -> None:
        kept = asked.answers == 1 and self._hosted.loop is None
        slot = await self._state.slot(request, options, client) if kept else None
        self._relay = Relay(whole=not asked.stream, hidden=client.allowance.hidden)
        said: list[WireEvent] = []
        watch = asyncio.create_task(self._watch(asked))
        self._state.handlers.add(self)
        try:
            async with asyncio.timeout(None) as self._limit:
                if self._stop_reason:
                    self.interrupt(self._stop_reason)
                record.cached = record.row.cached = slot is not None and slot.answer is not None
                if asked.answers > 1:
                    await self._answer_several(partial(self._events, request, slot, permit), asked, record)
                else:
                    say = self._answer_streamed if asked.stream else self._answer_whole
                    async with aclosing(self._events(request, slot, permit)) as running:
                        said = await say(running, asked, record)
            self._limit = None  # it is over: keeping it for others is not interrupted
            if slot is not None:
                await slot.keep(self._relay, said)
        except TimeoutError:
            await self._interrupted(asked, record)
        finally:
            self._limit = None
            self._state.handlers.discard(self)
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    def _events(self, request: ChatRequest, slot: Slot | None, permit: Permit) -> AsyncGenerator[Event, None]:
        """What the router or the cache answers, as long as the key has tokens left for it."""
        if self._hosted.loop is not None:
            events = self._hosted.events(self._state, request)
        else:
            events = self._state.stream(request) if slot is None else slot.events(self._state, request)
        tpm = self._client.allowance.tpm
        return events if tpm is None else self._state.rate_limiter.counted(events, permit, tpm)

    async def _answer_whole(
        self, events: AsyncGenerator[Event, None], asked: ServerRequest, record: RequestRecord
    ) -> list[WireEvent]:
        said: list[WireEvent] = []
        relay = self._relay
        async for event in events:
            record.observe(relay, relay.gather(event, said))
            if relay.over:
                break
        record.end(relay)
        if relay.error is not None:
            raise http_error(relay.error, self.codec)
        body = self.codec.encode_body(said, **self._made(asked))
        if self._wire is RESPONSES and self._visible:
            await self._keep(loads(body))
        await self.out.whole(200, body, (*self._relay.headers(self._hosted.left_out), *record.headers()))
        return said

    async def _answer_streamed(
        self, events: AsyncGenerator[Event, None], asked: ServerRequest, record: RequestRecord
    ) -> list[WireEvent]:
        said: list[WireEvent] = []
        relay, out = self._relay, self.out
        async for event in events:
            fresh = relay.feed(event)
            record.observe(relay, fresh)
            if not fresh:
                continue
            if relay.error is not None and not out.started:
                break
            said += fresh
            async with self._turn:
                head = b"" if out.started else await self._start(asked)
                data = head + b"".join([self._stream.event(wire) for wire in fresh])
                if relay.over:
                    record.end(relay)
                    data += self._stream.end() + self._comment(record)
                    if self._wire is RESPONSES and (finished := getattr(self._stream, "finished", None)) is not None:
                        await self._keep(finished)
                    await out.end(data)
                    break
                self._quiet_since = self._state.now()
                await out.piece(data)
        if relay.error is not None and not out.started:
            record.end(relay)
            raise http_error(relay.error, self.codec)
        return said

    async def _answer_several(
        self, ask: Callable[[], AsyncGenerator[Event, None]], asked: ServerRequest, record: RequestRecord
    ) -> None:
        """Several answers to one question; nothing of them is kept in the cache."""
        out, state, hidden = self.out, self._state, self._client.allowance.hidden
        choices = Choices(ask, asked.answers, whole=not asked.stream, hidden=hidden)
        async with aclosing(choices.pieces()) as pieces:
            async for index, fresh in pieces:
                self._relay = relay = choices.relays[index]
                record.observe(relay, fresh)
                if relay.error is not None and not out.started:
                    break
                if asked.stream and fresh:
                    async with self._turn:
                        head = b"" if out.started else await self._start(asked)
                        self._quiet_since = state.now()
                        await out.piece(head + choices.encode(index, fresh, self._made(asked)))
        for relay in choices.relays:
            if relay.finished is not None:
                record.add(relay.finished)
        if self._relay.error is not None:
            record.failed(self._relay.error)
            if not out.started:
                raise http_error(self._relay.error, self.codec)
            await out.end(self._comment(record))
            return
        record.finish()
        if asked.stream:
            await out.end(choices.last(self._made(asked), usage=asked.usage) + self._comment(record))
        else:
            headers = (*self._relay.headers(self._hosted.left_out), *record.headers())
            await out.whole(200, encode_choices(choices.said, **self._made(asked)), headers)

    async def _start(self, asked: ServerRequest) -> bytes:
        """The head of a stream; its first bytes are to go out with the first words."""
        self._stream = self.codec.ServerStream(**self._made(asked), usage=asked.usage)
        headers = [
            ("cache-control", "no-cache"),
            ("x-accel-buffering", "no"),
            *self._relay.headers(self._hosted.left_out),
        ]
        await self.out.start(200, self._wire.kind, headers)
        return self._stream.start()

    async def _keep(self, response: Mapping[str, Any]) -> None:
        """Keep a whole answer, as its protocol goes on from what was kept."""
        await self._history.keep(self._body, response, self._client, self._state.milliseconds(), store=self._visible)

    def _made(self, asked: ServerRequest) -> dict[str, Any]:
        """What an answer says of itself."""
        made: dict[str, Any] = {"id": self._id, "model": self._model(asked), "created": self._state.seconds()}
        if self._wire in (RESPONSES, COMPACTION):
            made["echo"] = asked.echo
        elif self._wire is MESSAGES:
            made["prompt_tokens"] = self._prompt_tokens
        return made

    async def _watch(self, asked: ServerRequest) -> None:
        """Hear when the client hangs up, and let it hear of us while it waits long."""
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT if self.out.started else FIRST_BYTE):
                    message = await self._receive()
            except TimeoutError:
                if asked.stream:
                    with suppress(ClientDisconnected):
                        await self._heartbeat(asked)
                continue
            if message["type"] == "http.disconnect":
                if not self.out.ended:
                    self.interrupt("gone")
                return

    async def _heartbeat(self, asked: ServerRequest) -> None:
        """The beginning of the stream where nothing was sent yet, else a sign of life, if it has been quiet."""
        async with self._turn:
            if not self.out.started:
                await self.out.piece(await self._start(asked) + self._stream.ping())
            elif not self.out.ended and self._state.now() - self._quiet_since >= HEARTBEAT:
                await self.out.piece(self._stream.ping())

    async def _interrupted(self, asked: ServerRequest, record: RequestRecord) -> None:
        """Say what can still be said; the provider was hung up on already, and the ledger has the cost."""
        if self._stop_reason == "gone":
            raise ClientDisconnected
        error = RoutertermError("The gateway is stopping.", "Try again when it is back.")
        record.failed(error)
        if not self.out.started:
            raise http_error(error, self.codec)
        await self.out.end(self._stream.error(error) + self._stream.end() + self._comment(record))

    def _model(self, asked: ServerRequest) -> str:
        """The name that was asked for as long as its first choice answers: clients compare; else who stands in."""
        relay = self._relay
        stands_in = bool(relay.failed) and not self._client.allowance.hidden
        return str(relay.target) if stands_in and relay.target is not None else asked.request.model

    def _comment(self, record: RequestRecord) -> bytes:
        return record.comment() if self._wire.comments and not self._client.allowance.hidden else b""
