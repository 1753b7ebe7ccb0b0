"""What a question in the outbox is: as a row that is read, and as one that is to be added."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from routerterm.core.ledger import AttemptRecord, Cap
from routerterm.core.messages import Message
from routerterm.store.values import Conversation

Mode: TypeAlias = Literal["online", "time", "off-peak", "batch"]
OutboxState: TypeAlias = Literal["waiting", "sending", "submitting", "submitted", "unsure", "done", "failed"]
OPEN = ("waiting", "sending", "submitting", "submitted", "unsure")


class Waiting(Struct, frozen=True):
    """A row.  Times are milliseconds since the epoch."""

    id: str
    conversation_id: str
    question_id: str
    model: str
    """What was asked for: a model or a route."""
    mode: Mode
    due_at: int
    state: OutboxState
    provider: str | None
    """Of a batch: whom it goes to."""
    target: str | None
    """``provider/model`` of a batch."""
    key_label: str | None
    job: str | None
    """The provider's name of the batch."""
    polled_at: int
    attempt_id: str | None
    """The ledger's row that holds the cost back."""
    note: str
    created_at: int
    batch: str | None
    """Our own name of the batch, by which the provider may be asked whether it has it."""
    held_answer: int | None
    """Tokens of an answer whose cost is held back."""
    unread: bool = False
    title: str = ""
    """Of the conversation."""
    text: str = ""
    """The beginning of the question."""


class NewQuestion(Struct, frozen=True):
    """A question that is to wait."""

    id: str
    question_id: str
    conversation: Conversation
    new: bool
    """The conversation is on no disk yet."""
    parent_id: str | None
    question: Message
    model: str
    mode: Mode
    due_at: int
    hold: AttemptRecord
    """What is held back, as a row of the ledger."""
    caps: Sequence[Cap] = ()
    provider: str | None = None
    target: str | None = None
    source: str | None = None
    """Where it comes from; one that is waiting already is not added again."""


SELECT = (
    "SELECT o.id, o.conversation_id, o.question_id, o.model, o.mode, o.due_at, o.state, o.provider, o.target,"
    " o.key_label, o.job, o.polled_at, o.attempt_id, o.note, o.created_at, o.batch, a.output_tokens, o.unread,"
    " coalesce(c.title, ''), substr(m.text, 1, 200) FROM outbox o JOIN conversation c ON c.id = o.conversation_id"
    " JOIN message m ON m.id = o.question_id LEFT JOIN attempt a ON a.id = o.attempt_id"
)
"""The columns of a `Waiting`, in its order."""

_UNREAD = Waiting.__struct_fields__.index("unread")


def waiting_of(row: sqlite3.Row) -> Waiting:
    """A row of `SELECT`."""
    values = list(row)
    values[_UNREAD] = bool(values[_UNREAD])
    return Waiting(*values)
