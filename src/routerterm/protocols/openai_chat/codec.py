"""The client's half of Chat Completions."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from routerterm.core.events import WireEvent
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest, ListedModel
from routerterm.protocols.fields import left_out
from routerterm.protocols.http import get, join, key_header, post
from routerterm.protocols.openai_chat.decode import ChatDecoder
from routerterm.protocols.openai_chat.dialect import PLAIN, Dialect
from routerterm.protocols.openai_chat.encode import request_body
from routerterm.protocols.openai_chat.models import read_models
from routerterm.protocols.stream import StreamDecoder, decode_whole


class ChatCodec(Struct, frozen=True):
    """Chat Completions in one dialect."""

    dialect: Dialect = PLAIN

    @property
    def name(self) -> str:
        """The protocol's name, as in settings."""
        return self.dialect.protocol

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
        url = join(base_url, self.dialect.path)
        return post(url, body, key_header(self.dialect.key_header, key), stream=stream)

    def left_out(self, request: ChatRequest) -> tuple[str, ...]:
        """The names of what the request asks and this server cannot be told."""
        return left_out("openai-chat", request.params, self.dialect.passes)

    def decoder(self) -> StreamDecoder:
        """A fresh decoder for one streamed answer."""
        return StreamDecoder(self._reader(), think_tags=self.dialect.think_tags)

    def decode_body(self, body: bytes) -> list[WireEvent]:
        """The events of an answer that was not streamed."""
        return decode_whole(self.decoder(), body)

    def models_request(self, *, base_url: str, key: Secret | None) -> HttpRequest:
        """The request for the provider's list of models."""
        return get(join(base_url, self.dialect.models_path), key_header(self.dialect.key_header, key))

    def decode_models(self, body: bytes) -> Sequence[ListedModel]:
        """The models in a listing.  Raises `InvalidResponse`."""
        return read_models(body)

    def _reader(self) -> ChatDecoder:
        return ChatDecoder(self.dialect.details_family or "openrouter")
