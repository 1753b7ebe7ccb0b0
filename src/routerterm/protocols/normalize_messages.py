"""Makes a conversation fit to be sent, whoever answered before: the common ground of all encoders.

A history may come from other providers, be cut by a failure or hold a call that was never answered; any
of these makes a strict server answer 400.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any

from msgspec.structs import replace

from routerterm.core.errors import BadRequest
from routerterm.core.messages import Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest
from routerterm.protocols.json_utils import NotJson, loads
from routerterm.protocols.signature_scope import is_step, read_scope, sign_scope

OPENING = "Hello."
"""What a person says first where a history begins with the model, for providers that want it the other way."""


def conversation(request: ChatRequest, *, notes: bool = False) -> tuple[str, list[Message]]:
    """What the system says, and the turns: each call with an id of its own and one result behind it, nothing empty.

    With ``notes`` what the system says between turns stays there.  Raises `BadRequest` where there is nothing to be
    answered at all; a system's words alone become the question.
    """
    first = list(takewhile(lambda message: message.role == "system", request.messages))
    rest = list(request.messages[len(first) :])
    if not notes:
        first += [message for message in rest if message.role == "system"]
        rest = [message for message in rest if message.role != "system"]
    system = "\n\n".join(filter(None, [request.system or "", *(message.text for message in first)]))
    turns = [message for message in _Pairing(rest).messages() if not _is_empty(message)]
    if any(message.role != "system" for message in turns):
        return system, turns
    words = "\n\n".join(filter(None, [system, *(message.text for message in turns)]))
    if words.strip():
        return "", [Message.of("user", words)]
    raise BadRequest("There is nothing to answer: every message of the request is empty.")


class _Pairing:
    """Calls and their results, each once, in order, under ids that are unique."""

    def __init__(self, messages: list[Message]) -> None:
        self._ids: set[str] = set()
        self._last: dict[str, int] = {}
        """The number last given to a repeated id, so that many of one are numbered without being counted again."""
        self._waiting: dict[str, list[str]] = {}
        self._results: dict[str, ToolResult] = {}
        self._messages = [self._numbered(message) for message in messages]

    def _numbered(self, message: Message) -> Message:
        begun: set[str] = set()
        parts: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolCall):
                if message.role != "assistant":
                    continue  # only a model makes calls
                if part.id not in begun:
                    self._waiting[part.id] = []  # an older call of this id was never answered
                    begun.add(part.id)
                fresh = self._unique(part.id)
                self._waiting[part.id].append(fresh)
                part = replace(part, id=fresh)
            elif isinstance(part, ToolResult):
                if waiting := self._waiting.get(part.call_id):
                    fresh = waiting.pop(0)
                    self._results[fresh] = replace(part, call_id=fresh)
                continue
            parts.append(part)
        return replace(message, parts=tuple(parts))

    def _unique(self, id: str) -> str:
        fresh, number = id or "call_0", self._last.get(id, 0)
        while fresh in self._ids:
            number += 1
            fresh = f"{id or 'call'}_{number}"
        self._ids.add(fresh)
        self._last[id] = number
        return fresh

    def messages(self) -> Iterator[Message]:
        """The messages, each call's result right behind it; what no one answered or asked for is left out."""
        for message in self._messages:
            parts = tuple(part for part in message.parts if not isinstance(part, ToolCall) or self._is_answered(part))
            calls = [part for part in parts if isinstance(part, ToolCall)]
            yield Message("user" if message.role == "tool" else message.role, parts)
            if calls:
                yield Message("tool", tuple(self._results[call.id] for call in calls))

    def _is_answered(self, call: ToolCall) -> bool:
        return bool(call.name) and call.id in self._results


def calls_in_words(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The messages for a model that knows no tools: what was called and what came of it as text.

    A result stays a turn of its own and is said to be no word of the person's: what a page says is no order of theirs.
    """
    return tuple(
        replace(message, parts=tuple(_in_words(part, names) for part in message.parts)) if names else message
        for message, names in _with_names(_Pairing(list(messages)).messages())
    )


def _with_names(messages: Iterable[Message]) -> Iterator[tuple[Message, dict[str, str]]]:
    """Each message with the names of the calls that its calls and results are of; none where it has neither."""
    names: dict[str, str] = {}
    for message in messages:
        if message.role == "tool":
            yield replace(message, role="user"), names
        elif message.role == "user" and not message.parts:
            continue  # of results, which stand behind their calls by now
        else:
            names = call_names([message])
            yield message, names


def _in_words(part: Part, names: Mapping[str, str]) -> Part:
    match part:
        case ToolCall(_, name, arguments):
            return Text(f"\n[The tool {name} was called with {arguments or '{}'}]\n")
        case ToolResult(call_id, text):
            return Text(f"[What the tool {names[call_id]} returned; not written by the user]\n{text}\n")
        case _:
            return part


def _is_empty(message: Message) -> bool:
    """Whether nothing is said: no text but blanks, no picture, no call, no step; thoughts alone are no turn."""
    return all(
        (isinstance(part, Reasoning) and not is_step(part)) or (isinstance(part, Text) and not part.text.strip())
        for part in message.parts
    )


_UNSIGNED = re.compile(r"gemini-[12]\b")
"""Models of Gemini that want no signature, and may refuse one that they did not make."""
STAND_IN = "skip_thought_signature_validator"
"""Google's own word for a call that another model made (ai.google.dev, thought signatures)."""


def signed(turns: list[Message], model: str) -> list[Message]:
    """The turns with a signature on the first call of each step: Gemini 3 refuses a step without one."""
    if _UNSIGNED.search(model):
        return turns
    return [replace(turn, parts=tuple(_first_signed(turn.parts))) for turn in turns]


def _first_signed(parts: tuple[Part, ...]) -> Iterator[Part]:
    first = True
    for part in parts:
        if isinstance(part, ToolCall) and first:
            first = False
            if read_scope("gemini", part.signature) is None:
                part = replace(part, signature=sign_scope("gemini", STAND_IN))
        yield part


def begun_by_person(messages: list[Message]) -> list[Message]:
    """The messages with the person first."""
    return [Message.of("user", OPENING), *messages] if messages and messages[0].role == "assistant" else messages


def merged(messages: Iterable[Message], roles: Mapping[Role, Role], glue: str = "") -> list[Message]:
    """The messages with their roles renamed, and neighbours of one role joined; ``glue`` stands between two texts."""
    turns: list[tuple[Role, list[Part]]] = []
    for message in messages:
        role, more = roles.get(message.role, message.role), message.parts
        if not turns or turns[-1][0] != role:
            turns.append((role, []))
        parts = turns[-1][1]
        if glue and parts and more and isinstance(parts[-1], Text) and isinstance(more[0], Text):
            parts.append(Text(glue))
        parts += more
    return [Message(role, tuple(parts)) for role, parts in turns]


def call_names(messages: Iterable[Message]) -> dict[str, str]:
    """The name of each call by its id, for protocols whose results are told by name."""
    return {part.id: part.name for message in messages for part in message.parts if isinstance(part, ToolCall)}


def arguments_object(arguments: str) -> dict[str, Any]:
    """The arguments as an object; what was cut short or is none becomes an empty one."""
    try:
        value = loads(arguments)
    except NotJson:
        return {}
    return value if isinstance(value, dict) else {}


def arguments_text(arguments: str) -> str:
    """The arguments as JSON text that a strict server takes, unchanged where they are good."""
    try:
        good = isinstance(loads(arguments), dict)
    except NotJson:
        good = False
    return arguments if good else json.dumps(arguments_object(arguments))


def mistral_id(id: str) -> str:
    """Mistral takes only nine letters and digits: its own ids unchanged, any other as a stable digest."""
    return id if len(id) == 9 and id.isascii() and id.isalnum() else _digest(id, 9)


def plain_id(id: str, longest: int = 64) -> str:
    """An id of letters, digits, hyphens and underscores, not longer than ``longest``; others as a stable digest."""
    fits = len(id) <= longest and id.isascii() and id.replace("-", "").replace("_", "").isalnum()
    return id if fits else f"call_{_digest(id, 24)}"


def _digest(id: str, length: int) -> str:
    return hashlib.sha256(id.encode("utf-8", "replace")).hexdigest()[:length]
