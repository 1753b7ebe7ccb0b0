"""The person's own time: what the clock on the wall says."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def local(milliseconds: int) -> datetime:
    """That moment in the person's time zone."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone()


def today() -> date:
    """The day it is here."""
    return local(now_ms()).date()


def time_of_day(milliseconds: int) -> str:
    """Hours and minutes, here."""
    return local(milliseconds).strftime("%H:%M")


def age(milliseconds: int) -> str:
    """How long ago that was, in three cells, for lists: ``now``, ``5m``, ``3h``, ``12d``, ``7w``, ``2y``."""
    minutes = max(0, now_ms() - milliseconds) // 60_000
    if minutes < 1:
        return "now"
    for unit, size in (("y", 525_600), ("w", 10_080), ("d", 1_440), ("h", 60)):
        if minutes >= size * (2 if unit == "w" else 1):
            return f"{minutes // size}{unit}"
    return f"{minutes}m"
