"""A person's own clock and calendar, whatever their time zone does to its days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal, TypeAlias

TimeUnit: TypeAlias = Literal["hour", "day", "week", "month"]
"""``hour`` is the hour of the day."""
QUARTER, HOUR, DAY = 900_000, 3_600_000, 86_400_000
"""In milliseconds."""


class Clock:
    """A person's clock: which day, week, month and hour of theirs a moment lies in."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone

    def offset(self, ms: int) -> int:
        """How far the clock is ahead of UTC at a moment, in milliseconds, to the quarter of an hour."""
        moment = datetime.fromtimestamp(ms / 1000, self._zone)
        ahead = (moment if self._zone else moment.astimezone()).utcoffset() or timedelta()
        return round(ahead.total_seconds() * 1000 / QUARTER) * QUARTER

    def spans(self, since: int, until: int) -> Iterator[tuple[int, int, int]]:
        """The period in stretches of one offset each: start, end, offset."""
        start, offset = since, self.offset(since)
        at = since
        while at < until:
            then = min(at + DAY, until)
            if self.offset(then - 1) != offset:
                change = at
                while self.offset(change) == offset:
                    change = (change // QUARTER + 1) * QUARTER
                yield start, change, offset
                start, offset = change, self.offset(change)
            at = then
        if start < until:
            yield start, until, offset

    def labels(self, unit: TimeUnit) -> Callable[[int], str]:
        """The name of the stretch that a moment lies in."""
        known: dict[int, str] = {}

        def label(ms: int) -> str:
            quarter = ms // QUARTER
            if quarter not in known:
                known[quarter] = label_of(unit, ms + self.offset(ms))
            return known[quarter]

        return label

    def all_labels(self, unit: TimeUnit, since: int, until: int) -> Iterator[str]:
        """The names of all stretches of a period, those included in which nothing was."""
        if unit == "hour":
            yield from (f"{hour:02}" for hour in range(24))
            return
        for start, end, offset in self.spans(since, until):
            first, last = (start + offset) // DAY, (end + offset - 1) // DAY
            yield from (label_of(unit, day * DAY) for day in range(first, last + 1))


def label_of(unit: TimeUnit, local_ms: int) -> str:
    """The name of a stretch of time on a clock that shows ``local_ms`` since its epoch."""
    if unit == "hour":
        return f"{local_ms // HOUR % 24:02}"
    day = date(1970, 1, 1) + timedelta(days=local_ms // DAY)
    if unit == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    return day.isoformat() if unit == "day" else day.isoformat()[:7]


def zone_of(name: str | None) -> tzinfo | None:
    """The time zone of a name; None, or a name that this machine does not know, is the machine's own."""
    if not name:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return UTC if name.upper() == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
