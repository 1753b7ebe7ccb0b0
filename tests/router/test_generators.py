"""A chunk's way from the wire to whoever reads it: every generator on it costs something for each token."""

from __future__ import annotations

import inspect
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
