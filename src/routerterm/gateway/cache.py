"""Answers that are given again to the same request, word for word; off unless somebody asks.

They are in memory only, unless gateways share a state: what one of them was told, all may repeat then.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.events import (
    AttemptStarted,
    Event,
    Finished,
    HostedDelta,
    PlanDelta,
    ReasoningDelta,
    RefusalDelta,
    ScoresDelta,
    SourcesDelta,
    TextDelta,
    ThoughtsClosed,
    ToolCallDelta,
    WireEvent,
)
from routerterm.core.messages import part_to_json
from routerterm.core.money import FREE
from routerterm.core.request import ChatRequest
from routerterm.store.errors import SharedStateAway

if TYPE_CHECKING:
    from routerterm.gateway.relay import Relay
    from routerterm.gateway.state import GatewayState
    from routerterm.store.shared.state import SharedState


class KeptAnswer(Struct, frozen=True):
    """A whole answer with its end."""

    content: tuple[TextDelta | ReasoningDelta | ToolCallDelta, ...]
    finished: Finished


class AnswerCache(Protocol):
    """Answers by what was asked (`key_of`)."""

    async def get(self, key: str) -> KeptAnswer | None:
        """The answer, if it is there and fresh."""
        ...

    async def put(self, key: str, content: Sequence[WireEvent], finished: Finished) -> None:
        """Keep an answer, unless it is too large."""
        ...


class _Held(Struct, frozen=True):
    answer: KeptAnswer
    size: int
    until: float


class MemoryCache:
    """The newest answers of this gateway.  ``clock`` is seconds that never go back; sizes are bytes."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._answers: OrderedDict[str, _Held] = OrderedDict()
        self.size = 0

    async def get(self, key: str) -> KeptAnswer | None:
        """See `AnswerCache.get`."""
        found = self._answers.get(key)
        if found is None or found.until <= self._clock():
            self._drop(key)
            return None
        self._answers.move_to_end(key)
        return found.answer

    async def put(self, key: str, content: Sequence[WireEvent], finished: Finished) -> None:
        """See `AnswerCache.put`; the oldest give way."""
        joined = _joined(content)
        size = _size(joined)
        if size > self._most // 4:
            return
        self._drop(key)
        self._answers[key] = _Held(KeptAnswer(joined, finished), size, self._clock() + self._seconds)
        self.size += size
        while self.size > self._most:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: str) -> None:
        if (gone := self._answers.pop(key, None)) is not None:
            self.size -= gone.size


class SharedCache:
    """The answers of all gateways, on the server of their shared state; without it every answer is asked for."""

    def __init__(self, shared: SharedState, seconds: int, most: int) -> None:
        self._shared = shared
        self._seconds = seconds
        self._most = most

    async def get(self, key: str) -> KeptAnswer | None:
        """See `AnswerCache.get`."""
        name = f"answer/{key}"
        try:
            found = await self._shared.run((name,), lambda draft: draft.get(name))
            return None if found is None else _from_json(found)
        except (SharedStateAway, msgspec.MsgspecError, KeyError):  # or one that a later version wrote
            return None

    async def put(self, key: str, content: Sequence[WireEvent], finished: Finished) -> None:
        """See `AnswerCache.put`."""
        joined = _joined(content)
        if _size(joined) > self._most // 4:
            return
        try:
            value = _to_json(KeptAnswer(joined, finished))
            await self._shared.run((), lambda draft: draft.put(f"answer/{key}", value, self._seconds))
        except (SharedStateAway, UnicodeEncodeError):  # half a character cannot be written
            return


_PIECES: Mapping[str, type[TextDelta | ReasoningDelta | ToolCallDelta]] = {
    kind.__name__: kind
    for kind in (
        *(TextDelta, RefusalDelta, SourcesDelta, ScoresDelta),
        *(ReasoningDelta, PlanDelta, ThoughtsClosed, HostedDelta, ToolCallDelta),
    )
}


class _Written(Struct, array_like=True):
    """A `KeptAnswer` on the server: each piece with the name of its kind."""

    content: list[tuple[str, msgspec.Raw]]
    finished: Finished


def _to_json(answer: KeptAnswer) -> bytes:
    pieces = [(type(piece).__name__, msgspec.Raw(msgspec.json.encode(piece))) for piece in answer.content]
    return msgspec.json.encode(_Written(pieces, answer.finished))


def _from_json(value: bytes) -> KeptAnswer:
    found = msgspec.json.decode(value, type=_Written)
    pieces = (msgspec.json.decode(piece, type=_PIECES[kind]) for kind, piece in found.content)
    return KeptAnswer(tuple(pieces), found.finished)


class Slot(Struct):
    """The place of one request in the cache, with the answer that is there."""

    cache: AnswerCache
    key: str
    answer: KeptAnswer | None

    async def events(self, state: GatewayState, request: ChatRequest) -> AsyncGenerator[Event, None]:
        """The kept answer, entered in the ledger at its true cost; where there is none, the router's."""
        if self.answer is None:
            events = state.stream(request)
            try:
                async for event in events:
                    yield event
            finally:
                await events.aclose()
            return
        finished = self.answer.finished
        await state.enter_cached(request, finished.target)
        yield AttemptStarted(1, finished.target, None, "answered from the cache")
        for piece in self.answer.content:
            yield piece
        yield replace(finished, usage=replace(finished.usage, cost=Decimal(0)), cost=FREE, attempts=0)

    async def keep(self, relay: Relay, said: Sequence[WireEvent]) -> None:
        """Keep a fresh answer that came whole, in one piece."""
        finished = relay.finished
        if self.answer is None and finished is not None and not relay.cut and finished.reason in ("stop", "tool_calls"):
            await self.cache.put(self.key, said, finished)


def key_of(request: ChatRequest) -> str:
    """What a request asks, and who asks it: an answer is given again only to the one who got it."""
    asked = {
        "client": request.client,
        "model": request.model,
        "system": request.system,
        "messages": [[message.role, [part_to_json(part) for part in message.parts]] for message in request.messages],
        "params": repr(request.params),
        "tools": [[tool.name, tool.description, tool.schema] for tool in request.tools],
        "hosted": [[tool.protocol, tool.spec] for tool in request.hosted],
        "choice": request.tool_choice,
        "json": repr(request.json),
        "private": request.private,
        "controls": repr(request.controls),
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=repr).encode()).hexdigest()


def _size(content: Sequence[WireEvent]) -> int:
    return sum(len(repr(piece)) for piece in content) + 512


def _joined(events: Sequence[WireEvent]) -> tuple[TextDelta | ReasoningDelta | ToolCallDelta, ...]:
    """The content, its pieces joined where they are of one kind."""
    found: list[TextDelta | ReasoningDelta | ToolCallDelta] = []
    text: list[str] = []

    def close() -> None:
        if text:
            found.append(TextDelta("".join(text)))
            text.clear()

    for event in events:
        match event:
            case RefusalDelta() | ScoresDelta() | ReasoningDelta() | ToolCallDelta():
                close()
                found.append(event)
            case TextDelta(piece):
                text.append(piece)
            case _:
                pass
    close()
    return tuple(found)
