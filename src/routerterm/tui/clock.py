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
