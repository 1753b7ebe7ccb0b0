"""What the keys screen and ``routerterm keys list`` show of every key, as frozen values.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, assert_never

from msgspec import Struct

from routerterm.config.keys.errors import VaultLocked

if TYPE_CHECKING:
    from routerterm.catalog.values import ProviderInfo
    from routerterm.config.keys.values import KeyLocation, KeyRecord, PlaceStatus, ProbeResult
    from routerterm.core.errors import VaultError
    from routerterm.core.ports import State

Health: TypeAlias = Literal["ready", "cooling", "out", "off", "locked", "missing"]
"""``out`` waits for the person; ``off`` was disabled; ``missing`` is not to be had where it should be."""

DAY = 86_400.0

_OUT_WORDS: Mapping[str, str] = {
    "bad_credential": "refused by the provider",
    "out_of_credit": "the account has no credit",
}


class KeyLine(Struct, frozen=True):
    """One key.  Times are seconds since the epoch."""

    record: KeyRecord
    health: Health = "ready"
    says: str = ""
    """Why it is not ready, or what was last said of it."""
    until: float | None = None
    """When it is usable again, if that is known."""
    used: int | None = None
    """Requests of the running day, where there is a quota."""
    resets_at: float | None = None
    """When the quota begins anew."""
    used_at: float | None = None
    tested: ProbeResult | None = None
    """The last test of this session."""


class ProviderLines(Struct, frozen=True):
    """A provider with its keys, in order of preference; without any it is an invitation."""

    name: str
    title: str
    lines: tuple[KeyLine, ...] = ()
    docs: str = ""
    """Where a person gets a key."""
    needs_key: bool = True


class KeysView(Struct, frozen=True):
    """Everything at one moment, ``at`` seconds since the epoch."""

    at: float
    places: tuple[PlaceStatus, ...] = ()
    providers: tuple[ProviderLines, ...] = ()

    def place(self, place: KeyLocation) -> PlaceStatus | None:
        """What a place is."""
        return next((status for status in self.places if status.place is place), None)

    @property
    def keys(self) -> int:
        """How many keys there are in all."""
        return sum(len(provider.lines) for provider in self.providers)


def lines_of(
    records: Sequence[KeyRecord],
    states: Mapping[str, State],
    places: Mapping[KeyLocation, PlaceStatus],
    troubles: Mapping[str, VaultError],
    tests: Mapping[str, ProbeResult],
    now: float,
) -> tuple[KeyLine, ...]:
    """A line per record.  ``states`` are the router's, under ``key:provider/label``; the rest goes by record name."""
    return tuple(
        _line(
            record,
            states.get(f"key:{record.name}") or {},
            places.get(record.place),
            trouble=troubles.get(record.name),
            tested=tests.get(record.name),
            now=now,
        )
        for record in records
    )


def _line(
    record: KeyRecord,
    state: State,
    place: PlaceStatus | None,
    trouble: VaultError | None,
    tested: ProbeResult | None,
    now: float,
) -> KeyLine:
    used, resets_at = _quota(record, state, now)
    health, says, until = _health(record, state, place, trouble=trouble, now=now, used=used, resets_at=resets_at)
    if not says and tested is not None:
        says = tested.says
    return KeyLine(
        record,
        health,
        says,
        until=until,
        used=used,
        resets_at=resets_at,
        used_at=_time(state.get("used_at")),
        tested=tested,
    )


def _health(
    record: KeyRecord,
    state: State,
    place: PlaceStatus | None,
    trouble: VaultError | None,
    now: float,
    used: int | None,
    resets_at: float | None,
) -> tuple[Health, str, float | None]:
    if not record.enabled:
        return "off", "disabled by you", None
    if isinstance(trouble, VaultLocked) or (place is not None and place.state == "locked"):
        return "locked", "its store is locked", None
    if trouble is not None:
        return "missing", trouble.message, None
    if place is not None and place.state == "absent":
        return "missing", f"{place.title} is not available", None
    if isinstance(state.get("out"), str):
        return "out", _OUT_WORDS.get(state["out"], str(state["out"])), None
    cool = _time(state.get("cool_until"))
    if cool is not None and cool > now:
        return "cooling", str(state.get("why") or "cooling down"), cool
    if record.quota and used is not None and used >= record.quota and resets_at is not None:
        return "cooling", "its daily quota is used up", resets_at
    return "ready", ", ".join(_resting_models(state, now)), None


def _resting_models(state: State, now: float) -> Iterator[str]:
    """The models for which alone the key waits, in words."""
    rests = state.get("rests")
    for model, rest in rests.items() if isinstance(rests, Mapping) else ():
        until = _time(rest.get("until")) if isinstance(rest, Mapping) else None
        if until is not None and until > now:
            yield f"{model} cooling down {duration(until - now)}"


def _quota(record: KeyRecord, state: State, now: float) -> tuple[int | None, float | None]:
    """Requests used of the running day, and its end."""
    quota = state.get("quota")
    if not record.quota:
        return None, None
    start = _time(quota.get("start")) if isinstance(quota, Mapping) else None
    if start is None or now - start >= DAY:
        return 0, None
    return int(quota.get("used", 0)) if isinstance(quota, Mapping) else 0, start + DAY


def _time(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None


def duration(seconds: float) -> str:
    """``41 s``, ``12 min``, ``3 h 20 min``: as long as it still says something."""
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 10 and rest:
        return f"{hours} h {rest} min"
    if hours < 72:
        return f"{hours} h"
    return f"{hours // 24} days"


def health(line: KeyLine, now: float) -> str:
    """The health in words, with the wait where there is one."""
    match line.health:
        case "ready" | "locked":
            return line.health
        case "cooling":
            wait = duration(line.until - now) if line.until is not None else "a while"
            return f"cooling down {wait}: {line.says}"
        case "off":
            return "disabled"
        case "out":
            return f"needs you: {line.says}"
        case "missing":
            return line.says or "not found"
        case _:
            assert_never(line.health)


def grouped(
    providers: Sequence[ProviderInfo], lines: Sequence[KeyLine], *, with_empty: bool
) -> tuple[ProviderLines, ...]:
    """By provider: those with keys first, then, where wanted, those that would need one."""
    by_name: dict[str, list[KeyLine]] = {}
    for line in lines:
        by_name.setdefault(line.record.provider, []).append(line)
    known = {info.name: info for info in providers}
    having = [
        ProviderLines(
            name,
            known[name].title if name in known else name,
            tuple(own),
            known[name].docs if name in known else "",
            known[name].needs_key if name in known else True,
        )
        for name, own in by_name.items()
    ]
    empty = [
        ProviderLines(info.name, info.title, (), info.docs, info.needs_key)
        for info in providers
        if info.name not in by_name and info.needs_key
    ]
    return (*having, *empty) if with_empty else tuple(having)
