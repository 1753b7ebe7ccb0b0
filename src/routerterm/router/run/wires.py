"""How requests reach providers: in their protocols' words, with the headers they want, over the right transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.catalog.values import ProviderInfo
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.core.targets import Target, Unavailable
from routerterm.protocols import codec
from routerterm.protocols.base import Decoder, HttpRequest
from routerterm.protocols.evidence import marks_in
from routerterm.router.decide.attempts import Attempt
from routerterm.router.decide.continuation import continued
from routerterm.router.options import RouterOptions
from routerterm.router.run.fetch import LISTING_MOST, LISTING_WAIT, fetched
from routerterm.router.run.planner import CatalogReader
from routerterm.router.transports.base import Transport

if TYPE_CHECKING:  # imported with the first request: half of what `import routerterm.router` would cost
    from routerterm.router.run.attempt import AttemptStream
    from routerterm.router.run.outgoing import Encoded


class Wires:
    """The transports of a router: those that were ``given`` by provider, and others, opened when they are needed."""

    def __init__(
        self,
        catalog: CatalogReader,
        options: RouterOptions,
        given: Mapping[str, Transport],
        opened: Callable[[ProviderInfo, str | None], Transport],
    ) -> None:
        """``opened`` is a new transport for a provider, through the proxy of that address."""
        self._catalog = catalog
        self._options = options
        self._given = dict(given)
        self._opened = opened
        self._own: dict[str, Transport] = {}

    async def aclose(self) -> None:
        """Close the connections that are kept open."""
        own, self._own = self._own, {}
        for transport in (*own.values(), *self._given.values()):
            await transport.aclose()

    async def fetched(
        self, info: ProviderInfo, request: HttpRequest, most: int = LISTING_MOST, wait: float = LISTING_WAIT
    ) -> bytes:
        """The body of an answer that is no model's, at most so many bytes.  Raises `ProviderError`."""
        request = self._with_headers(request, info)
        return await fetched(
            self._transport(info),
            request,
            info.name,
            timeouts=self._options.timeouts_of(info.name),
            most=most,
            wait=wait,
        )

    def takes_url(self, target: Target, url: str) -> bool:
        """Whether the model's provider fetches a picture itself; one in this process never does."""
        info = self._catalog.provider(target.provider)
        return info is None or (not info.in_process and codec(info.protocol, info.dialect).takes_url(url))

    def open_stream(
        self, request: ChatRequest, attempt: Attempt, key: Secret | None, prefill: str, deadline: float | None
    ) -> AttemptStream:
        """The wire for one attempt."""
        from routerterm.router.run.attempt import AttemptStream, StreamTimeouts

        target, model = attempt.target, attempt.candidate.model
        encoded = self.encoded(request, attempt, key, prefill)
        info, request = encoded.info, encoded.request
        decoder: Decoder = encoded.wire.decoder(request)
        if request.embedding is not None:
            from routerterm.protocols.embeddings import EmbeddingDecoder

            decoder = EmbeddingDecoder(len(request.messages))
        timeouts = self._options.timeouts_of(target.provider)
        first, idle = (
            (timeouts.first_token, timeouts.idle)
            if attempt.others
            else (timeouts.first_token_alone, timeouts.idle_alone)
        )
        loads = model.local and "instant" not in info.flags
        slow = timeouts.slow_factor if loads or model.reasoning else 1.0
        stream_timeouts = StreamTimeouts(
            first * slow,
            idle,
            timeouts.keepalive_factor,
            deadline=deadline,
            connect=timeouts.connect,
            write=timeouts.write,
        )
        stream = AttemptStream(self._transport(info), encoded.http, decoder, stream_timeouts, info.name)
        stream.left_out = encoded.wire.left_out(request)
        stream.generates = request.embedding is None
        stream.marks = marks_in(encoded.http.body)
        return stream

    def encoded(self, request: ChatRequest, attempt: Attempt, key: Secret | None = None, prefill: str = "") -> Encoded:
        """The request of an attempt as bytes."""
        from routerterm.router.run.outgoing import Encoded

        target, model = attempt.target, attempt.candidate.model
        info = self._catalog.provider(target.provider)
        assert info is not None
        protocol = info.protocol
        spoken = set() if info.elsewhere else {tool.protocol for tool in request.hosted}
        if model.web is not None and (request.params.web or model.web.protocol in spoken - {protocol}):
            protocol = model.web.protocol or protocol
        wire = codec(protocol, info.dialect)
        request, prefill = continued(request, prefill, can_prefill=model.prefill)
        if request.embedding is None:
            http = wire.encode(request, base_url=info.base_url, model=target.model, key=key, prefill=prefill)
        else:
            from routerterm.protocols.embeddings import encode_embeddings

            http = encode_embeddings(wire, request, base_url=info.base_url, model=target.model, key=key)
        return Encoded(info, wire, request, self._with_headers(http, info))

    def _with_headers(self, request: HttpRequest, info: ProviderInfo) -> HttpRequest:
        more = {**dict(info.headers), **self._options.headers.get(info.name, {})}
        if not more:
            return request
        named = {name.lower() for name in more}
        kept = tuple(header for header in request.headers if header[0].lower() not in named)
        return replace(request, headers=(*kept, *more.items()))

    def _transport(self, info: ProviderInfo) -> Transport:
        """Who carries requests to a provider: a given one, one in this process, or the network."""
        if (given := self._given.get(info.name)) is not None:
            return given
        proxy = self._options.proxies.get(info.name, self._options.proxies.get("*"))
        name = f"in process {info.in_process}" if info.in_process else f"http {proxy}"
        if name not in self._own:
            self._own[name] = self._opened(info, proxy)
        return self._own[name]

    def unavailable(self, info: ProviderInfo, model: str) -> Unavailable | None:
        """Why a provider in this process cannot be asked."""
        if not info.in_process:
            return None
        ask = getattr(self._transport(info), "unavailable", None)
        found = ask(model) if ask is not None else None
        return found if isinstance(found, Unavailable) else None
