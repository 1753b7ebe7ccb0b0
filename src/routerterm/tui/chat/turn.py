"""An answer that is running, what was asked for it, and who is told what becomes of it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

from msgspec import Struct, field
from textual.worker import Worker

from routerterm.core.errors import OverBudget
from routerterm.core.events import Event
from routerterm.core.messages import Part

if TYPE_CHECKING:
    from routerterm.core.request import Params
    from routerterm.engine.chat.reply import RunningReply
    from routerterm.engine.chat.session import Session
    from routerterm.tui.chat.attachment_files import Attached

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
    over_budget: OverBudget | None = None

    @property
    def rate(self) -> float | None:
        """Pieces per second since the first one, as a measure of tokens."""
        elapsed = time.monotonic() - self.first_at if self.first_at else 0.0
        return self.pieces / elapsed if elapsed > 0.5 else None
