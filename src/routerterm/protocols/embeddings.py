"""Embeddings in each protocol's own words: texts out, one vector for each of them back.

An embedding is asked for like an answer (`ChatRequest.embedding`), so that keys, budgets, limits and the ledger hold
for it as well: each message is one text, and the answer's text is the JSON of the vectors.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from routerterm.core.errors import InvalidResponse, UnsupportedRequest
from routerterm.core.events import StreamEnd, StreamError, TextDelta, UsageReported, WireEvent
from routerterm.core.request import ChatRequest, Embedding
from routerterm.core.secret import Secret
from routerterm.core.usage import Usage
from routerterm.protocols.base import Codec, HttpRequest
from routerterm.protocols.classify import classify
from routerterm.protocols.codec_base import BaseCodec
from routerterm.protocols.http import given, join, post
from routerterm.protocols.json_utils import NotJson, count, dumps, listing, loads, mapping, objects

MOST_TEXTS = 96
"""In one request to a provider: Cohere takes 96, Gemini 100, OpenAI 2,048."""
_LARGEST = 1e38
"""What 32 bits hold."""
_MOST_BYTES = 32 * 1024 * 1024


def encode_embeddings(
    codec: Codec, request: ChatRequest, *, base_url: str, model: str, key: Secret | None
) -> HttpRequest:
    """The HTTP request for the vectors.  Raises `UnsupportedRequest` for a protocol without an address for them."""
    assert isinstance(codec, BaseCodec)
    wanted = request.embedding or Embedding()
    texts = [message.text for message in request.messages]
    path, body = _asked(codec.name, model, texts, wanted)
    return post(join(base_url, path), body, codec.headers(key), stream=False)


def _asked(protocol: str, model: str, texts: Sequence[str], wanted: Embedding) -> tuple[str, dict[str, Any]]:
    size = wanted.dimensions
    match protocol:
        case "openai-chat" | "openai-responses":
            return "/embeddings", {"model": model, "input": texts, "encoding_format": "float"} | given(dimensions=size)
        case "mistral":
            return "/embeddings", {"model": model, "input": texts} | given(output_dimension=size)
        case "ollama-chat":
            return "/api/embed", {"model": model, "input": texts} | given(dimensions=size)
        case "cohere-v2":
            purpose = "search_query" if wanted.purpose == "query" else "search_document"
            body = {"model": model, "texts": texts, "input_type": purpose, "embedding_types": ["float"]}
            return "/v2/embed", body | given(output_dimension=size)
        case "gemini":
            place = model if "/" in model else f"models/{model}"
            task = {"query": "RETRIEVAL_QUERY", "document": "RETRIEVAL_DOCUMENT"}.get(wanted.purpose)
            more = given(outputDimensionality=size, taskType=task)
            rows = [{"model": place, "content": {"parts": [{"text": words}]}} | more for words in texts]
            return f"/{quote(place, safe='/')}:batchEmbedContents", {"requests": rows}
        case _:
            raise UnsupportedRequest(f"{protocol} has no embeddings.", "Ask another provider.")


class EmbeddingDecoder:
    """Fulfils `base.Decoder`: the vectors as one text, once the whole body is there."""

    is_finishing = False

    def __init__(self, texts: int) -> None:
        self._texts = texts
        self._body = bytearray()
        self._over = False

    def feed(self, data: bytes) -> list[WireEvent]:
        """Nothing before the end."""
        self._body += data
        if len(self._body) > _MOST_BYTES and not self._over:
            self._over = True
            return [StreamError(InvalidResponse("The provider's embeddings are too large."))]
        return []

    def end(self) -> list[WireEvent]:
        """The vectors, the usage and the end; or what is wrong."""
        if self._over:
            return []
        self._over = True
        try:
            payload = loads(bytes(self._body))
        except NotJson:
            return [StreamError(InvalidResponse("The provider's answer is not JSON."))]
        if mapping(payload).get("error"):
            return [StreamError(classify(200, {}, mapping(payload)))]
        found = vectors(mapping(payload))
        if len(found) != self._texts:
            error = InvalidResponse(f"The provider gave {len(found)} embeddings for {self._texts} texts.")
            return [StreamError(error)]
        told = dumps([packed(vector) for vector in found]).decode()  # short: what is said has a limit
        return [TextDelta(told), UsageReported(Usage(fresh=_tokens(mapping(payload)))), StreamEnd("stop")]


def vectors(payload: Mapping[str, Any]) -> list[list[float]]:
    """The vectors in any protocol's answer, in the order of the texts; those that are none are left out."""
    if rows := objects(payload.get("data")):  # OpenAI's and Mistral's
        rows.sort(key=lambda row: count(row.get("index")))
        found: list[Any] = [row.get("embedding") for row in rows]
    elif isinstance(given := payload.get("embeddings"), Mapping):  # Cohere's
        found = listing(given.get("float"))
    else:  # Gemini's objects, Ollama's lists
        found = [row.get("values") if isinstance(row, Mapping) else row for row in listing(payload.get("embeddings"))]
    return [numbers for vector in found if (numbers := _numbers(vector))]


def _numbers(vector: Any) -> list[float]:
    if not isinstance(vector, list) or not all(isinstance(each, int | float) for each in vector):
        return []
    return [float(each) for each in vector if abs(each) < _LARGEST]


def packed(vector: Sequence[float]) -> str:
    """A vector as OpenAI's clients ask for it by default: base64 of 32-bit floats."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def unpacked(vector: str) -> list[float]:
    """Its numbers, each with the seven digits that 32 bits hold."""
    raw = base64.b64decode(vector)
    return [float(f"{each:.7g}") for each in struct.unpack(f"<{len(raw) // 4}f", raw)]


def _tokens(payload: Mapping[str, Any]) -> int:
    usage = mapping(payload.get("usage"))
    billed = mapping(mapping(payload.get("meta")).get("billed_units"))
    said = usage.get("prompt_tokens") or billed.get("input_tokens") or payload.get("prompt_eval_count")
    return count(said)
