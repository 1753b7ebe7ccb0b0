"""Embeddings for other programs, in OpenAI's, Gemini's and Ollama's words."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from routerterm.core.errors import BadRequest, RoutertermError
from routerterm.core.events import AttemptStarted, Failed, Finished, TextDelta
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest, Embedding, Params
from routerterm.engine.virtual_keys import Client
from routerterm.gateway.http_errors import HttpError, forbidden, http_error
from routerterm.gateway.request import Receive, Scope, Send, headers_of
from routerterm.gateway.request_options import RequestOptions, request_options
from routerterm.gateway.request_record import RequestRecord
from routerterm.protocols.embeddings import MOST_TEXTS, unpacked
from routerterm.protocols.json_utils import dumps, listing, loads, mapping, objects, text
from routerterm.protocols.server_base import number, read_object, required_text

if TYPE_CHECKING:
    from routerterm.gateway.state import GatewayState

_MOST = 2_048
"""Texts in one request, as at OpenAI."""


class _Asked(Struct, frozen=True):
    """A request in any of the three protocols."""

    model: str
    texts: tuple[str, ...]
    wanted: Embedding = Embedding()
    packed: bool = False
    """Whether the vectors are to be base64 of 32-bit floats."""


class _Made(Struct):
    """What came of it."""

    target: str = ""
    vectors: list[str] = field(default_factory=list)
    """Each as base64 of 32-bit floats."""
    tokens: int = 0


class EmbeddingAnswers:
    """One of the addresses; ``style``: openai, gemini (one text), gemini-batch, ollama, ollama-old."""

    def __init__(self, state: GatewayState, style: str) -> None:
        self._state = state
        self._style = style

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, with its line in the list of requests and in the metrics."""
        state, out = self._state, scope["out"]
        client = await state.client_of(scope)
        record = state.open(client, scope["path"][:200])
        try:
            body = await self._answer(scope, receive, client, record)
            record.row.ending = "done"
            await out.whole(200, body, record.headers())
            record.close(None, out.status)
        except HttpError as error:
            record.failed(error.error)
            record.close("denied", error.status)
            raise
        except RoutertermError as error:
            refusal = http_error(error)
            record.failed(error)
            record.close("denied" if isinstance(error, BadRequest) else "error", refusal.status)
            raise refusal from error
        except BaseException:
            record.close("error", out.status or 500)
            raise
        finally:
            state.close(record)

    async def _answer(self, scope: Scope, receive: Receive, client: Client, record: RequestRecord) -> bytes:
        state, headers = self._state, headers_of(scope)
        options = request_options(headers)
        record.visible = options.log
        body = await state.bodies.read(headers, receive)
        try:
            asked = read_request(self._style, body, scope.get("path_params", {}).get("model", ""))
            record.asked(asked.model, False)
            if not client.allowance.allows(asked.model):
                raise forbidden(f"This key may not ask for {asked.model[:100]!r}.")
            permit = await state.enter(client, sum(len(words) for words in asked.texts) // 3, 1)
            try:
                made = await self._made(asked, client, options, record)
            finally:
                await state.leave(client, permit, record.tokens)
        finally:
            state.bodies.release(len(body))
        return await asyncio.to_thread(write_answer, self._style, asked, made)

    async def _made(self, asked: _Asked, client: Client, options: RequestOptions, record: RequestRecord) -> _Made:
        """The vectors of all texts, some at a time.  Raises the router's error."""
        made = _Made()
        caps = (*client.caps(*self._state.day_and_month()), *options.caps)
        # Vectors of two models cannot be compared: nobody stands in for the model that was asked for.
        controls = replace(options.controls, fallbacks=False)
        for start in range(0, len(asked.texts), MOST_TEXTS):
            messages = tuple(Message.of("user", words) for words in asked.texts[start : start + MOST_TEXTS])
            request = ChatRequest(
                asked.model,
                messages,
                params=Params(max_output=1),
                embedding=asked.wanted,
                client=client.name,
                controls=controls,
                caps=caps,
            )
            await self._some(request, made, record)
        return made

    async def _some(self, request: ChatRequest, made: _Made, record: RequestRecord) -> None:
        said: list[str] = []
        async with aclosing(self._state.stream(request)) as events:
            async for event in events:
                match event:
                    case AttemptStarted(n, target):
                        record.row.answered, record.row.attempts = str(target), n
                    case TextDelta(words):
                        said.append(words)
                    case Finished():
                        record.add(event)
                        made.tokens += event.usage.input
                    case Failed(error):
                        raise error
                    case _:
                        pass
        made.vectors += loads("".join(said).encode())


def read_request(style: str, body: bytes, model: str = "") -> _Asked:
    """What a client wants; ``model`` stands in Gemini's address.  Raises `BadRequest`."""
    payload = read_object(body)
    if style.startswith("gemini"):
        return _gemini(payload, model)
    given = payload.get("prompt" if style == "ollama-old" else "input")
    size = number(payload, "dimensions")
    packed = payload.get("encoding_format") == "base64"
    wanted = Embedding(None if size is None else int(size))
    return _checked(_Asked(required_text(payload, "model"), _texts(given), wanted, packed))


def _texts(given: Any) -> tuple[str, ...]:
    texts = [given] if isinstance(given, str) else listing(given)
    if not all(isinstance(words, str) for words in texts):
        raise BadRequest("`input` must be a text or a list of texts; lists of tokens are not supported.")
    return tuple(texts)


def _gemini(payload: Mapping[str, Any], model: str) -> _Asked:
    rows = objects(payload.get("requests")) or [payload]
    texts = [
        "".join(text(part.get("text")) for part in objects(mapping(row.get("content")).get("parts"))) for row in rows
    ]
    size = number(rows[0], "outputDimensionality")
    purpose = {"RETRIEVAL_QUERY": "query", "RETRIEVAL_DOCUMENT": "document"}.get(text(rows[0].get("taskType")), "")
    wanted = Embedding(None if size is None else int(size), purpose)  # type: ignore[arg-type]  # one of the three words
    return _checked(_Asked(model, tuple(texts), wanted))


def _checked(asked: _Asked) -> _Asked:
    if not asked.texts or not all(asked.texts):
        raise BadRequest("There must be at least one text, and none may be empty.")
    if len(asked.texts) > _MOST:
        raise BadRequest(f"At most {_MOST:,} texts can be given at once.")
    if asked.wanted.dimensions is not None and not 1 <= asked.wanted.dimensions <= 65_536:
        raise BadRequest("`dimensions` must be from 1 to 65,536.")
    return asked


def write_answer(style: str, asked: _Asked, made: _Made) -> bytes:
    """The vectors as the client reads them."""
    vectors: list[Any] = made.vectors if asked.packed else [unpacked(vector) for vector in made.vectors]
    match style:
        case "gemini":
            return dumps({"embedding": {"values": vectors[0]}})
        case "gemini-batch":
            return dumps({"embeddings": [{"values": vector} for vector in vectors]})
        case "ollama":
            return dumps({"model": asked.model, "embeddings": vectors, "prompt_eval_count": made.tokens})
        case "ollama-old":
            return dumps({"embedding": vectors[0]})
        case _:
            rows = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
            usage = {"prompt_tokens": made.tokens, "total_tokens": made.tokens}
            return dumps({"object": "list", "data": rows, "model": asked.model, "usage": usage})
