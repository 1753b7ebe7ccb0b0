"""The client's half of Anthropic's Messages."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from routerterm.core.errors import InvalidResponse
from routerterm.core.events import WireEvent
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.protocols.anthropic_messages.decode import MessagesDecoder
from routerterm.protocols.anthropic_messages.dialect import Dialect
from routerterm.protocols.anthropic_messages.encode import request_body
from routerterm.protocols.base import HttpRequest, ListedModel
from routerterm.protocols.fields import left_out
from routerterm.protocols.http import Header, get, join, key_header, post
from routerterm.protocols.json_utils import mapping, objects, size, text
from routerterm.protocols.listing import read_listing
from routerterm.protocols.stream import StreamDecoder, decode_whole


class MessagesCodec(Struct, frozen=True):
    """Anthropic's Messages in one dialect."""

    dialect: Dialect
    name: str = "anthropic-messages"

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
        body = request_body(request, self.dialect, model=model, stream=stream, prefill=prefill)
        return post(join(base_url, "/messages"), body, self._headers(key), stream=stream)

    def left_out(self, request: ChatRequest) -> tuple[str, ...]:
        """The names of what the request asks and this protocol cannot say."""
        return left_out("anthropic-messages", request.params)

    def decoder(self) -> StreamDecoder:
        """A fresh decoder for one streamed answer."""
        return StreamDecoder(MessagesDecoder())

    def decode_body(self, body: bytes) -> list[WireEvent]:
        """The events of an answer that was not streamed."""
        return decode_whole(self.decoder(), body)

    def models_request(self, *, base_url: str, key: Secret | None) -> HttpRequest:
        """The request for the provider's list of models, as long as one page may be."""
        return get(join(base_url, "/models?limit=1000"), self._headers(key))

    def decode_models(self, body: bytes) -> Sequence[ListedModel]:
        """The models in a listing.  Raises `InvalidResponse`."""
        rows = mapping(read_listing(body)).get("data")
        if not isinstance(rows, list):
            raise InvalidResponse("The list of models holds none.")
        return [
            ListedModel(id, context=size(row.get("max_input_tokens")), max_output=size(row.get("max_tokens")))
            for row in objects(rows)
            if (id := text(row.get("id")))
        ]

    def _headers(self, key: Secret | None) -> tuple[Header, ...]:
        return (*key_header(self.dialect.key_header, key), ("anthropic-version", self.dialect.version))
