"""Answers that are given again to the same request, word for word.  In memory only, and off unless somebody asks."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.events import (
    AttemptStarted,
    Event,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    WireEvent,
)
from routerterm.core.messages import part_to_json
from routerterm.core.money import FREE
from routerterm.core.request import ChatRequest

if TYPE_CHECKING:
    from routerterm.gateway.relay import Relay
    from routerterm.gateway.state import GatewayState


class KeptAnswer(Struct, frozen=True):
    """A whole answer with its end."""

    content: tuple[TextDelta | ReasoningDelta | ToolCallDelta, ...]
    finished: Finished
    size: int
    until: float


class AnswerCache:
    """The newest answers, by what was asked.  ``clock`` is seconds that never go back; sizes are bytes."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float]) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._answers: OrderedDict[str, KeptAnswer] = OrderedDict()
        self.size = 0

    def get(self, key: str) -> KeptAnswer | None:
        """The answer, if it is there and fresh."""
        found = self._answers.get(key)
        if found is None or found.until <= self._clock():
            self._drop(key)
            return None
        self._answers.move_to_end(key)
        return found

    def put(self, key: str, content: Sequence[WireEvent], finished: Finished) -> None:
        """Keep an answer; the oldest give way."""
        joined = _joined(content)
        size = sum(len(repr(piece)) for piece in joined) + 512
        if size > self._most // 4:
            return
        self._drop(key)
        self._answers[key] = KeptAnswer(joined, finished, size, self._clock() + self._seconds)
        self.size += size
        while self.size > self._most:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: str) -> None:
        if (gone := self._answers.pop(key, None)) is not None:
            self.size -= gone.size


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

    def keep(self, relay: Relay, said: Sequence[WireEvent]) -> None:
        """Keep a fresh answer that came whole, in one piece."""
        finished = relay.finished
        if self.answer is None and finished is not None and not relay.cut and finished.reason in ("stop", "tool_calls"):
            self.cache.put(self.key, said, finished)


def key_of(request: ChatRequest) -> str:
    """What a request asks, and who asks it: an answer is given again only to the one who got it."""
    asked = {
        "client": request.client,
        "model": request.model,
        "system": request.system,
        "messages": [[message.role, [part_to_json(part) for part in message.parts]] for message in request.messages],
        "params": repr(request.params),
        "tools": [[tool.name, tool.description, tool.schema] for tool in request.tools],
        "choice": request.tool_choice,
        "json": repr(request.json),
        "private": request.private,
        "controls": repr(request.controls),
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=repr).encode()).hexdigest()


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
            case RefusalDelta() | ReasoningDelta() | ToolCallDelta():
                close()
                found.append(event)
            case TextDelta(piece):
                text.append(piece)
            case _:
                pass
    close()
    return tuple(found)
