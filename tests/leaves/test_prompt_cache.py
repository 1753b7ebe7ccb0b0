"""The cache clock: what a provider still holds, its worth, whom that moves in the ranking, where marks pay."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from routerterm.catalog import Catalog
from routerterm.catalog.values import ModelInfo, Prices, ProviderInfo
from routerterm.config.paths import Paths
from routerterm.core.events import AttemptStarted
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest, Params
from routerterm.core.targets import Forecast, Target
from routerterm.core.usage import Usage
from routerterm.engine.chat.trace import ReplyTrace
from routerterm.protocols import codec
from routerterm.protocols.evidence import marks_in
from routerterm.router.decide.filtering import CandidateInfo, Needs
from routerterm.router.decide.names import Entry, Resolved
from routerterm.router.decide.prompt_cache import (
    WarmCache,
    digests,
    is_cold,
    learned,
    marks_pay,
    saving,
    warm_cache,
)
from routerterm.router.decide.ranking import plan
from routerterm.router.options import Limits, Strategy
from routerterm.tui.screens.why import story
from routerterm.tui.themes.values import Glyphs
from routerterm.wiring import open_app
from routerterm.wiring.leaves import what_leaves
from routerterm.wiring.preview import preview
from tests.driver.headless import in_process
from tests.driver.homes import configure
from tests.driver.provider import Answer, serving

M = Decimal("1e-6")
MARKED = ModelInfo(
    "anthropic",
    "claude",
    prices=Prices(3 * M, 15 * M, Decimal("0.3") * M, Decimal("3.75") * M),
    cache_seconds=300,
    cache_marked=True,
)
PLAIN = replace(
    MARKED, provider="openai", id="gpt", prices=Prices(2 * M, 8 * M, Decimal("0.2") * M), cache_marked=False
)
TURN = (Message.of("user", "A long question. " * 400), Message.of("assistant", "An answer."))


def request(*messages: Message, client: str = "tui", conversation: str | None = "C") -> ChatRequest:
    return ChatRequest("any", messages, "Be brief.", client=client, conversation_id=conversation)


SENT = request(TURN[0])
NEXT = request(*TURN, Message.of("user", "And then?"))


def test_a_cache_is_warm_for_its_time_and_saves_what_reading_costs_less() -> None:
    state = learned(None, MARKED, digests(SENT), Usage(fresh=3, cache_write=2000, output=9), 100.0)
    warm = warm_cache(state, MARKED, digests(NEXT), 250.0)
    assert warm == WarmCache(MARKED.target, 2000, 400.0, 2000 * (Decimal("3.75") - Decimal("0.3")) * M, 1)
    assert warm_cache(state, MARKED, digests(NEXT), 400.0) is None
    assert state is not None
    assert (is_cold(state, 399.0), is_cold(state, 400.0)) == (False, True)
    assert "question" not in json.dumps(state), "what was said is kept as digests only"


def test_a_provider_that_keeps_what_it_reads_holds_the_whole_prompt_once_it_is_long_enough() -> None:
    state = learned(None, PLAIN, digests(SENT), Usage(fresh=2000, output=9), 0.0)
    warm = warm_cache(state, PLAIN, digests(NEXT), 1.0)
    assert warm is not None
    assert (warm.tokens, warm.saved) == (2000, 2000 * Decimal("1.8") * M)
    assert learned(None, PLAIN, digests(SENT), Usage(fresh=900, output=9), 0.0) is None
    assert learned(None, MARKED, digests(SENT), Usage(fresh=2000, output=9), 0.0) is None, "nothing was marked"
    assert learned(None, replace(PLAIN, cache_seconds=0), digests(SENT), Usage(fresh=2000), 0.0) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(NEXT, system="Be long."),
        request(Message.of("user", "Another question."), *NEXT.messages[1:]),
        request(NEXT.messages[1]),
    ],
)
def test_another_beginning_is_a_cold_one(other: ChatRequest) -> None:
    state = learned(None, PLAIN, digests(SENT), Usage(fresh=2000), 0.0)
    assert warm_cache(state, PLAIN, digests(other), 1.0) is None


@given(st.lists(st.text(max_size=20), min_size=1, max_size=12), st.integers(0, 12))
def test_digests_agree_exactly_as_far_as_the_messages_do(texts: Sequence[str], at: int) -> None:
    first = [Message.of("user", text) for text in texts]
    second = [*first[:at], *(Message.of("user", f"{text}!") for text in texts[at:])]
    ours, theirs = digests(request(*first)), digests(request(*second))
    same = [a == b for a, b in zip(ours, theirs, strict=True)]
    assert same == [n <= at for n in range(len(ours))]


def test_marks_pay_where_another_turn_is_likely() -> None:
    assert marks_pay(SENT, MARKED, 2000) is True
    assert marks_pay(replace(SENT, client="ask"), MARKED, 2000) is False
    assert marks_pay(replace(NEXT, client="ask"), MARKED, 2000) is True, "it has gone on before"
    assert marks_pay(SENT, MARKED, 500) is False, "too short to be kept"
    assert marks_pay(replace(SENT, conversation_id=None), MARKED, 2000) is None, "a gateway's client knows best"
    assert saving(replace(MARKED, prices=Prices()), 2000) is None


@pytest.mark.parametrize(
    ("protocol", "dialect", "model", "marks"),
    [
        ("anthropic-messages", "anthropic", "claude-sonnet-5-5", (2, 0, 1)),
        ("openai-chat", "openrouter", "anthropic/claude-sonnet-5.5", (2, 0, 0)),
        ("openai-chat", "openrouter", "google/gemini-3.8-flash", (2, 0, 0)),
        ("openai-chat", "openrouter", "openai/gpt-5.6", (0, 0, 0)),
        ("openai-chat", "openai", "gpt-5.6-terra", (0, 0, 0)),
        ("gemini", "", "gemini-3.8-flash", (0, 0, 0)),
    ],
)
def test_marks_stand_where_the_provider_takes_them(
    protocol: str, dialect: str, model: str, marks: tuple[int, int, int]
) -> None:
    wire = codec(protocol, dialect)

    def count(cache: bool | None) -> int:
        asked = replace(SENT, cache=cache)
        return marks_in(wire.encode(asked, base_url="http://x/v1", model=model, key=None).body)

    assert (count(True), count(False), count(None)) == marks


def candidate(model: ModelInfo, low: str, high: str, saved: str = "") -> CandidateInfo:
    warm = WarmCache(model.target, 2000, 9.0, Decimal(saved)) if saved else None
    provider = ProviderInfo(model.provider, model.provider, "openai-chat", "http://x", needs_key=False)
    forecast = Forecast(2000, Decimal(low), Decimal(high))
    return CandidateInfo(Entry(model.target), provider, model, forecast=forecast, warm=warm)


def ranked(strategy: Strategy, *candidates: CandidateInfo) -> list[tuple[str, str]]:
    resolved = Resolved("mine", strategy, tuple(one.entry for one in candidates), "mine")
    made = plan(resolved, candidates, Needs(), 0.0, limits=Limits(), random=lambda: 0.5)
    return [(one.target.provider, one.why) for one in made.decision.candidates]


@pytest.mark.parametrize("strategy", ["cheapest", "round-robin"])
def test_losing_a_warm_cache_counts_in_the_ranking_and_is_said(strategy: Strategy) -> None:
    cold = candidate(PLAIN, "0.010", "0.020")
    first, second = ranked(strategy, cold, candidate(MARKED, "0.010", "0.022", "0.006"))
    assert first[0] == "anthropic"
    assert first[1].endswith("; its warm cache saves ~$0.0060")
    first, second = ranked(strategy, cold, candidate(MARKED, "0.030", "0.050", "0.006"))
    assert first[0] == "openai", "the other is cheaper even so"
    assert first[1].endswith("; loses the warm cache of anthropic/claude (~$0.0060)")
    assert second[1].endswith("; its warm cache saves ~$0.0060")


def test_an_order_that_the_person_chose_stays_and_says_what_is_lost() -> None:
    first, _ = ranked("priority", candidate(PLAIN, "0.01", "0.02"), candidate(MARKED, "0.01", "0.02", "0.006"))
    assert first == ("openai", "choice 1 of mine; loses the warm cache of anthropic/claude (~$0.0060)")


def test_the_trace_tells_of_the_marks() -> None:
    started = AttemptStarted(1, MARKED.target, "work", "asked for by name", cache_marks=2)
    trace = ReplyTrace("x").after(started)
    assert ReplyTrace.of(trace.to_json()) == trace
    told = [line for line, _ in story(trace, "done", Glyphs())]
    assert any("the prompt is marked for the provider's cache in 2 places" in line for line in told)


def test_the_catalogue_knows_who_keeps_prompts_and_who_must_be_told() -> None:
    catalog = Catalog.builtin()

    def told(name: str) -> tuple[int, bool]:
        model = catalog.model(Target.parse(name))
        assert model is not None
        return model.cache_seconds, model.cache_marked

    assert told("anthropic/claude-sonnet-5-5") == (300, True)
    assert told("openai/gpt-5.6-terra") == (300, False)
    assert told("openrouter/anthropic/claude-sonnet-5.5") == (300, True)
    assert told("openrouter/openai/gpt-5.6")[1] is False
    assert told("demo/echo") == (0, False)


OPENAI = (
    '[providers.openai]\nbase_url = "{url}"\nneeds_key = false\n'
    '[models."openai/gpt-5.6-terra"]\nprice_in = 3.0\nprice_out = 15.0\nprice_cache_read = 0.3\ncontext = 64000\n'
)


async def test_the_clock_in_the_chat_from_the_last_cached_call_to_the_sheet(tmp_path: Path) -> None:
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    model = "openai/gpt-5.6-terra"
    with serving(Answer(tokens=(4000, 5))) as provider:
        configure(paths, OPENAI.format(url=provider.url), default=model)
        async with in_process(paths, (160, 30)) as it:
            await it.ask("What is quartz?")
            await it.status_shows("cache warm")
            await it.type("And")
            await it.sees(lambda seen: "cache warm 4:5" in seen.status and "sending now saves ~$0." in seen.status)
            await it.press("alt+w")
            await it.screen_shows("cached")
        async with open_app(paths, {"ROUTERTERM_HOME": str(tmp_path)}) as services:
            latest = await services.store.conversations.latest()
            assert latest is not None
            session = services.session(latest.id)
            more = Message.of("user", "More.")
            found = await preview(services, session, more, model, params=Params())
            assert found is not None
            assert found.warm is not None
            assert found.warm.tokens == 4000
            sheet = await what_leaves(services, session, more, model, params=Params())
            assert [line.cached for line in sheet.lines] == [True, False, False], "the question alone was sent before"
            async with aclosing(session.send("More.", model=model)) as events:
                decided = await anext(events)
            assert "its warm cache saves ~$0." in str(decided)
