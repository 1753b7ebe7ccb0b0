"""A chunk's way from the wire to whoever reads it: every generator on it costs something for each token."""

from __future__ import annotations

import gc
import inspect
import json
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from routerterm.catalog import Catalog
from routerterm.core.events import TextDelta
from routerterm.engine.chat.session import Session
from routerterm.protocols.base import HttpRequest
from routerterm.router import Router
from routerterm.router.environment_keys import EnvironmentKeys
from routerterm.router.transports.base import HttpResponse, Timeouts
from routerterm.router.transports.demo import DemoTransport
from tests.engine.fakes import store_in

MOST = 4


def generators() -> int:
    """How many async generators the code that runs is inside of."""
    frame, count = inspect.currentframe(), 0
    while frame is not None:
        count += bool(frame.f_code.co_flags & inspect.CO_ASYNC_GENERATOR)
        frame = frame.f_back
    return count


class Looking(DemoTransport):
    """Notes at every piece of an answer how deep it lies."""

    def __init__(self) -> None:
        super().__init__(0)
        self.depths: list[int] = []

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        async with super().exchange(request, waits) as answer:
            yield HttpResponse(answer.status, _Pieces(answer.body, self.depths), answer.headers)


class _Pieces:
    def __init__(self, body: AsyncIterator[bytes], depths: list[int]) -> None:
        self._body = body
        self._depths = depths

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> bytes:
        self._depths.append(generators())
        return await anext(self._body)


class _Long(DemoTransport):
    """Says pieces of which no two are equal, and looks at the memory when the last has been read."""

    PIECES, SIZE = 150, 20_000

    def __init__(self) -> None:
        super().__init__(0)
        self.held = 0

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        async with super().exchange(request, waits) as answer:
            yield HttpResponse(answer.status, self._pieces(), answer.headers)

    async def _pieces(self) -> AsyncIterator[bytes]:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(self.PIECES):
            text = f"{number:05} " + "word " * ((self.SIZE - 6) // 5) + "\n"
            yield b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"
        gc.collect()
        self.held = tracemalloc.get_traced_memory()[0] - before
        yield b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


async def test_the_text_of_an_answer_is_held_at_most_twice(tmp_path: Path) -> None:
    """Once by the router, which may have to go on with it, and once by the session, which writes it down."""
    catalog, long, store = Catalog.builtin(), _Long(), store_in(tmp_path)
    router = Router(catalog, EnvironmentKeys(catalog.provider, {}), transports={"demo": long})
    session = Session(store, router, model="demo/echo")
    length = 0
    tracemalloc.start()
    try:
        async with aclosing(session.send("at length")) as events:
            async for event in events:
                length += len(event.text) if isinstance(event, TextDelta) else 0
    finally:
        tracemalloc.stop()
        await store.close()
    assert length > 0.9 * long.PIECES * long.SIZE
    assert 0.5 < long.held / length <= 2.0


async def test_at_most_four_nested_generators_from_the_wire_to_the_reader(tmp_path: Path) -> None:
    catalog, looking, store = Catalog.builtin(), Looking(), store_in(tmp_path)
    router = Router(catalog, EnvironmentKeys(catalog.provider, {}), transports={"demo": looking})
    session = Session(store, router, model="demo/echo")
    words = 0
    async with aclosing(session.send("one two three four")) as events:
        async for event in events:
            words += isinstance(event, TextDelta)
    await store.close()
    assert words == 4
    assert 0 < max(looking.depths) <= MOST
