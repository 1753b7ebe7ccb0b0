"""The clock, which a Raspberry Pi has not got: certificates, daily budgets and the history's order need it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import UTC, datetime
from statistics import median

from routerterm.cli.doctor import CheckContext, Finding
from routerterm.cli.doctor.network import probe
from routerterm.core.errors import StoreError

MUCH = 60.0
"""Seconds of difference that are told."""
BUILT = datetime(2026, 11, 1, tzinfo=UTC)
"""No clock is right that shows an earlier time than this."""
_SET = "sudo timedatectl set-ntp true; on a Pi without a network, a clock module (RTC) helps."


async def look(context: CheckContext) -> AsyncGenerator[Finding]:
    """Against the time of this version, the newest message, and the providers that answer."""
    newest = await asyncio.to_thread(_newest, context)
    ahead = [door.ahead for door in await probe(context) if door.ahead is not None]
    for finding in judged(time.time(), newest, ahead, _zone()):
        yield finding


def judged(now: float, newest: float | None, ahead: Sequence[float], zone: str) -> Iterator[Finding]:
    """What the seconds since the epoch tell; ``newest`` is the last message's, ``ahead`` as providers see it."""
    shown = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if now < BUILT.timestamp():
        yield Finding("bad", f"The clock shows {shown}, which is before this version was made.", _SET)
        return
    if newest is not None and newest > now + MUCH:
        yield Finding("bad", f"The clock shows {shown}, but the newest message is of a later time.", _SET)
    if not ahead:
        yield Finding("note", f"It is {shown} ({zone}); there was no provider to compare it with.")
        return
    away = median(ahead)
    if abs(away) > MUCH:
        way = "fast" if away > 0 else "slow"
        yield Finding("bad", f"The clock is {abs(away):,.0f} s {way} according to the providers.", _SET)
    else:
        yield Finding("good", f"It is {shown} ({zone}), and the providers agree.")


def _newest(context: CheckContext) -> float | None:
    """When the history was last written, as the newest message says."""
    from routerterm.store.diagnose import newest_message

    try:
        newest = newest_message(context.paths.database)
    except StoreError:
        return None  # the check of the history tells it
    return None if newest is None else newest / 1000


def _zone() -> str:
    return os.environ.get("TZ") or time.strftime("%Z")
