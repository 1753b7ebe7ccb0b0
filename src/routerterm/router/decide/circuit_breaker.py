"""The health of a model: a circuit breaker and measurements, pure values in and out.

The state is the JSON object under ``health:provider/model`` in the router's memory.  Every function takes
the state (None: nothing known) and the time in seconds since the epoch, and gives the next one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from routerterm.core.errors import ModelNotFound, ProviderError
from routerterm.core.ports import State
from routerterm.router.options import BreakerLimits

_SAMPLES = 32
_HALF_LIFE = 3600.0
"""Seconds after which a measurement counts half."""
_GONE_FOR = 86_400.0
"""Seconds for which a model is believed to be gone."""
PRIOR_TTFT, PRIOR_SPEED = 1.5, 40.0
"""What is assumed of a model that nobody measured: seconds to the first token, and tokens per second."""

Fields: TypeAlias = dict[str, Any]


class Health(Struct, frozen=True):
    """What a person or a policy reads from a state at one moment.  Times are seconds."""

    open_for: float = 0.0
    """The model is left alone for so long; 0 when closed or when a probe may go."""
    probing: bool = False
    """Half open: a probe may go (``open_for`` is 0) or is under way."""
    avoided_for: float = 0.0
    gone_for: float = 0.0
    """So long ago the provider said that it has no such model; 0 if it did not."""
    failures: int = 0
    calls: int = 0
    ttft: float | None = None
    ttft_p95: float | None = None
    speed: float | None = None
    """Tokens per second of the answer."""
    last_error: str | None = None


def health(state: State | None, now: float) -> Health:
    """The reading of a state."""
    if not state:
        return Health()
    window = _window(state)
    opened, lease = _number(state, "open_until"), _number(state, "probe_until")
    gone_at = _number(state, "gone_at")
    ttft = _samples(state.get("ttft"))
    return Health(
        open_for=max(0.0, opened - now, lease - now if opened else 0.0),
        probing=bool(opened) and opened <= now,
        avoided_for=max(0.0, _number(state, "avoid_until") - now),
        gone_for=now - gone_at if gone_at and now - gone_at < _GONE_FOR else 0.0,
        failures=window.count("1"),
        calls=len(window),
        ttft=_decayed(ttft, now),
        ttft_p95=_p95(ttft),
        speed=_decayed(_samples(state.get("speed")), now),
        last_error=state.get("last_error"),
    )


def is_open(state: State | None) -> bool:
    """Whether the breaker is not plainly closed: `admit` must be asked."""
    return bool(state) and bool(_number(state or {}, "open_until"))


def admit(state: State | None, now: float, limits: BreakerLimits) -> tuple[State | None, bool]:
    """Whether a request may go to the model now; of a half-open one, only the first that asks may."""
    if not state or not _number(state, "open_until"):
        return state, True
    if _number(state, "open_until") > now or _number(state, "probe_until") > now:
        return state, False
    return {**state, "probe_until": now + limits.probe_lease}, True


def admit_last_resort(state: State, now: float, limits: BreakerLimits) -> tuple[State, float]:
    """Whether a request may go to a model that is left alone, because there is no other: seconds to wait, 0 for now.

    One goes at once, so that a person who asks is not refused; a crowd of them goes no faster than probes do.
    """
    wait = max(0.0, _number(state, "tried_at") + limits.open_for - now) if "tried_at" in state else 0.0
    return (state, wait) if 0 < wait <= limits.open_for else ({**state, "tried_at": now}, 0.0)


def succeeded(
    state: State | None, now: float, limits: BreakerLimits, ttft: float | None = None, speed: float | None = None
) -> State:
    """An answer came whole: closes the breaker, and is measured."""
    fields = _fields(state)
    probed = bool(fields.pop("open_until", 0))
    for name in ("probe_until", "opens", "opened_at", "gone_at", "last_error", "tried_at"):
        fields.pop(name, None)
    fields["window"] = ("" if probed else _window(fields)) + "0"
    fields["window"] = fields["window"][-limits.window :]
    _measure(fields, "ttft", ttft, now)
    _measure(fields, "speed", speed, now)
    return fields


def failed(state: State | None, now: float, limits: BreakerLimits, error: ProviderError) -> State:
    """An attempt failed: charged if its class counts, and the model flagged if it is gone."""
    fields = _fields(state)
    if isinstance(error, ModelNotFound):
        fields["gone_at"] = now
    if not error.recovery.counts:
        return dict(released(fields) or {})
    fields["last_error"] = error.kind
    if _number(fields, "open_until"):
        return _reopened(fields, now, limits)
    window = (_window(fields) + "1")[-limits.window :]
    fields["window"] = window
    if len(window) >= limits.minimum and window.count("1") >= limits.ratio * len(window):
        fields |= {"window": "", "opened_at": now, "open_until": now + limits.open_for}
    return fields


def released(state: State | None) -> State | None:
    """A probe ended without saying anything about the model (cancelled, or the caller's fault): another may go."""
    if not state or "probe_until" not in state:
        return state
    return {name: value for name, value in state.items() if name != "probe_until"}


def avoided(state: State | None, until: float) -> State:
    """The person wants the model left alone until then."""
    return {**_fields(state), "avoid_until": until}


def forgotten(state: State | None) -> State | None:
    """By hand: nothing is held against the model any more; measurements stay."""
    kept = {name: value for name, value in (state or {}).items() if name in ("ttft", "speed")}
    return kept or None


def _reopened(fields: Fields, now: float, limits: BreakerLimits) -> State:
    """The probe failed: in proportion to the outage so far.  A straggler sent before it opened changes nothing."""
    if "probe_until" not in fields:
        return fields
    del fields["probe_until"]
    down = max(0.0, now - _number(fields, "opened_at")) if "opened_at" in fields else 0.0
    wait = min(limits.open_most, max(limits.open_for, limits.open_share * down))
    return fields | {"open_until": now + wait}


def _measure(fields: Fields, name: str, value: float | None, now: float) -> None:
    if value is not None and math.isfinite(value) and value > 0:
        samples = fields.get(name)
        fields[name] = [*(samples if isinstance(samples, list) else []), [round(value, 4), round(now, 1)]][-_SAMPLES:]


def _samples(raw: object) -> list[tuple[float, float]]:
    if not isinstance(raw, list):
        return []
    return [(float(pair[0]), float(pair[1])) for pair in raw if isinstance(pair, list | tuple) and len(pair) == 2]


def _decayed(samples: list[tuple[float, float]], now: float) -> float | None:
    """The mean of recent samples, where an hour halves a sample's weight.  A loop: it runs twice for each candidate."""
    total = weight = 0.0
    for value, at in samples:
        share = 0.5 ** ((now - at) / _HALF_LIFE) if at < now else 1.0
        weight += share
        total += value * share
    return total / weight if weight > 1e-6 else None


def _p95(samples: list[tuple[float, float]]) -> float | None:
    values = sorted([value for value, _ in samples])
    return values[math.ceil(0.95 * len(values)) - 1] if len(values) >= 5 else None


def _fields(state: Mapping[str, Any] | None) -> Fields:
    return dict(state) if state else {}


def _window(state: Mapping[str, Any]) -> str:
    window = state.get("window", "")
    return window if isinstance(window, str) else ""


def _number(state: Mapping[str, Any], name: str) -> float:
    value = state.get(name, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0
