"""The state of a key: rest, daily quota, requests and tokens per minute, and why it is out.  Pure.

The state is the JSON object under ``key:provider/label`` in the router's memory.  Times are seconds since
the epoch.  It never holds the key, only a short fingerprint: a new key under an old name starts afresh.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routerterm.core.errors import ProviderError
from routerterm.core.ports import ApiKey, State
from routerterm.protocols.limits import RateLimits
from routerterm.router.options import KeyLimits


@dataclass(frozen=True, slots=True)
class KeyView:
    """One key as the router sees it at one moment."""

    label: str
    wait: float = 0.0
    """Seconds until it may be used."""
    out: str | None = None
    """Why it cannot be used until the person acts."""
    reason: str = ""
    """What it waits for, in words."""
    used_at: float = 0.0
    limited: bool = False
    """Whether its use must be counted before a request leaves."""


def fingerprint(key: ApiKey) -> str:
    """Eight hex digits that change when the key is replaced."""
    return hashlib.sha256(key.secret.reveal().encode()).hexdigest()[:8]


def view(state: State | None, key: ApiKey, now: float, tokens: int = 0) -> KeyView:
    """How the key stands for a request of ``tokens``."""
    fields = _own(state, key)
    out = fields.get("out")
    limited = bool(key.quota or key.rpm or key.tpm or fields.get("learned"))
    if isinstance(out, str):
        return KeyView(key.label, 0.0, out, out, _number(fields, "used_at"), limited)
    wait, reason = max(_waits(fields, key, now, tokens), default=(0.0, ""))
    return KeyView(key.label, wait, None, reason if wait > 0 else "", _number(fields, "used_at"), limited)


def ordered(views: Sequence[KeyView]) -> tuple[KeyView, ...]:
    """The keys that are not out: usable ones first, the least recently used in front, then those that wait least."""
    usable = [view for view in views if view.out is None]
    return tuple(sorted(usable, key=lambda view: (view.wait, view.used_at)))


def take(
    state: State | None, key: ApiKey, now: float, limits: KeyLimits, tokens: int = 0, *, ignore_cooldown: bool = False
) -> tuple[State | None, KeyView]:
    """Count one request of ``tokens`` against the key, if it may be used now: ``view.wait`` is then 0."""
    seen = view(state, key, now, tokens)
    if seen.out is not None or (seen.wait > 0 and not ignore_cooldown):
        return state, seen
    fields = _own(state, key)
    fields |= {"used_at": now, "print": fingerprint(key)}
    if key.quota:
        start, used = _quota(fields)
        fresh = start is None or now - start >= limits.day
        fields["quota"] = {"start": now if fresh else start, "used": 1 if fresh else used + 1}
    if key.rpm:
        fields["rpm"] = _drained(fields.get("rpm"), key.rpm, now, 1)
    if key.tpm:
        fields["tpm"] = _drained(fields.get("tpm"), key.tpm, now, tokens)
    known = fields.get("learned")
    if isinstance(known, Mapping):
        fields["learned"] = {kind: _spent(kind, item, tokens) for kind, item in known.items()}
    return fields, seen


def learned(state: State | None, key: ApiKey, now: float, limits: RateLimits) -> State:
    """What an answer's headers said of the key's limits."""
    fields = _own(state, key) | {"print": fingerprint(key)}
    known = dict(fields.get("learned") or {})
    for bucket in limits.buckets:
        if bucket.remaining is not None and bucket.reset is not None:
            known[f"{bucket.unit} {bucket.window or ''}".rstrip()] = {
                "remaining": bucket.remaining,
                "limit": bucket.limit,
                "at": now,
                "full_at": now + bucket.reset,
            }
    return fields | {"learned": known} if known else fields


def answered(state: State | None, key: ApiKey, sent_at: float) -> State | None:
    """The key worked for a request sent at that time: a rest that began before it is over."""
    fields = _own(state, key)
    if not fields or _number(fields, "cooled_at") > sent_at:
        return fields or None
    for name in ("cool_until", "cooled_at", "why"):
        fields.pop(name, None)
    return fields


def refused(state: State | None, key: ApiKey, now: float, error: ProviderError, limits: KeyLimits) -> State:
    """A provider turned the key away: it rests, or is out until the person acts."""
    fields = _own(state, key) | {"print": fingerprint(key)}
    if error.cure.drop_key:
        return fields | {"out": error.kind, "out_at": now}
    if not error.cure.cool_key:
        return fields
    until = now + cooldown(error, limits)
    if error.daily and error.retry_after is None:
        start, _ = _quota(fields)
        until = (start if start is not None and now - start < limits.day else now) + limits.day
    why = "its daily quota is used up" if error.daily else "it was too fast"
    return fields | {"cool_until": max(until, _number(fields, "cool_until")), "cooled_at": now, "why": why}


def cooldown(error: ProviderError, limits: KeyLimits) -> float:
    """Seconds of rest after a refusal: what the provider asks is the least, silence costs the full time."""
    if error.retry_after is not None:
        return error.retry_after
    return limits.day if error.daily else limits.cooldown


def revived(state: State | None) -> State | None:
    """By hand: the key is tried again; what it used of its quota stays."""
    gone = ("out", "out_at", "cool_until", "cooled_at", "why", "learned")
    return {name: value for name, value in (state or {}).items() if name not in gone} or None


def _waits(fields: Mapping[str, Any], key: ApiKey, now: float, tokens: int) -> list[tuple[float, str]]:
    waits = [(_number(fields, "cool_until") - now, str(fields.get("why", "")))]
    start, used = _quota(fields)
    if key.quota and start is not None and used >= key.quota:
        waits.append((start + 86_400.0 - now, f"its {key.quota} requests of the day are used"))
    if key.rpm:
        waits.append((_bucket_wait(fields.get("rpm"), key.rpm, now, 1), f"at most {key.rpm} requests a minute"))
    if key.tpm:
        # A request larger than the whole minute's tokens goes when the bucket is full: it can never fit.
        need = min(tokens, key.tpm)
        waits.append((_bucket_wait(fields.get("tpm"), key.tpm, now, need), f"at most {key.tpm} tokens a minute"))
    known = fields.get("learned")
    if isinstance(known, Mapping):
        waits += [_learned_wait(kind, item, now, tokens) for kind, item in known.items() if isinstance(item, Mapping)]
    return [wait for wait in waits if wait[0] > 0]


def _needed(kind: str, tokens: int) -> float:
    """How much of a learned bucket one request takes; of the answer's tokens nothing is known before."""
    unit = kind.partition(" ")[0]
    return 1.0 if unit in ("requests", "output-tokens") else float(tokens)


def _learned_wait(kind: str, item: Mapping[str, Any], now: float, tokens: int) -> tuple[float, str]:
    """Until a bucket that fills evenly holds enough; one whose size is unknown is waited for until it is full."""
    remaining, full_at = _number(item, "remaining"), _number(item, "full_at")
    limit, since = _number(item, "limit"), _number(item, "at")
    needed = max(1.0, min(_needed(kind, tokens), limit or remaining))
    if remaining >= needed or full_at <= now:
        return 0.0, ""
    share = (needed - remaining) / (limit - remaining) if limit > remaining else 1.0
    return since + share * (full_at - since) - now, f"its provider allows no more {kind.replace(' ', ' per ')} for now"


def _spent(kind: str, item: object, tokens: int) -> object:
    if not isinstance(item, Mapping):
        return item
    return {**item, "remaining": max(0.0, _number(item, "remaining") - _needed(kind, tokens))}


def _level(bucket: object, per_minute: int, now: float) -> float:
    """What is in the bucket now: it fills evenly, in a minute from empty to full."""
    if not isinstance(bucket, Mapping):
        return float(per_minute)
    filled = _number(bucket, "level") + max(0.0, now - _number(bucket, "at")) * per_minute / 60.0
    return min(float(per_minute), filled)


def _drained(bucket: object, per_minute: int, now: float, amount: int) -> dict[str, float]:
    return {"level": _level(bucket, per_minute, now) - amount, "at": now}


def _bucket_wait(bucket: object, per_minute: int, now: float, amount: int) -> float:
    missing = amount - _level(bucket, per_minute, now)
    return missing * 60.0 / per_minute if missing > 1e-9 else 0.0


def _quota(fields: Mapping[str, Any]) -> tuple[float | None, int]:
    quota = fields.get("quota")
    if not isinstance(quota, Mapping):
        return None, 0
    return _number(quota, "start"), int(_number(quota, "used"))


def _own(state: State | None, key: ApiKey) -> dict[str, Any]:
    """The state if it is this key's, else a fresh one."""
    if not state or state.get("print", fingerprint(key)) != fingerprint(key):
        return {}
    return dict(state)


def _number(fields: Mapping[str, Any], name: str) -> float:
    value = fields.get(name, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0
