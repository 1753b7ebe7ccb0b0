"""Estimates of prompts: what they count, how they learn, what they say of themselves."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.catalog.values import ModelInfo
from routerterm.core.messages import Image, Message, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Params, Tool
from routerterm.core.usage import Usage
from routerterm.tokens import TokenEstimator, o200k
from routerterm.tokens.calibration import Calibration
from routerterm.tokens.families import families, family_name, family_of
from routerterm.tokens.images import claude_tokens, gemini_tokens, image_size, openai_patches, openai_tiles
from routerterm.tokens.light import LightCounter
from routerterm.tokens.shape import tool_text

GPT = ModelInfo("openai", "gpt-4o")
CLAUDE = ModelInfo("anthropic", "claude-sonnet-4-5")
WEATHER = Tool("weather", "The weather of a place", {"type": "object", "properties": {"place": {"type": "string"}}})


def ask(*messages: Message, **more: object) -> ChatRequest:
    return ChatRequest("x", messages, **more)  # type: ignore[arg-type]


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("openai/gpt-4o-mini", "openai"),
        ("openrouter/openai/gpt-5.2", "openai-reasoning"),
        ("azure/o4-mini", "openai-reasoning"),
        ("groq/openai/gpt-oss-120b", "gpt-oss"),
        ("anthropic/claude-haiku-4-5", "claude-haiku"),
        ("gemini/gemini-2.5-pro", "gemini"),
        ("vertex/gemini-2.5-pro", "gemini-vertex"),
        ("llamacpp/Qwen3-1.7B", "qwen"),
        ("mistral/magistral-medium-latest", "magistral"),
        ("groq/deepseek-r1-distill-llama-70b", "llama"),
        ("openai/gpt-5-mini", "gpt-5-chat"),
        ("groq/llama-3.3-70b-versatile", "llama"),
        ("groq/llama3-8b-8192", "llama-2"),
        ("mine/whatever", "generic"),
    ],
)
def test_a_models_name_tells_its_family(name: str, family: str) -> None:
    assert family_name(name) == family
    assert family_of(name).name == family


def test_every_family_with_a_pattern_was_measured() -> None:
    assert all(family.samples > 0 for family in families().values())


def test_everything_in_a_prompt_costs_tokens() -> None:
    estimator = TokenEstimator("now")
    plain = ask(Message.of("user", "What is the weather in Oslo?"))
    sizes = [
        estimator.prompt(request, GPT)
        for request in (
            plain,
            ask(*plain.messages, system="Be brief."),
            ask(*plain.messages, system="Be brief.", tools=(WEATHER,)),
            ask(
                *plain.messages,
                Message("assistant", (ToolCall("1", "weather", '{"place":"Oslo"}'),)),
                Message("tool", (ToolResult("1", "rain, 4 degrees"),)),
                system="Be brief.",
                tools=(WEATHER,),
            ),
        )
    ]
    assert sizes == sorted(set(sizes))


def test_thinking_of_earlier_turns_is_not_counted_but_of_this_one_is() -> None:
    estimator = TokenEstimator("now")
    thought = Message("assistant", (Reasoning("let me think about it " * 50), Text("Yes.")))
    asked = (Message.of("user", "Really?"), thought)
    earlier = estimator.prompt(ask(*asked, Message.of("user", "Sure?")), CLAUDE)
    assert earlier < 60
    assert estimator.prompt(ask(*asked, Message("tool", (ToolResult("1", "Sure?"),))), CLAUDE) > earlier + 100


def test_a_picture_is_counted_by_its_size() -> None:
    estimator = TokenEstimator("now")
    small, large = (ask(Message("user", (Text("What?"), Image("image/png", png(side, side))))) for side in (200, 1500))
    assert estimator.prompt(large, CLAUDE) - estimator.prompt(small, CLAUDE) > 1000


@pytest.mark.parametrize(
    ("got", "published"),
    [
        (openai_tiles(1024, 1024, "gpt-4o"), 765),
        (openai_tiles(2048, 4096, "gpt-4o"), 1105),
        (openai_tiles(512, 512, "gpt-4o-mini"), 8500),
        (openai_patches(1024, 1024, "gpt-4.1-mini"), 1659),
        (openai_patches(1800, 2400, "x"), 1452),
        (claude_tokens(200, 200), 54),
        (claude_tokens(1000, 1000), 1334),
        (gemini_tokens(384, 384), 258),
        (gemini_tokens(960, 540), 6 * 258),
    ],
)
def test_pictures_cost_what_the_providers_publish(got: int, published: int) -> None:
    assert got == published


@given(st.binary(max_size=64))
def test_bytes_that_are_no_picture_have_no_size(data: bytes) -> None:
    for head in (b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8X", b"\xff\xd8\xff\xc0"):
        size = image_size(head + data)
        assert size is None or min(size) > 0


def test_reports_correct_a_model_and_only_that_model() -> None:
    estimator = TokenEstimator("now")
    requests = [ask(Message.of("user", "word " * n)) for n in (5, 40, 200, 800)]
    truth = [round(estimator.prompt(request, CLAUDE) * 1.2 + 30) for request in requests]
    before = estimator.prompt(requests[1], GPT)
    for _ in range(4):
        for request, fresh in zip(requests, truth, strict=True):
            estimator.learn(request, CLAUDE, Usage(fresh=fresh))
    for request, fresh in zip(requests, truth, strict=True):
        assert estimator.prompt(request, CLAUDE) == pytest.approx(fresh, rel=0.04)
    assert estimator.prompt(requests[1], GPT) == before
    count = estimator.count(requests[0], CLAUDE)
    assert (count.counter, count.reports) == ("o200k", 16)
    assert count.label == "EST o200k, 16 reports"


def test_what_tools_add_is_not_learned_for_prompts_without() -> None:
    estimator = TokenEstimator("now")
    plain = ask(Message.of("user", "What is the weather in Oslo?"))
    before = estimator.prompt(plain, CLAUDE)
    for _ in range(5):
        estimator.learn(ask(*plain.messages, tools=(WEATHER,)), CLAUDE, Usage(fresh=2_000))
    assert estimator.prompt(plain, CLAUDE) == before
    assert estimator.prompt(ask(*plain.messages, tools=(WEATHER,)), CLAUDE) > before + 600


def test_an_estimate_teaches_nothing() -> None:
    estimator = TokenEstimator("now")
    estimator.learn(ask(Message.of("user", "hi")), GPT, Usage(fresh=1000, source="estimated"))
    assert estimator.learned() == {}


def test_what_was_learned_survives_the_session() -> None:
    first, second = TokenEstimator("now"), TokenEstimator("now")
    request = ask(Message.of("user", "hello " * 50))
    first.learn(request, GPT, Usage(fresh=90))
    states = first.learned()
    assert list(states) == ["tokens:openai/gpt-4o"]
    assert first.learned() == {}
    second.remember(states)
    assert second.prompt(request, GPT) == first.prompt(request, GPT)


def test_one_wild_report_is_not_believed() -> None:
    assert Calibration().learned(10_000, 5).samples == 0


@given(st.lists(st.tuples(st.integers(1, 100_000), st.floats(0.5, 2), st.floats(0, 500)), min_size=1, max_size=20))
def test_a_calibrated_estimate_stays_a_sane_number(samples: list[tuple[int, float, float]]) -> None:
    calibration = Calibration()
    for estimated, factor, offset in samples:
        calibration = calibration.learned(estimated, estimated * factor + offset)
    for estimated in (1, 100, 100_000):
        assert calibration.apply(estimated) >= max(1, estimated / 2)
    assert Calibration.from_json(calibration.to_json()) == calibration


class Letters:
    """A tokenizer for which every letter is a token."""

    def count(self, text: str) -> int:
        return len(text)


def test_a_registered_counter_counts_for_its_models() -> None:
    estimator = TokenEstimator("never")
    estimator.register("llamacpp/", "letters", Letters())
    assert estimator.text("abcdef", ModelInfo("llamacpp", "x")) == 6
    assert estimator.count(ask(Message.of("user", "x" * 500)), ModelInfo("llamacpp", "x")).tokens > 490
    assert estimator.text("abcdef", GPT) == 1


def test_without_the_tables_the_light_counter_answers_at_once() -> None:
    estimator = TokenEstimator("never")
    assert estimator.count(ask(Message.of("user", "hello there")), GPT).counter == "light"


@pytest.mark.parametrize(
    "text",
    [
        "All human beings are born free and equal in dignity and rights. They are endowed with reason. " * 5,
        "def add(a: int, b: int) -> int:\n    return a + b\n\n" * 10,
        "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。" * 3,
    ],
)
def test_the_light_counter_is_not_far_off(text: str) -> None:
    assert LightCounter().count(text) == pytest.approx(o200k.load_now().count(text), rel=0.25)


def test_asking_to_think_counts_for_claude() -> None:
    estimator = TokenEstimator("now")
    plain = ask(Message.of("user", "Why?"))
    thinking = ask(Message.of("user", "Why?"), params=Params(effort="high"))
    assert estimator.prompt(thinking, CLAUDE) > estimator.prompt(plain, CLAUDE) + 10


words = st.sampled_from(["type", "properties", "items", "enum", "anyOf", "oneOf", "required", "$defs", "description"])
values = st.recursive(
    st.one_of(st.none(), st.integers(), st.sampled_from(("object", "array", "string"))),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=4)),
    max_leaves=20,
)


@given(st.dictionaries(words, values, max_size=6))
@settings(max_examples=120)
def test_a_tool_counts_whatever_its_schema_says(schema: dict[str, Any]) -> None:
    assert tool_text(Tool("find", "", schema)).startswith("type find")


def test_a_type_that_is_repeated_at_every_level_is_told_once_at_each() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(30):
        schema = {"type": ["object", "object"], "properties": {"next": schema}}
    assert len(tool_text(Tool("find", "", schema))) < 1_000
