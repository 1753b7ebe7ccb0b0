"""A deferred generator is the generator: begun when it is first asked, closed with it, and nothing lies between."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from routerterm.core.streams import Deferred


class Source:
    """Counts what is done to it."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = 0

    async def make(self) -> AsyncGenerator[int, None]:
        self.made += 1
        return self.values()

    async def values(self) -> AsyncGenerator[int, None]:
        try:
            for value in range(3):
                yield value
        finally:
            self.closed += 1


async def test_all_values_and_an_end() -> None:
    source = Source()
    values = Deferred(source.make)
    assert source.made == 0, "nothing happens before it is asked"
    assert [value async for value in values] == [0, 1, 2]
    assert (source.made, source.closed) == (1, 1)
    with pytest.raises(StopAsyncIteration):
        await anext(values)


async def test_closing_closes_what_runs() -> None:
    source = Source()
    async with aclosing(Deferred(source.make)) as values:
        assert await anext(values) == 0
    assert source.closed == 1
    assert [value async for value in values] == []


async def test_what_was_closed_before_it_began_never_begins() -> None:
    source = Source()
    values = Deferred(source.make)
    await values.aclose()
    assert [value async for value in values] == []
    assert source.made == 0


async def test_an_error_of_the_beginning_is_raised() -> None:
    async def fails() -> AsyncGenerator[int, None]:
        raise LookupError("not there")

    with pytest.raises(LookupError):
        await anext(Deferred(fails))


async def test_what_is_thrown_in_reaches_the_generator() -> None:
    source = Source()
    values = Deferred(source.make)
    assert await values.asend(None) == 0
    with pytest.raises(KeyError):
        await values.athrow(KeyError("x"))
    assert source.closed == 1
    with pytest.raises(KeyError):
        await Deferred(source.make).athrow(KeyError("x"))
