"""The shared state on Redis (or Valkey): a key for each value, watched while a change is worked out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError, WatchError

from routerterm.core.secret import Secret
from routerterm.store.errors import SharedStateAway
from routerterm.store.shared.server import CONNECT_SECONDS, WORK_SECONDS, Address, Change, Entry

_PREFIX = "routerterm:"
_FORMAT, _FORMAT_NAME = b"1", "meta/format"


class RedisServer:
    """A `SharedServer`.  Another gateway's change in between is noticed at the end, and the work done again."""

    def __init__(self, url: Secret, address: Address) -> None:
        self._address = address
        try:
            self._redis: Redis = Redis.from_url(
                url.reveal(), socket_connect_timeout=CONNECT_SECONDS, socket_timeout=WORK_SECONDS, retry=None
            )
        except ValueError:
            raise self._address.away("gateway.state is not a valid URL", "As in redis://HOST:6379/0") from None
        self._prepared = False

    async def change(self, names: Collection[str], change: Change) -> None:
        """See `SharedServer.change`."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS + WORK_SECONDS):
                await self._prepare()
                while not await self._tried(list(names), change):  # noqa: ASYNC110 - what we wait for is elsewhere
                    await asyncio.sleep(random.uniform(0.0, 0.003))
        except (RedisError, OSError, TimeoutError) as error:
            raise self._lost(error) from error

    async def _tried(self, names: list[str], change: Change) -> bool:
        """Whether nobody came between."""
        keys = [_PREFIX + name for name in names]
        async with self._redis.pipeline(transaction=True) as pipe:
            if keys:
                await pipe.watch(*keys)
            found: list[Any] = await pipe.mget(keys) if keys else []
            written = change({name: value for name, value in zip(names, found, strict=True) if value is not None})
            if not written:
                return True
            pipe.multi()  # type: ignore[no-untyped-call]  # redis-py's own
            _queue(pipe, written)
            try:
                await pipe.execute()
            except WatchError:
                return False
            return True

    async def under(self, space: str) -> dict[str, bytes]:
        """See `SharedServer.under`."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS + WORK_SECONDS):
                await self._prepare()
                members: Any = await self._redis.smembers(_index(space))
                names = sorted(member.decode() for member in members)
                found: list[Any] = (
                    await self._redis.mget([f"{_PREFIX}{space}/{name}" for name in names]) if names else []
                )
                return {name: value for name, value in zip(names, found, strict=True) if value is not None}
        except (RedisError, OSError, TimeoutError) as error:
            raise self._lost(error) from error

    async def aclose(self) -> None:
        """See `SharedServer.aclose`."""
        with suppress(RedisError, OSError):
            await self._redis.aclose()

    async def _prepare(self) -> None:
        """Say of which form the values are.  Raises `SharedStateAway` where they are of another."""
        if self._prepared:
            return
        await self._redis.set(_PREFIX + _FORMAT_NAME, _FORMAT, nx=True)
        if await self._redis.get(_PREFIX + _FORMAT_NAME) != _FORMAT:
            raise self._address.away(
                "its keys are of another version", "Run the same version of routerterm everywhere."
            )
        self._prepared = True

    def _lost(self, error: Exception) -> SharedStateAway:
        """The error in our words: Redis' own may repeat a part of the URL."""
        self._prepared = False
        if isinstance(error, AuthenticationError) or "NOAUTH" in str(error):
            return self._address.away(
                "it refused the password", "Put the right URL into the variable of gateway.state."
            )
        if isinstance(error, NoPermissionError):
            return self._address.away("the user may not use its keys", f"Allow it the keys {_PREFIX}*.")
        if isinstance(error, ResponseError):
            if "OOM" in str(error):
                return self._address.away("its memory is full", "Raise maxmemory; keep maxmemory-policy noeviction.")
            return self._address.away("it refused the command", "A single Redis is needed, not a cluster or a replica.")
        return self._address.away("it cannot be reached")


def _queue(pipe: Any, written: Mapping[str, Entry | None]) -> None:
    """The commands of a transaction; what is kept for good is listed in its space's index."""
    for name, entry in written.items():
        space, _, rest = name.partition("/")
        if entry is None:
            pipe.delete(_PREFIX + name)
            pipe.srem(_index(space), rest)
        else:
            pipe.set(_PREFIX + name, entry.value, ex=entry.seconds)
            if entry.seconds is None:
                pipe.sadd(_index(space), rest)


def _index(space: str) -> str:
    return f"{_PREFIX}index/{space}"
