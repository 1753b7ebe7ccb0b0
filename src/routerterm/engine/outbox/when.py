"""When a question is to be sent, from what a person writes.  Pure: the clock is an argument."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from msgspec import Struct

from routerterm.catalog.values import OffPeak
from routerterm.core.errors import RoutertermError
from routerterm.store.outbox_rows import Mode

_SPAN = re.compile(r"(?:(\d{1,3}) ?d(?:ays?)?)? ?(?:(\d{1,4}) ?h(?:ours?|rs?)?)? ?(?:(\d{1,5}) ?m(?:in(?:ute)?s?)?)?")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.]([0-5]\d))? ?(am|pm)?")
_MOST_WORDS = 4
"""Words of the longest time: ``tomorrow at 9 am``, ``in 1 day 2 hours``."""
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_WORDS: dict[str, Mode] = {
    "online": "online",
    "off-peak": "off-peak",
    "offpeak": "off-peak",
    "batch": "batch",
}
MOST_AHEAD = timedelta(days=366)
HINT = "Write online, off-peak, batch, 22:30, tomorrow 8:00, in 2h or 2026-12-24 18:00."


class When(Struct, frozen=True):
    """What a question waits for.  ``due_at`` is milliseconds since the epoch."""

    mode: Mode
    due_at: int


def parse_when(text: str, now: datetime) -> tuple[When, str]:
    """The time at the beginning of a text, and the rest of it.  ``now`` has the person's time zone.

    Raises `RoutertermError`.
    """
    words = text.split()
    after_in = bool(words) and words[0].lower() == "in"
    if after_in:
        words = words[1:]
    for count in range(min(_MOST_WORDS, len(words)), 0, -1):
        found = _read(" ".join(words[:count]), now, apart=after_in)
        if found is not None:
            rest = text.split(maxsplit=len(text.split()) - len(words) + count)
            return found, rest[-1].strip() if len(rest) > len(text.split()) - len(words) + count else ""
    raise RoutertermError(f"{' '.join(words[:2]) or 'Nothing'} is no time.", HINT)


def _read(words: str, now: datetime, *, apart: bool) -> When | None:
    """``apart``: a number and its unit may be two words, as in ``2 hours``, where no question begins so."""
    lower = words.lower().removeprefix("at ").replace(" at ", " ")
    if lower in _WORDS:
        return When(_WORDS[lower], _ms(now))
    if lower == "tomorrow":
        lower = "tomorrow 8:00"
    if (span := _SPAN.fullmatch(lower)) and any(span.groups()) and (apart or " " not in lower):
        days, hours, minutes = (int(part or 0) for part in span.groups())
        return _at(now + timedelta(days=days, hours=hours, minutes=minutes), now)
    if whole := _DAY.fullmatch(lower):
        return _at(_date(whole, now.replace(hour=8, minute=0, second=0, microsecond=0)), now)
    first, _, others = lower.partition(" ")
    day, clock = (first, others) if first in ("today", "tomorrow") or _DAY.fullmatch(first) else ("", lower)
    if (hand := _clock(clock)) is None:
        return None
    at = now.replace(hour=hand[0], minute=hand[1], second=0, microsecond=0, fold=0)
    if not day:
        return _at(at if at > now else at + timedelta(days=1), now)
    if day in ("today", "tomorrow"):
        return _at(at + timedelta(days=day == "tomorrow"), now)
    return _at(_date(whole, at), now) if (whole := _DAY.fullmatch(day)) else None


def _clock(text: str) -> tuple[int, int] | None:
    """Hour and minute of ``22:30``, ``9am`` or ``9.30 pm``; a number alone is none."""
    found = _CLOCK.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        return None
    hour = int(found[1])
    if found[3]:
        hour = hour % 12 + 12 * (found[3] == "pm") if 1 <= hour <= 12 else 24
    return (hour, int(found[2] or 0)) if hour < 24 else None


def _date(found: re.Match[str], at: datetime) -> datetime:
    try:
        return at.replace(year=int(found[1]), month=int(found[2]), day=int(found[3]))
    except ValueError:
        raise RoutertermError(f"There is no day {found[0]}.", HINT) from None


def _at(at: datetime, now: datetime) -> When:
    if at < now:
        raise RoutertermError(f"{at:%Y-%m-%d %H:%M} is over.", HINT)
    if at - now > MOST_AHEAD:
        raise RoutertermError("That is more than a year ahead.", HINT)
    return When("time", _ms(at))


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def next_cheap(off_peak: OffPeak, now: datetime) -> datetime:
    """When the cheap hours are next, to the minute: now, if these are some."""
    at = now
    for _ in range(8 * 24 * 60):
        if any(window.holds(at) for window in off_peak.windows):
            return at
        at = (at + timedelta(minutes=1)).replace(second=0, microsecond=0)
    raise RoutertermError("This model has no cheaper hours within a week.", HINT)
