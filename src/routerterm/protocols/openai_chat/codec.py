"""The client's side of Chat Completions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routerterm.core.request import ChatRequest
from routerterm.protocols.base import ListedModel
from routerterm.protocols.codec_base import BaseCodec
from routerterm.protocols.openai_chat.decode import ChatDecoder
from routerterm.protocols.openai_chat.dialect import DIALECTS, PLAIN, Dialect
from routerterm.protocols.openai_chat.encode import request_body
from routerterm.protocols.openai_chat.models import read_models

__all__ = ["DIALECTS", "ChatCodec", "codec"]


class ChatCodec(BaseCodec):
    """Chat Completions in one dialect."""

    vocabulary = "openai-chat"

    def __init__(self, dialect: Dialect = PLAIN) -> None:
        self.dialect = dialect
        self.name = dialect.protocol
        self.key_header = dialect.key_header
        self.models_path = dialect.models_path
        self.think_tags = dialect.think_tags
        self.marks = bool(dialect.cached_models)
        self.passes = dialect.passes
        self.image_urls = dialect.image_urls
        self.most_stops = dialect.most_stops

    def call(self, request: ChatRequest, *, model: str, stream: bool, prefill: str) -> tuple[str, dict[str, Any]]:
        """The path and the body of a request."""
        return self.dialect.path, request_body(request, self.dialect, model=model, stream=stream, prefill=prefill)

    def unsaid(self, request: ChatRequest) -> Sequence[str]:
        """Not every server can be told how long to reason."""
        effort = request.params.effort
        told = effort is None or (self.dialect.effort and self.dialect.efforts.get(effort, effort))
        return () if told else ("effort",)

    def reader(self) -> ChatDecoder:
        """A fresh reader of one answer."""
        return ChatDecoder(self.dialect.details_family or "openrouter")

    def models(self, rows: list[Any]) -> Sequence[ListedModel]:
        """The models in the rows of a listing."""
        return read_models(rows)


def codec(dialect: str = "") -> ChatCodec:
    """The codec in one of `DIALECTS`."""
    return ChatCodec(DIALECTS[dialect])
