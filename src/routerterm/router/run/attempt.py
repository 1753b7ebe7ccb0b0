"""One attempt on the wire: bytes to events, under the clocks for the first token and for silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

from msgspec import Struct

from routerterm.core.errors import (
    AnswerTooLong,
    DeadlineExceeded,
    InvalidResponse,
    ProviderError,
    ResponseTimeout,
    RoutertermError,
    StreamInterrupted,
)
from routerterm.core.events import (
    ReasoningDelta,
    StreamEnd,
    StreamError,
    TextDelta,
    ToolCallDelta,
    UsageReported,
    WireEvent,
)
from routerterm.protocols.base import Decoder, HttpRequest
from routerterm.protocols.classify import classify
from routerterm.router.decide.format import format_duration
from routerterm.router.run.read_timeout import ReadTimeout
from routerterm.router.transports.base import HttpResponse, Timeouts, Transport, read_body

_ERROR_BODY = 256 * 1024
_ERROR_WAIT = 10.0
_LONGEST = 4 * 1024 * 1024
"""Characters of one answer, its thoughts and calls included: as many as a million tokens are."""
_TRAILING = 4.0
"""Seconds for what may follow a reason for the end: words, where it came too early."""
_LATE_USAGE = 8.0
"""Seconds for the usage, where the end came without it: some count only when all is sent."""


class StreamTimeouts(Struct, frozen=True):
    """Seconds, except ``deadline``: the event loop's time at which the whole request is over."""

    first: float
    idle: float
    keepalive_factor: float = 3.0
    deadline: float | None = None
    connect: float = 10.0
    write: float = 60.0


class AttemptStream:
    """Sends one request and decodes its answer.  After the end ``stopped`` tells whether the answer is whole."""

    def __init__(
        self, transport: Transport, request: HttpRequest, decoder: Decoder, timeouts: StreamTimeouts, provider: str
    ) -> None:
        self._transport = transport
        self._request = request
        self._decoder = decoder
        self._timeouts = timeouts
        self._provider = provider
        self.left_out: tuple[str, ...] = ()
        """The names of what the request asks and the protocol cannot say."""
        self.marks = 0
        """Places up to which the provider is told to keep the prompt in its cache."""
        self.generates = True
        """Whether what comes is written by a model, token by token: embeddings are not."""
        self.headers: Mapping[str, str] = {}
        self.status: int | None = None
        self.stopped: StreamEnd | None = None
        self.content = False
        # A large request is made ready on a thread, where no loop runs; a loop's time is this clock's.
        self.sent = self._last_byte = self._last_content = time.monotonic()
        self.first_content: float | None = None
        self._characters = 0
        self._stream_error: StreamError | None = None
        self._counted = False
        """Whether usage was reported."""
        self._watch = ReadTimeout()
        self._stack = AsyncExitStack()
        self._answer: HttpResponse | None = None
        self._over = False

    def _clock(self) -> float:
        return asyncio.get_running_loop().time()

    def __aiter__(self) -> AttemptStream:
        return self

    async def __anext__(self) -> list[WireEvent]:
        """The next events, as many as came together.  Raises `ProviderError` or `DeadlineExceeded`.

        An iterator and no generator: every generator between wire and reader costs something for each piece.
        """
        try:
            if (events := await self._batch()) is not None:
                return events
        except BaseException:
            await self.aclose()
            raise
        await self.aclose()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Hang up at once, if that was not done yet."""
        self._over = True
        await self._stack.aclose()

    async def _batch(self) -> list[WireEvent] | None:
        if self._stream_error is not None:
            raise self._stream_error.error
        if self._answer is None and not self._over:
            self.sent = self._last_byte = self._last_content = self._clock()
            self._stack.callback(self._watch.close)
            self._answer = await self._opened(self._stack)
            if self._answer.status >= 300:
                raise await self._refusal(self._answer)
        while self._answer is not None and not self._over:
            try:
                data = await self._next(self._answer.body)
            except (StreamInterrupted, ResponseTimeout):
                if not self._decoder.is_finishing:
                    raise
                data = None
            self._over = data is None
            if events := self._decoder.end() if data is None else self._decoder.feed(data):
                return self._noted(events)
        if self.stopped is None and self._answer is not None:
            raise StreamInterrupted(f"The answer of {self._provider} was cut off.", code="unfinished")
        return None

    async def _opened(self, stack: AsyncExitStack) -> HttpResponse:
        connection_timeouts = Timeouts(self._timeouts.connect, self._timeouts.write)
        due = self._due()
        try:
            async with asyncio.timeout_at(due):
                answer = await stack.enter_async_context(self._transport.exchange(self._request, connection_timeouts))
        except TimeoutError:
            raise self._too_late() from None
        self.headers, self.status = answer.headers, answer.status
        self._last_byte = self._clock()
        return answer

    async def _next(self, body: AsyncIterator[bytes]) -> bytes | None:
        """The body's next piece, awaited no longer than the timeouts allow; None at its end."""
        try:
            data = await self._watch.until(self._due(), anext(body))
        except StopAsyncIteration:
            return None
        except TimeoutError:
            raise self._too_late() from None
        self._last_byte = self._clock()
        return data

    def _due(self) -> float:
        """When waiting ends.  Bytes without content, such as comments, stretch it, but not for ever."""
        timeouts = self._timeouts
        wait = timeouts.idle if self.content else timeouts.first
        if self._decoder.is_finishing:
            wait = _TRAILING if self._counted else _LATE_USAGE
        due = self._last_byte + wait
        if self._last_content != self._last_byte:
            due = min(due, self._last_content + wait * timeouts.keepalive_factor)
        return due if timeouts.deadline is None or due < timeouts.deadline else timeouts.deadline

    def _too_late(self) -> RoutertermError:
        timeouts = self._timeouts
        if timeouts.deadline is not None and self._clock() >= timeouts.deadline:
            return DeadlineExceeded(
                "The answer took longer than router.deadline allows.", "The setting is router.deadline, in seconds."
            )
        waited = format_duration(self._clock() - self._last_content)
        if self.content:
            return StreamInterrupted(f"{self._provider} sent nothing for {waited}.", code="stalled")
        return ResponseTimeout(f"{self._provider} did not start an answer within {waited}.", "It may be overloaded.")

    def _noted(self, events: list[WireEvent]) -> list[WireEvent]:
        for event in events:
            if isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
                self._last_content = self._last_byte
                self._characters += len(event.arguments if isinstance(event, ToolCallDelta) else event.text)
                if not self.content:
                    self.content = True
                    self.first_content = self._last_byte
            elif isinstance(event, UsageReported):
                self._counted = True
            elif isinstance(event, StreamEnd):
                self.stopped = event
            elif isinstance(event, StreamError):
                self._stream_error = self._stream_error or event
        if self._characters > _LONGEST and self._stream_error is None:
            words = f"The answer of {self._provider} was stopped after {_LONGEST >> 20} million characters."
            self._stream_error = StreamError(AnswerTooLong(words, "The model may be stuck in a loop."))
        return events

    async def _refusal(self, answer: HttpResponse) -> ProviderError:
        """The error behind a status that is not 200."""
        if answer.status < 400:
            return InvalidResponse(
                f"{self._provider} answered with a redirect ({answer.status}).",
                "Redirects are not followed, because they could leak a key: set base_url to the final address.",
                status=answer.status,
            )
        try:
            async with asyncio.timeout(_ERROR_WAIT):
                body = await read_body(answer, _ERROR_BODY, self._provider)
        except TimeoutError:
            body = b""  # the status alone tells enough
        return classify(answer.status, answer.headers, body, provider=self._provider)
