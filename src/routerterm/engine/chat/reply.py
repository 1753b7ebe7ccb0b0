"""One answer while it streams: folded as it comes, kept on disk about once a second, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from routerterm.core.errors import StoreError
from routerterm.core.events import (
    AttemptFailed,
    AttemptStarted,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    Recovered,
    RouteDecided,
    StepEnded,
    TextDelta,
    ToolCallDelta,
    ToolFinished,
    ToolStarted,
    UsageReported,
)
from routerterm.core.messages import Part
from routerterm.core.reply import ReplyBuilder
from routerterm.engine.chat.trace import ErrorInfo, ReplyTrace
from routerterm.router.decide.continuation import ContinuationJoiner
from routerterm.store.turns import Answer, Turn, Turns

if TYPE_CHECKING:
    from routerterm.store.values import Status

CHECKPOINT = 1.0
"""Seconds between two savings of a growing answer."""


class RunningReply:
    """The reply of one turn, from its first event to its last save.

    The disk may be slow or full: a checkpoint that fails is tried again with the next one, and `trouble`
    says what is wrong; the answer itself goes on.
    """

    def __init__(
        self,
        turn: Turn,
        turns: Turns,
        record: ReplyTrace,
        every: float = CHECKPOINT,
        *,
        begun: str = "",
        done: Sequence[Part] = (),
    ) -> None:
        """``begun`` is an earlier answer that this one goes on with: it stands at its beginning.

        ``done`` are the parts before that, where tools were called: what was called, and what came of it.
        """
        self.turn = turn
        self.record = record
        self._begun = begun
        self.builder = ReplyBuilder()
        self.builder.seal(*done)
        if begun:
            self.builder.add(TextDelta(begun))
        self._before = self.builder.text_length
        """Characters of text before this request's own."""
        self.trouble: StoreError | None = None
        self._turns = turns
        self._every = every
        self._status: Status = "stopped"
        self._ended = self._saved = self._abandoned = False
        self._pieces = self._kept = 0
        self._speaker: str | None = None
        """Who said what is there so far: after a cut, not yet the one that is asked next."""
        self._ticking: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether the last event has come."""
        return self._ended

    @property
    def status(self) -> Status:
        """How it ended, or would if it stopped now."""
        return self._status

    @property
    def saved(self) -> bool:
        """Whether its end is on disk."""
        return self._saved

    @property
    def unsaved(self) -> bool:
        """Whether it is on disk, but not to its end."""
        return not self._saved and not self._abandoned

    def abandon(self) -> None:
        """The disk did not take the question: there is no row, and nothing to save."""
        self._abandoned = True

    async def take(self, event: Event) -> None:
        """Fold one event in; the last one is saved before it is passed on."""
        if isinstance(event, Recovered) and event.how == "restart":
            await self._set_aside()
        if isinstance(event, Recovered) and event.how == "continue":
            event = replace(event, characters=event.characters + self._before)
        self.record = self.record.after(event)
        match event:
            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                self.builder.add(event)
                self._pieces += 1
                self._speaker = self.record.target
            case ToolFinished(result):
                self.builder.seal(result)
                self._step_ended()
            case StepEnded(kept=kept):
                if kept:
                    self.builder.seal()
                else:
                    self.builder = self.builder.restarted()
                self._step_ended()
            case Finished():
                self._ended, self._status = True, "done"
            case Failed():
                self._ended, self._status = True, self._unfinished()
            case RouteDecided() | AttemptStarted() | AttemptFailed() | Recovered() | UsageReported() | ToolStarted():
                pass
            case _:
                assert_never(event)
        if self._ended:
            await self._try(self.save)

    def end_without_event(self, error: Exception | None = None) -> None:
        """The stream is over; without its last event it did not go well, perhaps for this reason."""
        if not self._ended:
            self._status = self._unfinished()
            if error is not None:
                self.record = replace(self.record, error=ErrorInfo.of(error))

    def start(self) -> None:
        """Begin to keep it on disk as it grows."""
        self._ticking = asyncio.create_task(self._tick())

    async def end(self) -> None:
        """Write how it ended if that is not done yet; where the disk refuses, `trouble` says so."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
            self._ticking = None
        if not self._saved:
            await self._try(self.save)

    async def save(self) -> None:
        """Write how it ended, once; when this returns it survives a power cut.  Raises `StoreError`."""
        if not self.unsaved:
            return
        await self._turns.finish(self.turn, self._answer(self._status))
        self._saved, self.trouble = True, None

    async def keep(self) -> None:
        """Keep what there is so far, safe from a power cut: a tool that was called is never called again by itself."""
        pieces = self._pieces
        await self._try(lambda: self._turns.checkpoint(self.turn, self._answer("streaming"), durable=True))
        if self.trouble is None:
            self._kept = pieces

    def _step_ended(self) -> None:
        self._pieces += 1
        self._begun, self._before = "", self.builder.text_length

    def _unfinished(self) -> Status:
        return "error" if self.builder.is_empty else "cut"

    def _answer(self, status: Status) -> Answer:
        return Answer(self.builder.parts(), status, self.record.target, self.record.to_json())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            if self._pieces != self._kept:
                await self._try(self._checkpoint)

    async def _checkpoint(self) -> None:
        pieces, answer = self._pieces, self._answer("streaming")
        await self._turns.checkpoint(self.turn, answer)
        self._kept, self.trouble = pieces, None

    async def _set_aside(self) -> None:
        """The partial answer becomes a sibling; what follows is a new one."""
        if not self.builder.is_empty:
            record = replace(self.record, target=self._speaker)
            partial = Answer(self.builder.parts(), "cut", self._speaker, record.to_json())
            await self._try(lambda: self._turns.set_aside(self.turn, partial))
        self.builder = self.builder.restarted()
        if self._begun:
            self.builder.add(TextDelta(self._begun))
        self._pieces += 1

    async def _try(self, save: Callable[[], Awaitable[object]]) -> None:
        try:
            await save()
        except StoreError as error:
            self.trouble = error


async def joined(events: AsyncGenerator[Event], partial: str) -> AsyncGenerator[Event]:
    """The events of an answer that goes on after ``partial``, without what it repeats of that."""
    seam = ContinuationJoiner(partial)
    async with aclosing(events) as source:
        async for event in source:
            if isinstance(event, TextDelta):
                if text := seam.feed(event.text):
                    yield TextDelta(text)
                continue
            if isinstance(event, Finished | Failed) and (rest := seam.end()):
                yield TextDelta(rest)
            yield event


async def despite_cancellation(work: Coroutine[None, None, None]) -> None:
    """Await something that continues even if we are cancelled meanwhile, however often; then pass that on."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
