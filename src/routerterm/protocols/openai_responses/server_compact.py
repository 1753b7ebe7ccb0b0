"""The server's side of ``/responses/compact``: any model writes the summary that stands for what was said so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from routerterm.core.errors import BadRequest
from routerterm.core.events import WireEvent
from routerterm.core.messages import Image, Message, Part, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest
from routerterm.core.usage import Usage
from routerterm.protocols.json_utils import dumps, text
from routerterm.protocols.openai_responses.compaction import pack_summary
from routerterm.protocols.openai_responses.server import ServerStream, encode_error, usage_object
from routerterm.protocols.openai_responses.server_decode import read_input
from routerterm.protocols.server_base import ServerRequest, collect, read_object, required_text

__all__ = ["ServerStream", "decode_request", "encode_body", "encode_error"]

_ORDER = (
    "The conversation above is to be continued from a summary alone. Write that summary: the goal, decisions, facts, "
    "names, files and figures exactly as they were given, what is done, what is open, and the next step. "
    "Write nothing but the summary."
)
_KEPT = 40_000
"""Letters of the user's newest messages that stay beside the summary, word by word."""


def decode_request(body: bytes) -> ServerRequest:
    """The request for a summary.  Raises `BadRequest` where it cannot be served as asked."""
    payload = read_object(body)
    model = required_text(payload, "model")
    said = list(read_input(payload.get("input")))
    told = [Message(_speaker(message), parts) for message in said if (parts := tuple(_told(message)))]
    if not told:
        raise BadRequest("`input` has nothing that could be compacted.")
    request = ChatRequest(
        model,
        (*told, Message.of("user", _ORDER)),
        system=text(payload.get("instructions")) or None,
        client="gateway",
    )
    return ServerRequest(request, echo={"kept": _kept(said)})


def _speaker(message: Message) -> Any:
    return "user" if message.role == "tool" else message.role


def _told(message: Message) -> Iterator[Part]:
    """A message without calls: the tools are not there, and many providers refuse calls without them."""
    for part in message.parts:
        match part:
            case Text() | Image():
                yield part
            case ToolCall(_, name, arguments):
                yield Text(f"[tool call: {name} {arguments}]\n")
            case ToolResult(_, words):
                yield Text(f"[tool result, not written by the user: {words}]\n")
            case _:  # thoughts
                pass


def _kept(said: list[Message]) -> list[str]:
    """What the user wrote, the newest that has room."""
    kept: list[str] = []
    left = _KEPT
    for message in reversed([message for message in said if message.role == "user"]):
        words = "".join(part.text for part in message.parts if isinstance(part, Text))
        left -= len(words)
        if left < 0:
            break
        if words:
            kept.append(words)
    return kept[::-1]


def encode_body(
    events: Iterable[WireEvent],
    *,
    id: str,
    model: str,  # noqa: ARG001 - this answer names no model
    created: int = 0,
    echo: Mapping[str, Any] | None = None,
) -> bytes:
    """One whole answer.  Raises the error of a `StreamError`, and `StreamInterrupted` where no `StreamEnd` came."""
    builder, usage, _ = collect(events)
    tail = id.partition("_")[2] or id
    output: list[dict[str, Any]] = [
        {
            "type": "message",
            "id": f"msg_{tail}_{index}",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_text", "text": words}],
        }
        for index, words in enumerate((echo or {}).get("kept", ()))
    ]
    output.append({"type": "compaction", "id": f"cmp_{tail}", "encrypted_content": pack_summary(builder.text)})
    head = {"id": id, "object": "response.compaction", "created_at": created}
    return dumps(head | {"output": output, "usage": usage_object(usage or Usage())})
