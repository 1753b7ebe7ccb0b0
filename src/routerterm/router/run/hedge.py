"""A race between an attempt that is slower than usual and a second one; whoever speaks first goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

from msgspec import Struct

from routerterm.core.errors import RoutertermError
from routerterm.core.events import ReasoningDelta, TextDelta, ToolCallDelta, WireEvent

Batches: TypeAlias = AsyncGenerator[list[WireEvent], None]


class Race(Struct, frozen=True):
    """How it went: all of the winner's batches, and why the other lost if it failed."""

    batches: Batches
    spare_won: bool = False
    failed: RoutertermError | None = None


async def first_to_speak(first: Batches, ask_spare: Callable[[], Awaitable[Batches | None]], after: float) -> Race:
    """Wait ``after`` seconds for content from ``first``, then ask the spare as well; the slower one is closed.

    Where both fail, the race is won by the one that failed last, and its batches raise its error.
    """
    speaker = _Speaker(first)
    try:
        await asyncio.wait({speaker.task}, timeout=after)
        if speaker.task.done() or (second := await ask_spare()) is None:
            await asyncio.wait({speaker.task})
            return Race(speaker.replay())
        spare = _Speaker(second)
    except BaseException:
        await speaker.close()
        raise
    try:
        done, _ = await asyncio.wait({speaker.task, spare.task}, return_when=asyncio.FIRST_COMPLETED)
        winner, loser = (speaker, spare) if speaker.task in done else (spare, speaker)
        if (failed := winner.error()) is not None:
            await asyncio.wait({loser.task})
            winner, loser = loser, winner
    except BaseException:
        await speaker.close()
        await spare.close()
        raise
    await loser.close()
    return Race(winner.replay(), winner is spare, failed)


class _Speaker:
    """Reads one leg up to its first content, in a task of its own."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._heard: list[list[WireEvent]] = []
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

    async def replay(self) -> Batches:
        """What was heard so far, then the rest."""
        try:
            for batch in self._heard:
                yield batch
            if (error := self.error()) is not None:
                raise error
            async for batch in self._batches:
                yield batch
        finally:
            await self._batches.aclose()

    async def close(self) -> None:
        """Stop listening and hang up."""
        self.task.cancel()
        with suppress(asyncio.CancelledError, RoutertermError):
            await self.task
        await self._batches.aclose()
