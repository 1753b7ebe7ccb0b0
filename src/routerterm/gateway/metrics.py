"""Counters and histograms in the text format of Prometheus.  Names of clients, routes and models, never a text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from routerterm.core.targets import Target
    from routerterm.gateway.request_record import RequestRecord
    from routerterm.router.decide.circuit_breaker import Health

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds."""
_MOST_SERIES = 2_000
"""More combinations of labels than this are counted together: clients can name any model."""
Labels = tuple[tuple[str, str], ...]
_OTHER: Labels = (("model", "other"),)


class Histogram(Struct):
    """How many values were at most so large."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def add(self, value: float) -> None:
        """One more."""
        self.counts[bisect_left(BUCKETS, value)] += 1
        self.total += value


class Metrics:
    """All of one gateway, since it began."""

    def __init__(self) -> None:
        self._requests: dict[Labels, int] = {}
        self._errors: dict[Labels, int] = {}
        self._tokens: dict[Labels, int] = {}
        self._cost: dict[Labels, Decimal] = {}
        self._unpriced: dict[Labels, int] = {}
        self._fallbacks: dict[Labels, int] = {}
        self._cached: dict[Labels, int] = {}
        self._latency: dict[Labels, Histogram] = {}
        self._first: dict[Labels, Histogram] = {}

    def count(self, record: RequestRecord) -> None:
        """A request is over."""
        row = record.row
        provider, _, model = row.answered.partition("/")
        client, target = ("client", row.client), (("provider", provider), ("model", model))
        _add(self._requests, (client, *target, ("status", str(row.status)), ("ending", row.ending)), 1)
        if row.ending in ("error", "denied"):
            _add(self._errors, (client, *target, ("kind", record.error_kind or row.ending)), 1)
        if not row.answered:
            return
        if record.cached:
            _add(self._cached, (client, *target), 1)
            return
        source = ("source", "estimated" if row.estimated else "reported")
        _add(self._tokens, (client, *target, ("type", "input"), source), row.tokens_in)
        _add(self._tokens, (client, *target, ("type", "output"), source), row.tokens_out)
        if row.cost is None:
            _add(self._unpriced, (client, *target), 1)
        else:
            _add(self._cost, (client, *target), row.cost)
        if row.fallback:
            _add(self._fallbacks, (client, *target), 1)
        if row.ending == "done" and row.total_ms is not None:
            _histogram(self._latency, target).add(row.total_ms / 1000)
            if row.ttft_ms is not None:
                _histogram(self._first, target).add(row.ttft_ms / 1000)

    def text(self, *, running: int, uptime: float, health: Mapping[Target, Health]) -> str:
        """Everything, as Prometheus reads it."""
        lines: list[str] = []
        lines += _head("uptime_seconds", "gauge", "Seconds since the gateway started.")
        lines.append(f"routerterm_uptime_seconds {uptime:.3f}")
        lines += _head("requests_running", "gauge", "Running requests.")
        lines.append(f"routerterm_requests_running {running}")
        counters = (
            ("requests_total", "Finished requests.", self._requests),
            ("errors_total", "Requests that ended with an error.", self._errors),
            ("tokens_total", "Tokens, by whether a provider reported them.", self._tokens),
            ("cost_usd_total", "US dollars, where the price is known.", self._cost),
            ("unpriced_total", "Answers whose cost is unknown.", self._unpriced),
            ("fallbacks_total", "Answers after a failover.", self._fallbacks),
            ("cached_total", "Answers from the cache.", self._cached),
        )
        for name, words, values in counters:
            lines += _head(name, "counter", words)
            lines += (f"routerterm_{name}{_labels(labels)} {value}" for labels, value in values.items())
        lines += _histograms("request_seconds", "Duration of whole answers.", self._latency)
        lines += _histograms("first_token_seconds", "Time to first token.", self._first)
        lines += _head("breaker_open", "gauge", "1 while a model is avoided after repeated failures.")
        for target, state in sorted(health.items()):
            labels = (("provider", target.provider), ("model", target.model))
            lines.append(f"routerterm_breaker_open{_labels(labels)} {int(bool(state.open_for))}")
        return "\n".join(lines) + "\n"


def _add(values: dict[Labels, int] | dict[Labels, Decimal], labels: Labels, more: int | Decimal) -> None:
    if labels not in values and len(values) >= _MOST_SERIES:
        labels = _OTHER
    values[labels] = values.get(labels, 0) + more  # type: ignore[assignment]


def _histogram(values: dict[Labels, Histogram], labels: Labels) -> Histogram:
    if labels not in values and len(values) >= _MOST_SERIES:
        labels = _OTHER
    return values.setdefault(labels, Histogram())


def _head(name: str, kind: str, words: str) -> list[str]:
    return [f"# HELP routerterm_{name} {words}", f"# TYPE routerterm_{name} {kind}"]


def _histograms(name: str, words: str, values: Mapping[Labels, Histogram]) -> Iterable[str]:
    yield from _head(name, "histogram", words)
    for labels, found in values.items():
        below = 0
        for edge, count in zip((*map(str, BUCKETS), "+Inf"), found.counts, strict=True):
            below += count
            yield f"routerterm_{name}_bucket{_labels((*labels, ('le', edge)))} {below}"
        yield f"routerterm_{name}_sum{_labels(labels)} {found.total:.6f}"
        yield f"routerterm_{name}_count{_labels(labels)} {below}"


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
