"""Providers and models that the person paused: nothing is sent to them until they are resumed.  Pure.

The state is the JSON object under ``pause:NAME`` in the router's memory; NAME is ``provider`` or ``provider/model``.
"""

from __future__ import annotations

from collections.abc import Mapping

from routerterm.core.ports import State
from routerterm.core.targets import Cause, Target, Unavailable
from routerterm.router.decide.format import format_duration

PREFIX = "pause:"


def paused(states: Mapping[str, State | None], now: float) -> dict[str, float | None]:
    """What is paused now, and until when (seconds since the epoch); None is until it is resumed."""
    found: dict[str, float | None] = {}
    for name, state in states.items():
        if name.startswith(PREFIX) and state is not None:
            until = state.get("until")
            until = float(until) if isinstance(until, int | float) else None
            if until is None or until > now:
                found[name.removeprefix(PREFIX)] = until
    return found


def pause_reason(pauses: Mapping[str, float | None], target: Target, now: float) -> Unavailable | None:
    """Why a model is not asked, where it or its provider is paused."""
    for name in (target.provider, str(target)):
        if name in pauses:
            until = pauses[name]
            return Unavailable(
                f"{name} is paused" + ("" if until is None else f" for {format_duration(until - now)}"), Cause.PAUSED
            )
    return None
