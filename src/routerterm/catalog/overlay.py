"""What is laid over the shipped rows: the providers' own listings, and the person's word, which is the last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from routerterm.catalog.rows import MILLION, UNKNOWN_ABILITIES, Listing
from routerterm.catalog.values import ModelInfo, Prices
from routerterm.core.targets import Target

Row = Mapping[str, Any]


class ModelOverride(Struct, frozen=True):
    """What a person says of a model; None leaves the catalogue's word.  Prices are US dollars per token.

    A person's price has no tiers and no cheap hours; without a date of its own it is dated "settings".
    """

    target: Target
    context: int | None = None
    max_output: int | None = None
    price_input: Decimal | None = None
    price_output: Decimal | None = None
    price_cache_read: Decimal | None = None
    price_cache_write: Decimal | None = None
    price_reasoning: Decimal | None = None
    vision: bool | None = None
    tools: bool | None = None
    reasoning: bool | None = None
    prefill: bool | None = None
    local: bool | None = None

    @property
    def has_prices(self) -> bool:
        """Whether it speaks of money at all."""
        given = (
            self.price_input,
            self.price_output,
            self.price_cache_read,
            self.price_cache_write,
            self.price_reasoning,
        )
        return any(price is not None for price in given)


SETTINGS_DATE = "settings"


def overridden(info: ModelInfo, override: ModelOverride) -> ModelInfo:
    """A model as the person wants it seen."""
    fields = ("context", "max_output", "vision", "tools", "reasoning", "prefill", "local")
    said = {name: value for name in fields if (value := getattr(override, name)) is not None}
    info = replace(info, said=info.said | said.keys(), **said)
    if override.context is not None:
        info = replace(info, max_input=None)
    if not override.has_prices:
        return info
    old = info.prices
    prices = Prices(
        input=_said(override.price_input, old.input),
        output=_said(override.price_output, old.output),
        cache_read=_said(override.price_cache_read, old.cache_read),
        cache_write=_said(override.price_cache_write, old.cache_write),
        cache_write_1h=old.cache_write_1h,
        reasoning=_said(override.price_reasoning, old.reasoning),
    )
    return replace(info, prices=prices, tiers=(), off_peak=None, classes={}, price_date=SETTINGS_DATE)


class Listed(Protocol):
    """A model in a provider's own listing; None where it says nothing.  Prices are US dollars per token, as text."""

    @property
    def id(self) -> str:
        """The provider's name for it."""
        ...

    @property
    def context(self) -> int | None:
        """The window in tokens."""
        ...

    @property
    def max_output(self) -> int | None:
        """Most tokens of an answer."""
        ...

    @property
    def vision(self) -> bool | None:
        """Whether it sees."""
        ...

    @property
    def tools(self) -> bool | None:
        """Whether it calls tools."""
        ...

    @property
    def reasoning(self) -> bool | None:
        """Whether it thinks before it answers."""
        ...

    @property
    def price_input(self) -> str | None:
        """Of a token of the prompt."""
        ...

    @property
    def price_output(self) -> str | None:
        """Of a token of the answer."""
        ...

    @property
    def price_cache_read(self) -> str | None:
        """Of a token found in the provider's cache."""
        ...

    @property
    def price_cache_write(self) -> str | None:
        """Of a token put there."""
        ...


def listing_of(models: Iterable[Listed], date: str, source: str) -> Listing:
    """A provider's own listing in the form of a data file, to be kept and laid over the shipped one."""
    return Listing(date, (source,), {model.id: _row(model, date) for model in models})


def merged_row(shipped: Row | None, fresh: Row | None) -> Row | None:
    """The shipped row with what the provider says now.  A changed price takes the old tiers and cheap hours with it."""
    if shipped is None or fresh is None:
        return fresh if shipped is None else shipped
    row = {**shipped, **fresh}
    if fresh.get("flags") == UNKNOWN_ABILITIES:
        row["flags"] = shipped.get("flags", "")
    elif "p" in shipped.get("flags", ""):
        row["flags"] = fresh.get("flags", "") + "p"  # no listing tells of prefill
    if "context" in fresh and "in" in shipped:
        row["in"] = min(shipped["in"], fresh["context"])
    new, old = list(fresh.get("prices", ())), list(shipped.get("prices", ()))
    if new and new[:2] != old[:2]:
        for name in ("tiers", "off_peak", "classes"):
            if name not in fresh:
                row.pop(name, None)
    elif new:
        row["prices"] = [a if a is not None else b for a, b in zip(_pad(new), _pad(old), strict=True)]
    return row


def _row(model: Listed, date: str) -> dict[str, Any]:
    abilities = {"v": model.vision, "t": model.tools, "r": model.reasoning}
    silent = all(value is None for value in abilities.values())
    row: dict[str, Any] = {
        "context": model.context,
        "out": model.max_output,
        "flags": UNKNOWN_ABILITIES if silent else "".join(letter for letter, value in abilities.items() if value),
    }
    texts = (model.price_input, model.price_output, model.price_cache_read, model.price_cache_write)
    prices = [_per_million(text) for text in texts]
    if prices[0] is not None and prices[1] is not None:
        for index in (2, 3):  # a listing's zero here means that there is no such price
            prices[index] = None if prices[index] == "0" else prices[index]
        row |= {"prices": prices, "date": date}
    return {name: value for name, value in row.items() if value is not None}


def _per_million(text: str | None) -> str | None:
    """None for what is no price: a listing says -1 where it depends."""
    try:
        price = Decimal(text or "nan") * MILLION
    except InvalidOperation:
        return None
    if not price.is_finite() or price < 0:
        return None
    plain = format(price, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _pad(prices: list[str | None]) -> list[str | None]:
    return prices + [None] * (6 - len(prices))


def _said(said: Decimal | None, old: Decimal | None) -> Decimal | None:
    return old if said is None else said
