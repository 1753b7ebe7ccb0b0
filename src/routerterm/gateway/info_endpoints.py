"""What the gateway tells of itself: models, health, metrics, usage, and how long a prompt is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from routerterm.core.money import from_nano
from routerterm.engine.virtual_keys import OWNER, Client
from routerterm.gateway.http_errors import forbidden, wrong
from routerterm.gateway.request import Receive, Scope, headers_of
from routerterm.gateway.response import Response
from routerterm.protocols import server_codec

if TYPE_CHECKING:
    from routerterm.gateway.state import GatewayState

_DAY_MS = 86_400_000


class InfoEndpoints:
    """The handlers of all addresses that answer without a model."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state

    async def models(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """Routes, aliases, and the models of all providers that can be asked."""
        rows = [self._row(id, headers_of(scope)) for id in await self._state.model_names(client)]
        await out.whole(200, _json(self._page(rows, headers_of(scope))))

    async def model(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """One of them."""
        id = scope["path_params"]["id"]
        if id not in await self._state.model_names(client):
            raise wrong(404, f"There is no model {id[:100]!r} here; GET /v1/models lists the models.")
        await out.whole(200, _json(self._row(id, headers_of(scope))))

    async def count_tokens(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """How long a prompt is for the model that would be asked first."""
        state = self._state
        body = await state.bodies.read(headers_of(scope), receive)
        try:
            request = (await asyncio.to_thread(server_codec("anthropic-messages").decode_request, body)).request
            tokens = await state.count_tokens(request, client)
        finally:
            state.bodies.release(len(body))
        await out.whole(200, _json({"input_tokens": tokens}))

    async def root(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """That somebody is here: Claude Code and Ollama's clients look before they begin."""
        await out.whole(200, b"routerterm is running", kind="text/plain; charset=utf-8")

    async def health(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """Whether all is well; how the providers are is told to the owner alone, since no key is asked for."""
        state = self._state
        body: dict[str, Any] = {"status": "stopping" if state.stopping else "ok"}
        if client.is_owner:
            statuses = await state.services.provider_statuses()
            body |= {
                "uptime_seconds": round(state.now() - state.begun, 3),
                "running": state.rate_limiter.running,
                "providers": {name: str(status) for name, status in statuses},
            }
        await out.whole(503 if state.stopping else 200, _json(body))

    async def metrics(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """For Prometheus; only for the owner."""
        _for_owner(client)
        state = self._state
        health = await state.services.router.health()
        text = state.metrics.text(running=state.rate_limiter.running, uptime=state.now() - state.begun, health=health)
        await out.whole(200, text.encode(), kind="text/plain; version=0.0.4; charset=utf-8")

    async def usage(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """What was used of late, by client and model: the owner sees all, a key sees its own."""
        state = self._state
        days = _days(scope)
        now, (day, month) = state.milliseconds(), state.day_and_month()
        since = day - (days - 1) * _DAY_MS
        own = None if client.is_owner else client.name
        rows = await state.services.store.gateway_keys.used(since, own)
        body: dict[str, Any] = {
            "since": since,
            "until": now,
            "data": [_usage_row(row) for row in rows],
        }
        caps = client.caps(day, month)
        used = await state.services.store.ledger.used(caps) if caps else ()
        body["caps"] = [
            {
                "period": {day: "day", month: "month"}.get(cap.since, "balance"),
                "limit_usd": format(from_nano(cap.limit), "f"),
                "used_usd": format(from_nano(spent), "f"),
            }
            for cap, spent in zip(caps, used, strict=True)
        ]
        await out.whole(200, _json(body))

    def _row(self, id: str, headers: Mapping[str, str]) -> dict[str, Any]:
        if "anthropic-version" in headers:
            created = "1970-01-01T00:00:00Z"
            row = {"type": "model", "id": id, "display_name": id, "created_at": created}
            return row | dict.fromkeys(("max_input_tokens", "max_tokens", "capabilities"))
        owner = id.partition("/")[0] if "/" in id else "routerterm"
        return {"id": id, "object": "model", "created": 0, "owned_by": owner}

    def _page(self, rows: list[dict[str, Any]], headers: Mapping[str, str]) -> dict[str, Any]:
        if "anthropic-version" not in headers:
            return {"object": "list", "data": rows}
        first, last = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
        return {"data": rows, "has_more": False, "first_id": first, "last_id": last}


def _for_owner(client: Client) -> None:
    if client is not OWNER and not client.is_owner:
        raise forbidden("Only the gateway's own token may see this.")


def _days(scope: Scope) -> int:
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("days", ["1"])[0]
    if not asked.isdecimal() or not 1 <= int(asked[:6]) <= 3660:
        raise wrong(400, "`days` must be a number from 1 to 3660.")
    return int(asked)


def _usage_row(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: row[name] for name in row if name != "cost_nanousd"}
    return {**kept, "cost_usd": format(from_nano(row["cost_nanousd"]), "f")}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
