"""Reads the catalogue's data files: one JSON object per provider, one model a line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from routerterm.catalog.values import FREE_PRICES, ModelInfo, OffPeak, Prices, ServiceClass, Tier, Window

MILLION = Decimal(1_000_000)
UNKNOWN_ABILITIES = "?"
_LISTS = Path(__file__).with_name("data") / "models"


class Listing(Struct, frozen=True):
    """The models of one provider as a data file tells them, with the date of its prices."""

    date: str | None
    sources: tuple[str, ...]
    models: Mapping[str, Mapping[str, Any]]


EMPTY = Listing(None, (), {})


def builtin_listing(provider: str) -> Listing:
    """The shipped file of a provider; empty where there is none."""
    try:
        return parse_listing(_LISTS.joinpath(f"{provider}.json").read_bytes())
    except FileNotFoundError:
        return EMPTY


def builtin_names() -> tuple[str, ...]:
    """The providers that have a shipped file."""
    return tuple(sorted(file.stem for file in _LISTS.glob("*.json")))


def parse_listing(body: bytes) -> Listing:
    """A data file.  Raises `ValueError` that says what is wrong with it."""
    data = json.loads(body)
    if not isinstance(data, dict) or not isinstance(data.get("models"), dict):
        raise ValueError("a catalogue file must be an object with the member models")
    return Listing(data.get("date"), tuple(data.get("sources", ())), data["models"])


def model_info(provider: str, id: str, row: Mapping[str, Any], date: str | None) -> ModelInfo:
    """One row as a value.  Raises `ValueError` where a price is not a number."""
    flags = row.get("flags", "")
    declared_free = bool(row.get("free"))
    prices = FREE_PRICES if declared_free else read_prices(row.get("prices", ()))
    return ModelInfo(
        provider=provider,
        id=id,
        context=row.get("context") or row.get("in"),
        max_input=row.get("in"),
        max_output=row.get("out"),
        prices=prices,
        tiers=tuple(Tier(above, read_prices(high)) for above, high in row.get("tiers", ())),
        off_peak=_off_peak(row.get("off_peak")),
        classes={name: _service_class(body) for name, body in row.get("classes", {}).items()},
        price_date=None if declared_free or prices == Prices() else row.get("date", date),
        vision="v" in flags,
        tools="t" in flags,
        reasoning="r" in flags,
        prefill="p" in flags,
        local=bool(row.get("local")),
        switched_off=row.get("off"),
        abilities_known=flags != UNKNOWN_ABILITIES,
    )


def read_prices(values: Sequence[str | None]) -> Prices:
    """US dollars per million tokens, in the order of the fields of `Prices`."""
    return Prices(*(None if value is None else per_token(value) for value in values))


def per_token(per_million: str | Decimal) -> Decimal:
    """A price per million tokens as a price per token.  Raises `ValueError`."""
    try:
        price = Decimal(per_million)
    except ArithmeticError:
        raise ValueError(f"{per_million!r} is not a price") from None
    if not price.is_finite() or price < 0:
        raise ValueError(f"{per_million!r} is not a price")
    return price / MILLION


def _service_class(body: Mapping[str, Any]) -> ServiceClass:
    tiers = tuple(Tier(above, read_prices(high)) for above, high in body.get("tiers", ()))
    return ServiceClass(read_prices(body["prices"]), tiers)


def _off_peak(body: Mapping[str, Any] | None) -> OffPeak | None:
    if body is None:
        return None
    windows = (Window(frozenset(map(int, days)), start, end) for days, start, end in body["windows"])
    return OffPeak(tuple(windows), read_prices(body["prices"]))
