"""The client's side of Gemini's API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from routerterm.core.request import ChatRequest
from routerterm.protocols.base import ListedModel
from routerterm.protocols.codec_base import BaseCodec
from routerterm.protocols.gemini.decode import GeminiDecoder
from routerterm.protocols.gemini.encode import request_body
from routerterm.protocols.json_utils import listing, objects, size, text
from routerterm.protocols.tool_names import NameRule

DIALECTS: Mapping[str, str] = {"": "x-goog-api-key", "vertex": "Authorization"}
"""The header of the key by name of the dialect, as in the provider table and in settings."""


_HELD_BY_GOOGLE = (
    "gs://",
    "https://generativelanguage.googleapis.com/",
    "https://storage.googleapis.com/",
    "https://www.youtube.com/",
    "https://youtu.be/",
)


class GeminiCodec(BaseCodec):
    """Gemini's API in one dialect."""

    name = "gemini"
    models_path = "/models?pageSize=1000"
    rows = "models"
    hosted = True
    most_stops = 5
    tool_names = NameRule(letters="A-Za-z0-9_.:-", worded=True)

    def __init__(self, key_header: str) -> None:
        self.key_header = key_header

    def call(self, request: ChatRequest, *, model: str, stream: bool, prefill: str) -> tuple[str, dict[str, Any]]:
        """The path, in which the model and the streaming stand, and the body of a request."""
        place = model if "/" in model else f"models/{model}"
        call = ":streamGenerateContent?alt=sse" if stream else ":generateContent"
        return f"/{quote(place, safe='/')}{call}", request_body(request, model=model, prefill=prefill)

    def takes_url(self, url: str) -> bool:
        """Only what Google holds itself: its own files, its storage, and videos."""
        return url.startswith(_HELD_BY_GOOGLE)

    def reader(self) -> GeminiDecoder:
        """A fresh reader of one answer."""
        return GeminiDecoder()

    def models(self, rows: list[Any]) -> Sequence[ListedModel]:
        """The models in the rows of a listing that can chat."""
        return [
            ListedModel(
                text(row.get("name")).removeprefix("models/"),
                context=size(row.get("inputTokenLimit")),
                max_output=size(row.get("outputTokenLimit")),
                reasoning=bool(row["thinking"]) if "thinking" in row else None,
            )
            for row in objects(rows)
            if text(row.get("name")) and _chats(listing(row.get("supportedGenerationMethods")))
        ]


def codec(dialect: str = "") -> GeminiCodec:
    """The codec in one of `DIALECTS`."""
    return GeminiCodec(DIALECTS[dialect])


def _chats(methods: list[object]) -> bool:
    return not methods or "generateContent" in methods
