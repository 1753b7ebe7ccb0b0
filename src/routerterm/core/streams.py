"""An async generator that is made when it is first asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


class Deferred(AsyncGenerator[T, None]):
    """For whoever has to await something first, and then only hands another generator's values on.

    Walking that generator from one of one's own costs a step of the event loop's for every value, and a stream of
    tokens passes through several such rooms.  Here the values come from the inner generator directly.
    """

    def __init__(self, make: Callable[[], Awaitable[AsyncGenerator[T, None]]]) -> None:
        self._make: Callable[[], Awaitable[AsyncGenerator[T, None]]] | None = make
        self._inner: AsyncGenerator[T, None] | None = None

    def __anext__(self) -> Awaitable[T]:  # type: ignore[override]  # any awaitable will do, the base class wants a coroutine
        return self._first() if self._inner is None else self._inner.__anext__()

    async def asend(self, value: None) -> T:
        """See `AsyncGenerator`."""
        return await self.__anext__()

    async def athrow(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
        /,
    ) -> T:
        """See `AsyncGenerator`."""
        self._make = None
        if self._inner is not None:
            given: Any = typ
            return await self._inner.athrow(given)
        raise typ

    async def aclose(self) -> None:
        """See `AsyncGenerator`: what was never begun needs no end."""
        self._make = None
        if self._inner is not None:
            await self._inner.aclose()

    async def _first(self) -> T:
        make, self._make = self._make, None
        if make is None:
            raise StopAsyncIteration
        self._inner = await make()
        return await self._inner.__anext__()
