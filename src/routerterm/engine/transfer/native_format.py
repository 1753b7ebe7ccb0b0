"""Our own JSON: complete, versioned, the same bytes for the same conversations; read back it is what it was.

    {"format": "routerterm", "version": 1, "conversations": [
    {"id": …, "title": …, "messages": […], "attempts": […]},
    {…}
    ]}

One conversation stands on one line, so that a file of any size is written and read a line at a time.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from msgspec import NODEFAULT
from msgspec.structs import fields

from routerterm.core.ledger import AttemptRecord
from routerterm.core.messages import ROLES, part_from_json, part_to_json
from routerterm.core.money import MOST_NANO
from routerterm.core.usage import MOST_TOKENS
from routerterm.engine.transfer.common import LONGEST_NAME
from routerterm.engine.transfer.problems import BadArchive, Skipped
from routerterm.store.transfer import ConversationBundle
from routerterm.store.values import STATUSES, Conversation, StoredMessage

VERSION = 1
HEAD = '{"format": "routerterm", "version": 1, "conversations": ['
TAIL = "]}"
LATEST = 1 << 47
"""No time of day is later: some 4,000 years from the epoch, in milliseconds."""

_SHORT = frozenset({"id", "parent_id", "head_id", "model"})

T = TypeVar("T")


def write(conversations: Iterable[ConversationBundle]) -> Iterator[str]:
    """The file, a line at a time."""
    yield HEAD + "\n"
    for n, carried in enumerate(conversations):
        yield (",\n" if n else "") + line_of(carried)
    yield "\n" + TAIL + "\n"


def line_of(carried: ConversationBundle) -> str:
    """One conversation on one line."""
    return json.dumps(to_json(carried), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def to_json(carried: ConversationBundle) -> dict[str, Any]:
    """One conversation; what is as usual is left out."""
    body = _given(carried.conversation) | {"messages": [_message_to_json(message) for message in carried.messages]}
    attempts = [_given(attempt) for attempt in carried.attempts]
    return body | ({"attempts": attempts} if attempts else {})


def from_json(body: Any, skipped: Skipped | None = None) -> ConversationBundle:
    """The conversation in a JSON object.  Raises `BadArchive` that says what is wrong with it.

    Amounts of requests that cannot be true are left out; the conversation is what matters.
    """
    try:
        return _carried(body, skipped or Skipped())
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadArchive(f"A conversation in the file is malformed: {_words(error)}.") from None


def _carried(body: Any, skipped: Skipped) -> ConversationBundle:
    if not isinstance(body, dict):
        raise ValueError("it is not an object")
    id = _text(body, "id")
    messages = _whole_tree(tuple(_message(message, id) for message in body.get("messages", ())))
    conversation = Conversation(
        id=id,
        title=_text(body, "title", ""),
        model=_optional(body, "model"),
        created_at=_time(body["created_at"]),
        updated_at=_time(body["updated_at"]),
        head_id=_optional(body, "head_id"),
        system=_optional(body, "system"),
        params=_object(body, "params"),
        pinned=bool(body.get("pinned")),
        archived=bool(body.get("archived")),
        private=bool(body.get("private")),
        draft=_text(body, "draft", ""),
        tags=tuple(str(tag) for tag in body.get("tags", ())),
    )
    attempts = tuple(_attempt(each, id, skipped) for each in body.get("attempts", ()))
    return ConversationBundle(conversation, messages, attempts)


def _message(body: Mapping[str, Any], conversation_id: str) -> StoredMessage:
    parts = tuple(part_from_json(part) for part in body.get("parts", ()))
    return StoredMessage(
        id=_text(body, "id"),
        conversation_id=conversation_id,
        parent_id=_optional(body, "parent_id"),
        role=_one_of(body["role"], ROLES),
        parts=parts,
        text="",
        status=_one_of(body.get("status", "done"), STATUSES),
        model=_optional(body, "model"),
        params=_object(body, "params"),
        created_at=_time(body["created_at"]),
        finished_at=None if body.get("finished_at") is None else _time(body["finished_at"]),
        pinned=bool(body.get("pinned")),
    )


def _message_to_json(message: StoredMessage) -> dict[str, Any]:
    body: dict[str, Any] = {"id": message.id, "role": message.role, "created_at": message.created_at}
    body["parts"] = [part_to_json(part) for part in message.parts]
    for name in ("parent_id", "model", "finished_at"):
        if (value := getattr(message, name)) is not None:
            body[name] = value
    if message.status != "done":
        body["status"] = message.status
    if message.params:
        body["params"] = dict(message.params)
    return body | ({"pinned": True} if message.pinned else {})


def _attempt(body: Mapping[str, Any], conversation_id: str, skipped: Skipped) -> AttemptRecord:
    known = set(AttemptRecord.__struct_fields__)
    values = {name: value for name, value in body.items() if name in known}
    for name, value in values.items():
        if not isinstance(value, (str, int, type(None))) or (isinstance(value, bool) and name != "cached"):
            raise ValueError(f"{name} of an attempt is neither text nor a whole number")
    amounts = [name for name in values if name.endswith(("_tokens", "_ms", "_nanousd")) or name in ("n", "http_status")]
    for name in amounts:
        most = MOST_NANO if name.endswith("_nanousd") else MOST_TOKENS
        least = -most if name == "saved_nanousd" else 0
        possible = isinstance(values[name], int) and least <= values[name] <= most
        if not possible and values.pop(name) is not None:  # an impossible amount is one that nobody reported
            skipped.note("impossible amounts in records of requests", name)
    values |= {"n": values.get("n", 1), "started_at": _time(values.get("started_at"))}
    return AttemptRecord(**values | {"conversation_id": conversation_id})


def _given(value: Conversation | AttemptRecord) -> dict[str, Any]:
    """The fields that are not at their default, a deleted conversation's state among them left out."""
    body = {}
    for field in fields(value):
        held = getattr(value, field.name)
        if field.name == "deleted_at" or held is None or (field.default is not NODEFAULT and held == field.default):
            continue
        if isinstance(held, tuple | Mapping):
            if held:
                body[field.name] = list(held) if isinstance(held, tuple) else dict(held)
        else:
            body[field.name] = held
    return body


def _whole_tree(messages: tuple[StoredMessage, ...]) -> tuple[StoredMessage, ...]:
    """The messages with parents before their children; what is in a circle or names a stranger is refused."""
    ids = {message.id for message in messages}
    if len(ids) != len(messages):
        raise ValueError("a message appears twice")
    placed: set[str | None] = {None}
    for message in messages:
        if message.parent_id not in placed:
            known = message.parent_id in ids
            raise ValueError("a message comes before its parent" if known else "a message's parent is missing")
        placed.add(message.id)
    return messages


def _one_of(value: T, allowed: Iterable[T]) -> T:
    if value not in allowed:
        raise ValueError(f"{value!r} is not one of {', '.join(map(str, allowed))}")
    return value


def _time(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a time is not a number")
    if not 0 <= value < LATEST:
        raise ValueError("a time is out of range")
    return int(value)


def _text(body: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = body[name] if default is None else body.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise ValueError(f"{name} is not text")
    if name in _SHORT and len(value) > LONGEST_NAME:
        raise ValueError(f"{name} is longer than {LONGEST_NAME} letters")
    return value


def _optional(body: Mapping[str, Any], name: str) -> str | None:
    return None if body.get(name) is None else _text(body, name, "")


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not an object")
    return value


def _words(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else (str(error) or type(error).__name__)
