"""The client's side of Anthropic's Messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.protocols.anthropic_messages.decode import MessagesDecoder
from routerterm.protocols.anthropic_messages.encode import DIALECTS, Dialect, request_body
from routerterm.protocols.base import ListedModel
from routerterm.protocols.codec_base import BaseCodec
from routerterm.protocols.fields import BETAS
from routerterm.protocols.http import Header
from routerterm.protocols.json_utils import objects, size, text
from routerterm.protocols.tool_names import NameRule

__all__ = ["DIALECTS", "MessagesCodec", "codec"]


class MessagesCodec(BaseCodec):
    """Anthropic's Messages in one dialect."""

    name = "anthropic-messages"
    models_path = "/models?limit=1000"
    marks = True
    tool_names = NameRule(most=128)

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.key_header = dialect.key_header
        self.hosted = dialect.hosted

    def call(self, request: ChatRequest, *, model: str, stream: bool, prefill: str) -> tuple[str, dict[str, Any]]:
        """The path and the body of a request."""
        return "/messages", request_body(request, self.dialect, model=model, stream=stream, prefill=prefill)

    def headers(self, key: Secret | None) -> tuple[Header, ...]:
        """The key, and the version of the protocol."""
        return (*super().headers(key), ("anthropic-version", self.dialect.version))

    def headers_asked(self, request: ChatRequest) -> tuple[Header, ...]:
        """The betas that a client of this very protocol asked for."""
        betas = text(request.params.more.get(BETAS)) if self.hosted else ""
        return (("anthropic-beta", betas),) if betas else ()

    def takes_stop(self, word: str) -> bool:
        """The protocol refuses blanks."""
        return bool(word.strip())

    def unsaid(self, request: ChatRequest) -> Sequence[str]:
        """It knows no seed, no temperature above 1, and the newest models not both kinds of sampling."""
        params = request.params
        both = params.temperature is not None and params.top_p is not None
        said = {"seed": params.seed is not None, "temperature": (params.temperature or 0.0) > 1.0, "top_p": both}
        return [name for name, is_lost in said.items() if is_lost]

    def reader(self) -> MessagesDecoder:
        """A fresh reader of one answer."""
        return MessagesDecoder()

    def models(self, rows: list[Any]) -> Sequence[ListedModel]:
        """The models in the rows of a listing."""
        return [
            ListedModel(id, context=size(row.get("max_input_tokens")), max_output=size(row.get("max_tokens")))
            for row in objects(rows)
            if (id := text(row.get("id")))
        ]


def codec(dialect: str = "") -> MessagesCodec:
    """The codec in one of `DIALECTS`."""
    return MessagesCodec(DIALECTS[dialect])
