"""The addresses of the gateway, and the door before them."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from routerterm.core.errors import RoutertermError
from routerterm.engine.virtual_keys import STRANGER, Client
from routerterm.gateway.addresses import forgiven, protocol_of
from routerterm.gateway.answers import Answers, EventAnswers, GeminiAnswers
from routerterm.gateway.connection import HEAD_MOST
from routerterm.gateway.embeddings import EmbeddingAnswers
from routerterm.gateway.history_api import HistoryApi
from routerterm.gateway.http_errors import HttpError, http_error, wrong
from routerterm.gateway.info_endpoints import InfoEndpoints
from routerterm.gateway.mcp_endpoint import McpEndpoint
from routerterm.gateway.other_apis import OtherApis
from routerterm.gateway.request import ClientDisconnected, Receive, Scope, Send, headers_of
from routerterm.gateway.response import Header, Response
from routerterm.gateway.responses import ResponseEndpoints
from routerterm.gateway.wires import (
    CHAT,
    COMPACTION,
    COMPLETIONS,
    EVENTS,
    MESSAGES,
    OLLAMA,
    OLLAMA_GENERATE,
    RESPONSES,
)
from routerterm.protocols import server_codec

if TYPE_CHECKING:
    from routerterm.gateway.responses_socket import ResponsesSockets
    from routerterm.gateway.state import GatewayState

log = logging.getLogger(__name__)
ANSWERS = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETIONS,
    "/v1/chat": EVENTS,
    "/v1/responses": RESPONSES,
    "/v1/responses/compact": COMPACTION,
    "/v1/messages": MESSAGES,
    "/api/chat": OLLAMA,
    "/api/generate": OLLAMA_GENERATE,
}
"""Where answers are to be had, and in which protocol; Gemini's addresses have the model in them."""
_ALLOWED_HEADERS = "authorization, content-type, x-api-key, x-goog-api-key, anthropic-version, anthropic-beta"
_HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(\s*,\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*")
_MOST_ASKED = 4_000
"""Letters of header names that a preflight may ask for."""
_SOCKET = ("GET", "/v1/responses")
_EXPOSED = "retry-after, request-id, x-request-id, x-routerterm-provider, x-routerterm-model, x-routerterm-cost-usd"
Handler = Callable[[Scope, Receive, Response, Client], Awaitable[None]]


def gateway_app(state: GatewayState) -> Middleware:
    """Everything, as one ASGI application."""
    answers = {path: Answers(state, wire) for path, wire in ANSWERS.items()}
    routes = [Route(path, endpoint, methods=["POST"]) for path, endpoint in answers.items()]
    routes.append(Route("/api/chat/stream", EventAnswers(state), methods=["POST"]))
    routes += _embedding_routes(state) + _history_routes(state)
    routes += _responses_routes(state) + _other_routes(state) + _info_routes(state)
    app = Starlette(routes=routes, exception_handlers={})
    app.router.redirect_slashes = False
    return Middleware(state, app, answers)


def _info_routes(state: GatewayState) -> list[Route]:
    info = InfoEndpoints(state)
    return [
        Route("/v1/messages/count_tokens", Endpoint(state, info.count_tokens), methods=["POST"]),
        Route("/v1/models", Endpoint(state, info.models), methods=["GET"]),
        Route("/v1/models/{id:path}", Endpoint(state, info.model), methods=["GET"]),
        Route("/v1/usage", Endpoint(state, info.usage), methods=["GET"]),
        Route("/metrics", Endpoint(state, info.metrics), methods=["GET"]),
        Route("/mcp", Endpoint(state, McpEndpoint(state).post), methods=["POST"]),
        Route("/health", Endpoint(state, info.health, free=True), methods=["GET"]),
        Route("/", Endpoint(state, info.root, free=True), methods=["GET"]),
    ]


def _history_routes(state: GatewayState) -> list[Route]:
    history = HistoryApi(state)
    every, one = "/api/conversations", "/api/conversations/{id}"
    return [
        Route(every, Endpoint(state, history.listed), methods=["GET"]),
        Route(every, Endpoint(state, history.created), methods=["POST"]),
        Route(one, Endpoint(state, history.opened), methods=["GET"]),
        Route(one, Endpoint(state, history.deleted), methods=["DELETE"]),
        Route(f"{one}/clone", Endpoint(state, history.cloned), methods=["POST"]),
        Route("/api/usage/summary", Endpoint(state, history.usage), methods=["GET"]),
    ]


def _embedding_routes(state: GatewayState) -> list[Route]:
    one = "/{version}/models/{model:path}"
    places = {
        "/v1/embeddings": "openai",
        "/api/embed": "ollama",
        "/api/embeddings": "ollama-old",
        f"{one}:embedContent": "gemini",
        f"{one}:batchEmbedContents": "gemini-batch",
    }
    return [Route(path, EmbeddingAnswers(state, style), methods=["POST"]) for path, style in places.items()]


def _responses_routes(state: GatewayState) -> list[Route]:
    kept = ResponseEndpoints(state)
    one = "/v1/responses/{id}"
    return [
        Route("/v1/responses/input_tokens", Endpoint(state, kept.input_tokens), methods=["POST"]),
        Route(one, Endpoint(state, kept.get), methods=["GET"]),
        Route(one, Endpoint(state, kept.delete), methods=["DELETE"]),
        Route(f"{one}/input_items", Endpoint(state, kept.input_items), methods=["GET"]),
    ]


def _other_routes(state: GatewayState) -> list[Route]:
    """Gemini's and Ollama's own addresses."""
    other = OtherApis(state)
    routes = [
        Route("/api/tags", Endpoint(state, other.ollama_tags), methods=["GET"]),
        Route("/api/ps", Endpoint(state, other.ollama_running), methods=["GET"]),
        Route("/api/version", Endpoint(state, other.ollama_version), methods=["GET"]),
        Route("/api/show", Endpoint(state, other.ollama_show), methods=["POST"]),
    ]
    whole, pieces = GeminiAnswers(state, stream=False), GeminiAnswers(state, stream=True)
    for version in ("v1beta", "v1"):
        one = f"/{version}/models/{{model:path}}"
        routes += [
            Route(f"{one}:generateContent", whole, methods=["POST"]),
            Route(f"{one}:streamGenerateContent", pieces, methods=["POST"]),
            Route(f"{one}:countTokens", Endpoint(state, other.gemini_count), methods=["POST"]),
        ]
    routes += [
        Route("/v1beta/models", Endpoint(state, other.gemini_models), methods=["GET"]),
        Route("/v1beta/models/{model:path}", Endpoint(state, other.gemini_model), methods=["GET"]),
    ]
    return routes


class Middleware:
    """Checks by which name and from which page we are called, and tells every error in the protocol that was asked."""

    def __init__(self, state: GatewayState, app: Starlette, answers: Mapping[str, Answers]) -> None:
        self._state = state
        self._app = app.router
        self._answers = answers
        self._sockets: ResponsesSockets | None = None
        paths = (route.path for route in app.router.routes if isinstance(route, Route) and route.path != "/")
        self._known = sorted({path.replace(":path}", "}") for path in paths})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        headers = headers_of(scope)
        scope["path"] = forgiven(scope["path"])
        out = Response(send, self._cors(headers.get("origin")), connection=scope.get("state", {}).get("connection"))
        scope["out"], scope["app"] = out, self
        try:
            if sum(len(name) + len(value) + 4 for name, value in scope["headers"]) > HEAD_MOST:
                raise wrong(431, "The headers are too large.", ("connection", "close"))
            self._state.access.check_place(headers)
            if scope["method"] == "OPTIONS" and "origin" in headers:
                await self._preflight(out, headers)
                return
            if (scope["method"], scope["path"]) == _SOCKET and headers.get("upgrade", "").lower() == "websocket":
                await self._serve_socket(scope)
                return
            answers = self._answers.get(scope["path"]) if scope["method"] == "POST" else None
            await (answers or self._app)(scope, receive, send)
        except HttpError as error:
            await _refuse(scope, out, error)
        except HTTPException as error:
            await _refuse(scope, out, _of_http(error, scope, self._known))
        except ClientDisconnected:
            if out.stalled and (connection := out.connection) is not None:
                connection.transport.abort()  # a polite end would wait for it for ever
        except Exception as error:  # the last door: a client gets a sentence, the traceback a file
            from routerterm.config.crash import report

            if not out.started:
                crash = await asyncio.to_thread(report, error)
                await _refuse(scope, out, HttpError(500, RoutertermError(crash.message)))
            else:
                raise

    async def _serve_socket(self, scope: Scope) -> None:
        """The Responses API as a WebSocket; what that needs loads with the first one.  Raises `HttpError`."""
        if self._sockets is None:
            try:
                from routerterm.gateway.responses_socket import ResponsesSockets
            except ModuleNotFoundError as error:
                raise wrong(501, f"WebSockets need {error.name}, which is not installed here.") from error
            self._sockets = ResponsesSockets(self._state)
        await self._sockets.serve(scope)

    async def _preflight(self, out: Response, headers: Mapping[str, str]) -> None:
        """An allowed page may send any header: SDKs have dozens of their own, and none of them opens a door here."""
        asked = headers.get("access-control-request-headers", "").strip()
        fits = len(asked) <= _MOST_ASKED and _HEADER_NAMES.fullmatch(asked) is not None
        more = [
            ("access-control-allow-methods", "GET, POST, DELETE"),
            ("access-control-allow-headers", asked if fits else _ALLOWED_HEADERS),
            ("access-control-max-age", "600"),
        ]
        await out.whole(204, b"", more)

    def _cors(self, origin: str | None) -> tuple[Header, ...]:
        if origin is None or origin not in self._state.access.origins:
            return ()
        return (
            ("access-control-allow-origin", origin),
            ("access-control-expose-headers", _EXPOSED),
            ("vary", "origin, access-control-request-headers"),
        )


class Endpoint:
    """One address with its handler.  ``free``: strangers are let in, as strangers."""

    def __init__(self, state: GatewayState, handler: Handler, *, free: bool = False) -> None:
        self._state = state
        self._handler = handler
        self._free = free

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        try:
            client = await self._state.client_of(scope)
        except HttpError:
            if not self._free:
                raise
            client = STRANGER
        try:
            await self._handler(scope, receive, scope["out"], client)
        except RoutertermError as error:
            raise http_error(error) from error


async def _refuse(scope: Scope, out: Response, error: HttpError) -> None:
    """Tell an error in the shape of the protocol that was asked."""
    if out.started:
        return
    codec = server_codec(protocol_of(scope["path"]))
    _, body = codec.encode_error(error.error)
    await out.whole(error.status, body, error.headers)


def _of_http(error: HTTPException, scope: Scope, known: Sequence[str]) -> HttpError:
    """What Starlette found: no such address, or not by this method."""
    headers = tuple((error.headers or {}).items())
    if error.status_code == 405:
        use = dict(headers).get("Allow", "").replace("HEAD, ", "").replace(", HEAD", "")
        return wrong(405, f"{scope['method'][:20]} is not supported here: use {use or 'another method'}.", *headers)
    return wrong(error.status_code, f"Not found. Available paths: {', '.join(known)}.")


def as_json(value: Any) -> bytes:
    """A value as a body."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
