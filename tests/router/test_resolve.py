"""Names: routes, aliases, fallbacks, loops."""

from __future__ import annotations

import pytest

from routerterm.catalog import Catalog
from routerterm.core.errors import NoCandidate, UnknownModel
from routerterm.core.targets import Target
from routerterm.router.decide.names import Names, check
from routerterm.router.options import Route, RouteModel, RouterOptions

CATALOG = Catalog.builtin()


def names(options: RouterOptions) -> Names:
    return Names(options, CATALOG.provider, CATALOG.providers)


def targets(options: RouterOptions, asked: str, with_key: frozenset[str] = frozenset()) -> list[str]:
    return [entry.target.provider for entry in names(options).resolve(asked, with_key).entries]


@pytest.mark.parametrize(
    ("route", "providers"),
    [
        ("smart", ["openai", "anthropic", "gemini"]),
        ("fast", ["groq", "openai", "gemini"]),
        ("cheap", ["deepseek", "groq", "gemini"]),
    ],
)
def test_built_in_routes(route: str, providers: list[str]) -> None:
    assert targets(RouterOptions(), route) == providers
    assert all(entry.target.model for entry in names(RouterOptions()).resolve(route).entries)


def test_any_holds_what_has_a_key() -> None:
    found = targets(RouterOptions(), "any", frozenset({"groq", "mistral"}))
    assert sorted(found) == ["groq", "mistral"]
    assert names(RouterOptions()).wants_keys("any")
    assert not names(RouterOptions()).wants_keys("smart")


def test_a_route_of_ones_own_replaces_a_built_in() -> None:
    options = RouterOptions(routes={"smart": Route.of("smart", "demo/echo")})
    assert targets(options, "smart") == ["demo"]


def test_the_empty_name_is_the_default() -> None:
    assert targets(RouterOptions(default="demo/echo"), "") == ["demo"]


def test_aliases_lead_on() -> None:
    options = RouterOptions(aliases={"c": "claude", "claude": "anthropic/claude-x"})
    assert targets(options, "c") == ["anthropic"]


def test_routes_in_routes_keep_their_shares() -> None:
    inner = Route("inner", (RouteModel("groq/a", 3.0), RouteModel("groq/b", 1.0)))
    outer = Route("outer", (RouteModel("inner", 2.0), RouteModel("demo/echo", 1.0)), "weighted")
    entries = names(RouterOptions(routes={"inner": inner, "outer": outer})).resolve("outer").entries
    assert [(str(entry.target), entry.weight) for entry in entries] == [
        ("groq/a", 1.5),
        ("groq/b", 0.5),
        ("demo/echo", 1.0),
    ]


def test_fallbacks_of_a_named_model() -> None:
    options = RouterOptions(fallbacks={"demo/down": ("demo/echo", "fast")})
    entries = names(options).resolve("demo/down").entries
    assert [entry.fallback for entry in entries] == [False, True, True, True, True]


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(NoCandidate) as caught:
        names(RouterOptions()).resolve("smrt")
    assert "smart" in caught.value.hint


def test_sound_settings_have_no_problems() -> None:
    assert check(RouterOptions(), CATALOG.provider, CATALOG.providers) == ()


PROBLEMS = {
    "a loop of routes": (
        RouterOptions(routes={"a": Route.of("a", "b"), "b": Route.of("b", "a")}),
        "refers to itself",
    ),
    "a route to itself": (RouterOptions(routes={"a": Route.of("a", "a")}), "refers to itself"),
    "a loop of aliases": (RouterOptions(aliases={"a": "b", "b": "a"}), "refers to itself"),
    "an empty route": (RouterOptions(routes={"a": Route("a")}), "has no models"),
    "no weight": (RouterOptions(routes={"a": Route("a", (RouteModel("demo/echo", 0.0),))}), "no model with a weight"),
    "an unknown provider": (RouterOptions(routes={"a": Route.of("a", "opnai/x")}), "there is no provider 'opnai'"),
    "a bare word": (RouterOptions(routes={"a": Route.of("a", "nothing")}), "neither a model nor a route"),
    "a fallback to nowhere": (RouterOptions(fallbacks={"demo/echo": ("nix/x",)}), "there is no provider 'nix'"),
    "a default to nowhere": (RouterOptions(default="smrt"), "Did you mean smart?"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_are_named(name: str) -> None:
    options, words = PROBLEMS[name]
    found = check(options, CATALOG.provider, CATALOG.providers)
    assert any(words in problem for problem in found), found


def test_asking_for_a_loop_is_an_error_and_no_recursion() -> None:
    options = RouterOptions(routes={"a": Route.of("a", "b"), "b": Route.of("b", "a")})
    with pytest.raises(NoCandidate):
        names(options).resolve("a")
    names(options).wants_keys("a")


OWNED = {("openai", "gpt-9"), ("azure", "gpt-9"), ("anthropic", "claude-9")}


def bare(name: str, *with_key: str) -> str:
    made = Names(
        RouterOptions(),
        CATALOG.provider,
        CATALOG.providers,
        lambda target: (target.provider, target.model) in OWNED,
    )
    assert made.wants_keys(name)
    return str(made.resolve(name, frozenset(with_key)).entries[0].target)


def test_a_bare_name_finds_the_one_provider_that_has_it_and_can_be_asked() -> None:
    assert bare("claude-9") == "anthropic/claude-9"  # nobody has a key: who would be asked is still plain
    assert bare("gpt-9", "azure", "groq") == "azure/gpt-9"
    with pytest.raises(UnknownModel, match="Several providers") as several:
        bare("gpt-9", "azure", "openai")
    assert several.value.nearest in ("openai/gpt-9", "azure/gpt-9")
    with pytest.raises(UnknownModel, match="neither a model nor a route"):
        bare("gpt-10", "openai")


@pytest.mark.parametrize("name", ["openai/a\0b", "openai/\ud800", "smart\n", "openai/" + "m" * 600], ids=ascii)
def test_what_no_model_can_be_called_is_refused(name: str) -> None:
    with pytest.raises(UnknownModel, match="cannot be the name") as refused:
        names(RouterOptions()).resolve(name)
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 600


def test_lists_name_models_with_and_without_a_date() -> None:
    catalog = Catalog.builtin()
    dated = next(model for model in catalog.models("anthropic") if model.id.rpartition("-")[2].startswith("20"))
    assert catalog.lists(dated.target)
    assert catalog.lists(Target("anthropic", dated.id.rpartition("-")[0]))
    assert not catalog.lists(Target("anthropic", "claude"))
