"""Costs to the nano-dollar, against an independent calculator."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from routerterm.catalog.catalog import Catalog
from routerterm.catalog.pricing import amount, cost, dearer_class, prices_for, saved_by_cache
from routerterm.catalog.rows import builtin_names
from routerterm.catalog.values import FREE_PRICES, ModelInfo, OffPeak, Prices, ProviderInfo, ServiceClass, Tier, Window
from routerterm.core.money import FREE, UNKNOWN_COST, Cost, to_nano
from routerterm.core.targets import Target
from routerterm.core.usage import Usage
from routerterm.router.accounting.pricing import CatalogPricer

USAGES = (
    Usage(fresh=1234, output=567),
    Usage(fresh=10, cache_read=9_990, output=77),
    Usage(fresh=3, cache_write=4_001, output=1),
    Usage(fresh=3, cache_write_1h=4_001, output=1),
    Usage(fresh=11, cache_read=22, cache_write=33, cache_write_1h=44, output=55, reasoning=50),
    Usage(fresh=100_001, output=9),
    Usage(fresh=128_001, output=9),
    Usage(fresh=1, cache_read=200_000, output=9, reasoning=3),
    Usage(fresh=272_000, output=9),
    Usage(fresh=272_001, cache_read=5, output=9),
    Usage(fresh=999_999, cache_write=13, output=65_000, reasoning=60_000),
)
"""Fresh, cached, cache-write, tiers from both sides, reasoning."""


def builtin() -> Catalog:
    return Catalog([ProviderInfo(name, name, "openai-chat", "http://127.0.0.1") for name in builtin_names()])


def oracle(info: ModelInfo, usage: Usage) -> Decimal:
    """The same prices in genai-prices' own words, calculated by genai-prices."""
    types: Any = pytest.importorskip("genai_prices.types")

    def price(name: str) -> Any:
        base = getattr(info.prices, name)
        if base is None:
            return None
        tiers = [
            types.Tier(start=tier.above, price=getattr(tier.prices, name) * 1_000_000)
            for tier in info.tiers
            if getattr(tier.prices, name) is not None
        ]
        return types.TieredPrices(base=base * 1_000_000, tiers=tiers) if tiers else base * 1_000_000

    names = {
        "input_mtok": "input",
        "output_mtok": "output",
        "cache_read_mtok": "cache_read",
        "cache_write_mtok": "cache_write",
        "cache_write_1h_mtok": "cache_write_1h",
        "output_reasoning_mtok": "reasoning",
    }
    prices = {key: found for key, name in names.items() if (found := price(name)) is not None}
    counted = types.Usage(
        input_tokens=usage.input,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write + usage.cache_write_1h,
        cache_write_1h_tokens=usage.cache_write_1h,
        output_tokens=usage.output,
        output_reasoning_tokens=usage.reasoning,
    )
    return Decimal(types.ModelPrice(**prices).calc_price(counted)["total_price"])


@pytest.mark.parametrize("provider", builtin_names())
def test_every_model_costs_what_an_independent_calculator_says(provider: str) -> None:
    checked = set()
    for info in builtin().models(provider):
        if info.prices.input is None or info.prices.output is None or info.local:
            continue
        if (priced := (info.prices, info.tiers)) in checked:
            continue  # another name of the same
        for usage in USAGES:
            ours = cost(usage, info)
            assert ours.usd is not None
            assert to_nano(ours.usd) == to_nano(oracle(info, usage)), (info.id, usage)
            assert ours.source == ("declared" if ours.usd == 0 and info.price_date is None else "computed")
        checked.add(priced)
    assert checked or provider == "demo"


GPT = ModelInfo("p", "m", prices=Prices(Decimal("0.000002"), Decimal("0.00001"), Decimal("0.0000002")), price_date="d")


def test_a_reported_cost_beats_a_computed_one() -> None:
    assert cost(Usage(fresh=10, output=5, cost=Decimal("0.5")), GPT) == Cost(Decimal("0.5"), "reported")


@pytest.mark.parametrize(
    ("usage", "info"),
    [
        (Usage(fresh=1), None),
        (Usage(fresh=1), ModelInfo("p", "m")),
        (Usage(fresh=1, output=1), ModelInfo("p", "m", prices=Prices(input=Decimal(1)))),
    ],
)
def test_an_unknown_price_is_an_unknown_cost(usage: Usage, info: ModelInfo | None) -> None:
    assert cost(usage, info) == UNKNOWN_COST


def test_an_unknown_price_of_what_was_not_used_does_not_matter() -> None:
    assert cost(Usage(fresh=2), ModelInfo("p", "m", prices=Prices(input=Decimal(1)), price_date="d")).usd == 2


def test_a_local_model_is_free_by_declaration() -> None:
    assert cost(Usage(fresh=10**9), ModelInfo("ollama", "x", prices=FREE_PRICES, local=True)) == FREE


def test_a_tier_is_a_cliff() -> None:
    info = ModelInfo("p", "m", prices=GPT.prices, tiers=(Tier(100, Prices(Decimal(1), Decimal(1))),), price_date="d")
    assert cost(Usage(fresh=100), info).usd == 100 * Decimal("0.000002")
    assert cost(Usage(fresh=90, cache_read=11), info).usd == 101


def test_cheap_hours_count_only_when_they_are_now() -> None:
    window = Window(frozenset({1, 2, 3, 4, 5}), 600, 1440)
    info = ModelInfo("p", "m", prices=GPT.prices, off_peak=OffPeak((window,), Prices(Decimal(0), Decimal(0))))
    monday_noon, sunday = datetime(2026, 11, 23, 12, tzinfo=UTC), datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert prices_for(info, 10, monday_noon).input == 0
    assert prices_for(info, 10, sunday) == info.prices
    assert prices_for(info, 10) == info.prices
    pricer = CatalogPricer(lambda: monday_noon)
    assert pricer.cost(Usage(fresh=10), info).usd == 0


def test_a_cache_saves_what_it_was_cheaper() -> None:
    assert saved_by_cache(Usage(fresh=5, cache_read=100), GPT) == 100 * Decimal("0.0000018")
    assert cost(Usage(fresh=5, cache_read=100), GPT).saved == 100 * Decimal("0.0000018")
    assert cost(Usage(fresh=5), GPT).saved == 0


counts = st.integers(0, 10**7)
prices = st.decimals(0, Decimal("0.001"), places=12)


@given(counts, counts, counts, counts, counts, st.builds(Prices, prices, prices, prices, prices, prices, prices))
def test_a_sum_of_parts_is_the_cost_of_the_whole(a: int, b: int, c: int, d: int, e: int, p: Prices) -> None:
    whole = Usage(a, b, c, d, e)
    parts = (Usage(fresh=a), Usage(cache_read=b), Usage(cache_write=c), Usage(cache_write_1h=d), Usage(output=e))
    assert amount(whole, p) == sum((amount(part, p) or Decimal(0) for part in parts), Decimal(0))


CLASSES = {
    "flex": ServiceClass(Prices(Decimal("0.0000005"), Decimal("0.000001"), Decimal("0.00000005"))),
    "priority": ServiceClass(Prices(Decimal("0.000002"), Decimal("0.000005"))),
}
SERVED = ModelInfo(
    "openai", "m", prices=Prices(Decimal("0.000001"), Decimal("0.000002"), Decimal("0.0000001")),
    tiers=(Tier(5_000, Prices(Decimal(1), Decimal(1))),), classes=CLASSES, price_date="2026-01-01",
)  # fmt: skip


@pytest.mark.parametrize(
    ("tier", "usage", "usd"),
    [
        ("", Usage(fresh=1000, output=1000), "0.003"),
        ("Default", Usage(fresh=1000, output=1000), "0.003"),
        ("flex", Usage(fresh=1000, output=1000), "0.0015"),
        ("flex", Usage(fresh=1000, cache_read=1000, output=1000), "0.00155"),
        ("priority", Usage(fresh=1000, output=1000), "0.007"),
        ("priority", Usage(fresh=1000, cache_read=1000), None),  # nobody says what that costs
        ("priority", Usage(fresh=6000), None),  # nor above the size from which the list is dearer
        ("batch", Usage(fresh=1000), None),
        ("something new", Usage(fresh=1000), None),
    ],
)
def test_a_class_of_service_has_its_own_price_or_an_unknown_one(tier: str, usage: Usage, usd: str | None) -> None:
    assert cost(replace(usage, tier=tier), SERVED).usd == (None if usd is None else Decimal(usd))


def test_classes_of_throughput_have_the_usual_price() -> None:
    groq = replace(SERVED, provider="groq", classes={})
    assert cost(Usage(fresh=1000, tier="flex"), groq).usd == Decimal("0.001")
    assert cost(Usage(fresh=1000, tier="priority"), groq).usd is None


def test_shipped_classes_of_service() -> None:
    info = Catalog.builtin().model(Target.parse("openai/gpt-5.4"))
    assert info is not None
    at = {
        tier: cost(Usage(fresh=100_000, output=1000, tier=tier), info).usd for tier in ("", "flex", "priority", "batch")
    }
    assert at == {
        "": Decimal("0.265"),
        "flex": Decimal("0.1325"),
        "priority": Decimal("0.53"),
        "batch": Decimal("0.1325"),
    }


def test_for_a_limit_the_dearer_class_counts() -> None:
    assert dearer_class(SERVED, "priority").prices == CLASSES["priority"].prices
    assert all(dearer_class(SERVED, tier) is SERVED for tier in ("flex", "default", "unheard of", None, 5))


def test_audio_tokens_have_prices_of_their_own() -> None:
    info = ModelInfo("openai", "m", prices=Prices(Decimal("0.000001"), Decimal("0.000002")), price_date="2026-01-01")
    raw = {"prompt_tokens_details": {"audio_tokens": 40}}
    assert cost(Usage(fresh=1000, output=10, raw=raw), info).usd is None
    assert cost(Usage(fresh=1000, output=10, raw={"prompt_tokens_details": {"audio_tokens": 0}}), info).usd is not None
