"""The time of day, for a machine whose clock may be anything."""

from __future__ import annotations

import time


def wall_clock() -> float:
    """Seconds since the epoch; 0 where the clock stands before it, as on boards without a battery."""
    return max(0.0, time.time())
