"""What this calendar month will come to, if the rest of it is as the last days were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from statistics import stdev

from msgspec import Struct

from routerterm.core.money import from_nano
from routerterm.engine.usage.clock import DAY
from routerterm.router.decide.budget import month_start, next_month_start
from routerterm.store.statistics import Sums

RECENT_DAYS = 14
"""Days whose average the projection continues with."""
NEEDED_DAYS = 3
"""Days with requests before anything is projected: less says nothing of a month."""
FOUR_OF_FIVE = 1.2816
"""Standard deviations to either side within which four of five outcomes lie."""


class MonthForecast(Struct, frozen=True):
    """This month so far, and what it will come to.  None where there are too few days to say."""

    so_far: Decimal
    unpriced: int
    """Attempts of this month whose cost is unknown: in none of the amounts."""
    unpriced_recently: int
    """Those of the days that the projection continues with."""
    expected: Decimal | None
    low: Decimal | None
    """Four of five months like this one end between ``low`` and ``high``."""
    high: Decimal | None
    per_day: Decimal
    days_left: float
    since: int
    """The start of the oldest day that it rests on, in milliseconds since the epoch."""


def project(days: Mapping[date, Sums], now_ms: int, zone: tzinfo | None) -> MonthForecast:
    """``days``: what each of the person's days adds up to, from the earlier of this month's start and 14 days ago."""
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    today = now.date()
    of_month = [
        sums for day, sums in days.items() if (day.year, day.month) == (today.year, today.month) and day <= today
    ]
    so_far = from_nano(sum(sums.cost for sums in of_month))
    unpriced = sum(sums.unpriced for sums in of_month)
    recent = [today - timedelta(days=n) for n in range(RECENT_DAYS)]
    used = [day for day in recent if day in days and days[day].attempts]
    passed = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)) / timedelta(days=1)
    span = max((today - min(used)).days + passed, 1.0) if used else 1.0
    costs = [days[day].cost if day in days else 0 for day in recent if used and day >= min(used)]
    per_day = from_nano(sum(costs)) / Decimal(str(round(span, 6)))
    oldest = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) - timedelta(days=RECENT_DAYS - 1)
    since = min(month_start(now_ms, zone), round(oldest.timestamp() * 1000))
    unknown = sum(days[day].unpriced for day in recent if day in days)
    left = max(0.0, (next_month_start(now_ms, zone) - now_ms) / DAY)
    if len(used) < NEEDED_DAYS:
        return MonthForecast(
            so_far, unpriced, unknown, expected=None, low=None, high=None, per_day=per_day, days_left=left, since=since
        )
    rest = per_day * Decimal(str(round(left, 6)))
    give = from_nano(round(stdev(costs) * FOUR_OF_FIVE * left**0.5))
    low = so_far + max(Decimal(0), rest - give)
    return MonthForecast(
        so_far,
        unpriced,
        unknown,
        expected=so_far + rest,
        low=low,
        high=so_far + rest + give,
        per_day=per_day,
        days_left=left,
        since=since,
    )
