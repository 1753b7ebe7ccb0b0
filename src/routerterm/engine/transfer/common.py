"""What importers of other programs' exports share: ids made from theirs, times, the chain of a tree."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from routerterm.core.ids import ulid
from routerterm.core.messages import Message, Part, Role, Text
from routerterm.engine.chat.title import title_of
from routerterm.store.transfer import ConversationBundle
from routerterm.store.values import Conversation, StoredMessage


@dataclass(slots=True)
class Skipped:
    """What was left out, and how often, by reason."""

    reasons: Counter[str] = field(default_factory=Counter)

    def note(self, reason: str) -> None:
        """One more thing left out for that reason."""
        self.reasons[reason] += 1


@dataclass(frozen=True, slots=True)
class ImportedMessage:
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
    """A time as another program writes it: seconds, or ISO 8601."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
            value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return default
        return min(max(0, int(value * 1000)), (1 << 47) - 1)
    except (ValueError, OverflowError):
        return default


def texts(*pieces: str) -> tuple[Part, ...]:
    """Text parts of what is not empty."""
    return tuple(Text(piece) for piece in pieces if piece)


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
) -> ConversationBundle | None:
    """A conversation of ours from one of theirs; None if nothing was said in it.  Parents must come first."""
    if not said:
        return None
    created = created or said[0].at
    id = own_id(program, theirs, created)
    names = {one.id: own_id(program, f"{theirs}\0{one.id}", one.at) for one in said}
    messages = tuple(
        StoredMessage(
            id=names[one.id],
            conversation_id=id,
            parent_id=names.get(one.parent) if one.parent else None,
            role=one.role,
            parts=one.parts,
            text=Message(one.role, one.parts).text,
            status="done",
            model=one.model,
            params={},
            created_at=one.at,
            finished_at=one.at,
        )
        for one in said
    )
    first = next((message.text for message in messages if message.role == "user"), "")
    conversation = Conversation(
        id=id,
        title=title.strip() or title_of(first),
        model=model,
        created_at=created,
        updated_at=max(updated, created, *(one.at for one in said)),
        head_id=names.get(head) if head else None,
        system=system,
        archived=archived,
        tags=(program,),
    )
    if conversation.head_id is None:
        conversation = replace(conversation, head_id=messages[-1].id)
    return ConversationBundle(conversation, messages)
