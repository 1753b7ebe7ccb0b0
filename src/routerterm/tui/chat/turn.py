"""An answer that is running, what was asked for it, and who is told what becomes of it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field
from textual.worker import Worker

from routerterm.core.errors import OverBudget
from routerterm.core.events import Event
from routerterm.core.files import Attached, Draft
from routerterm.core.messages import Part
from routerterm.engine.chat.params import params_to_json

if TYPE_CHECKING:
    from routerterm.core.request import Params
    from routerterm.engine.chat.reply import RunningReply
    from routerterm.engine.chat.session import Session

Ask = Callable[[], AsyncGenerator[Event]]
PENDING = "pending"
"""The id of a question that is not yet on disk."""


class Asked(Struct, frozen=True):
    """What a person sent: words and files."""

    text: str
    files: tuple[Attached, ...] = ()
    model: str = ""
    """Who is asked, where it is not the conversation's model."""
    params: Params | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """The files as parts of a message."""
        return tuple(file.part for file in self.files)

    @property
    def draft(self) -> Draft:
        """The same, to be kept while it is not asked."""
        params = params_to_json(self.params) if self.params is not None else None
        return Draft(self.text, self.files, self.model, params)


def joined(asked: Sequence[Asked]) -> Asked:
    """Several as the one message in which they come back, for the first of those who were named to answer."""
    text = "\n\n".join(filter(None, (each.text for each in asked)))
    files = tuple(file for each in asked for file in each.files)
    who = next((each for each in asked if each.model or each.params is not None), Asked(""))
    return Asked(text, files, who.model, who.params)


class Turn(Struct, eq=False):
    """An answer that is running."""

    session: Session
    ask: Ask
    question: Asked | None
    """What to give back to the composer if the disk does not take it."""
    model: str = ""
    earlier: RunningReply | None = None
    """The session's answer before this one: it stays there until this one is written down."""
    worker: Worker[None] | None = None
    begun: bool = False
    stopped: bool = False
    """Whether the person has stopped it."""
    started: float = field(default_factory=time.monotonic)
    first_at: float | None = None
    pieces: int = 0
    note: str = "choosing a model…"
    shown: str | None = None
    """The id under which the transcript shows the answer."""
    queue: list[Asked] = field(default_factory=list)
    """What is asked when this has ended."""
    over_budget: OverBudget | None = None

    @property
    def unasked(self) -> tuple[Asked, ...]:
        """What was sent and is not on disk as a question yet: the one that this turn asks, and the queue behind it."""
        is_written = self.shown is not None or self.session.reply is not self.earlier
        return (*(() if is_written or self.question is None else (self.question,)), *self.queue)

    @property
    def rate(self) -> float | None:
        """Pieces per second since the first one, as a measure of tokens."""
        elapsed = time.monotonic() - self.first_at if self.first_at else 0.0
        return self.pieces / elapsed if elapsed > 0.5 else None
