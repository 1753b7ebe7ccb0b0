"""What a model does not take is left out for that model, and named."""

from __future__ import annotations

import pytest

from routerterm.catalog import Catalog, ModelOverride
from routerterm.catalog.parameters import fitted
from routerterm.catalog.values import ModelInfo
from routerterm.core.request import Params
from routerterm.core.targets import Target

ALL = Params(temperature=0.2, top_p=0.9, stop=("X",), effort="high", max_output=100, seed=1)


@pytest.mark.parametrize(
    ("provider", "model", "out"),
    [
        ("openai", "o3", {"temperature", "top_p", "stop"}),
        ("openrouter", "openai/o4-mini", {"temperature", "top_p", "stop"}),
        ("openai", "gpt-4o", {"effort"}),
        ("anthropic", "claude-sonnet-5-5", {"temperature", "top_p"}),
    ],
)
def test_what_a_model_lacks_is_left_out(provider: str, model: str, out: set[str]) -> None:
    info = Catalog.builtin().model(Target(provider, model))
    assert info is not None
    params, left_out = fitted(ALL, info)
    assert set(left_out) == out
    assert all(getattr(params, name) == getattr(Params(), name) for name in out)
    assert (params.max_output, params.seed) == (100, 1)


def test_what_a_client_says_beside_our_own_fields_is_left_out_too() -> None:
    reasoning = Params(more={"frequency_penalty": 1, "logit_bias": {"1": 5}, "top_k": 3, "user": "u"})
    params, left_out = fitted(reasoning, ModelInfo("openai", "gpt-5", reasoning=True))
    assert (params.more, set(left_out)) == ({"user": "u"}, {"frequency_penalty", "logit_bias", "top_k"})


@pytest.mark.parametrize(
    "more",
    [
        {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        {"thinking_config": {"thinkingBudget": 2000}},
        {"reasoning": {"max_tokens": 2000}},
        {"thinking_budget": 2000, "effort_word": "xhigh", "reasoning_summary": "auto"},
    ],
)
def test_a_model_that_does_not_reason_is_not_told_how_to_in_any_words(more: dict[str, object]) -> None:
    plain = ModelInfo("any", "plain", reasoning=False)
    assert fitted(Params(effort="low", more=more | {"user": "u"}), plain) == (Params(more={"user": "u"}), ("effort",))


def test_of_a_model_that_nobody_knows_everything_is_asked() -> None:
    assert fitted(ALL, ModelInfo("own", "thing", abilities_known=False)) == (ALL, ())


def test_without_thinking_claude_takes_a_temperature() -> None:
    calm = Params(temperature=0.2)
    assert fitted(calm, ModelInfo("anthropic", "claude-sonnet-5-5", reasoning=True)) == (calm, ())


def test_a_word_of_the_settings_about_one_ability_says_nothing_of_the_others() -> None:
    target = Target("openai", "made-up-here")
    info = Catalog.builtin().merged(models=[ModelOverride(target, vision=True)]).model(target)
    assert info is not None
    assert info.vision
    assert not info.lacks("tools"), "nobody said that it has none"
    known = Catalog.builtin().merged(models=[ModelOverride(target, tools=False)]).model(target)
    assert known is not None
    assert known.lacks("tools")
    assert not known.lacks("vision")
