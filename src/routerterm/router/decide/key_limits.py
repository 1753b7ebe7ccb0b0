"""The state of a key: rest, daily quota, requests and tokens per minute, and why it is out.  Pure.

A refusal that is about speed rests the key for the one model that it was about; the whole key rests once a second
model refuses, or where the provider speaks of the account.  A key that is out is tried again by itself now and then.

The state is the JSON object under ``key:provider/label`` in the router's memory.  Times are seconds since
the epoch.  It never holds the key, only a short fingerprint: a new key under an old name starts afresh.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from routerterm.core.errors import InsufficientCredit, InvalidKey, ModelForbidden, ProviderError
from routerterm.core.ports import ApiKey, State
from routerterm.protocols.limits import RateLimits
from routerterm.router.options import KeyLimits

_PROBE_AFTER = 600.0
"""Seconds after which a key that was refused is tried again by itself; a mended account is noticed so soon."""
_PROBE_MOST = 86_400.0
_REFUSALS = {
    InvalidKey.kind: "it is refused",
    InsufficientCredit.kind: "it has no credit",
    ModelForbidden.kind: "it is not allowed",
}


class KeyView(Struct, frozen=True):
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
    probe: bool = False
    """It was out, and may be tried once to see whether it still is: asked after those that are well."""


def fingerprint(key: ApiKey) -> str:
    """Eight hex digits that change when the key is replaced."""
    return hashlib.sha256(key.secret.reveal().encode()).hexdigest()[:8]


class Use(Struct, frozen=True):
    """What a key is to be used for."""

    tokens: int = 0
    model: str = ""
    """At its provider; empty asks about the key as a whole."""
    free: bool = False
    """The model costs nothing: an account without credit still has it."""


ANY_USE = Use()


def view(state: State | None, key: ApiKey, now: float, use: Use = ANY_USE) -> KeyView:
    """How the key stands for a request."""
    fields = _own(state, key)
    out = fields.get("out")
    limited = bool(key.quota or key.rpm or key.tpm or fields.get("learned"))
    used_at = _number(fields, "used_at")
    if not isinstance(out, str) or (out == InsufficientCredit.kind and use.free):
        wait, reason = max(_waits(fields, key, now, use), default=(0.0, ""))
        return KeyView(key.label, wait, None, reason=reason if wait > 0 else "", used_at=used_at, limited=limited)
    if now < _number(fields, "out_at") + _probe_after(fields):
        return KeyView(key.label, 0.0, out, reason=out, used_at=used_at, limited=limited)
    return KeyView(key.label, used_at=used_at, limited=True, probe=True)


def ordered(views: Sequence[KeyView]) -> tuple[KeyView, ...]:
    """The keys that are not out: usable ones first, the least recently used in front, then those that wait least."""
    usable = [view for view in views if view.out is None]
    return tuple(sorted(usable, key=lambda view: (view.wait, view.probe, view.used_at)))


def take(
    state: State | None,
    key: ApiKey,
    now: float,
    limits: KeyLimits,
    use: Use = ANY_USE,
    *,
    ignore_cooldown: bool = False,
) -> tuple[State | None, KeyView]:
    """Count one request against the key, if it may be used now: ``view.wait`` is then 0."""
    seen = view(state, key, now, use)
    if seen.out is not None or (seen.wait > 0 and not ignore_cooldown):
        return state, seen
    fields = _own(state, key)
    fields |= {"used_at": now, "print": fingerprint(key)}
    if seen.probe:  # one request tries it; for all others it is out until that one is answered, or as long again
        fields["out_at"] = now
    if key.quota:
        start, used = _quota(fields)
        fresh = start is None or now - start >= limits.day
        fields["quota"] = {"start": now if fresh else start, "used": 1 if fresh else used + 1}
    if key.rpm:
        fields["rpm"] = _drained(fields.get("rpm"), key.rpm, now, 1)
    if key.tpm:
        fields["tpm"] = _drained(fields.get("tpm"), key.tpm, now, use.tokens)
    known = fields.get("learned")
    if isinstance(known, Mapping):
        fields["learned"] = {kind: _spent(kind, item, use.tokens) for kind, item in known.items()}
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


def answered(state: State | None, key: ApiKey, sent_at: float, use: Use = ANY_USE) -> State | None:
    """The key worked for a request sent at that time: a rest that began before it is over, and it is not out."""
    fields = _own(state, key)
    rests = {model: rest for model, rest in _rests(fields).items() if model != use.model or _begun(rest) > sent_at}
    fields.pop("rests", None)
    if rests:
        fields["rests"] = rests
    if not (use.free and fields.get("out") == InsufficientCredit.kind):
        for name in ("out", "out_at", "outs"):
            fields.pop(name, None)
    if _number(fields, "cooled_at") <= sent_at:
        for name in ("cool_until", "cooled_at", "why"):
            fields.pop(name, None)
    return fields or None


def refused(
    state: State | None, key: ApiKey, now: float, error: ProviderError, limits: KeyLimits, use: Use = ANY_USE
) -> State:
    """A provider turned the key away: it rests (for one model, or as a whole), or is out for now."""
    fields = _own(state, key) | {"print": fingerprint(key)}
    if not error.recovery.cool_key:
        if error.recovery.drop_key:
            fields |= {"out": error.kind, "out_at": now, "outs": int(_number(fields, "outs")) + 1}
        # Should it serve another model, it is not out, but this one stays refused for a while.
        if use.model and concerns_key(error):
            rest = {
                "until": now + _PROBE_AFTER,
                "at": now,
                "strikes": 1,
                "why": _REFUSALS.get(error.kind, "it is unavailable"),
            }
            fields["rests"] = _rests(fields) | {use.model: rest}
        return fields
    rests = {model: rest for model, rest in _rests(fields).items() if now - _begun(rest) < limits.day}
    before = rests.get(use.model, {})
    strikes = int(_number(before, "strikes")) + 1 if now - _begun(before) < limits.cooldown * 2 else 1
    whole = error.account or not use.model
    until = now + cooldown(error, limits, None if whole else strikes)
    why = "its daily quota is used up" if error.daily else "rate limited"
    others = any(model != use.model and _is_limited(rest, now) for model, rest in rests.items())
    if whole or others:
        if error.daily and error.retry_after is None:
            start, _ = _quota(fields)
            until = (start if start is not None and now - start < limits.day else now) + limits.day
        fields |= {"cool_until": max(until, _number(fields, "cool_until")), "cooled_at": now, "why": why}
    if use.model:
        until = max(until, _number(before, "until"))
        rests[use.model] = {"until": until, "at": now, "strikes": strikes, "why": why}
        fields["rests"] = rests
    return fields


def concerns_key(error: ProviderError) -> bool:
    """Whether a failure says something of the key: it rests, it is out, or one model is not for it."""
    return error.recovery.drop_key or error.recovery.cool_key or isinstance(error, ModelForbidden)


def cooldown(error: ProviderError, limits: KeyLimits, strikes: int | None = None) -> float:
    """Seconds of rest after a refusal: what the provider asks is the least.

    Silence costs more with each of its ``strikes`` refusals, and the full time where the whole key is meant (None).
    """
    if error.retry_after is not None:
        return error.retry_after
    if error.daily:
        return limits.day
    if strikes is None:
        return limits.cooldown
    return float(min(limits.cooldown, limits.first_cooldown * 2 ** min(strikes - 1, 10)))


def revived(state: State | None) -> State | None:
    """By hand: the key is tried again; what it used of its quota stays."""
    gone = ("out", "out_at", "outs", "cool_until", "cooled_at", "why", "learned", "rests")
    return {name: value for name, value in (state or {}).items() if name not in gone} or None


def _probe_after(fields: Mapping[str, Any]) -> float:
    """Seconds for which a key is out before it is tried again: twice as long each time, at most a day."""
    return float(min(_PROBE_MOST, _PROBE_AFTER * 2 ** min(max(0, int(_number(fields, "outs")) - 1), 10)))


def _rests(fields: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The models for which the key rests."""
    rests = fields.get("rests")
    if not isinstance(rests, Mapping):
        return {}
    return {str(model): rest for model, rest in rests.items() if isinstance(rest, Mapping)}


def _is_limited(rest: Mapping[str, Any], now: float) -> bool:
    """Whether a model rests for its rate, and not because the key may not use it."""
    return _number(rest, "until") > now and rest.get("why") not in _REFUSALS.values()


def _begun(rest: Mapping[str, Any]) -> float:
    return _number(rest, "at") if rest else -math.inf


def _waits(fields: Mapping[str, Any], key: ApiKey, now: float, use: Use) -> list[tuple[float, str]]:
    tokens = use.tokens
    waits = [(_number(fields, "cool_until") - now, str(fields.get("why", "")))]
    if (rest := _rests(fields).get(use.model)) is not None:
        waits.append((_number(rest, "until") - now, f"{rest.get('why', 'rate limited')} for {use.model}"))
    start, used = _quota(fields)
    if key.quota and start is not None and used >= key.quota:
        waits.append((start + 86_400.0 - now, f"its quota of {key.quota} requests per day is used up"))
    if key.rpm:
        waits.append((_bucket_wait(fields.get("rpm"), key.rpm, now, 1), f"at most {key.rpm} requests per minute"))
    if key.tpm:
        # A request larger than the whole minute's tokens goes when the bucket is full: it can never fit.
        need = min(tokens, key.tpm)
        waits.append((_bucket_wait(fields.get("tpm"), key.tpm, now, need), f"at most {key.tpm} tokens per minute"))
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
    return since + share * (
        full_at - since
    ) - now, f"the provider's limit of {kind.replace(' ', ' per ')} is used up for now"


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
