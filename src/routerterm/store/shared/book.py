"""The book of spending that gateways share, in sums.  Pure: it reads and writes a `Draft`.

A server holds no rows: each gateway has its own in its history.  It holds, for all requests, for each route, provider,
model and client, and for each model of a client, what quarters of an hour and days (UTC) add up to.  A cap's sum is
that of the quarters of its first day and of the whole days after it: midnight of every time zone falls on a quarter.
What a row has taken is kept beside them until it is settled and a day longer, so that it is never entered twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct

from routerterm.core.ledger import AttemptRecord, Cap, CapReached
from routerterm.store.ledger import wanted
from routerterm.store.shared.state import Draft

_QUARTER, _DAY = 900_000, 86_400_000
"""Milliseconds."""
_QUARTERS_KEPT = 40 * 86_400
"""Seconds: a month's first day is asked for until its end."""
_DAYS_KEPT = 1_100
"""Days: a key's balance counts for three years."""
_HELD, _SETTLED = 40 * 86_400, 86_400
"""Seconds for which a row is known: while it holds something back, for its gateway may be away, and afterwards."""

Key: TypeAlias = tuple[str, str, str]
"""Client, provider and model."""


class Sums(Struct, array_like=True):
    """What rows add up to: first what caps count, then what is told of them."""

    usd: int = 0
    """Nano-dollars, with what stays held back where a cost is unknown."""
    requests: int = 0
    """Without those that ran on a person's own machine; tokens alike."""
    tokens: int = 0
    cost: int = 0
    """Nano-dollars that are known."""
    attempts: int = 0
    cached: int = 0
    input: int = 0
    output: int = 0
    estimated: int = 0
    unpriced: int = 0

    def plus(self, other: Sums, times: int = 1) -> Sums:
        """With another's added, or taken away (``times`` -1)."""
        return Sums(*(mine + times * theirs for mine, theirs in zip(_values(self), _values(other), strict=True)))


class Entered(Struct, array_like=True):
    """What a row has taken so far."""

    sums: Sums
    held: bool
    """Whether it is a reservation still."""


def _values(sums: Sums) -> tuple[int, ...]:
    return tuple(getattr(sums, name) for name in Sums.__struct_fields__)


_NOTHING = Sums()
_encode = msgspec.json.Encoder().encode
_sums = msgspec.json.Decoder(Sums).decode
_entered = msgspec.json.Decoder(Entered).decode
_key = msgspec.json.Decoder(Key).decode


def names_of_row(record: AttemptRecord) -> set[str]:
    """All values that a row is entered in."""
    slots = {name for subject in _subjects(record) for name in _slots(subject, record.started_at)}
    return {_row(record.id), _use(_key_of(record)), *slots}


def names_of_caps(caps: Sequence[Cap], now: int) -> set[str]:
    """All values that the sums of caps are made of."""
    return {name for cap in caps if cap.scope != "request" for name in _since(_subject(cap), cap.since, now)}


def names_of_uses(keys: Sequence[Key], since: int, now: int) -> set[str]:
    """All values that `use_since` reads."""
    return {name for key in keys for name in _since(_use_subject(key), since, now)}


def broken_cap(draft: Draft, record: AttemptRecord, caps: Sequence[Cap], now: int) -> CapReached | None:
    """The first cap that a row would break."""
    for cap in caps:
        wants, so_far = wanted(record, cap.unit), used(draft, cap, now)
        if so_far + wants > cap.limit:
            return CapReached(cap, so_far, wants)
    return None


def used(draft: Draft, cap: Cap, now: int) -> int:
    """What is used of a cap, reservations included."""
    return 0 if cap.scope == "request" else sum(getattr(sums, cap.unit) for sums in _sums_of(draft, cap, now))


def is_unpriced(draft: Draft, cap: Cap, now: int) -> bool:
    """Whether there is a row among those of a cap whose cost is unknown."""
    return any(sums.unpriced for sums in _sums_of(draft, cap, now))


def _sums_of(draft: Draft, cap: Cap, now: int) -> Iterator[Sums]:
    found = (draft.get(name) for name in _since(_subject(cap), cap.since, now))
    return (_sums(value) for value in found if value is not None)


def enter(draft: Draft, record: AttemptRecord, *, if_known: bool = False) -> None:
    """Enter a row as it is now, instead of what was entered of it before; ``if_known``: only where something was."""
    before = draft.get(_row(record.id))
    if before is None and if_known:
        return
    taken, old = _taken(record), _NOTHING if before is None else _entered(before).sums
    if taken != old:
        change = taken.plus(old, -1)
        for subject in _subjects(record):
            _add(draft, subject, record.started_at, change)
    held = record.outcome == "running"
    draft.put(_row(record.id), _encode(Entered(taken, held)), _HELD if held else _SETTLED)
    if draft.get(_use(_key_of(record))) is None:
        draft.put(_use(_key_of(record)), b"{}")


def withdraw(draft: Draft, record: AttemptRecord) -> None:
    """Take a reservation back: nothing was sent."""
    before = draft.get(_row(record.id))
    if before is None or not _entered(before).held:
        return
    change = _NOTHING.plus(_entered(before).sums, -1)
    for subject in _subjects(record):
        _add(draft, subject, record.started_at, change)
    draft.drop(_row(record.id))


def use_since(draft: Draft, key: Key, since: int, now: int) -> Sums:
    """What a client has used of a model since then."""
    total = _NOTHING
    for name in _since(_use_subject(key), since, now):
        if (value := draft.get(name)) is not None:
            total = total.plus(_sums(value))
    return total


def key_of_use(name: str) -> Key:
    """Client, provider and model of a name in the space `USES`."""
    return _key(name)


USES = "use"
"""The space whose names are all that was ever asked by whom."""


def _taken(record: AttemptRecord) -> Sums:
    counts, tokens = record.cost_source != "declared", wanted(record, "tokens")
    output = record.output_tokens or 0
    return Sums(
        usd=wanted(record, "usd"),
        requests=int(counts),
        tokens=tokens if counts else 0,
        cost=record.cost_nanousd or 0,
        attempts=1,
        cached=int(record.cached),
        input=tokens - output,
        output=output,
        estimated=int(record.usage_source != "reported"),
        unpriced=int(record.cost_nanousd is None),
    )


def _add(draft: Draft, subject: str, at: int, change: Sums) -> None:
    quarter, day = _slots(subject, at)
    for name, seconds in ((quarter, _QUARTERS_KEPT), (day, _DAYS_KEPT * 86_400)):
        before = draft.get(name)
        draft.put(name, _encode((_NOTHING if before is None else _sums(before)).plus(change)), seconds)


def _subjects(record: AttemptRecord) -> tuple[str, ...]:
    """All that a row counts for."""
    return (
        "all",
        f"route {record.route}",
        f"provider {record.provider}",
        f"model {record.provider}/{record.model}",
        f"client {record.client}",
        _use_subject(_key_of(record)),
    )


def _subject(cap: Cap) -> str:
    return "all" if cap.scope in ("day", "month") else f"{cap.scope} {cap.value}"


def _use_subject(key: Key) -> str:
    return f"use {_encode(key).decode()}"


def _key_of(record: AttemptRecord) -> Key:
    return record.client, record.provider, record.model


def _row(id: str) -> str:
    return f"row/{id}"


def _use(key: Key) -> str:
    return f"{USES}/{_encode(key).decode()}"


def _slots(subject: str, at: int) -> tuple[str, str]:
    return f"sum/q{at // _QUARTER} {subject}", f"sum/d{at // _DAY} {subject}"


def _since(subject: str, since: int, now: int) -> Iterator[str]:
    """The sums since a moment, until tomorrow: another gateway's clock may be ahead."""
    last = now // _DAY + 1
    since = max(since, (last - _DAYS_KEPT) * _DAY)
    first = -(-since // _DAY)
    for quarter in range(since // _QUARTER, first * _DAY // _QUARTER):
        yield f"sum/q{quarter} {subject}"
    for day in range(first, last + 1):
        yield f"sum/d{day} {subject}"
