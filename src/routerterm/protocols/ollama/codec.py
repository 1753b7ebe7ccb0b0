"""The client's half of Ollama's own API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from routerterm.core.errors import InvalidResponse
from routerterm.core.events import WireEvent
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest, ListedModel
from routerterm.protocols.fields import left_out
from routerterm.protocols.http import get, join, key_header, post
from routerterm.protocols.json_utils import listing, mapping, objects, size, text
from routerterm.protocols.listing import read_listing
from routerterm.protocols.ollama.decode import OllamaDecoder
from routerterm.protocols.ollama.encode import request_body
from routerterm.protocols.stream import StreamDecoder, decode_whole


class Dialect(Struct, frozen=True):
    """One accent."""

    key_header: str = "Authorization"


DIALECTS: Mapping[str, Dialect] = {"": Dialect()}
"""By name, as in the provider table and in settings."""


class OllamaCodec(Struct, frozen=True):
    """Ollama's own API."""

    dialect: Dialect
    name: str = "ollama-chat"

    def encode(
        self,
        request: ChatRequest,
        *,
        base_url: str,
        model: str,
        key: Secret | None,
        stream: bool = True,
        prefill: str = "",
    ) -> HttpRequest:
        """The HTTP request that asks ``model``."""
        body = request_body(request, model=model, stream=stream, prefill=prefill)
        headers = key_header(self.dialect.key_header, key)
        return post(
            join(base_url, "/api/chat"), body, headers, stream=stream, accept="application/x-ndjson" if stream else ""
        )

    def left_out(self, request: ChatRequest) -> tuple[str, ...]:
        """The names of what the request asks and this protocol cannot say."""
        return left_out("ollama-chat", request.params)

    def decoder(self) -> StreamDecoder:
        """A fresh decoder for one streamed answer."""
        return StreamDecoder(OllamaDecoder(), framing="ndjson")

    def decode_body(self, body: bytes) -> list[WireEvent]:
        """The events of an answer that was not streamed."""
        return decode_whole(self.decoder(), body)

    def models_request(self, *, base_url: str, key: Secret | None) -> HttpRequest:
        """The request for the models that are on this machine."""
        return get(join(base_url, "/api/tags"), key_header(self.dialect.key_header, key))

    def decode_models(self, body: bytes) -> Sequence[ListedModel]:
        """The models in a listing.  Raises `InvalidResponse`."""
        rows = mapping(read_listing(body)).get("models")
        if not isinstance(rows, list):
            raise InvalidResponse("The list of models holds none.")
        return [model for row in objects(rows) if (model := _model(row)) is not None]


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
