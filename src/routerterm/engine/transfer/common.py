"""What importers of other programs' exports share: ids made from theirs, times, the chain of a tree."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.ids import ulid, ulid_time
from routerterm.core.messages import Image, Message, Part, Role, Text
from routerterm.core.redact import secret_redactor
from routerterm.engine.chat.title import title_of
from routerterm.engine.transfer.problems import Skipped as Skipped
from routerterm.store.transfer import ConversationBundle
from routerterm.store.values import Conversation, StoredMessage

EARLIEST = 631_152_000_000
"""No conversation with a model is older (1990, in milliseconds): an earlier time stands for one that is not known."""
LONGEST_NAME = 256
"""Letters of an identifier from outside."""


class ImportedMessage(Struct, frozen=True):
    """A message of another program, its ids still that program's own."""

    id: str
    parent: str | None
    role: Role
    parts: tuple[Part, ...]
    at: int
    model: str | None = None


def own_id(program: str, theirs: str, at: int = 0) -> str:
    """Our id for something of another program: always the same, so that importing twice writes once."""
    return ulid(max(0, at), hashlib.sha256(f"{program}\0{theirs}".encode("utf-8", "replace")).digest()[:10])


def milliseconds(value: Any, default: int = 0) -> int:
    """A time as another program writes it: ISO 8601, or seconds, milli-, micro- or nanoseconds since the epoch.

    The unit of a number is told by its size: seconds have ten digits for 300 years, each finer unit three more.
    """
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            moment = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
            value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        elif isinstance(value, str):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return default
        for finer in range(3):
            if value < _SECONDS_END * 1000**finer:
                return max(0, int(value * 1000) if finer == 0 else int(value // 1000 ** (finer - 1)))
        return min(int(value // 1_000_000), (1 << 47) - 1)
    except (ValueError, OverflowError):
        return default


_SECONDS_END = 1e11
"""Seconds until the year 5138; as milliseconds the number means March 1973."""
_BACKTICKS = re.compile(r"`{3,}")


def texts(*pieces: str) -> tuple[Part, ...]:
    """Text parts of what is not empty."""
    return tuple(Text(piece) for piece in pieces if piece)


def fenced(text: str, language: str = "") -> str:
    """The text as a block of code, between fences that nothing in it can end."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def image_of(source: Any) -> Image | None:
    """A picture that stands in the export as base64, with its type; None where there is none."""
    if not isinstance(source, dict) or not text_of(source.get("media_type")).startswith("image/"):
        return None
    try:
        data = base64.b64decode(text_of(source.get("data")), validate=True)
    except ValueError:
        return None
    return Image(source["media_type"], data) if data else None


def text_of(value: Any) -> str:
    """The value where it is text; empty for anything else."""
    return value if isinstance(value, str) else ""


def fallback_id(title: str, said: Sequence[ImportedMessage]) -> str:
    """An id for a conversation whose export gives none: made from how it begins, so that it stays as it grows."""
    first = said[0] if said else None
    opening = Message(first.role, first.parts).text if first else ""
    return hashlib.sha256("\0".join((title, first.id if first else "", opening)).encode("utf-8", "replace")).hexdigest()


def salted(carried: ConversationBundle, salt: str) -> ConversationBundle:
    """The same conversation under other ids, for two databases that count their conversations from 1."""

    def other(theirs: str) -> str:
        return own_id("salted", f"{salt}\0{theirs}", ulid_time(theirs))

    messages = tuple(
        replace(
            message,
            id=other(message.id),
            conversation_id=other(message.conversation_id),
            parent_id=other(message.parent_id) if message.parent_id else None,
        )
        for message in carried.messages
    )
    conversation = carried.conversation
    head = other(conversation.head_id) if conversation.head_id else None
    return replace(
        carried, conversation=replace(conversation, id=other(conversation.id), head_id=head), messages=messages
    )


def dated(carried: ConversationBundle, now: int) -> ConversationBundle:
    """The same with a time for everything: what has none was said when the one before it was, or else ``now``."""
    conversation = carried.conversation
    times = [conversation.created_at, *(message.created_at for message in carried.messages)]
    at = next((time for time in times if time >= EARLIEST), now)
    messages = []
    for message in carried.messages:
        at = message.created_at if message.created_at >= EARLIEST else at
        messages.append(replace(message, created_at=at, finished_at=at))
    created = conversation.created_at if conversation.created_at >= EARLIEST else messages[0].created_at
    updated = max(conversation.updated_at, created, *(message.created_at for message in messages))
    conversation = replace(conversation, created_at=created, updated_at=updated)
    return replace(carried, conversation=conversation, messages=tuple(messages))


def carry(
    program: str,
    theirs: str,
    title: str,
    said: Sequence[ImportedMessage],
    *,
    head: str | None = None,
    model: str | None = None,
    created: int = 0,
    updated: int = 0,
    archived: bool = False,
    system: str | None = None,
    pinned: bool = False,
) -> ConversationBundle | None:
    """A conversation of ours from one of theirs; None if nothing was said in it.  Parents must come first.

    Times that are not known stay 0; see `dated`.
    """
    if not said:
        return None
    theirs = theirs or fallback_id(title, said)
    first_at = created or said[0].at
    id = own_id(program, theirs, first_at)
    names: dict[str, str] = {}
    messages: list[StoredMessage] = []
    for one in said:
        parent = names.get(one.parent) if one.parent else None
        twice = f"\0{len(messages)}" if one.id in names else ""
        names[one.id] = own_id(program, f"{theirs}\0{one.id}{twice}", one.at)
        messages.append(_message(one, names[one.id], id, parent))
    first = next((message.text for message in messages if message.role == "user"), "")
    conversation = Conversation(
        id=id,
        title=secret_redactor(" ".join(title.split())) or title_of(first),
        model=clipped(model),
        created_at=first_at,
        updated_at=max(updated, first_at, *(one.at for one in said)),
        head_id=names.get(head, messages[-1].id) if head else messages[-1].id,
        system=system,
        archived=archived,
        pinned=pinned,
        tags=(program,),
    )
    return ConversationBundle(conversation, tuple(messages), foreign=True)


def clipped(name: str | None) -> str | None:
    """A name of a model, no longer than any real one."""
    return name[:LONGEST_NAME] if name else None


def _message(one: ImportedMessage, id: str, conversation_id: str, parent: str | None) -> StoredMessage:
    return StoredMessage(
        id=id,
        conversation_id=conversation_id,
        parent_id=parent,
        role=one.role,
        parts=one.parts,
        text=Message(one.role, one.parts).text,
        status="done",
        model=clipped(one.model),
        params={},
        created_at=one.at,
        finished_at=one.at,
    )
