"""The server's side of OpenAI's old Completions, in terms of chat: a prompt is one message, the answer a text."""

from __future__ import annotations

from collections.abc import Iterable

from routerterm.core.errors import BadRequest, RoutertermError
from routerterm.core.events import ReasoningDelta, StreamEnd, TextDelta, ToolCallDelta, WireEvent
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.core.usage import Usage
from routerterm.protocols.json_utils import dumps, mapping
from routerterm.protocols.openai_chat.server import encode_error, error_object, finish_word, last_chunk, usage_object
from routerterm.protocols.openai_chat.server_decode import read_params
from routerterm.protocols.server_base import ServerRequest, answerable, collect, read_object, required_text
from routerterm.protocols.server_stream import BaseServerStream, data_line

__all__ = ["ServerStream", "decode_request", "encode_body", "encode_error"]


def decode_request(body: bytes) -> ServerRequest:
    """The request of a client.  Raises `BadRequest` where it cannot be served as asked."""
    payload = read_object(body)
    if payload.get("suffix"):
        raise BadRequest("`suffix` is not supported: a chat model cannot fill in the middle.")
    if payload.get("n") not in (None, 1) or payload.get("best_of") not in (None, 1):
        raise BadRequest("Only one answer per request is supported (n and best_of must be 1).")
    given = payload.get("prompt")
    prompt = given[0] if isinstance(given, list) and len(given) == 1 else given
    if not isinstance(prompt, str) or not prompt:
        raise BadRequest("`prompt` must be one text.")
    request = ChatRequest(
        required_text(payload, "model"),
        (Message.of("user", prompt),),
        params=read_params(payload),
        client="gateway",
    )
    usage = mapping(payload.get("stream_options")).get("include_usage") is True
    return ServerRequest(answerable(request), payload.get("stream") is True, usage)


class ServerStream(BaseServerStream):
    """Writes one streamed answer; thoughts and calls have no place in it.  ``created`` is seconds since 1970."""

    def __init__(self, *, id: str, model: str, created: int = 0, usage: bool = True) -> None:
        super().__init__(usage=usage)
        self._head = {"id": id, "object": "text_completion", "created": created, "model": model}

    def _text(self, delta: TextDelta) -> bytes:
        return self._chunk(delta.text)

    def _reasoning(self, delta: ReasoningDelta) -> bytes:
        return b""

    def _call(self, delta: ToolCallDelta) -> bytes:
        return b""

    def _reason(self, stopped: StreamEnd) -> bytes:
        return self._chunk("", finish_word(stopped, called=False))

    def _failure(self, error: RoutertermError) -> bytes:
        return data_line(error_object(error))

    def _finish(self, stopped: StreamEnd) -> bytes:
        return last_chunk(self._head, self._usage if self._wants_usage else None)

    def _chunk(self, words: str, finish: str | None = None) -> bytes:
        choice = {"index": 0, "text": words, "logprobs": None, "finish_reason": finish}
        return data_line(self._head | {"choices": [choice]})


def encode_body(events: Iterable[WireEvent], *, id: str, model: str, created: int = 0) -> bytes:
    """One whole answer.  Raises the error of a `StreamError`, and `StreamInterrupted` where no `StreamEnd` came."""
    builder, usage, stopped = collect(events)
    choice = {"index": 0, "text": builder.text, "logprobs": None, "finish_reason": finish_word(stopped, called=False)}
    head = {"id": id, "object": "text_completion", "created": created, "model": model}
    return dumps(head | {"choices": [choice], "usage": usage_object(usage or Usage())})
