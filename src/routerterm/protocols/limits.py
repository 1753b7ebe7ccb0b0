"""Rate-limit headers, in every provider's spelling, as one value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias, cast

from msgspec import Struct

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.protocols.retry_after import duration, lower, server_time, until, wait_in_headers

Window: TypeAlias = Literal["second", "minute", "hour", "day", "month"]
Unit: TypeAlias = Literal["requests", "tokens", "input-tokens", "output-tokens"]

WINDOWS: Mapping[tuple[str, str], Window] = {
    ("groq", "requests"): "day",
    ("groq", "tokens"): "minute",
    ("openai", "tokens"): "minute",
    ("openai", "requests"): "minute",
    ("anthropic", "requests"): "minute",
    ("anthropic", "tokens"): "minute",
    ("anthropic", "input-tokens"): "minute",
    ("anthropic", "output-tokens"): "minute",
}
"""What a provider's documents say of windows that its headers do not name."""


class RateLimit(Struct, frozen=True):
    """One bucket: how much in one window, what is left of it, and the seconds until it is full again."""

    unit: Unit
    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None
    window: Window | None = None


class RateLimits(Struct, frozen=True):
    """All the buckets that the headers speak of."""

    buckets: tuple[RateLimit, ...] = ()
    retry_after: float | None = None
    """The wait that the answer asks for, in seconds."""

    @property
    def requests(self) -> RateLimit | None:
        """The bucket of requests that runs out first."""
        return self._tightest("requests")

    @property
    def tokens(self) -> RateLimit | None:
        """The bucket of tokens that runs out first."""
        return self._tightest("tokens")

    @property
    def input_tokens(self) -> RateLimit | None:
        """The bucket of prompt tokens (Anthropic)."""
        return self._tightest("input-tokens")

    @property
    def output_tokens(self) -> RateLimit | None:
        """The bucket of answer tokens (Anthropic)."""
        return self._tightest("output-tokens")

    @property
    def exhausted_for(self) -> float | None:
        """Seconds until every empty bucket has something again; None where none is empty."""
        waits = [bucket.reset for bucket in self.buckets if bucket.remaining == 0 and bucket.reset is not None]
        return max(waits, default=None)

    def __bool__(self) -> bool:
        return bool(self.buckets)

    def _tightest(self, unit: Unit) -> RateLimit | None:
        own = [bucket for bucket in self.buckets if bucket.unit == unit]
        return min(own, key=lambda bucket: _share(bucket), default=None)


def limits(headers: Mapping[str, str], *, now: float | None = None, provider: str = "") -> RateLimits:
    """The rate limits in the headers of any answer.

    ``now`` is seconds since 1970, for resets that are given as dates; without it the answer's own ``Date``
    serves.  ``provider`` names windows that the headers leave out (Groq's requests are per day).
    """
    headers = lower(headers)
    now = server_time(headers) if now is None else now
    found: dict[tuple[Unit, Window | None], dict[str, str]] = {}
    for name, value in headers.items():
        if (match := _HEADER.fullmatch(name)) is None:
            continue
        field, unit, window = _read_name(match)
        if unit is not None:
            found.setdefault((unit, window), {})[field] = value
    buckets = tuple(_bucket(unit, window, fields, now, provider) for (unit, window), fields in found.items())
    return RateLimits(tuple(filter(_says_something, buckets)), wait_in_headers(headers, now))


_HEADER = LazyPattern(
    r"(?P<anthropic>anthropic-)?(?:x-)?ratelimit"
    r"(?:-(?P<aunit>requests|tokens|input-tokens|output-tokens))?"
    r"-(?P<field>limit|remaining|reset|renewalperiod)"
    r"(?:-(?P<unit>requests|req|tokens|tokens_usage_based))?"
    r"(?:-(?P<window>second|minute|hour|day|month))?"
)
_UNIT_NAMES: Mapping[str | None, Unit] = {
    None: "requests",
    "req": "requests",
    "requests": "requests",
    "tokens": "tokens",
    "input-tokens": "input-tokens",
    "output-tokens": "output-tokens",
}


def _read_name(match: re.Match[str]) -> tuple[str, Unit | None, Window | None]:
    unit = match["aunit"] or match["unit"]
    return match["field"], _UNIT_NAMES.get(unit), cast("Window | None", match["window"])


def _bucket(
    unit: Unit, window: Window | None, fields: Mapping[str, str], now: float | None, provider: str
) -> RateLimit:
    reset = until(fields["reset"], now) if "reset" in fields else None
    if window is None and "renewalperiod" in fields:
        window = _PERIODS.get(duration(fields["renewalperiod"]) or 0.0)
    return RateLimit(
        unit,
        _whole(fields.get("limit")),
        _whole(fields.get("remaining")),
        reset,
        window or WINDOWS.get((provider, unit)),
    )


_PERIODS: Mapping[float, Window] = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86400.0: "day"}


def _whole(value: str | None) -> int | None:
    if value is None or not re.fullmatch(r"-?\d{1,15}(?:\.\d*)?", value.strip()):
        return None
    return max(0, int(float(value)))


def _share(bucket: RateLimit) -> float:
    if bucket.remaining is None:
        return 1.0
    return bucket.remaining / bucket.limit if bucket.limit else float(bucket.remaining > 0)


def _says_something(bucket: RateLimit) -> bool:
    return bucket.limit is not None or bucket.remaining is not None
