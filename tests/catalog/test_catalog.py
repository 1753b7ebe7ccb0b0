"""The catalogue: shipped data that loads, and what is laid over it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from routerterm.catalog import Catalog, ModelInfo, ModelOverride, ProviderInfo
from routerterm.catalog.overlay import listing_of
from routerterm.catalog.rows import builtin_listing, builtin_names, model_info, parse_listing
from routerterm.core.targets import Target
from routerterm.protocols.base import ListedModel


def provider(name: str, local: bool = False) -> ProviderInfo:
    return ProviderInfo(name, name.title(), "openai-chat", "http://127.0.0.1", local=local)


@pytest.fixture
def catalog() -> Catalog:
    return Catalog([provider(name) for name in builtin_names()] + [provider("ollama", local=True), provider("mine")])


@pytest.mark.parametrize("name", builtin_names())
def test_every_row_of_a_shipped_file_is_a_model(name: str) -> None:
    listing = builtin_listing(name)
    assert listing.sources
    for id, row in listing.models.items():
        info = model_info(name, id, row, listing.date)
        assert info.target == Target(name, id)
        assert info.max_input is None or info.context is None or info.max_input <= info.context
        assert info.prices.input is None or 0 <= info.prices.input < Decimal("0.001"), id
        assert [tier.above for tier in info.tiers] == sorted(tier.above for tier in info.tiers)
        if info.prices.input == 0 and not info.local:
            assert id.endswith(":free") or id.startswith("gemma"), f"{id} claims to be free"
        if info.prices.input is not None and not info.local:
            assert info.price_date == listing.date


def test_a_known_model_has_its_size_price_and_abilities(catalog: Catalog) -> None:
    info = catalog.model(Target("anthropic", "claude-sonnet-4-5"))
    assert info is not None
    assert (info.context, info.prices.input, info.prices.output) == (200_000, Decimal("0.000003"), Decimal("0.000015"))
    assert info.prices.cache_read == Decimal("3E-7")
    assert info.prices.cache_write_1h == Decimal("0.000006")
    assert info.vision
    assert info.tools
    assert info.prefill
    assert info.switched_off == "2026-11-30"


def test_a_window_larger_than_the_prompt_limit_is_told_apart(catalog: Catalog) -> None:
    info = catalog.model(Target("openai", "gpt-5"))
    assert info is not None
    assert (info.context, info.max_input, info.max_output) == (400_000, 272_000, 128_000)


def test_a_dated_name_takes_the_plain_names_row_under_its_own_name(catalog: Catalog) -> None:
    dated = catalog.model(Target("anthropic", "claude-opus-4-7-20991231"))
    plain = catalog.model(Target("anthropic", "claude-opus-4-7"))
    assert dated is not None
    assert plain is not None
    assert dated.id == "claude-opus-4-7-20991231"
    assert dated.prices == plain.prices


def test_an_unknown_model_is_an_honest_blank(catalog: Catalog) -> None:
    info = catalog.model(Target("mine", "my-finetune"))
    assert info == ModelInfo("mine", "my-finetune", abilities_known=False)
    assert info.prices.input is None
    assert catalog.model(Target("nobody", "x")) is None


def test_all_models_of_a_local_provider_are_declared_free(catalog: Catalog) -> None:
    info = catalog.model(Target("ollama", "llama3:8b"))
    assert info is not None
    assert info.local
    assert info.prices.input == 0
    assert info.price_date is None


def test_the_persons_word_is_the_last(catalog: Catalog) -> None:
    target = Target("openai", "gpt-5.5")
    mine = catalog.merged(models=[ModelOverride(target, price_input=Decimal("0.000001"), vision=False, context=1000)])
    info = mine.model(target)
    before = catalog.model(target)
    assert info is not None
    assert before is not None
    assert before.tiers
    assert (info.prices.input, info.prices.output) == (Decimal("0.000001"), before.prices.output)
    assert (info.tiers, info.vision, info.context, info.price_date) == ((), False, 1000, "settings")
    assert catalog.model(target) == before, "the catalogue it was made from stays as it was"


def test_a_model_of_the_settings_alone_is_listed(catalog: Catalog) -> None:
    mine = catalog.merged(models=[ModelOverride(Target("mine", "a"), price_input=Decimal(0), price_output=Decimal(0))])
    assert [info.id for info in mine.models("mine")] == ["a"]


def test_a_providers_own_listing_wins_and_keeps_its_date(catalog: Catalog) -> None:
    listed = [
        ListedModel("gpt-5.5", price_input="0.000004", price_output="0.00002", context=2_000_000, vision=True),
        ListedModel("brand-new", price_input="-1", price_output="-1"),
        ListedModel("gpt-5"),
    ]
    fresh = catalog.merged(fresh={"openai": listing_of(listed, "2027-01-02", "openai's own listing")})
    info = fresh.model(Target("openai", "gpt-5.5"))
    assert info is not None
    assert (info.prices.input, info.price_date, info.tiers) == (Decimal("0.000004"), "2027-01-02", ())
    assert info.vision
    assert not info.tools, "the listing said what it can do"
    new, old = fresh.model(Target("openai", "brand-new")), fresh.model(Target("openai", "gpt-5"))
    assert new is not None
    assert new.prices.input is None
    assert not new.abilities_known
    assert old == catalog.model(Target("openai", "gpt-5")), "a listing that says nothing changes nothing"
    assert "brand-new" in {model.id for model in fresh.models("openai")}


def test_a_listings_equal_price_keeps_the_shipped_tiers(catalog: Catalog) -> None:
    listed = [ListedModel("gpt-5.5", price_input="0.000005", price_output="0.00003", price_cache_read="0")]
    info = catalog.merged(fresh={"openai": listing_of(listed, "2027-01-02", "x")}).model(Target("openai", "gpt-5.5"))
    assert info is not None
    assert info.tiers
    assert info.prices.cache_read == Decimal("5E-7")


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"models": 3}', b"nonsense"])
def test_a_file_that_is_no_catalogue_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_listing(body)


@pytest.mark.parametrize("price", ["free", "-1", "nan", "Infinity"])
def test_a_price_that_is_none_is_refused(price: str) -> None:
    with pytest.raises(ValueError, match="not a price"):
        model_info("x", "y", {"prices": [price]}, None)
