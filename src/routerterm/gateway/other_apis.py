"""Gemini's and Ollama's own addresses that answer without a model: lists, versions, token counts."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from routerterm.core.targets import Target
from routerterm.engine.virtual_keys import Client
from routerterm.gateway.http_errors import wrong
from routerterm.gateway.request import Receive, Scope, headers_of
from routerterm.gateway.response import Response
from routerterm.protocols import server_codec
from routerterm.protocols.json_utils import dumps, mapping, text
from routerterm.protocols.server_base import read_object

if TYPE_CHECKING:
    from routerterm.gateway.state import GatewayState

OLLAMA_VERSION = "0.9.0"
"""The version of Ollama's interface that is spoken here: some of its clients ask before they begin."""
_SIZES = {"inputTokenLimit": 1_000_000, "outputTokenLimit": 65_536}
_METHODS = ["generateContent", "streamGenerateContent", "countTokens"]


class OtherApis:
    """The handlers."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state

    async def gemini_models(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """All models as Google lists them."""
        names = await self._state.model_names(client)
        await out.whole(200, dumps({"models": [_gemini_row(name) for name in names]}))

    async def gemini_model(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """One of them."""
        name = scope["path_params"]["model"].removeprefix("models/")
        if name not in await self._state.model_names(client):
            raise wrong(404, f"There is no model {name[:100]!r} here.")
        await out.whole(200, dumps(_gemini_row(name)))

    async def gemini_count(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """How long a prompt is."""
        state = self._state
        body = await state.bodies.read(headers_of(scope), receive)
        try:
            given = read_object(body)
            inner = mapping(given.get("generateContentRequest")) or given
            codec: Any = server_codec("gemini")
            model = scope["path_params"]["model"]
            asked = await asyncio.to_thread(codec.decode_request, dumps(inner), model=model)
            tokens = await state.count_tokens(asked.request, client)
        finally:
            state.bodies.release(len(body))
        await out.whole(200, dumps({"totalTokens": tokens}))

    async def ollama_tags(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """All models as Ollama lists them."""
        names = await self._state.model_names(client)
        await out.whole(200, dumps({"models": [_ollama_row(name) for name in names]}))

    async def ollama_running(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """None: nothing is loaded here."""
        await out.whole(200, dumps({"models": []}))

    async def ollama_version(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """Which interface is spoken."""
        await out.whole(200, dumps({"version": OLLAMA_VERSION}))

    async def ollama_show(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """What one model can do."""
        state = self._state
        body = await state.bodies.read(headers_of(scope), receive)
        state.bodies.release(len(body))
        given = read_object(body)
        asked = text(given.get("model")) or text(given.get("name"))
        names = await state.model_names(client)
        name = asked if asked in names else asked.removesuffix(":latest")
        if name not in names:
            raise wrong(404, f"There is no model {asked[:100]!r} here.")
        provider, slash, model = name.partition("/")
        info = state.services.catalog.model(Target(provider, model)) if slash else None
        abilities = ["completion"]
        if info is None or info.tools:
            abilities.append("tools")
        if info is None or info.vision:
            abilities.append("vision")
        if info is not None and info.reasoning:
            abilities.append("thinking")
        context = info.context if info is not None and info.context else _SIZES["inputTokenLimit"]
        answer = {
            "modelfile": "",
            "parameters": "",
            "template": "",
            "details": _details(),
            "model_info": {"general.architecture": "routerterm", "routerterm.context_length": context},
            "capabilities": abilities,
        }
        await out.whole(200, dumps(answer))


def _gemini_row(name: str) -> dict[str, Any]:
    about = {"name": f"models/{name}", "displayName": name, "version": "1"}
    return about | _SIZES | {"supportedGenerationMethods": _METHODS}


def _ollama_row(name: str) -> dict[str, Any]:
    digest = sha256(name.encode()).hexdigest()  # clients take models of one digest for aliases of one another
    about = {"name": name, "model": name, "modified_at": "1970-01-01T00:00:00Z", "size": 0, "digest": digest}
    return about | {"details": _details()}


def _details() -> dict[str, Any]:
    empty = {"parent_model": "", "parameter_size": "", "quantization_level": ""}
    return {"format": "remote", "family": "routerterm", "families": ["routerterm"]} | empty
