"""What the store answers with: frozen rows.  Times are milliseconds since the epoch, UTC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from msgspec import Struct, field

from routerterm.core.messages import Message, Part, Role, Text, parts_from_json

if TYPE_CHECKING:
    import sqlite3

Status: TypeAlias = Literal["streaming", "done", "stopped", "cut", "error", "interrupted"]
"""``stopped`` by the person; ``cut`` by the line or the provider; ``interrupted`` by the death of the program."""
STATUSES: tuple[Status, ...] = get_args(Status)
EDITED = "edited"
"""Where an answer's ``params`` say that a person has worded it."""


class Filter(Struct, frozen=True):
    """Which conversations to list."""

    archived: bool = False
    deleted: bool = False
    tag: str | None = None
    title: str = ""
    """Only titles that contain this, whatever the case."""
    project: str | None = None
    """Only those of this folder's project."""


class Conversation(Struct, frozen=True):
    """A conversation without its messages.  ``head_id`` is the leaf of the branch that is shown."""

    id: str
    title: str
    model: str | None
    created_at: int
    updated_at: int
    head_id: str | None = None
    system: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    pinned: bool = False
    archived: bool = False
    private: bool = False
    draft: str = ""
    tags: tuple[str, ...] = ()
    deleted_at: int | None = None
    project: str | None = None
    """The folder of its project."""


class StoredMessage(Struct, frozen=True):
    """A message where it stands in its tree: number ``sibling`` (from 1) of ``siblings`` under its parent."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    parts: tuple[Part, ...]
    text: str
    status: Status
    model: str | None
    params: Mapping[str, Any]
    created_at: int
    finished_at: int | None
    pinned: bool = False
    sibling: int = 1
    siblings: int = 1

    @property
    def message(self) -> Message:
        """What the router is sent of it."""
        return Message(self.role, self.parts)


class Page(Struct, frozen=True):
    """A stretch of a branch, oldest first.  ``earlier`` says whether more stands before it."""

    messages: tuple[StoredMessage, ...]
    earlier: bool


class Node(Struct, frozen=True):
    """A message in the sketch of a tree: its first words, and what its attempts cost.

    ``cost_nanousd`` is None where nothing was paid for; ``cost_unknown`` says that an attempt has no known cost.
    """

    id: str
    parent_id: str | None
    role: Role
    status: Status
    model: str | None
    created_at: int
    preview: str
    cost_nanousd: int | None = None
    cost_unknown: bool = False


def conversation_of(row: sqlite3.Row) -> Conversation:
    """A row of ``conversation``."""
    return Conversation(
        id=row["id"],
        title=row["title"] or "",
        model=row["model"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        head_id=row["head_id"],
        system=row["system"],
        params=json_object(row["params"]),
        pinned=bool(row["pinned"]),
        archived=bool(row["archived"]),
        private=bool(row["private"]),
        draft=row["draft"] or "",
        tags=_tags(row["tags"]),
        deleted_at=row["deleted_at"],
        project=row["project"],
    )


def message_of(row: sqlite3.Row, sibling: int = 1, siblings: int = 1) -> StoredMessage:
    """A row of ``message``; parts that cannot be read fall back to its plain text."""
    return StoredMessage(
        id=row["id"],
        conversation_id=row["conversation_id"],
        parent_id=row["parent_id"],
        role=row["role"],
        parts=_parts(row["parts"], row["text"] or ""),
        text=row["text"] or "",
        status=row["status"],
        model=row["model"],
        params=json_object(row["params"]),
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        pinned=bool(row["pinned"]),
        sibling=sibling,
        siblings=siblings,
    )


def json_object(text: str | None) -> Mapping[str, Any]:
    """The JSON object in a column; empty where there is none, or where a hand has broken it."""
    try:
        body = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def to_json(value: object) -> str:
    """A value for a JSON column."""
    return replace_surrogates(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def replace_surrogates(text: str) -> str:
    """The text as it can be written: halves of surrogate pairs, which are no characters, become U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _parts(body: str, text: str) -> tuple[Part, ...]:
    try:
        parts = parts_from_json(body)
    except ValueError:
        parts = ()
    return parts or ((Text(text),) if text else ())


def _tags(text: str | None) -> tuple[str, ...]:
    try:
        tags = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return ()
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
