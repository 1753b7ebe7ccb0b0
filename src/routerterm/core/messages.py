"""Messages and their parts, and the JSON in which they are kept.

A message is a role and a tuple of parts.  The JSON form is the one of the database, the export files
and the gateway's log of nothing: one object per part, told apart by ``type``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias, assert_never, get_args

from msgspec import Struct

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = get_args(Role)
CacheMark: TypeAlias = Literal["5m", "1h"]
"""How long a provider is to keep the prompt up to here in its cache, where the client says so itself."""


class Text(Struct, frozen=True):
    """Plain text, Markdown as a rule; ``name`` is that of the file it was read from, if it was."""

    text: str
    name: str | None = None
    cache: CacheMark | None = None


class Image(Struct, frozen=True):
    """A picture: either its bytes with their media type, or a URL that the provider fetches itself."""

    media_type: str
    data: bytes = b""
    url: str | None = None
    name: str | None = None
    cache: CacheMark | None = None
    detail: str | None = None
    """How closely to look, in OpenAI's words: ``low``, ``high``, ``auto``."""


class Reasoning(Struct, frozen=True):
    """What a model thought aloud.

    ``signature`` is the provider's own seal on it, to be sent back unchanged to the same provider and
    dropped for any other.  ``redacted`` holds thinking that the provider sends encrypted.
    """

    text: str
    signature: str | None = None
    redacted: str | None = None


class ToolCall(Struct, frozen=True):
    """A call that the model wants made.  ``arguments`` is JSON text just as it came, possibly cut short."""

    id: str
    name: str
    arguments: str
    signature: str | None = None
    cache: CacheMark | None = None


class ToolResult(Struct, frozen=True):
    """What a tool answered to the call ``call_id``."""

    call_id: str
    text: str
    name: str = ""
    is_error: bool = False
    cache: CacheMark | None = None
    duration_ms: int | None = None
    """How long the call took, where we made it."""


Part: TypeAlias = Text | Image | Reasoning | ToolCall | ToolResult


class Message(Struct, frozen=True):
    """One turn of one speaker."""

    role: Role
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, role: Role, text: str) -> Message:
        """A message that is text alone."""
        return cls(role, (Text(text),))

    @property
    def text(self) -> str:
        """The text parts, joined: what is searched, counted and shown."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def said(self) -> str:
        """The text without that of files: what the person wrote, or may write anew."""
        return "".join(part.text for part in self.parts if isinstance(part, Text) and part.name is None)

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures, in order."""
        return tuple(part for part in self.parts if isinstance(part, Image))


def part_to_json(part: Part) -> dict[str, Any]:
    """One part as a JSON object; fields at their default are left out."""
    match part:
        case Text(text, name):
            return {"type": "text", "text": text} | _given(name=name)
        case Image(media_type, data, url, name):
            body: dict[str, Any] = {"type": "image", "media_type": media_type}
            body |= {"data": base64.b64encode(data).decode("ascii")} if data else {}
            return body | _given(url=url, name=name)
        case Reasoning(text, signature, redacted):
            return {"type": "reasoning", "text": text} | _given(signature=signature, redacted=redacted)
        case ToolCall(id, name, arguments, signature):
            return {"type": "tool_call", "id": id, "name": name, "arguments": arguments} | _given(signature=signature)
        case ToolResult(call_id, text, name, is_error):
            body = {"type": "tool_result", "call_id": call_id, "text": text}
            return body | _given(name=name or None, is_error=is_error or None, ms=part.duration_ms)
        case _:
            assert_never(part)


def part_from_json(body: Mapping[str, Any]) -> Part:
    """The part that `part_to_json` wrote.  Raises `ValueError` that says what is wrong with it."""
    try:
        match body["type"]:
            case "text":
                return Text(_string(body, "text"), body.get("name"))
            case "image":
                data = base64.b64decode(body.get("data", ""), validate=True)
                return Image(_string(body, "media_type"), data, body.get("url"), body.get("name"))
            case "reasoning":
                return Reasoning(_string(body, "text"), body.get("signature"), body.get("redacted"))
            case "tool_call":
                arguments = _string(body, "arguments")
                return ToolCall(_string(body, "id"), _string(body, "name"), arguments, body.get("signature"))
            case "tool_result":
                text = _string(body, "text")
                took = body.get("ms") if isinstance(body.get("ms"), int) else None
                failed = bool(body.get("is_error"))
                return ToolResult(_string(body, "call_id"), text, body.get("name", ""), failed, duration_ms=took)
            case other:
                raise ValueError(f"unknown kind of message part: {other!r}")
    except KeyError as error:
        raise ValueError(f"a message part lacks {error}") from None
    except (TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(f"a message part is malformed: {type(error).__name__}") from None


def parts_to_json(parts: Iterable[Part]) -> str:
    """Parts as the JSON text of the database's ``message.parts``."""
    return json.dumps([part_to_json(part) for part in parts], ensure_ascii=False, separators=(",", ":"))


def parts_from_json(text: str) -> tuple[Part, ...]:
    """The parts in a ``message.parts``.  Raises `ValueError`."""
    try:
        body = json.loads(text)
    except RecursionError:
        raise ValueError("message parts are nested too deeply") from None
    if not isinstance(body, list):
        raise ValueError("message parts must be a JSON list")
    return tuple(part_from_json(part) for part in body)


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _string(body: Mapping[str, Any], field: str) -> str:
    value = body[field]
    if not isinstance(value, str):
        raise ValueError(f"{field} of a message part must be text, not {type(value).__name__}")
    return value
