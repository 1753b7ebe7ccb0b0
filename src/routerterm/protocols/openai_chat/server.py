"""The server's side of Chat Completions: answers out.  What comes in is read by `serve_request`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, assert_never

from routerterm.core.errors import RoutertermError
from routerterm.core.events import (
    Content,
    ReasoningDelta,
    RefusalDelta,
    ScoresDelta,
    StreamEnd,
    TextDelta,
    ThoughtsClosed,
    ToolCallDelta,
    WireEvent,
)
from routerterm.core.usage import Usage
from routerterm.protocols.json_utils import dumps, objects, text
from routerterm.protocols.openai_chat.server_decode import decode_request
from routerterm.protocols.server_base import collect_whole
from routerterm.protocols.server_errors import NotServed, error_mapping, said
from routerterm.protocols.server_stream import BaseServerStream, data_line

__all__ = [
    "ServerStream",
    "decode_request",
    "encode_body",
    "encode_error",
    "encode_models",
    "error_object",
    "usage_object",
]


class ServerStream(BaseServerStream):
    """Writes one streamed answer.  ``created`` is seconds since 1970."""

    def __init__(self, *, id: str, model: str, created: int = 0, usage: bool = True, index: int = 0) -> None:
        """``index`` is that of the answer, where there are several to one question."""
        super().__init__(usage=usage)
        self._index = index
        self._head = {"id": id, "object": "chat.completion.chunk", "created": created, "model": model}
        before, _, after = self._delta({"content": ""}).partition(b'"content":""')
        self._before = before + b'"content":'
        """What stands around the words of a piece: it is the same for every piece of an answer."""
        self._after = after
        self._called = False

    def start(self) -> bytes:
        """The first chunk."""
        return self._delta({"role": "assistant", "content": ""})

    def _text(self, delta: TextDelta) -> bytes:
        if isinstance(delta, RefusalDelta):
            return self._delta({"refusal": delta.text})
        return self._before + dumps(delta.text) + self._after

    def _scores(self, delta: ScoresDelta) -> bytes:
        choice = {"index": self._index, "delta": {}, "finish_reason": None, "logprobs": scores_object(delta.scores)}
        return data_line(self._head | {"choices": [choice]})

    def _reasoning(self, delta: ReasoningDelta) -> bytes:
        return self._delta(_thoughts(delta))

    def _call(self, delta: ToolCallDelta) -> bytes:
        self._called = True
        return self._delta({"tool_calls": [_call_piece(delta)]})

    def _reason(self, stopped: StreamEnd) -> bytes:
        return self._delta({}, finish=finish_word(stopped, called=self._called))

    def _failure(self, error: RoutertermError) -> bytes:
        return data_line(error_object(error))

    def _finish(self, stopped: StreamEnd) -> bytes:
        return last_chunk(self._head, self._usage if self._wants_usage else None)

    def _delta(self, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        return data_line(self._head | {"choices": [{"index": self._index, "delta": delta, "finish_reason": finish}]})


def last_chunk(head: Mapping[str, Any], usage: Usage | None) -> bytes:
    """The usage, where it is to be told, and the marker of the end."""
    told = data_line({**head, "choices": [], "usage": usage_object(usage)}) if usage is not None else b""
    return told + b"data: [DONE]\n\n"


def encode_body(events: Iterable[WireEvent], *, id: str, model: str, created: int = 0) -> bytes:
    """One whole answer.  Raises the error of a `StreamError`, and `StreamInterrupted` where no `StreamEnd` came."""
    return encode_choices([events], id=id, model=model, created=created)


def encode_choices(answers: Iterable[Iterable[WireEvent]], *, id: str, model: str, created: int = 0) -> bytes:
    """Several whole answers to one question, with what they used together.  Raises as `encode_body` does."""
    choices, used = [], Usage()
    for index, events in enumerate(answers):
        choice, usage = _choice(events, index)
        choices.append(choice)
        used = used.plus(usage) if index else usage
    head = {"id": id, "object": "chat.completion", "created": created, "model": model}
    return dumps(head | {"choices": choices, "usage": usage_object(used)})


def _choice(events: Iterable[WireEvent], index: int) -> tuple[dict[str, Any], Usage]:
    """One answer as an element of ``choices``, and its usage."""
    scores: list[Mapping[str, Any]] = []
    pieces: dict[str, list[str]] = {"content": [], "refusal": [], "reasoning_content": []}
    details: list[dict[str, Any]] = []
    calls: dict[int, dict[str, Any]] = {}

    def take(event: Content) -> None:
        match event:
            case ThoughtsClosed():
                pieces["reasoning_content"] += pieces["content"]
                pieces["content"] = []
            case RefusalDelta(words):
                pieces["refusal"].append(words)
            case ScoresDelta(scores=more):
                scores.extend(more)
            case TextDelta(words):
                pieces["content"].append(words)
            case ReasoningDelta(words):
                pieces["reasoning_content"].append(words)
                details.extend(_thoughts(event).get("reasoning_details", []))
            case ToolCallDelta():
                _grow(calls, event)
            case _:
                assert_never(event)

    usage, stopped = collect_whole(events, take)
    message: dict[str, Any] = {"role": "assistant"} | {field: "".join(said) or None for field, said in pieces.items()}
    if message["reasoning_content"] is None:
        del message["reasoning_content"]
    if details:
        message["reasoning_details"] = details
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    finish = finish_word(stopped, called=bool(calls))
    told = scores_object(scores) if scores else None
    return {"index": index, "message": message, "finish_reason": finish, "logprobs": told}, usage or Usage()


def scores_object(scores: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Log probabilities with all fields that OpenAI's clients read."""
    return {"content": [score_of(token) for token in scores], "refusal": None}


def score_of(token: Mapping[str, Any]) -> dict[str, Any]:
    """One token's, and those of the tokens that might have stood there."""
    others = [_bare_score(other) for other in objects(token.get("top_logprobs"))]
    return _bare_score(token) | {"top_logprobs": others}


def _bare_score(token: Mapping[str, Any]) -> dict[str, Any]:
    word = text(token.get("token"))
    value = token.get("logprob")
    number = float(value) if isinstance(value, int | float) else -9999.0  # OpenAI's own word for "very unlikely"
    return {"token": word, "logprob": number, "bytes": list(word.encode("utf-8", "replace"))}


def encode_error(error: RoutertermError) -> tuple[int, bytes]:
    """The status and the body of an answer that is an error."""
    return error_mapping(error).status, dumps(error_object(error))


def encode_models(ids: Sequence[str], *, created: int) -> bytes:
    """A list of models."""
    rows = [{"id": id, "object": "model", "created": created, "owned_by": "routerterm"} for id in ids]
    return dumps({"object": "list", "data": rows})


def error_object(error: RoutertermError) -> dict[str, Any]:
    """An error as OpenAI's clients read it."""
    how = error_mapping(error)
    param = error.param if isinstance(error, NotServed) else None
    return {"error": {"message": said(error), "type": how.type, "param": param, "code": how.code}}


def usage_object(usage: Usage) -> dict[str, Any]:
    """Token counts in OpenAI's convention: the prompt with its cached part, the answer with its reasoning."""
    written = usage.cache_write + usage.cache_write_1h
    out: dict[str, Any] = {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
    if usage.cache_write_1h:
        out["cache_creation"] = {"ephemeral_1h_input_tokens": usage.cache_write_1h}
    return out | ({"cost": float(usage.cost)} if usage.cost is not None else {})


def finish_word(stopped: StreamEnd, *, called: bool) -> str:
    """OpenAI's word for the end."""
    if stopped.reason == "other":  # a word that is none of the protocol's is an error to strict clients
        return "stop"
    return "tool_calls" if called and stopped.reason == "stop" else stopped.reason


def _thoughts(delta: ReasoningDelta) -> dict[str, Any]:
    out: dict[str, Any] = {"reasoning_content": delta.text} if delta.text else {}
    if delta.redacted:
        out["reasoning_details"] = [{"type": "reasoning.encrypted", "data": delta.redacted}]
    elif delta.signature:
        out["reasoning_details"] = [{"type": "reasoning.text", "signature": delta.signature}]
    return out


def _call_piece(delta: ToolCallDelta) -> dict[str, Any]:
    function: dict[str, Any] = {"arguments": delta.arguments}
    if delta.name:
        function["name"] = delta.name
    out: dict[str, Any] = {"index": delta.index, "function": function}
    if delta.id or delta.name:
        out |= {"id": delta.id, "type": "function"}
    if delta.signature:
        out["extra_content"] = {"google": {"thought_signature": delta.signature}}
    return out


def _grow(calls: dict[int, dict[str, Any]], delta: ToolCallDelta) -> None:
    fresh: dict[str, Any] = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
    call = calls.setdefault(delta.index, fresh)
    call["id"] = call["id"] or delta.id
    call["function"]["name"] = call["function"]["name"] or delta.name
    call["function"]["arguments"] += delta.arguments
    if delta.signature:
        call["extra_content"] = {"google": {"thought_signature": delta.signature}}
