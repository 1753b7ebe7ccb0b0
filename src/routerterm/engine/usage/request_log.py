"""Requests of other programs, as a screen shows them while they run and after: never a word of what was said."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Literal, TypeAlias

from msgspec import Struct

Ending: TypeAlias = Literal["running", "done", "error", "gone", "denied"]
"""``gone``: the client hung up; ``denied``: turned away before the router was asked."""

KEPT = 500


class RequestEntry(Struct):
    """One request.  Times are milliseconds."""

    number: int
    started_at: int
    """Since the epoch, UTC."""
    client: str
    """The client's name: that of its key, or what it calls itself."""
    path: str
    asked: str = ""
    """The model or route that was asked for."""
    stream: bool = False
    ending: Ending = "running"
    status: int = 0
    answered: str = ""
    """``provider/model``."""
    attempts: int = 0
    fallback: bool = False
    cached: bool = False
    ttft_ms: int | None = None
    total_ms: int | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    estimated: bool = False
    cost: Decimal | None = None
    error: str = ""


class RequestLog:
    """The newest requests.  ``version`` moves with every change, so that a screen knows when to draw anew."""

    def __init__(self, kept: int = KEPT) -> None:
        self._rows: deque[RequestEntry] = deque(maxlen=kept)
        self._count = 0
        self.version = 0

    def open(self, started_at: int, client: str, path: str) -> RequestEntry:
        """A request has come."""
        self._count += 1
        row = RequestEntry(self._count, started_at, client, path)
        self._rows.append(row)
        self.version += 1
        return row

    def touch(self) -> None:
        """A row has changed."""
        self.version += 1

    def rows(self) -> tuple[RequestEntry, ...]:
        """The newest first."""
        return tuple(reversed(self._rows))
