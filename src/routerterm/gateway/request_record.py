"""What one request came to: for the list of requests, the metrics, the headers and the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from routerterm.core.errors import RoutertermError
from routerterm.core.events import Failed, Finished, WireEvent
from routerterm.core.usage import Usage, UsageSource
from routerterm.engine.usage.request_log import Ending, RequestEntry, RequestLog
from routerterm.engine.virtual_keys import Client

if TYPE_CHECKING:
    from routerterm.gateway.relay import Relay
    from routerterm.gateway.response import Header


class RequestRecord(Struct):
    """What one request has come to so far.  ``clock`` is seconds that never go back."""

    client: Client
    row: RequestEntry
    request_log: RequestLog
    clock: Callable[[], float]
    begun: float
    visible: bool = True
    usage: Usage | None = None
    error_kind: str = ""
    cached: bool = False

    @property
    def tokens(self) -> int | None:
        """What it used, where that is known."""
        if self.cached:
            return 0
        if self.usage is None:
            return None
        return self.usage.total

    def asked(self, model: str, stream: bool) -> None:
        """What is wanted."""
        self.row.asked, self.row.stream = model[:200], stream
        self.request_log.touch()

    def observe(self, relay: Relay, fresh: Sequence[WireEvent]) -> None:
        """Note the first piece that went out, and who answers."""
        row = self.row
        if fresh and row.ttft_ms is None:
            row.ttft_ms = self._ms()
        if relay.target is not None and (row.attempts != relay.attempts or not row.answered):
            row.answered, row.attempts, row.fallback = str(relay.target), relay.attempts, bool(relay.failed)
            self.request_log.touch()

    def end(self, relay: Relay) -> None:
        """The answer is whole, or has failed."""
        row = self.row
        ended = relay.ended
        if relay.target is not None:
            row.answered, row.attempts, row.fallback = str(relay.target), relay.attempts, bool(relay.failed)
        if isinstance(ended, Finished | Failed):
            self.usage = ended.usage
            row.tokens_in, row.tokens_out = ended.usage.input, ended.usage.output
            row.estimated = ended.usage.source == "estimated"
            row.cost = ended.cost.usd
        row.total_ms = self._ms()
        if relay.error is not None:
            self.failed(relay.error)
        else:
            row.ending = "done"

    def add(self, ended: Finished) -> None:
        """One of several questions that a request comes to was answered."""
        row, usage = self.row, ended.usage
        known = (row.cost is not None or self.usage is None) and ended.cost.usd is not None
        row.cost = (row.cost or Decimal(0)) + ended.cost.usd if known and ended.cost.usd is not None else None
        before = self.usage or Usage()
        source: UsageSource = "estimated" if "estimated" in (before.source, usage.source) else "reported"
        self.usage = Usage(before.input + usage.input, output=before.output + usage.output, source=source)
        row.tokens_in, row.tokens_out = self.usage.input, self.usage.output
        row.estimated = self.usage.source == "estimated"

    def finish(self) -> None:
        """The answers that `add` was told of are all."""
        self.row.ending, self.row.total_ms = "done", self._ms()

    def failed(self, error: RoutertermError) -> None:
        """It ended with an error."""
        self.row.ending = "error"
        self.row.error = error.message
        self.error_kind = getattr(error, "kind", "") or type(error).__name__.lower()
        self.row.total_ms = self._ms()

    def close(self, ending: Ending | None, status: int) -> None:
        """The request is over, however it ended."""
        row = self.row
        if ending is not None:
            row.ending = ending
        if row.total_ms is None:
            row.total_ms = self._ms()
        row.status = status
        self.request_log.touch()

    def headers(self) -> list[Header]:
        """What is known at the end of a whole answer."""
        row = self.row
        found = [("x-routerterm-latency-ms", str(row.total_ms))]
        if row.ttft_ms is not None:
            found.append(("x-routerterm-ttft-ms", str(row.ttft_ms)))
        if self.cached:
            found.append(("x-routerterm-cache", "hit"))
        return [*found, ("x-routerterm-cost-usd", "?" if row.cost is None else format(row.cost, "f"))]

    def comment(self) -> bytes:
        """The last comment of a stream: who answered, how, and at what cost."""
        return b": routerterm " + json.dumps(self.summary(), ensure_ascii=True).encode("ascii") + b"\n\n"

    def summary(self) -> dict[str, Any]:
        """All that is told of a request: never a word of it."""
        row = self.row
        provider, _, model = row.answered.partition("/")
        return {
            "provider": provider or None,
            "model": model or None,
            "attempts": row.attempts,
            "fallback": row.fallback,
            "cached": self.cached,
            "ttft_ms": row.ttft_ms,
            "latency_ms": row.total_ms,
            "input_tokens": row.tokens_in,
            "output_tokens": row.tokens_out,
            "tokens": "estimated" if row.estimated else "reported",
            "cost_usd": None if row.cost is None else format(row.cost, "f"),
        }

    def _ms(self) -> int:
        return round((self.clock() - self.begun) * 1000)
