"""What every client's side does alike: one class that the six protocols fill in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from routerterm.core.errors import InvalidResponse
from routerterm.core.events import WireEvent
from routerterm.core.request import ChatRequest, HostedTool
from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest, ListedModel
from routerterm.protocols.cache_marks import FIELD, is_marked
from routerterm.protocols.classify import classify
from routerterm.protocols.fields import left_out, left_out_of_tools
from routerterm.protocols.http import Header, get, join, key_header, post
from routerterm.protocols.json_utils import NotJson, listing, loads, mapping
from routerterm.protocols.signature_scope import is_step
from routerterm.protocols.stream import Framing, Reader, StreamDecoder, decode_whole
from routerterm.protocols.tool_names import NameRule, odd_names, renamed


class BaseCodec(ABC):
    """Fulfils `base.Codec`: addresses, headers and framing; what stands in the bodies is each protocol's own."""

    name: str
    """The protocol's name, as in settings."""
    framing: ClassVar[Framing] = "sse"
    think_tags: bool = False
    image_urls: bool = True
    """Whether the server fetches pictures itself."""
    models_path: str = "/models"
    rows: ClassVar[str] = "data"
    """The field of a listing that holds the models."""
    key_header: str = "Authorization"
    hosted: bool = False
    """Whether it takes its protocol's own tools (`HostedTool`): those that it runs itself, and typed ones."""
    marks: bool = False
    """Whether it takes a client's own marks for the prompt's cache."""
    passes: frozenset[str] | None = None
    """The fields beyond our vocabulary that the server takes; None for all that the protocol knows."""
    most_stops: int | None = None
    """Stop words that the server takes; None for any number."""
    tool_names: NameRule = NameRule()
    """Which names of tools the server takes; others go under names that fit, and come back as they were."""
    vocabulary: str = ""
    """Whose fields it knows (`fields.CARRIED`), where that is not its own name."""

    @abstractmethod
    def call(self, request: ChatRequest, *, model: str, stream: bool, prefill: str) -> tuple[str, dict[str, Any]]:
        """The path and the body of a request."""

    @abstractmethod
    def reader(self) -> Reader:
        """A fresh reader of one answer."""

    @abstractmethod
    def models(self, rows: list[Any]) -> Sequence[ListedModel]:
        """The models in the rows of a listing."""

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
        """The HTTP request that asks ``model``.  Raises `BadRequest` where there is nothing to answer."""
        path, body = self.call(self._fitting(request), model=model, stream=stream, prefill=prefill)
        accept = "application/x-ndjson" if stream and self.framing == "ndjson" else ""
        headers = (*self.headers(key), *self.headers_asked(request))
        return post(join(base_url, path), body, headers, stream=stream, accept=accept)

    def headers(self, key: Secret | None) -> tuple[Header, ...]:
        """The headers of every request."""
        return key_header(self.key_header, key)

    def headers_asked(self, request: ChatRequest) -> tuple[Header, ...]:
        """The headers that this request wants besides."""
        return ()

    def left_out(self, request: ChatRequest) -> tuple[str, ...]:
        """The names of what the request asks and this server cannot be told."""
        vocabulary = self.vocabulary or self.name
        names = [*left_out(vocabulary, request.params, self.passes), *left_out_of_tools(vocabulary, request.tools)]
        if not self.marks and is_marked(request):
            names.append(FIELD)
        hosted = [tool.kind for tool in request.hosted if not self._has(tool)]
        stop = ["stop"] if len(self._stops(request)) < len(_said(request.params.stop)) else []
        return tuple(dict.fromkeys((*self.unsaid(request), *stop, *names, *hosted)))

    def unsaid(self, request: ChatRequest) -> Sequence[str]:
        """The names of what our own vocabulary says and this protocol has no word for, or not for all of it."""
        return ()

    def takes_stop(self, word: str) -> bool:
        """Whether the server takes this stop word."""
        return True

    def _stops(self, request: ChatRequest) -> tuple[str, ...]:
        """The stop words that the server takes, each once: the first ones, where they are too many."""
        return tuple(word for word in _said(request.params.stop) if self.takes_stop(word))[: self.most_stops]

    def _has(self, tool: HostedTool) -> bool:
        return self.hosted and tool.protocol == self.name

    def _fitting(self, request: ChatRequest) -> ChatRequest:
        """The request without hosted tools and their steps where they mean nothing, and without the choice of one."""
        if (stops := self._stops(request)) != request.params.stop:
            request = replace(request, params=replace(request.params, stop=stops))
        if names := odd_names(request, self.tool_names):
            request = renamed(request, names)
        if not self.hosted:
            request = _without_steps(request)
        if not request.hosted:
            return request
        kept = tuple(tool for tool in request.hosted if self._has(tool))
        gone = {tool.name for tool in request.hosted if tool not in kept} - {tool.name for tool in request.tools}
        choice = None if request.tool_choice in gone else request.tool_choice
        return replace(request, hosted=kept, tool_choice=choice)

    def takes_url(self, url: str) -> bool:
        """Whether the server fetches a picture at this address itself."""
        return self.image_urls

    def decoder(self, request: ChatRequest | None = None) -> StreamDecoder:
        """A fresh decoder for one streamed answer, to this request."""
        names = {} if request is None else {sent: own for own, sent in odd_names(request, self.tool_names).items()}
        return StreamDecoder(self.reader(), framing=self.framing, think_tags=self.think_tags, names=names)

    def decode_body(self, body: bytes) -> list[WireEvent]:
        """The events of an answer that was not streamed."""
        return decode_whole(self.decoder(), body)

    def models_request(self, *, base_url: str, key: Secret | None) -> HttpRequest:
        """The request for the provider's list of models, as long as one page may be."""
        return get(join(base_url, self.models_path), self.headers(key))

    def decode_models(self, body: bytes) -> Sequence[ListedModel]:
        """The models in a listing.  Raises `InvalidResponse`, or what an error body says."""
        payload = read_listing(body)
        rows = payload if isinstance(payload, list) else mapping(payload).get(self.rows)
        if not isinstance(rows, list):
            rows = mapping(payload).get("models")
        if not isinstance(rows, list):
            raise InvalidResponse("The list of models has no models.", "Check base_url.")
        return self.models(listing(rows))


def _said(stop: tuple[str, ...]) -> tuple[str, ...]:
    """Stop words that stop something, each once."""
    return tuple(dict.fromkeys(filter(None, stop)))


def _without_steps(request: ChatRequest) -> ChatRequest:
    """The request without what another provider did by itself."""

    if not any(is_step(part) for message in request.messages for part in message.parts):
        return request
    messages = (
        replace(message, parts=tuple(part for part in message.parts if not is_step(part)))
        for message in request.messages
    )
    return replace(request, messages=tuple(messages))


def read_listing(body: bytes) -> Any:
    """The JSON of a listing.  Raises `InvalidResponse`, or what an error body says."""
    try:
        payload = loads(body)
    except NotJson:
        raise InvalidResponse("The list of models is not JSON.", "Check base_url.") from None
    if isinstance(payload, dict) and payload.get("error"):
        raise classify(200, {}, payload)
    return payload
