"""The server's side of Ollama's ``/api/generate``, in terms of chat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from routerterm.core.errors import BadRequest
from routerterm.core.events import WireEvent
from routerterm.protocols.json_utils import dumps, loads, mapping, text
from routerterm.protocols.ollama import server as chat
from routerterm.protocols.ollama.server import encode_error
from routerterm.protocols.ollama.server_decode import only_loads
from routerterm.protocols.server_base import ServerRequest, read_object

__all__ = ["ServerStream", "decode_request", "encode_body", "encode_error"]


def decode_request(body: bytes) -> ServerRequest:
    """The request of a client.  Raises `BadRequest` where it cannot be served as asked."""
    payload = dict(read_object(body))
    if payload.get("suffix") or payload.get("raw") or not isinstance(payload.get("prompt", ""), str | None):
        raise BadRequest("`prompt` must be text; `suffix` and `raw` are not supported.")
    prompt = text(payload.pop("prompt", ""))
    if not prompt and not payload.get("images"):
        raise only_loads(payload)
    messages: list[dict[str, Any]] = [{"role": "user", "content": prompt, "images": payload.pop("images", None)}]
    if system := text(payload.pop("system", "")):
        messages.insert(0, {"role": "system", "content": system})
    return chat.decode_request(dumps(payload | {"messages": messages}))


class ServerStream(chat.ServerStream):
    """Writes one streamed answer, a line for each piece."""

    def event(self, event: WireEvent) -> bytes:
        """The bytes of one event."""
        return _generated(super().event(event))

    def ping(self) -> bytes:
        """A line without words."""
        return _generated(super().ping())

    def end(self) -> bytes:
        """The last line."""
        return _generated(super().end())


def encode_body(events: Iterable[WireEvent], *, id: str, model: str, created: int = 0) -> bytes:
    """One whole answer.  Raises as chat's does."""
    return dumps(_plain(loads(chat.encode_body(events, id=id, model=model, created=created))))


def _generated(lines: bytes) -> bytes:
    """Chat's lines as this address tells them."""
    return b"".join(dumps(_plain(loads(line))) + b"\n" for line in lines.splitlines())


def _plain(line: Mapping[str, Any]) -> dict[str, Any]:
    message = mapping(line.get("message"))
    if not message:
        return dict(line)
    said = {"response": text(message.get("content"))}
    if thinking := text(message.get("thinking")):
        said["thinking"] = thinking
    return {name: value for name, value in line.items() if name != "message"} | said
