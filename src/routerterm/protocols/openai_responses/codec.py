"""The client's half of the Responses API."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from routerterm.core.events import WireEvent
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest, ListedModel
from routerterm.protocols.fields import left_out
from routerterm.protocols.http import get, join, key_header, post
from routerterm.protocols.openai_chat.models import read_models
from routerterm.protocols.openai_responses.decode import ResponsesDecoder
from routerterm.protocols.openai_responses.dialect import PLAIN, Dialect
from routerterm.protocols.openai_responses.encode import request_body
from routerterm.protocols.stream import StreamDecoder, decode_whole


class ResponsesCodec(Struct, frozen=True):
    """The Responses API in one dialect."""

    dialect: Dialect = PLAIN
    name: str = "openai-responses"

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
        return post(join(base_url, "/responses"), body, key_header(self.dialect.key_header, key), stream=stream)

    def left_out(self, request: ChatRequest) -> tuple[str, ...]:
        """The names of what the request asks and this protocol cannot say."""
        return left_out("openai-responses", request.params)

    def decoder(self) -> StreamDecoder:
        """A fresh decoder for one streamed answer."""
        return StreamDecoder(ResponsesDecoder(self.dialect.family))

    def decode_body(self, body: bytes) -> list[WireEvent]:
        """The events of an answer that was not streamed."""
        return decode_whole(self.decoder(), body)

    def models_request(self, *, base_url: str, key: Secret | None) -> HttpRequest:
        """The request for the provider's list of models."""
        return get(join(base_url, "/models"), key_header(self.dialect.key_header, key))

    def decode_models(self, body: bytes) -> Sequence[ListedModel]:
        """The models in a listing.  Raises `InvalidResponse`."""
        return read_models(body)
