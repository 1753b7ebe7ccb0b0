"""The client's side of Ollama's own API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routerterm.core.request import ChatRequest
from routerterm.protocols.base import ListedModel
from routerterm.protocols.codec_base import BaseCodec
from routerterm.protocols.json_utils import listing, mapping, objects, size, text
from routerterm.protocols.ollama.decode import OllamaDecoder
from routerterm.protocols.ollama.encode import request_body

DIALECTS: tuple[str, ...] = ("",)
"""There is one alone."""


class OllamaCodec(BaseCodec):
    """Ollama's own API."""

    name = "ollama-chat"
    framing = "ndjson"
    image_urls = False
    models_path = "/api/tags"
    rows = "models"

    def call(self, request: ChatRequest, *, model: str, stream: bool, prefill: str) -> tuple[str, dict[str, Any]]:
        """The path and the body of a request."""
        return "/api/chat", request_body(request, model=model, stream=stream, prefill=prefill)

    def unsaid(self, request: ChatRequest) -> Sequence[str]:
        """Tools can be offered, or not: that one must be called cannot be said."""
        free = not request.tools or request.tool_choice in (None, "auto", "none")
        return () if free else ("tool_choice",)

    def reader(self) -> OllamaDecoder:
        """A fresh reader of one answer."""
        return OllamaDecoder()

    def models(self, rows: list[Any]) -> Sequence[ListedModel]:
        """The models in the rows of a listing."""
        return [model for row in objects(rows) if (model := _model(row)) is not None]


def codec(_dialect: str = "") -> OllamaCodec:
    """The codec of the protocol."""
    return OllamaCodec()


def _model(row: Mapping[str, object]) -> ListedModel | None:
    """One model; newer servers add what it can do."""
    id = text(row.get("model")) or text(row.get("name"))
    if not id:
        return None
    able = listing(row.get("capabilities"))
    context = size(mapping(row.get("details")).get("context_length")) or size(row.get("context_length"))
    if not able:
        return ListedModel(id, context=context)
    return ListedModel(
        id, context=context, vision="vision" in able, tools="tools" in able, reasoning="thinking" in able
    )
