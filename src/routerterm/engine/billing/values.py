"""What a bill says, whatever provider wrote it, and the errors of reading one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

from msgspec import Struct

from routerterm.core.errors import RoutertermError

TokenClass: TypeAlias = Literal["input", "cache read", "cache write", "output"]
"""As in the ledger: every token is of one class, and ``input`` is without those of the cache."""
MOST_TOKENS = 10**15
"""No line of a bill has more: a larger number is a mistake, and is refused."""


class BadBill(RoutertermError):
    """The file is no export that can be read."""

    exit_code = 2


class BillLine(Struct, frozen=True):
    """What one line of an export says of one class of tokens of one model, or of costs alone."""

    first: date
    last: date
    """The same as ``first`` but where a line sums up several days."""
    model: str
    """As the bill names it; empty where it names none."""
    kind: TokenClass | None = None
    """None: the tokens are of no class that a chat uses (pictures, audio, storage), or the line has none."""
    tokens: int | None = None
    cost: Decimal | None = None
    batch: bool = False
    """At the price of a batch."""


class Bill(Struct, frozen=True):
    """A whole export."""

    provider: str
    """In the catalogue's words: ``gemini``, not Google."""
    form: str
    """For a person: ``OpenAI usage export``."""
    lines: tuple[BillLine, ...]
    currency: str = "USD"
    zone: str = "UTC"
    """Whose days the bill counts."""
    notes: tuple[str, ...] = ()
    """What was left out, as sentences."""
