"""Where our price list and genai-prices' differ, model by model, and why.

    python benchmarks/prices.py [PROVIDER]...

The arithmetic is held against genai-prices for every model in the tests; this compares the prices themselves.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from genai_prices.data import providers

from routerterm.catalog import Catalog
from routerterm.catalog.pricing import amount, prices_for
from routerterm.catalog.values import ModelInfo
from routerterm.core.usage import Usage

NAMES = {"gemini": "google", "xai": "x-ai", "moonshot": "moonshotai"}
USAGES = {
    "fresh": Usage(fresh=1_000, output=100),
    "cached": Usage(fresh=10, cache_read=1_000, output=100),
    "cache write": Usage(fresh=10, cache_write=1_000, output=100),
    "long": Usage(fresh=300_000, output=100),
}


def theirs(price: Any, usage: Usage) -> Decimal:
    """What genai-prices says."""
    from genai_prices.types import Usage as Counted

    counted = Counted(
        input_tokens=usage.input,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        output_tokens=usage.output,
    )
    return Decimal(price.calc_price(counted)["total_price"])


def compare(model: ModelInfo, other: Any, now: datetime) -> str | None:
    """Why a model's costs differ, or None."""
    price = other.get_prices(now)
    if price.input_mtok is None or price.output_mtok is None:
        return "genai-prices has no price"
    differs = [
        name
        for name, usage in USAGES.items()
        if amount(usage, prices_for(model, usage.input, now)) != theirs(price, usage)
    ]
    if not differs:
        return None
    if isinstance(other.prices, list):
        return "hours or dates of a changing price: litellm's list is the newer"
    if differs == ["long"] or "fresh" not in differs:
        known = "litellm" if model.tiers or model.prices.cache_read else "genai-prices"
        return f"{' and '.join(differs)}: only {known} has such a price"
    return "litellm's list has another price"


def compared() -> Iterator[tuple[ModelInfo, str | None]]:
    """Every priced model that both know, with the reason why they differ."""
    catalog, now = Catalog.builtin(), datetime.now(UTC)
    known = {provider.id: provider for provider in providers}
    for model in catalog.models():
        there = known.get(NAMES.get(model.provider, model.provider))
        if there is None or model.prices.input is None or model.local:
            continue
        if (other := there.find_model(model.id)) is not None:
            yield model, compare(model, other, now)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("providers", nargs="*", help="list these providers' differing models one by one")
    wanted = parser.parse_args().providers
    equal, differ, reasons = Counter[str](), Counter[str](), Counter[str]()
    for model, reason in compared():
        (equal if reason is None else differ)[model.provider] += 1
        if reason is not None:
            reasons[reason] += 1
            if not wanted or model.provider in wanted:
                print(f"  {model.target}: {reason}")
    print(f"{'provider':14}{'equal':>7}{'differ':>8}")
    for name in sorted(equal | differ):
        print(f"{name:14}{equal[name]:7}{differ[name]:8}")
    print(f"{'all':14}{equal.total():7}{differ.total():8}")
    for reason, count in reasons.most_common():
        print(f"  {count:4} {reason}")


if __name__ == "__main__":
    main()
