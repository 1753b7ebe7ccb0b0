"""The state of the Responses API: what a client may go on from, and the addresses that tell of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from routerterm.core.errors import BadRequest, StoreError
from routerterm.engine.virtual_keys import Client
from routerterm.gateway.http_errors import HttpError, wrong
from routerterm.gateway.request import Receive, Scope, beside_loop, headers_of
from routerterm.gateway.response import Response
from routerterm.protocols.json_utils import NotJson, dumps, loads, mapping, text
from routerterm.protocols.server_base import read_object
from routerterm.protocols.server_errors import PreviousNotFound
from routerterm.store.gateway_responses import GatewayResponses, KeptResponse

if TYPE_CHECKING:
    from routerterm.gateway.state import GatewayState

_RESULTS = ("function_call_output", "custom_tool_call_output")


class ResponseHistory:
    """Puts what came before into a request, and keeps what came of it."""

    def __init__(self, kept: GatewayResponses) -> None:
        self._kept = kept

    async def with_history(self, body: bytes, client: Client) -> bytes:
        """The request with all that it refers to in its input.  Raises `BadRequest`, `PreviousNotFound` among them."""
        if b"previous_response_id" not in body and b"item_reference" not in body:
            return body
        payload = await beside_loop(read_object, body)
        items = [await self._resolved(item, client) for item in input_items(payload.get("input"))]
        if previous := text(payload.get("previous_response_id")):
            before = await self._before(previous, client)
            _check_results(items, before)
            items = [*before, *items]
        payload["input"] = items
        return await asyncio.to_thread(dumps, payload)

    async def keep(
        self, body: bytes, response: Mapping[str, Any], client: Client, created_at: int, *, store: bool = True
    ) -> None:
        """Keep an answer with the part of its input that was new, unless the request or the caller forbids it."""
        if not store:
            return
        payload = await beside_loop(read_object, body)
        if payload.get("store") is False:
            return
        given = dumps(input_items(payload.get("input"))).decode("utf-8")
        previous = text(payload.get("previous_response_id")) or None
        answer = dumps(response).decode("utf-8")
        await self._kept.add(
            KeptResponse(
                text(response.get("id")), client.name, previous, created_at=created_at, input=given, response=answer
            )
        )

    async def _before(self, previous: str, client: Client) -> list[Any]:
        """All items that an answer goes on from, and its own.  Raises `PreviousNotFound`."""
        chain = await self._kept.chain(client.name, previous)
        if not chain:
            raise PreviousNotFound(previous)
        return [item for each in chain for item in _said(each)]

    async def _resolved(self, item: Any, client: Client) -> Any:
        """An item, or the one that a reference means."""
        if not isinstance(item, Mapping) or item.get("type") != "item_reference":
            return item
        found = await self._kept.item(client.name, text(item.get("id"))[:200])
        if found is None:
            raise BadRequest(f"There is no item {text(item.get('id'))[:80]!r} here.")
        return loads(found)


class ResponseEndpoints:
    """The handlers of the addresses below ``/v1/responses``."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state
        self._kept = state.services.store.gateway_responses

    async def get(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """One answer, as it went out."""
        found = await self._found(scope, client)
        await out.whole(200, found.response.encode())

    async def delete(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """Forget one."""
        id = scope["path_params"]["id"]
        if not await self._kept.remove(client.name, id):
            raise _unknown(id)
        await out.whole(200, dumps({"id": id, "object": "response", "deleted": True}))

    async def input_items(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """What the answer was given: its own input, and all that it goes on from."""
        found = await self._found(scope, client)
        chain = await self._kept.chain(client.name, found.id)
        items = [item for each in chain[:-1] for item in _said(each)] + list(loads(found.input))
        listed = [{"id": f"item_{found.id}_{n}"} | dict(item) for n, item in enumerate(items)]
        first, last = (listed[0]["id"], listed[-1]["id"]) if listed else (None, None)
        body = {"object": "list", "data": listed, "first_id": first, "last_id": last, "has_more": False}
        await out.whole(200, dumps(body))

    async def input_tokens(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """How long a prompt is."""
        from routerterm.protocols import server_codec

        state = self._state
        body = await state.bodies.read(headers_of(scope), receive)
        try:
            whole = await state.responses.with_history(body, client)
            asked = await asyncio.to_thread(server_codec("openai-responses").decode_request, whole)
            tokens = await state.count_tokens(asked.request, client)
        finally:
            state.bodies.release(len(body))
        await out.whole(200, dumps({"object": "response.input_tokens", "input_tokens": tokens}))

    async def _found(self, scope: Scope, client: Client) -> KeptResponse:
        id = scope["path_params"]["id"]
        found = await self._kept.get(client.name, id)
        if found is None:
            raise _unknown(id)
        return found


def input_items(given: Any) -> list[Any]:
    """The input as items: text alone is one message."""
    if isinstance(given, str):
        part = {"type": "input_text", "text": given}
        return [{"type": "message", "role": "user", "content": [part]}]
    return list(given) if isinstance(given, list) else []


def _check_results(given: Sequence[Any], before: Sequence[Any]) -> None:
    """Raises `BadRequest` for the result of a call that nobody made: the client goes on from another answer."""
    items = [item for item in (*before, *given) if isinstance(item, Mapping)]
    calls = {text(item.get("call_id")) for item in items if not text(item.get("type")).endswith("_output")}
    for item in given:
        if isinstance(item, Mapping) and item.get("type") in _RESULTS and text(item.get("call_id")) not in calls:
            raise BadRequest(f"No tool call found for the tool output with call_id {text(item.get('call_id'))[:80]!r}.")


def _said(kept: KeptResponse) -> list[Any]:
    """What an answer was given anew, and what it said."""
    try:
        return [*loads(kept.input), *mapping(loads(kept.response)).get("output", ())]
    except NotJson:
        raise StoreError("An answer in the history cannot be read.") from None


def _unknown(id: str) -> HttpError:
    return wrong(404, f"There is no response {id[:80]!r} here: it was not stored, or has expired.")
