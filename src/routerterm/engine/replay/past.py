"""What the record says of models at other moments: how they were, how quick, and how they would have answered."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from statistics import median

from routerterm.core import errors
from routerterm.core.errors import ProviderError, ServerError
from routerterm.core.ledger import AttemptRecord
from routerterm.core.ports import State
from routerterm.core.targets import Target
from routerterm.engine.replay.values import PastRequest, target_of
from routerterm.router.decide import circuit_breaker
from routerterm.router.decide.circuit_breaker import PRIOR_TTFT, Health
from routerterm.router.options import BreakerLimits

NEAR = 300.0
"""Seconds before or after, within which another request to a model says how it was."""
_USUAL_SIZE = 1000, 300
"""Tokens of a prompt and an answer where nothing is on record: enough to tell a cheap model from a dear one."""
FAILED = ("failed", "cut", "lost")
_KINDS = {
    error.kind: error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, ProviderError) and error is not errors.PartialCredit
}


def error_of(row: AttemptRecord) -> ProviderError:
    """The recorded failure as the policy reads it; one of a class that is not known any more is a server's."""
    kind = _KINDS.get(row.error_class or "", ServerError)
    return kind("recorded", status=row.http_status, provider=row.provider, model=row.model, key_label=row.key_label)


class Past:
    """Made of the requests in the order in which they began; `health` is asked and `pass_by` told in that order."""

    def __init__(self, requests: Iterable[PastRequest], breaker: BreakerLimits) -> None:
        self._breaker = breaker
        self._states: dict[Target, State | None] = {}
        self._by_target: dict[Target, list[AttemptRecord]] = {}
        self._sizes: list[tuple[int, int]] = []
        for request in requests:
            if request.prompt:
                self._sizes.append((request.prompt, request.answer))
            for row in request.rows:
                self._by_target.setdefault(target_of(row), []).append(row)
        self._times: dict[Target, list[float]] = {}
        for target, rows in self._by_target.items():
            rows.sort(key=lambda row: row.started_at)
            self._times[target] = [row.started_at / 1000 for row in rows]
        self._quick = {target: _first_word(rows) for target, rows in self._by_target.items()}

    def typical(self) -> tuple[int, int]:
        """Tokens of a prompt and of an answer in the middle, for requests of which neither is known."""
        if not self._sizes:
            return _USUAL_SIZE
        return int(median(prompt for prompt, _ in self._sizes)), int(median(answer for _, answer in self._sizes))

    def health(self, target: Target, now: float) -> Health:
        """How a model was by what was recorded before."""
        return circuit_breaker.health(self._states.get(target), now)

    def pass_by(self, request: PastRequest) -> None:
        """The request is over: what it taught of models holds for those after it."""
        for row in request.rows:
            target, at = target_of(row), (row.started_at + (row.duration_ms or 0)) / 1000
            state = self._states.get(target)
            if row.outcome == "done":
                ttft = None if row.ttft_ms is None else row.ttft_ms / 1000
                self._states[target] = circuit_breaker.succeeded(state, at, self._breaker, ttft, _rate(row))
            elif row.outcome in ("failed", "cut"):
                self._states[target] = circuit_breaker.failed(state, at, self._breaker, error_of(row))

    def trouble(self, target: Target, at: float) -> AttemptRecord | None:
        """The failure that a request to it would have met: that of the nearest recorded one, if it failed."""
        times, rows = self._times.get(target, []), self._by_target.get(target, [])
        place = bisect_left(times, at)
        near = [(abs(times[n] - at), n) for n in (place - 1, place) if 0 <= n < len(times)]
        if not near or min(near)[0] > NEAR:
            return None
        row = rows[min(near)[1]]
        return row if row.outcome in FAILED else None

    def first_word(self, target: Target) -> float:
        """Seconds to the first token, in the middle of all that were measured."""
        return self._quick.get(target, PRIOR_TTFT)


def _first_word(rows: Iterable[AttemptRecord]) -> float:
    first = [row.ttft_ms / 1000 for row in rows if row.outcome == "done" and row.ttft_ms is not None]
    return median(first) if first else PRIOR_TTFT


def _rate(row: AttemptRecord) -> float | None:
    spent = (row.duration_ms or 0) - (row.ttft_ms or 0)
    return row.output_tokens * 1000 / spent if row.output_tokens and spent > 0 else None
