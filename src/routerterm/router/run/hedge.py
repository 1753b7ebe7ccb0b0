"""A race between an attempt that is slower than usual and a second one; whoever speaks first goes on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from msgspec import Struct

from routerterm.core.errors import RoutertermError
from routerterm.core.events import ReasoningDelta, TextDelta, ToolCallDelta, WireEvent


class Batches(Protocol):
    """What comes of an attempt, as many events at a time as came together; closing it hangs up."""

    def __aiter__(self) -> AsyncIterator[list[WireEvent]]: ...

    async def __anext__(self) -> list[WireEvent]: ...

    async def aclose(self) -> None:
        """Hang up at once."""


class Race(Struct, frozen=True):
    """How it went: all of the winner's batches, and why the other lost if it failed."""

    batches: Batches
    hedge_won: bool = False
    failed: RoutertermError | None = None


async def first_to_speak(first: Batches, start_hedge: Callable[[], Awaitable[Batches | None]], after: float) -> Race:
    """Wait ``after`` seconds for content from ``first``, then ask the spare as well; the slower one is closed.

    Where both fail, the race is won by the one that failed last, and its batches raise its error.
    """
    speaker = _Speaker(first)
    try:
        await asyncio.wait({speaker.task}, timeout=after)
        if speaker.task.done() or (second := await start_hedge()) is None:
            await asyncio.wait({speaker.task})
            return Race(speaker)
        hedge = _Speaker(second)
    except BaseException:
        await speaker.close()
        raise
    try:
        done, _ = await asyncio.wait({speaker.task, hedge.task}, return_when=asyncio.FIRST_COMPLETED)
        winner, loser = (speaker, hedge) if speaker.task in done else (hedge, speaker)
        if (failed := winner.error()) is not None:
            await asyncio.wait({loser.task})
            winner, loser = loser, winner
    except BaseException:
        await speaker.close()
        await hedge.close()
        raise
    await loser.close()
    return Race(winner, winner is hedge, failed)


class _Speaker:
    """Reads one stream up to its first content, in a task of its own."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._heard: deque[list[WireEvent]] = deque()
        self._replayed = False
        self.task = asyncio.ensure_future(self._listen())

    async def _listen(self) -> None:
        async for batch in self._batches:
            self._heard.append(batch)
            if any(isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta) for event in batch):
                return

    def error(self) -> RoutertermError | None:
        """Why it failed, if it did."""
        error = self.task.exception()
        if error is not None and not isinstance(error, RoutertermError):
            raise error
        return error

    def __aiter__(self) -> _Speaker:
        return self

    async def __anext__(self) -> list[WireEvent]:
        """What was heard so far, then the rest."""
        if self._heard:
            return self._heard.popleft()
        if not self._replayed:
            self._replayed = True
            if (error := self.error()) is not None:
                raise error
        return await anext(self._batches)

    async def aclose(self) -> None:
        """Hang up at once."""
        await self._batches.aclose()

    async def close(self) -> None:
        """Stop listening and hang up."""
        self.task.cancel()
        with suppress(asyncio.CancelledError, RoutertermError):
            await self.task
        await self._batches.aclose()
