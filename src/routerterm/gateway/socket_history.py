"""What a WebSocket of the Responses API goes on from: its newest answer, also where nothing may be stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from routerterm.core.errors import BadRequest
from routerterm.engine.virtual_keys import Client
from routerterm.gateway.request import beside_loop
from routerterm.gateway.responses import ResponseHistory, input_items
from routerterm.protocols.json_utils import dumps, loads, text
from routerterm.protocols.server_base import read_object
from routerterm.store.gateway_responses import GatewayResponses


class Newest(Struct, frozen=True):
    """The last answer of a connection, with all that led to it."""

    id: str
    client: str
    items: bytes
    """Its whole input and its output, as JSON."""


class SocketMemory:
    """The newest answer of every open connection, ``most`` bytes together: who was quiet longest loses its own.

    A client that lost it hears that the previous response is not found, and sends the whole conversation, as it does
    after a connection broke.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[SocketHistory, Newest] = {}
        self._size = 0

    def get(self, owner: SocketHistory) -> Newest | None:
        """What it has."""
        return self._kept.get(owner)

    def put(self, owner: SocketHistory, newest: Newest) -> None:
        """Keep it instead of what was there."""
        self.drop(owner)
        self._kept[owner] = newest
        self._size += len(newest.items)
        while self._size > self._most:
            self.drop(next(iter(self._kept)))

    def drop(self, owner: SocketHistory) -> None:
        """Forget it."""
        if (found := self._kept.pop(owner, None)) is not None:
            self._size -= len(found.items)


class SocketHistory(ResponseHistory):
    """The history of one connection: in memory its newest answer, in the store what may be stored."""

    def __init__(self, kept: GatewayResponses, memory: SocketMemory) -> None:
        super().__init__(kept)
        self._memory = memory
        self._input: list[Any] | None = None
        """All items of the request that is being answered, with those that it goes on from."""
        self._from_memory = False
        self._known: dict[str, Any] | None = None
        """The items of the newest answer by their ids, once a request refers to one: not parsed for each of them."""

    def reset(self) -> None:
        """A request is over, however it ended."""
        self._input, self._from_memory, self._known = None, False, None

    def forget(self, previous: str | None = None) -> None:
        """Forget the newest answer, or only if it is this one: a request that went on from it has failed."""
        newest = self._memory.get(self)
        if newest is not None and previous in (None, newest.id):
            self._memory.drop(self)

    async def with_history(self, body: bytes, client: Client) -> bytes:
        """See `ResponseHistory`."""
        whole = await super().with_history(body, client)
        self._input = input_items((await beside_loop(read_object, whole)).get("input"))
        return whole

    async def keep(
        self, body: bytes, response: Mapping[str, Any], client: Client, created_at: int, *, store: bool = True
    ) -> None:
        """See `ResponseHistory`; here the answer is kept for the connection, too."""
        given = self._input if self._input is not None else []
        items = await asyncio.to_thread(dumps, [*given, *response.get("output", ())])
        self._memory.put(self, Newest(text(response.get("id")), client.name, items))
        if self._from_memory and await self._kept.get(client.name, text(response.get("previous_response_id"))) is None:
            payload = await beside_loop(read_object, body)  # what came before is nowhere else: it is kept with it
            payload.pop("previous_response_id", None)
            body = await asyncio.to_thread(dumps, payload | {"input": given})
        await super().keep(body, response, client, created_at, store=store)

    async def _before(self, previous: str, client: Client) -> list[Any]:
        newest = self._memory.get(self)
        if newest is None or (newest.id, newest.client) != (previous, client.name):
            return await super()._before(previous, client)
        self._from_memory = True
        items: list[Any] = await asyncio.to_thread(loads, newest.items)
        return items

    async def _resolved(self, item: Any, client: Client) -> Any:
        try:
            return await super()._resolved(item, client)
        except BadRequest:
            if (found := (await self._known_items(client)).get(text(item.get("id")))) is not None:
                return found
            raise

    async def _known_items(self, client: Client) -> dict[str, Any]:
        newest = self._memory.get(self)
        if newest is None or newest.client != client.name:
            return {}
        if self._known is None:
            items = await asyncio.to_thread(loads, newest.items)
            named = (item for item in reversed(items) if isinstance(item, Mapping) and text(item.get("id")))
            self._known = {item["id"]: item for item in named}
        return self._known
