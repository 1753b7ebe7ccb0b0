"""The client's side of the Responses API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routerterm.core.request import ChatRequest
from routerterm.protocols.base import ListedModel
from routerterm.protocols.codec_base import BaseCodec
from routerterm.protocols.openai_chat.models import read_models
from routerterm.protocols.openai_responses.decode import ResponsesDecoder
from routerterm.protocols.openai_responses.encode import DIALECTS, Dialect, request_body

__all__ = ["DIALECTS", "ResponsesCodec", "codec"]


class ResponsesCodec(BaseCodec):
    """The Responses API in one dialect."""

    name = "openai-responses"
    most_stops = 0

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.key_header = dialect.key_header
        self.hosted = dialect.hosted

    def call(self, request: ChatRequest, *, model: str, stream: bool, prefill: str) -> tuple[str, dict[str, Any]]:
        """The path and the body of a request."""
        return "/responses", request_body(request, self.dialect, model=model, stream=stream, prefill=prefill)

    def unsaid(self, request: ChatRequest) -> Sequence[str]:
        """The protocol knows no seed."""
        return () if request.params.seed is None else ("seed",)

    def reader(self) -> ResponsesDecoder:
        """A fresh reader of one answer."""
        return ResponsesDecoder(self.dialect.family)

    def models(self, rows: list[Any]) -> Sequence[ListedModel]:
        """The models in the rows of a listing."""
        return read_models(rows)


def codec(dialect: str = "") -> ResponsesCodec:
    """The codec in one of `DIALECTS`."""
    return ResponsesCodec(DIALECTS[dialect])
