"""What a client says in headers about the routing of one request."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import get_args

from msgspec import Struct

from routerterm.core.ledger import Cap
from routerterm.core.money import to_nano
from routerterm.core.request import NO_PREFERENCES, RoutingPreferences, Sort
from routerterm.gateway.http_errors import wrong
from routerterm.gateway.request import flag

PREFIX = "x-routerterm-"
NAMES = ("order", "only", "ignore", "sort", "fallbacks", "max-price", "max-cost", "no-log", "cache")
_MILLION = Decimal(1_000_000)
_MOST_NAMES = 100


class RequestOptions(Struct, frozen=True):
    """All that the headers say."""

    controls: RoutingPreferences = NO_PREFERENCES
    caps: tuple[Cap, ...] = ()
    log: bool = True
    """Whether the request may appear in the log, the traces and the list of requests; the ledger always has it."""
    cache: bool | None = None


def request_options(headers: Mapping[str, str]) -> RequestOptions:
    """What the ``x-routerterm-…`` headers ask for.  Raises `HttpError` (400) for one that cannot be understood."""
    if not any(name.startswith(PREFIX) for name in headers):
        return RequestOptions()
    if unknown := next((name for name in headers if name.startswith(PREFIX) and name[len(PREFIX) :] not in NAMES), ""):
        known = ", ".join(PREFIX + name for name in NAMES)
        raise wrong(400, f"The header {unknown[:60]} is not known. Known headers: {known}.")
    low, high = _prices(headers.get(PREFIX + "max-price"))
    fallbacks = flag(headers, PREFIX + "fallbacks")
    most = _amount(headers.get(PREFIX + "max-cost"), "max-cost")
    controls = RoutingPreferences(
        order=_list(headers, "order"),
        only=_list(headers, "only"),
        ignore=_list(headers, "ignore"),
        sort=_sort(headers.get(PREFIX + "sort")),
        fallbacks=fallbacks is not False,
        max_price_input=low,
        max_price_output=high,
    )
    caps = () if most is None else (Cap("request", "usd", to_nano(most)),)
    return RequestOptions(controls, caps, flag(headers, PREFIX + "no-log") is not True, flag(headers, PREFIX + "cache"))


def _list(headers: Mapping[str, str], name: str) -> tuple[str, ...]:
    value = headers.get(PREFIX + name, "")
    names = tuple(dict.fromkeys(word.strip() for word in value.split(",") if word.strip()))
    if len(names) > _MOST_NAMES:
        raise wrong(400, f"The header {PREFIX}{name} has more than {_MOST_NAMES} names.")
    return names


def _sort(value: str | None) -> Sort | None:
    word = (value or "").strip().lower()
    for known in get_args(Sort):
        if word == known:
            return known  # type: ignore[no-any-return]
    if word:
        raise wrong(400, f"The header {PREFIX}sort must be one of {', '.join(get_args(Sort))}.")
    return None


def _prices(value: str | None) -> tuple[Decimal | None, Decimal | None]:
    """``3/15`` or ``3``: US dollars per million tokens of prompt and answer."""
    if value is None:
        return None, None
    first, slash, second = value.partition("/")
    low = _amount(first, "max-price")
    high = _amount(second, "max-price") if slash else low
    return _per_token(low), _per_token(high)


def _per_token(per_million: Decimal | None) -> Decimal | None:
    return None if per_million is None else per_million / _MILLION


def _amount(text: str | None, name: str) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount < 1_000_000:
        raise wrong(400, f"The header {PREFIX}{name} must be an amount in US dollars.")
    return amount
