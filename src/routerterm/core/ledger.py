"""The values of the book of spending: one row per attempt, and the caps that it is held against.

Metadata only: no row ever holds text that was asked or answered.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from routerterm.core.money import CostSource

Outcome: TypeAlias = Literal["running", "done", "failed", "cut", "cancelled", "lost"]
"""``cancelled``: by the person, or the loser of a hedge; ``lost``: the program died during the attempt."""
Basis: TypeAlias = Literal["reserved", "estimated", "reported"]
"""What a row's numbers rest on: the high end held back before sending, our count, or the provider's."""
Cause: TypeAlias = Literal["first", "retry", "failover", "hedge"]
"""Why an attempt was made: it is the request's first; the same model was asked once more after a failure; another was;
another was asked beside one that was slow to begin."""
CapScope: TypeAlias = Literal[
    "request", "day", "month", "route", "provider", "model", "conversation", "project", "client"
]
CapUnit: TypeAlias = Literal["usd", "requests", "tokens"]
ONE_ANSWER = "answer"
"""The ``value`` of a cap on a request that is what the person set for all of an answer with tools."""


class AttemptRecord(Struct, frozen=True):
    """One row of the ledger (the ``attempt`` table).  Times are milliseconds; ``started_at`` since the epoch, UTC.

    Every token stands in exactly one column, as in `Usage`: ``input_tokens`` is without those of the cache.
    """

    id: str
    n: int
    client: str
    route: str
    provider: str
    model: str
    started_at: int
    message_id: str | None = None
    conversation_id: str | None = None
    key_label: str | None = None
    outcome: Outcome = "running"
    error_class: str | None = None
    http_status: int | None = None
    ttft_ms: int | None = None
    duration_ms: int | None = None
    input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_source: Basis = "reserved"
    cost_nanousd: int | None = None
    cost_source: CostSource | None = None
    price_date: str | None = None
    saved_nanousd: int | None = None
    """What the provider's prompt cache saved, at the prices of then."""
    step: int | None = None
    """Which request of an answer with tools this is, from 1."""
    tool: str | None = None
    """The names of the tools whose results it took along, never their arguments."""
    cached: bool = False
    """Whether the answer came from the gateway's own memory: nobody was asked, and it cost nothing."""
    cause: Cause | None = None
    """None is not known: the first where ``n`` is 1, else it counts as a failover."""
    held_nanousd: int | None = None
    """Where the cost turned out to be unknown: what was held back for it, which goes on counting against caps."""
    ranked: str | None = None
    """Of a request's first attempt: whom the policy had to choose from, ``provider/model`` a line, in its order."""


class Cap(Struct, frozen=True):
    """A limit on what the ledger's rows may add up to.

    Rows count from ``since`` (milliseconds since the epoch), and of a route, provider, model
    (``provider/model``), conversation, project (its folder) or client only those that are of ``value``.  ``limit`` is
    nano-USD, requests or tokens.
    """

    scope: CapScope
    unit: CapUnit
    limit: int
    since: int = 0
    value: str | None = None


class CapReached(Struct, frozen=True):
    """The cap that a request would break, and what is used of it, reservations included."""

    cap: Cap
    used: int
    wanted: int
