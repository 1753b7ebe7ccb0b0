"""Several answers to one question (``n``): each asked for by itself, all under way at once, told as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, TypeAlias

from routerterm.core.events import Event, WireEvent
from routerterm.core.usage import Usage
from routerterm.gateway.relay import Relay
from routerterm.protocols.openai_chat.server import ServerStream, last_chunk
from routerterm.router.accounting.rows import total_usage

Piece: TypeAlias = tuple[int, list[WireEvent]]
_WAITING = 64
"""Pieces that may wait for a client that reads slowly."""


class Choices:
    """The answers on their way to a client.  ``ask`` begins one; ``whole`` and ``hidden`` are as `Relay` has them."""

    def __init__(
        self, ask: Callable[[], AsyncGenerator[Event, None]], number: int, *, whole: bool, hidden: bool
    ) -> None:
        self._ask = ask
        self.relays = [Relay(whole=whole, hidden=hidden) for _ in range(number)]
        self._streams: dict[int, ServerStream] = {}
        self.said: list[list[WireEvent]] = [[] for _ in range(number)]

    @property
    def usage(self) -> Usage:
        """What all of them used."""
        return total_usage(relay.finished.usage for relay in self.relays if relay.finished is not None)

    def encode(self, index: int, fresh: Iterable[WireEvent], made: Mapping[str, Any]) -> bytes:
        """The bytes of a piece; ``made`` is what the answer says of itself."""
        if (stream := self._streams.get(index)) is None:
            stream = self._streams[index] = ServerStream(**made, usage=False, index=index)
        return b"".join(map(stream.event, fresh))

    def last(self, made: Mapping[str, Any], *, usage: bool) -> bytes:
        """What ends a stream of whole answers, with what they used together if that is to be told."""
        head = {"object": "chat.completion.chunk", **made}
        return last_chunk(head, self.usage if usage else None)

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """What is to be told, with the number of its answer.  The first error ends them all."""
        queue: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue(_WAITING)
        tasks = [asyncio.create_task(self._run(index, queue)) for index in range(len(self.relays))]
        running = len(tasks)
        try:
            while running:
                piece = await queue.get()
                if piece is None:
                    running -= 1
                elif isinstance(piece, BaseException):
                    raise piece
                else:
                    yield piece
                    if self.relays[piece[0]].error is not None:
                        return
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _run(self, index: int, queue: asyncio.Queue[Piece | BaseException | None]) -> None:
        relay, said = self.relays[index], self.said[index]
        try:
            async with aclosing(self._ask()) as events:
                async for event in events:
                    await queue.put((index, relay.gather(event, said)))
                    if relay.over:
                        break
        except Exception as error:  # noqa: BLE001 - handed to whoever reads: a task of its own has nobody to tell
            await queue.put(error)
        await queue.put(None)
