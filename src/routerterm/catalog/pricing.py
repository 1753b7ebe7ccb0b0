"""What an attempt costs: exact decimals, from the tokens and the price list; the provider's own word comes first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import astuple, replace

from routerterm.catalog.values import ModelInfo, Prices, Tier
from routerterm.core.money import FREE, MOST_USD, UNKNOWN_COST, Cost
from routerterm.core.usage import Usage


def cost(usage: Usage, info: ModelInfo | None, at: datetime | None = None) -> Cost:
    """What ``usage`` costs at ``info``'s prices.

    A cost that the provider reported is taken as it is.  ``at`` (with a time zone) is when it was asked, for prices
    that go by the hour; without it the dearer hours are assumed.  Unknown if a price that it takes is unknown, or
    if more than tokens was charged.
    """
    if usage.cost is not None:
        return Cost(usage.cost, "reported", saved=None if info is None else saved_by_cache(usage, info, at))
    if info is None:
        return UNKNOWN_COST
    if is_declared_free(info):
        return FREE
    served, fee = at_class(info, usage.tier), search_fee(usage.searches, info)
    if served is None or fee is None or has_fees(usage.raw, _SEARCHES if usage.searches else frozenset()):
        return UNKNOWN_COST
    if not _names_what_it_takes(usage, served.prices, info.prices):
        return UNKNOWN_COST
    info = served
    usd = amount(usage, prices_for(info, usage.input, at))
    if usd is None or usd + fee > MOST_USD:
        return UNKNOWN_COST
    usd += fee
    return Cost(usd, "computed", info.price_date, saved_by_cache(usage, info, at))


def _names_what_it_takes(usage: Usage, prices: Prices, usual: Prices) -> bool:
    """Whether a class of service has the cache prices that the usual list has, as far as such tokens were used."""
    used = [name for name in ("cache_read", "cache_write", "cache_write_1h") if getattr(usage, name)]
    return all(getattr(prices, name) is not None or getattr(usual, name) is None for name in used)


def at_class(info: ModelInfo, tier: str) -> ModelInfo | None:
    """The model at the prices of a class of service; None where nobody says what that costs.

    A price above a prompt size that the class does not name is unknown, not that of shorter prompts.
    """
    tier = tier.lower()
    if tier in _USUAL_TIERS or tier in _AT_THE_USUAL_PRICE.get(info.provider, ()):
        return info
    served = info.classes.get(tier)
    if served is None:
        return None
    named = {above.above for above in served.tiers}
    unknown = tuple(Tier(above.above, Prices()) for above in info.tiers if above.above not in named)
    return replace(info, prices=served.prices, tiers=(*served.tiers, *unknown), off_peak=None)


def batch_class(info: ModelInfo) -> ModelInfo:
    """The model at the prices of batches: those of the list, or half of the usual ones, as all four providers say."""
    served = at_class(info, "batch") if "batch" in info.classes else None
    if served is not None:
        return served
    tiers = tuple(replace(tier, prices=_halved(tier.prices)) for tier in info.tiers)
    return replace(info, prices=_halved(info.prices), tiers=tiers, off_peak=None)


def _halved(prices: Prices) -> Prices:
    return Prices(*(None if price is None else price / 2 for price in astuple(prices)))


def dearer_class(info: ModelInfo, tier: object) -> ModelInfo:
    """For a limit: the model at the prices of the class that is asked for, where those are known and the higher ones.

    A cheaper class is a wish: the provider may serve, and charge, the usual one.
    """
    served = at_class(info, tier) if isinstance(tier, str) else None
    if served is None or served.prices.output is None or info.prices.output is None:
        return info
    return served if served.prices.output > info.prices.output else info


_USUAL_TIERS = frozenset(("", "auto", "default", "standard", "on_demand", "on-demand"))
_AT_THE_USUAL_PRICE: Mapping[str, frozenset[str]] = {"groq": frozenset({"flex", "performance"})}
"""Classes that differ in throughput alone."""


_SEARCHES = frozenset(("web_search_requests",))
"""What tells of searches that `Usage.searches` counts."""
SEARCH_TOKENS = 8_000
"""Tokens of results that one search may add to the prompt, about."""


def search_fee(searches: int, info: ModelInfo) -> Decimal | None:
    """What so many searches of the web cost beside the tokens; None where nobody knows."""
    if not searches:
        return Decimal(0)
    if info.web is None or info.web.fee is None:
        return None
    return info.web.fee if info.web.per_answer else info.web.fee * searches


def has_fees(raw: Mapping[str, Any], counted: frozenset[str] = frozenset()) -> bool:
    """Whether the provider's own numbers tell of searches and tools that it charges by the call, beside the tokens.

    ``counted`` are names of what is charged elsewhere.
    """
    for name, value in raw.items():
        if isinstance(value, Mapping):
            if has_fees(value, counted) or (name == "web_search" and value.get("num_requests")):
                return True
        elif name in _FEES and name not in counted and value:
            return True
    return False


_FEES = frozenset(
    (
        "web_search_requests",  # Anthropic, OpenRouter
        "num_sources_used", "num_server_side_tools_used",  # xAI
        "num_search_queries", "search_context_size",  # Perplexity
        "audio_tokens", "input_audio_tokens", "output_audio_tokens",  # OpenAI: at prices of their own
    )
)  # fmt: skip


def is_declared_free(info: ModelInfo) -> bool:
    """Whether the model costs nothing by declaration (a local one, a demo), rather than by a price list."""
    return info.price_date is None and info.prices.input == 0 and info.prices.output == 0


def prices_for(info: ModelInfo, prompt: int, at: datetime | None = None) -> Prices:
    """The prices of a request: by the length of its prompt in tokens, and by the hour.

    A tier is a cliff: one token more, and all of the request costs the higher price.
    """
    for tier in sorted(info.tiers, key=lambda tier: tier.above, reverse=True):
        if prompt > tier.above:
            return tier.prices
    if at is not None and info.off_peak is not None and any(window.holds(at) for window in info.off_peak.windows):
        return info.off_peak.prices
    return info.prices


def amount(usage: Usage, prices: Prices) -> Decimal | None:
    """Tokens times prices.  None where a price is unknown that some token needs."""
    write = _or(prices.cache_write, prices.input)
    lines = (
        (usage.fresh, prices.input),
        (usage.cache_read, _or(prices.cache_read, prices.input)),
        (usage.cache_write, write),
        (usage.cache_write_1h, _or(prices.cache_write_1h, write)),
        (usage.output - usage.reasoning, prices.output),
        (usage.reasoning, _or(prices.reasoning, prices.output)),
    )
    total = Decimal(0)
    for tokens, price in lines:
        if tokens == 0:
            continue
        if price is None:
            return None
        total += tokens * price
    return total


def saved_by_cache(usage: Usage, info: ModelInfo, at: datetime | None = None) -> Decimal | None:
    """What the provider's prompt cache saved against paying every token of the prompt in full; may be negative."""
    if not (usage.cache_read or usage.cache_write or usage.cache_write_1h):
        return Decimal(0)
    prices = prices_for(info, usage.input, at)
    full = amount(Usage(fresh=usage.input), prices)
    paid = amount(Usage(usage.fresh, usage.cache_read, usage.cache_write, usage.cache_write_1h), prices)
    return None if full is None or paid is None else full - paid


def _or(price: Decimal | None, other: Decimal | None) -> Decimal | None:
    return other if price is None else price
