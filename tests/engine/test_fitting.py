"""The room of a model and of a route."""

from __future__ import annotations

from routerterm.catalog.values import ModelInfo
from routerterm.core.messages import Message
from routerterm.core.targets import Target
from routerterm.engine.chat.context_window import ModelContextWindow, window_of
from routerterm.router.decide.names import Names
from routerterm.router.options import Route, RouterOptions
from routerterm.tokens.estimator import TokenEstimator

MODELS = {
    "a/small": ModelInfo("a", "small", context=8_000),
    "b/large": ModelInfo("b", "large", context=1_000_000, max_input=100_000),
    "c/blank": ModelInfo("c", "blank"),
}


def fitting(*with_key: str) -> ModelContextWindow:
    options = RouterOptions(routes={"mine": Route.of("mine", *MODELS)})
    names = Names(options, lambda name: None, tuple)
    return ModelContextWindow(names, lambda t: MODELS.get(str(t)), TokenEstimator(), lambda: frozenset(with_key))


def test_a_model_keeps_room_for_its_answer() -> None:
    assert window_of(MODELS["a/small"]) == int(6_000 * 0.95)
    assert window_of(MODELS["b/large"]) == 100_000
    assert window_of(MODELS["c/blank"]) is None
    assert window_of(MODELS["a/small"], answer=7_000) == int(1_000 * 0.95)
    assert window_of(ModelInfo("a", "tiny", context=2_048)) == int(1_024 * 0.95)  # the router keeps 1,024 free


def test_a_private_conversation_fits_what_runs_here() -> None:
    assert fitting("a", "b").room("mine", private=True) is None


def test_a_route_is_as_roomy_as_its_roomiest_model_with_a_key() -> None:
    assert fitting("a", "b").room("mine") == 100_000
    assert fitting("a").room("mine") == int(6_000 * 0.95)
    assert fitting().room("mine") == 100_000
    assert fitting("a").room("nothing of the kind") is None


def test_messages_are_counted() -> None:
    counted = fitting("a").count(Message.of("user", "word " * 1000), "mine")
    assert 900 < counted < 2000
    assert Target.parse("a/small") == MODELS["a/small"].target
