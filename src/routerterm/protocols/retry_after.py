"""How long a provider asks to wait, in all the ways that it may say so.  All results are seconds, a floor."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.protocols.json_utils import mapping, objects

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_PIECE = r"\d{1,12}(?:\.\d{1,12})?\s?(?:ms|us|µs|μs|ns|d|h|m|s)"
_DURATION = LazyPattern(rf"(?:{_PIECE})+")
_ONE = LazyPattern(r"(\d{1,12}(?:\.\d{1,12})?)\s?(ms|us|µs|μs|ns|d|h|m|s)")
_NUMBER = LazyPattern(r"\d{1,15}(?:\.\d{0,12})?")
_WORDS = {"millisecond": 1e-3, "second": 1.0, "sec": 1.0, "minute": 60.0, "min": 60.0, "hour": 3600.0, "day": 86400.0}
_PROSE = LazyPattern(
    rf"(?i)(?:try again|retry|wait|available|reset)[^.]{{0,40}}?\b(?:in|after|for)\s+(?:about\s+)?"
    rf"(?:(?P<go>(?:{_PIECE})+)(?!\w)|(?P<n>\d{{1,9}}(?:\.\d{{1,9}})?)\s*(?P<unit>milliseconds?|seconds?|secs?|minutes?|mins?|hours?|days?))"
)
_HTTP_DATE = LazyPattern(
    r"(?i)[a-z]{3,9},?\s+"
    r"(?:(?P<day>\d{1,2})[ -](?P<month>[a-z]{3})[ -](?P<year>\d{2,4})|(?P<month2>[a-z]{3})\s+(?P<day2>\d{1,2}))"
    r"\s+(?P<time>\d{1,2}:\d{2}:\d{2})(?:\s+(?P<year2>\d{4}))?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LATEST = 400 * 86400.0
"""A longer wait than this is a date misread, not a wait."""


def duration(text: str) -> float | None:
    """``6m0s``, ``1.5s``, ``120ms``, ``10h17m5.7s``, or a bare number of seconds."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return _sane(float(text))
    if _DURATION.fullmatch(text):
        return _sane(sum(float(number) * _UNITS[unit] for number, unit in _ONE.findall(text)))
    return None


def moment(text: str) -> float | None:
    """An HTTP date, RFC 3339 date or number of (milli)seconds since 1970, as seconds since 1970."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        number = float(text)
        number = number / 1000 if number > 1e11 else number
        return number if number > 1e9 else None
    try:
        if (match := _HTTP_DATE.match(text)) is not None:
            return _http_date(match)
        stamp = datetime.fromisoformat(text)
        return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _http_date(match: re.Match[str]) -> float:
    """One of the three forms of RFC 9110, all of them in GMT; `email.utils` would load the network with it."""
    day, month = match["day"] or match["day2"], match["month"] or match["month2"]
    year = int(match["year"] or match["year2"] or 0)
    if year < 100:
        year += 2000 if year < 70 else 1900
    hour, minute, second = (int(part) for part in match["time"].split(":"))
    stamp = datetime(year, _MONTHS.index(month.lower()) + 1, int(day), hour, minute, min(second, 59), tzinfo=UTC)
    return stamp.timestamp()


def until(text: str, now: float | None) -> float | None:
    """A wait given as a duration or as a moment; a moment in the past is no wait at all."""
    if (seconds := duration(text)) is not None and seconds < 1e9:
        return seconds
    if now is None or (then := moment(text)) is None:
        return None
    return _sane(max(0.0, then - now))


def prose(text: str) -> float | None:
    """ "Please retry in 10h17m5.7s", "try again in 20 seconds"."""
    match = _PROSE.search(text[:4000])
    if match is None:
        return None
    if match["go"]:
        return duration(match["go"])
    unit = match["unit"].lower().removesuffix("s")
    return _sane(float(match["n"]) * _WORDS[unit])


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers by lower-case name."""
    return {str(name).lower(): str(value) for name, value in headers.items()}


def server_time(headers: Mapping[str, str]) -> float | None:
    """The answer's own ``Date``, where no better clock is given.  Names must be lower-case."""
    return moment(headers["date"]) if "date" in headers else None


def wait_in_headers(headers: Mapping[str, str], now: float | None) -> float | None:
    """The wait that headers ask for outright.  Names must be lower-case."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if name in headers and _NUMBER.fullmatch(headers[name].strip()):
            return _sane(float(headers[name]) / 1000)
    return until(headers["retry-after"], now) if "retry-after" in headers else None


def wait_in_body(payload: Mapping[str, Any], message: str, now: float | None) -> float | None:
    """The longest wait that a body speaks of."""
    return max((wait for wait in _in_body(payload, message, now) if wait is not None), default=None)


def _in_body(payload: Mapping[str, Any], message: str, now: float | None) -> Iterator[float | None]:
    error = mapping(payload.get("error")) or payload
    for detail in objects(error.get("details")):
        delay = detail.get("retryDelay")
        if isinstance(delay, str):
            yield duration(delay)
        elif isinstance(delay, dict):
            yield _number(delay.get("seconds"))
    meta = mapping(error.get("metadata"))
    for place in (error, meta, payload):
        for name in ("retry_after", "retry_after_seconds", "retryAfter"):
            yield _number(place.get(name))
    yield _number(payload.get("estimated_time"))
    if headers := lower(mapping(meta.get("headers"))):
        yield wait_in_headers(headers, now)
        if headers.get("x-ratelimit-remaining", "") == "0":
            yield until(headers.get("x-ratelimit-reset", ""), now)
    yield prose(message)


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return duration(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _sane(float(value)) if -1e12 < value < 1e12 else None


def _sane(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) and 0 <= seconds <= _LATEST else None
