"""What a load test measured: throughput, latencies and errors, as figures and as lines.  Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from routerterm.engine.usage.plot import UNICODE_PENS, Pens, chart, short

_SHARES = (50, 95, 99)
_CHART_ROWS = 7
_FEWEST_SECONDS = 3
"""Fewer are no chart."""


class Sample(Struct, frozen=True):
    """One request that is over.  Seconds; ``ended`` since the test began."""

    ended: float
    total: float
    ttft: float | None = None
    tokens: int = 0
    """Of the answer, as they were reported."""
    error: str | None = None
    """What kind of failure it was; None is a whole answer."""


class Load(Struct):
    """The samples of a test, and what is still running."""

    wanted: int | None = None
    """Requests in all; None where the test ends by the clock."""
    running: int = 0
    samples: list[Sample] = field(default_factory=list)

    @property
    def errors(self) -> Counter[str]:
        """How many failed, by kind."""
        return Counter(sample.error for sample in self.samples if sample.error is not None)

    def figures(self, seconds: float) -> dict[str, Any]:
        """All of it after so many seconds; times are milliseconds, None where nothing was measured."""
        good = [sample for sample in self.samples if sample.error is None]
        return {
            "requests": len(self.samples),
            "errors": dict(self.errors),
            "seconds": round(seconds, 3),
            "requests_per_second": round(len(good) / seconds, 2) if seconds else 0.0,
            "tokens_per_second": round(sum(sample.tokens for sample in good) / seconds, 1) if seconds else 0.0,
            "ttft_ms": latencies([sample.ttft for sample in good if sample.ttft is not None]),
            "answer_ms": latencies([sample.total for sample in good]),
        }

    def lines(self, seconds: float, width: int, pens: Pens = UNICODE_PENS) -> list[str]:
        """A picture of it, as wide as that."""
        found = self.figures(seconds)
        of = f" of {self.wanted:,}" if self.wanted is not None else ""
        failed = ", ".join(f"{kind} {count:,}" for kind, count in self.errors.most_common(5)) or "none"
        rows = [
            f"requests   {found['requests']:,}{of}, {self.running:,} running, {found['requests_per_second']:,.1f}/s",
            f"errors     {failed}",
            f"TTFT       {_words(found['ttft_ms'])}",
            f"answer     {_words(found['answer_ms'])}",
            f"tokens     {found['tokens_per_second']:,.0f}/s",
        ]
        counts = self._by_second(int(seconds))
        if len(counts) >= _FEWEST_SECONDS:
            ticks = [f"{second} s" for second in range(1, len(counts) + 1)]
            rows += chart(counts, ticks, width, _CHART_ROWS, words=lambda rate: f"{short(rate)}/s", pens=pens).lines
        return [row[:width] for row in rows]

    def _by_second(self, seconds: int) -> list[float]:
        """Answers in each whole second."""
        counts = [0.0] * seconds
        for sample in self.samples:
            if sample.error is None and sample.ended < seconds:
                counts[int(sample.ended)] += 1
        return counts


def latencies(seconds: Sequence[float]) -> dict[str, float] | None:
    """The middle one and those that 95 and 99 of 100 do not pass, in milliseconds."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    return {f"p{share}": round(ordered[(len(ordered) * share - 1) // 100] * 1000, 1) for share in _SHARES}


def _words(found: dict[str, float] | None) -> str:
    if found is None:
        return "-"
    return ", ".join(f"{name} {ms:,.0f} ms" if ms >= 10 else f"{name} {ms:,.1f} ms" for name, ms in found.items())
