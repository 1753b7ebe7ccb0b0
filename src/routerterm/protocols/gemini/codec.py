"""The client's half of Gemini's API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from msgspec import Struct

from routerterm.core.errors import InvalidResponse
from routerterm.core.events import WireEvent
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest, ListedModel
from routerterm.protocols.fields import left_out
from routerterm.protocols.gemini.decode import GeminiDecoder
from routerterm.protocols.gemini.encode import request_body
from routerterm.protocols.http import get, join, key_header, post
from routerterm.protocols.json_utils import listing, mapping, objects, size, text
from routerterm.protocols.listing import read_listing
from routerterm.protocols.stream import StreamDecoder, decode_whole


class Dialect(Struct, frozen=True):
    """One accent."""

    key_header: str = "x-goog-api-key"


DIALECTS: Mapping[str, Dialect] = {"": Dialect(), "vertex": Dialect(key_header="Authorization")}
"""By name, as in the provider table and in settings."""


class GeminiCodec(Struct, frozen=True):
    """Gemini's API in one dialect."""

    dialect: Dialect
    name: str = "gemini"

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
        place = model if "/" in model else f"models/{model}"
        call = ":streamGenerateContent?alt=sse" if stream else ":generateContent"
        url = join(base_url, f"/{quote(place, safe='/')}{call}")
        return post(
            url,
            request_body(request, model=model, prefill=prefill),
            key_header(self.dialect.key_header, key),
            stream=stream,
        )

    def left_out(self, request: ChatRequest) -> tuple[str, ...]:
        """The names of what the request asks and this protocol cannot say."""
        return left_out("gemini", request.params)

    def decoder(self) -> StreamDecoder:
        """A fresh decoder for one streamed answer."""
        return StreamDecoder(GeminiDecoder())

    def decode_body(self, body: bytes) -> list[WireEvent]:
        """The events of an answer that was not streamed."""
        return decode_whole(self.decoder(), body)

    def models_request(self, *, base_url: str, key: Secret | None) -> HttpRequest:
        """The request for the provider's list of models, as long as one page may be."""
        return get(join(base_url, "/models?pageSize=1000"), key_header(self.dialect.key_header, key))

    def decode_models(self, body: bytes) -> Sequence[ListedModel]:
        """The models in a listing that can chat.  Raises `InvalidResponse`."""
        rows = mapping(read_listing(body)).get("models")
        if not isinstance(rows, list):
            raise InvalidResponse("The list of models holds none.")
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


def _chats(methods: list[object]) -> bool:
    return not methods or "generateContent" in methods
