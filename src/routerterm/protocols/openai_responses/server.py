"""The server's side of the Responses API: answers out.  What comes in is read by `serve_request`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from routerterm.core.errors import RoutertermError
from routerterm.core.events import (
    HostedDelta,
    ReasoningDelta,
    RefusalDelta,
    ScoresDelta,
    StreamEnd,
    StreamError,
    TextDelta,
    ToolCallDelta,
    WireEvent,
)
from routerterm.core.usage import Usage
from routerterm.protocols.hosted_steps import read_step
from routerterm.protocols.json_utils import dumps
from routerterm.protocols.openai_chat.server import error_object, score_of
from routerterm.protocols.openai_responses.decode import STEP
from routerterm.protocols.openai_responses.server_decode import decode_request, defaults
from routerterm.protocols.openai_responses.tool_kinds import ToolKinds, input_of
from routerterm.protocols.server_base import cut
from routerterm.protocols.server_errors import error_mapping, said
from routerterm.protocols.server_stream import BaseServerStream

__all__ = ["ServerStream", "decode_request", "encode_body", "encode_error", "usage_object"]

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class _Item(Struct):
    """One output item while it grows."""

    kind: str
    """message, refusal, reasoning or call."""
    index: int
    id: str
    pieces: list[str] = field(default_factory=list)
    call_id: str = ""
    name: str = ""
    signature: str | None = None
    namespace: str = ""
    scores: list[dict[str, Any]] = field(default_factory=list)
    step: Mapping[str, Any] = {}
    """The item as it came, of what ran at the provider."""

    @property
    def words(self) -> str:
        return "".join(self.pieces)

    def part(self) -> dict[str, Any]:
        """Its content, for the kinds that have one part."""
        match self.kind:
            case "message":
                return {"type": "output_text", "text": self.words, "annotations": [], "logprobs": self.scores}
            case "refusal":
                return {"type": "refusal", "refusal": self.words}
            case _:
                return {"type": "summary_text", "text": self.words}

    def whole(self, status: str) -> dict[str, Any]:
        """The item as the API shows it."""
        match self.kind:
            case "call":
                call = {"call_id": self.call_id, "name": self.name, "arguments": self.words}
                named = {"namespace": self.namespace} if self.namespace else {}
                return {"id": self.id, "type": "function_call", "status": status} | call | named
            case "custom":
                call = {"call_id": self.call_id, "name": self.name}
                given = input_of(self.words) if status != "in_progress" else ""
                return {"id": self.id, "type": "custom_tool_call", "status": status, "input": given} | call
            case "step":
                return dict(self.step)
            case "reasoning":
                summary = [self.part()] if self.pieces else []
                out: dict[str, Any] = {"id": self.id, "type": "reasoning", "summary": summary}
                return out | ({"encrypted_content": self.signature} if self.signature else {})
            case _:
                content = [self.part()] if status != "in_progress" else []
                head = {"id": self.id, "type": "message", "status": status, "role": "assistant"}
                return head | {"content": content}


class ServerStream(BaseServerStream):
    """Writes one streamed answer.  ``created`` is seconds since 1970."""

    def __init__(
        self,
        *,
        id: str,
        model: str,
        created: int = 0,
        usage: bool = True,
        echo: Mapping[str, Any] | None = None,
    ) -> None:
        """``echo`` is the request's fields that the answer repeats."""
        super().__init__(usage=usage)
        self._head = {"id": id, "object": "response", "created_at": created, "model": model} | dict(echo or defaults())
        self._created = created
        self._kinds = ToolKinds.of(self._head.get("tools"))
        self._tail = id.partition("_")[2] or id
        self._items: list[_Item] = []
        self._open: _Item | None = None
        self._calls: dict[int, _Item] = {}
        self.finished: dict[str, Any] | None = None
        """The whole response, once its end went out."""
        self._number = 0

    def start(self) -> bytes:
        """The first events."""
        response = self._response("in_progress")
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def _text(self, delta: TextDelta) -> bytes:
        if isinstance(delta, RefusalDelta):
            return self._grow("refusal", "response.refusal.delta", delta.text)
        return self._grow("message", "response.output_text.delta", delta.text)

    def _reasoning(self, delta: ReasoningDelta) -> bytes:
        words = delta.text
        out = self._grow("reasoning", "response.reasoning_summary_text.delta", words) if words else b""
        if sealed := delta.signature or delta.redacted:
            out += self._seal(sealed)
        return out

    def _scores(self, delta: ScoresDelta) -> bytes:
        """They stand in the whole text, which tells them token by token as its pieces do not."""
        if self._open is not None and self._open.kind == "message":
            self._open.scores += [score_of(token) for token in delta.scores]
        return b""

    def _hosted(self, step: HostedDelta) -> bytes:
        if not (told := read_step(STEP, step.redacted)):
            return b""
        out = self._close_item()
        item = self._add("step")
        item.step = told
        begun = dict(item.step) | ({"status": "in_progress"} if "status" in item.step else {})
        out += self._event("response.output_item.added", output_index=item.index, item=begun)
        return out + self._event("response.output_item.done", output_index=item.index, item=dict(item.step))

    def _failure(self, error: RoutertermError) -> bytes:
        how = error_mapping(error)
        response = self._response("failed") | {"error": {"code": how.code or how.type, "message": said(error)}}
        return self._event("response.failed", response=response)

    def _close(self) -> bytes:
        """The item that grows, and the calls, which all stay open until then."""
        return self._close_item() + b"".join(self._done(call) for call in self._calls.values())

    def _finish(self, stopped: StreamEnd) -> bytes:
        """The whole response once more, with its usage."""
        reason = _INCOMPLETE.get(stopped.reason)
        status = "incomplete" if reason else "completed"
        self.finished = self._response(status, reason)
        return self._event(f"response.{status}", response=self.finished)

    @property
    def _current(self) -> _Item:
        assert self._open is not None
        return self._open

    def _grow(self, kind: str, name: str, words: str) -> bytes:
        out = self._enter(kind)
        item = self._current
        item.pieces.append(words)
        return out + self._event(name, **_place(item), delta=words)

    def _enter(self, kind: str) -> bytes:
        """Go on in an item of this kind, or begin one."""
        if self._open is not None and self._open.kind == kind:
            return b""
        out = self._close_item()
        self._open = item = self._add(kind)
        out += self._event("response.output_item.added", output_index=item.index, item=item.whole("in_progress"))
        return out + self._event(_PART[kind] + ".added", **_place(item), part=item.part())

    def _seal(self, sealed: str) -> bytes:
        """Close the thoughts with their seal; a seal by itself is an item without a summary."""
        item = self._open
        if item is not None and item.kind == "reasoning":
            item.signature = sealed
            return self._close_item()
        out = self._close_item()
        item = self._add("reasoning")
        item.signature = sealed
        out += self._event("response.output_item.added", output_index=item.index, item=item.whole("in_progress"))
        return out + self._event("response.output_item.done", output_index=item.index, item=item.whole("completed"))

    def _close_item(self) -> bytes:
        item, self._open = self._open, None
        if item is None:
            return b""
        name, field_name = _DONE[item.kind]
        out = self._event(name, **_place(item), **{field_name: item.words})
        out += self._event(_PART[item.kind] + ".done", **_place(item), part=item.part())
        return out + self._event("response.output_item.done", output_index=item.index, item=item.whole("completed"))

    def _call(self, delta: ToolCallDelta) -> bytes:
        """Pieces of several calls may come mixed: they are closed together, at the end."""
        out = b""
        item = self._calls.get(delta.index)
        if item is None:
            out = self._close_item()
            item = self._calls[delta.index] = self._add("custom" if delta.name in self._kinds.custom else "call")
            item.call_id = delta.id
            item.name = delta.name
            item.namespace = self._kinds.namespaces.get(delta.name, "")
            out += self._event("response.output_item.added", output_index=item.index, item=item.whole("in_progress"))
        if delta.arguments:
            item.pieces.append(delta.arguments)
        if delta.arguments and item.kind == "call":
            place = {"item_id": item.id, "output_index": item.index}
            out += self._event("response.function_call_arguments.delta", **place, delta=delta.arguments)
        return out

    def _done(self, item: _Item) -> bytes:
        place = {"item_id": item.id, "output_index": item.index}
        if item.kind == "custom":  # its text can be told only once the arguments around it are whole
            given = input_of(item.words)
            out = self._event("response.custom_tool_call_input.delta", **place, delta=given)
            out += self._event("response.custom_tool_call_input.done", **place, input=given)
        else:
            named = {"name": item.name, "arguments": item.words}
            out = self._event("response.function_call_arguments.done", **place, **named)
        return out + self._event("response.output_item.done", output_index=item.index, item=item.whole("completed"))

    def _add(self, kind: str) -> _Item:
        prefix = {"call": "fc", "custom": "ctc", "reasoning": "rs"}.get(kind, "msg")
        item = _Item(kind, len(self._items), f"{prefix}_{self._tail}_{len(self._items)}")
        self._items.append(item)
        return item

    def _response(self, status: str, reason: str | None = None) -> dict[str, Any]:
        return self._head | {
            "status": status,
            "completed_at": self._created if status == "completed" else None,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "output": self._output("incomplete" if status == "failed" else "completed"),
            "usage": usage_object(self._usage or Usage()),  # both published schemas want an object, also before the end
        }

    def _output(self, status: str) -> list[dict[str, Any]]:
        """All items so far; those of a response that begins are none."""
        growing = {id(self._open)} | {id(call) for call in self._calls.values()}
        return [item.whole(status if id(item) in growing else "completed") for item in self._items]

    def _event(self, name: str, /, **fields: Any) -> bytes:
        body = {"type": name, "sequence_number": self._number} | fields
        self._number += 1
        return b"event: " + name.encode("ascii") + b"\ndata: " + dumps(body) + b"\n\n"

    def response(self) -> dict[str, Any]:
        """The whole response of an answer that is not streamed.  Raises `StreamInterrupted` without a `StreamEnd`."""
        if self._stopped is None:
            raise cut()
        reason = _INCOMPLETE.get(self._stopped.reason)
        return self._response("incomplete" if reason else "completed", reason)


_PART = {
    "message": "response.content_part",
    "refusal": "response.content_part",
    "reasoning": "response.reasoning_summary_part",
}
_DONE = {
    "message": ("response.output_text.done", "text"),
    "refusal": ("response.refusal.done", "refusal"),
    "reasoning": ("response.reasoning_summary_text.done", "text"),
}


def _place(item: _Item) -> dict[str, Any]:
    """Where a delta belongs."""
    inner = "summary_index" if item.kind == "reasoning" else "content_index"
    logprobs: Mapping[str, Any] = {"logprobs": item.scores} if item.kind == "message" else {}
    return {"item_id": item.id, "output_index": item.index, inner: 0} | dict(logprobs)


def encode_body(
    events: Iterable[WireEvent],
    *,
    id: str,
    model: str,
    created: int = 0,
    echo: Mapping[str, Any] | None = None,
) -> bytes:
    """One whole answer.  Raises the error of a `StreamError`, and `StreamInterrupted` where no `StreamEnd` came."""
    stream = ServerStream(id=id, model=model, created=created, echo=echo)
    for event in events:
        if isinstance(event, StreamError):
            raise event.error
        stream.event(event)
    return dumps(stream.response())


def encode_error(error: RoutertermError) -> tuple[int, bytes]:
    """The status and the body of an answer that is an error."""
    return error_mapping(error).status, dumps(error_object(error))


def usage_object(usage: Usage) -> dict[str, Any]:
    """Token counts as the Responses API tells them."""
    written = usage.cache_write + usage.cache_write_1h
    out: dict[str, Any] = {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": written},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }
    if usage.cache_write_1h:
        out["cache_creation"] = {"ephemeral_1h_input_tokens": usage.cache_write_1h}
    return out | ({"cost": float(usage.cost)} if usage.cost is not None else {})
