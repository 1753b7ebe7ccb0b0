"""The addresses of the gateway, and the door before them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from routerterm.core.errors import CallerFault, RoutertermError
from routerterm.gateway.connection import HEAD_MOST
from routerterm.gateway.denied import Denied, wrong
from routerterm.gateway.exchange import Exchange, denied
from routerterm.gateway.incoming import Gone, Receive, Scope, Send, headers_of
from routerterm.gateway.keys import Who
from routerterm.gateway.listing import Listing
from routerterm.gateway.outgoing import Header, Outgoing
from routerterm.protocols import server_half

if TYPE_CHECKING:
    from routerterm.gateway.house import House

log = logging.getLogger(__name__)
ANSWERS = {
    "/v1/chat/completions": "openai-chat",
    "/v1/responses": "openai-responses",
    "/v1/messages": "anthropic-messages",
}
"""Where answers are to be had, and in which protocol."""
COUNT = "/v1/messages/count_tokens"
_ALLOWED_HEADERS = "authorization, content-type, x-api-key, anthropic-version, anthropic-beta"
Handler = Callable[[Scope, Receive, Outgoing, Who], Awaitable[None]]


def gateway_app(house: House) -> Door:
    """Everything, as one ASGI application."""
    listing = Listing(house)
    answers = {path: Answers(house, protocol) for path, protocol in ANSWERS.items()}
    routes = [Route(path, endpoint, methods=["POST"]) for path, endpoint in answers.items()]
    routes += [
        Route(COUNT, Endpoint(house, listing.count_tokens), methods=["POST"]),
        Route("/v1/models", Endpoint(house, listing.models), methods=["GET"]),
        Route("/v1/models/{id:path}", Endpoint(house, listing.model), methods=["GET"]),
        Route("/v1/usage", Endpoint(house, listing.usage), methods=["GET"]),
        Route("/metrics", Endpoint(house, listing.metrics), methods=["GET"]),
        Route("/health", Endpoint(house, listing.health, free=True), methods=["GET"]),
    ]
    app = Starlette(routes=routes, exception_handlers={})
    app.router.redirect_slashes = False
    return Door(house, app, answers)


class Door:
    """Checks by which name and from which page we are called, and tells every error in the protocol that was asked."""

    def __init__(self, house: House, app: Starlette, answers: Mapping[str, Answers]) -> None:
        self._house, self._app, self._answers = house, app.router, answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        headers = headers_of(scope)
        out = Outgoing(send, self._cors(headers.get("origin")), connection=scope.get("state", {}).get("connection"))
        scope["out"], scope["app"] = out, self
        try:
            if sum(len(name) + len(value) + 4 for name, value in scope["headers"]) > HEAD_MOST:
                raise wrong(431, "The headers are too large.", "", ("connection", "close"))
            self._house.access.check_place(headers)
            if scope["method"] == "OPTIONS" and "origin" in headers:
                await self._preflight(out)
                return
            answers = self._answers.get(scope["path"]) if scope["method"] == "POST" else None
            await (answers or self._app)(scope, receive, send)
        except Denied as error:
            await _refuse(scope, out, error)
        except HTTPException as error:
            await _refuse(scope, out, _of_http(error, scope))
        except Gone:
            if out.stalled and (connection := out.connection) is not None:
                connection.transport.abort()  # a polite end would wait for it for ever
        except Exception as error:  # the last door: a client gets a sentence, the traceback a file
            from routerterm.config.crash import report

            if not out.started:
                told = await asyncio.to_thread(report, error)
                await _refuse(scope, out, Denied(500, RoutertermError(told.message)))
            else:
                raise

    async def _preflight(self, out: Outgoing) -> None:
        more = [
            ("access-control-allow-methods", "GET, POST"),
            ("access-control-allow-headers", _ALLOWED_HEADERS),
            ("access-control-max-age", "600"),
        ]
        await out.whole(204, b"", more)

    def _cors(self, origin: str | None) -> tuple[Header, ...]:
        if origin is None or origin not in self._house.access.origins:
            return ()
        return ("access-control-allow-origin", origin), ("vary", "origin")


class Endpoint:
    """One address with its handler.  ``free``: no key is asked for."""

    def __init__(self, house: House, handler: Handler, *, free: bool = False) -> None:
        self._house, self._handler, self._free = house, handler, free

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await self._house.refresh_keys()
        who = Who("") if self._free else self._house.access.who(headers_of(scope))
        try:
            await self._handler(scope, receive, scope["out"], who)
        except RoutertermError as error:
            raise denied(error) from error


class Answers:
    """One of the addresses where models answer."""

    def __init__(self, house: House, protocol: str) -> None:
        self._house, self._protocol, self._half = house, protocol, server_half(protocol)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, with its line in the list of requests and in the metrics."""
        house, out = self._house, scope["out"]
        await house.refresh_keys()
        who = house.access.who(headers_of(scope))
        account = house.open(who, scope["path"])
        exchange = Exchange(house, self._protocol, self._half, scope, receive, out)
        try:
            await exchange.run(who, account)
            account.close(None, out.status)
        except Denied as error:
            if account.row.ending == "error":  # the router was asked, and failed
                account.close(None, error.status)
            else:
                account.broke(error.error)
                account.close("denied", error.status)
            raise
        except RoutertermError as error:
            account.broke(error)
            refusal = denied(error)
            account.close("denied" if isinstance(error, CallerFault) else "error", refusal.status)
            raise refusal from error
        except Gone:
            account.close("gone", out.status or 499)
            raise
        except BaseException:
            account.close("error", out.status or 500)
            raise
        finally:
            house.close(account)


async def _refuse(scope: Scope, out: Outgoing, error: Denied) -> None:
    """Tell an error in the shape of the protocol that was asked."""
    if out.started:
        return
    path = scope["path"]
    half = server_half("anthropic-messages" if path.startswith("/v1/messages") else "openai-chat")
    _, body = half.encode_error(error.error)
    await out.whole(error.status, body, error.headers)


def _of_http(error: HTTPException, scope: Scope) -> Denied:
    """What Starlette found: no such address, or not by this method."""
    headers = tuple((error.headers or {}).items())
    if error.status_code == 405:
        return wrong(405, f"{scope['method'][:20]} is not possible here.", "", *headers)
    return wrong(error.status_code, "There is nothing at this address.", "See /health and /v1/models.")


def as_json(value: Any) -> bytes:
    """A value as a body."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
