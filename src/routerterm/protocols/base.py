"""What every wire protocol offers: an encoder of requests, an incremental decoder, and lists of models.

Pure: bytes in, values out.  A decoder never raises on what a server sends; what is wrong becomes `StreamError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from routerterm.core.events import WireEvent
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret


class HttpRequest(Struct, frozen=True):
    """A request ready for the transport.  A header's value may be a `Secret`; the URL never holds one."""

    method: str
    url: str
    headers: tuple[tuple[str, str | Secret], ...] = ()
    body: bytes = b""


class ListedModel(Struct, frozen=True):
    """What a provider's own listing says of a model; None where it says nothing.  Prices are USD per token, as text."""

    id: str
    context: int | None = None
    max_output: int | None = None
    vision: bool | None = None
    tools: bool | None = None
    reasoning: bool | None = None
    price_input: str | None = None
    price_output: str | None = None
    price_cache_read: str | None = None
    price_cache_write: str | None = None


class Decoder(Protocol):
    """Turns the bytes of one streamed answer into events, however they are cut."""

    @property
    def is_finishing(self) -> bool:
        """Whether the provider gave its reason for the end: only what belongs to it may still come."""
        ...

    def feed(self, data: bytes) -> list[WireEvent]:
        """The events that became certain with these bytes."""
        ...

    def end(self) -> list[WireEvent]:
        """What was held back, at the end of the stream.  Without a `StreamEnd` so far, the answer was cut."""
        ...


class Codec(Protocol):
    """One wire protocol in one dialect, the client's side."""

    @property
    def name(self) -> str:
        """The protocol's name, as in settings."""
        ...

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
        """The HTTP request that asks ``model``; ``prefill`` is the beginning of an answer to be continued."""
        ...

    def left_out(self, request: ChatRequest) -> tuple[str, ...]:
        """The names of what the request asks and this protocol cannot say."""
        ...

    def takes_url(self, url: str) -> bool:
        """Whether the server fetches a picture at this address itself; else it wants its bytes."""
        ...

    def decoder(self, request: ChatRequest | None = None) -> Decoder:
        """A fresh decoder for one streamed answer; the tools of ``request`` are called in it what they are there."""
        ...

    def decode_body(self, body: bytes) -> list[WireEvent]:
        """The events of an answer that was not streamed."""
        ...

    def models_request(self, *, base_url: str, key: Secret | None) -> HttpRequest:
        """The request for the provider's list of models."""
        ...

    def decode_models(self, body: bytes) -> Sequence[ListedModel]:
        """The models in a listing.  Raises `InvalidResponse`."""
        ...
