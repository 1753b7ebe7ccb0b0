"""The client's side of Cohere's chat, version 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routerterm.core.request import ChatRequest
from routerterm.protocols.base import ListedModel
from routerterm.protocols.codec_base import BaseCodec
from routerterm.protocols.cohere.decode import CohereDecoder
from routerterm.protocols.cohere.encode import request_body
from routerterm.protocols.json_utils import listing, objects, size, text

DIALECTS: tuple[str, ...] = ("",)
"""There is one alone."""


class CohereCodec(BaseCodec):
    """Cohere's chat, version 2."""

    name = "cohere-v2"
    models_path = "/v1/models?page_size=1000&endpoint=chat"
    rows = "models"
    most_stops = 5

    def call(self, request: ChatRequest, *, model: str, stream: bool, prefill: str) -> tuple[str, dict[str, Any]]:
        """The path and the body of a request."""
        return "/v2/chat", request_body(request, model=model, stream=stream, prefill=prefill)

    def reader(self) -> CohereDecoder:
        """A fresh reader of one answer."""
        return CohereDecoder()

    def models(self, rows: list[Any]) -> Sequence[ListedModel]:
        """The models in the rows of a listing."""
        return [_model(row) for row in objects(rows) if text(row.get("name"))]


def codec(_dialect: str = "") -> CohereCodec:
    """The codec of the protocol."""
    return CohereCodec()


def _model(row: Mapping[str, object]) -> ListedModel:
    able = listing(row.get("features"))
    vision, tools = ("vision" in able, "tools" in able) if able else (None, None)
    return ListedModel(text(row.get("name")), context=size(row.get("context_length")), vision=vision, tools=tools)
