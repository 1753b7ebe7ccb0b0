"""The client's half of Cohere's API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from routerterm.core.errors import InvalidResponse
from routerterm.core.events import WireEvent
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest, ListedModel
from routerterm.protocols.cohere.decode import CohereDecoder
from routerterm.protocols.cohere.encode import request_body
from routerterm.protocols.fields import left_out
from routerterm.protocols.http import get, join, key_header, post
from routerterm.protocols.json_utils import listing, mapping, objects, size, text
from routerterm.protocols.listing import read_listing
from routerterm.protocols.stream import StreamDecoder, decode_whole


class Dialect(Struct, frozen=True):
    """One accent."""

    key_header: str = "Authorization"


DIALECTS: Mapping[str, Dialect] = {"": Dialect()}
"""By name, as in the provider table and in settings."""


class CohereCodec(Struct, frozen=True):
    """Cohere's chat, version 2."""

    dialect: Dialect
    name: str = "cohere-v2"

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
        return post(join(base_url, "/v2/chat"), body, key_header(self.dialect.key_header, key), stream=stream)

    def left_out(self, request: ChatRequest) -> tuple[str, ...]:
        """The names of what the request asks and this protocol cannot say."""
        return left_out("cohere-v2", request.params)

    def decoder(self) -> StreamDecoder:
        """A fresh decoder for one streamed answer."""
        return StreamDecoder(CohereDecoder())

    def decode_body(self, body: bytes) -> list[WireEvent]:
        """The events of an answer that was not streamed."""
        return decode_whole(self.decoder(), body)

    def models_request(self, *, base_url: str, key: Secret | None) -> HttpRequest:
        """The request for the models that can chat."""
        url = join(base_url, "/v1/models?page_size=1000&endpoint=chat")
        return get(url, key_header(self.dialect.key_header, key))

    def decode_models(self, body: bytes) -> Sequence[ListedModel]:
        """The models in a listing.  Raises `InvalidResponse`."""
        rows = mapping(read_listing(body)).get("models")
        if not isinstance(rows, list):
            raise InvalidResponse("The list of models holds none.")
        return [_model(row) for row in objects(rows) if text(row.get("name"))]


def _model(row: Mapping[str, object]) -> ListedModel:
    able = listing(row.get("features"))
    vision, tools = ("vision" in able, "tools" in able) if able else (None, None)
    return ListedModel(text(row.get("name")), context=size(row.get("context_length")), vision=vision, tools=tools)
