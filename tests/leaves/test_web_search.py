"""The provider's own web search: who has it, how it is asked for, what it costs, and the sources under the answer."""

from __future__ import annotations

import json
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from routerterm.catalog import Catalog
from routerterm.catalog.pricing import cost, search_fee
from routerterm.catalog.values import ModelInfo, WebSearch
from routerterm.config.paths import Paths
from routerterm.core.events import Failed, Finished, Source, SourcesDelta, StreamEnd, UsageReported
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest, Params
from routerterm.core.targets import Target
from routerterm.core.usage import Usage
from routerterm.engine.chat.trace import ReplyTrace
from routerterm.protocols import codec
from routerterm.router.decide.forecast import AnswerLengths, HistoryForecaster
from routerterm.router.ports import RoughEstimator
from routerterm.wiring import open_app
from routerterm.wiring.leaves import what_leaves
from tests.cli.program import routerterm
from tests.cli.server import serving
from tests.driver.headless import in_process
from tests.driver.homes import configure
from tests.driver.provider import serving as provider_serving

WEB = Params(web=True)
ASKED = ChatRequest("any", (Message.of("user", "What is new?"),), params=WEB)
CATALOG = Catalog.builtin()


def model(name: str) -> ModelInfo:
    found = CATALOG.model(Target.parse(name))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai/gpt-5.6-terra", {"tools": [{"type": "web_search"}]}),
        ("openai/gpt-4o-search-preview", {"web_search_options": {}}),
        ("anthropic/claude-sonnet-5-5",
         {"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 5}]}),
        ("gemini/gemini-3.8-flash", {"tools": [{"google_search": {}}]}),
        ("xai/grok-4.7", {"tools": [{"type": "web_search"}]}),
        ("groq/openai/gpt-oss-120b", {"tools": [{"type": "browser_search"}]}),
        ("openrouter/anthropic/claude-sonnet-5.5", {"plugins": [{"id": "web"}]}),
        ("perplexity/sonar", {}),
    ],
)  # fmt: skip
def test_each_provider_is_asked_in_its_own_words(name: str, expected: dict[str, Any]) -> None:
    target, info = Target.parse(name), CATALOG.provider(name.partition("/")[0])
    assert info is not None
    web = model(name).web
    assert web is not None
    wire = codec(web.protocol or info.protocol, info.dialect)
    body = json.loads(wire.encode(ASKED, base_url="http://x/v1", model=target.model, key=None).body)
    assert {field: body.get(field) for field in expected} == expected
    plain = ChatRequest("any", ASKED.messages)
    without = json.loads(wire.encode(plain, base_url="http://x/v1", model=target.model, key=None).body)
    assert not without.keys() & {"tools", "plugins", "web_search_options"}


@pytest.mark.parametrize("name", ["demo/echo", "deepseek/deepseek-flash", "openai/gpt-4.1-nano", "groq/llama-3.3-70b"])
def test_others_have_none(name: str) -> None:
    assert model(name).web is None


def sse(*events: object) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)


ANTHROPIC = sse(
    {"type": "message_start", "message": {"usage": {"input_tokens": 900, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0,
     "content_block": {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {}}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "News."}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "citations_delta", "citation":
     {"type": "web_search_result_location", "title": "The Times", "url": "https://times.example/a"}}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
     "usage": {"output_tokens": 20, "server_tool_use": {"web_search_requests": 2}}},
    {"type": "message_stop"},
)  # fmt: skip
RESPONSES = sse(
    {"type": "response.output_item.done", "output_index": 0,
     "item": {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "news"}}},
    {"type": "response.output_item.done", "output_index": 1,
     "item": {"type": "web_search_call", "status": "completed", "action": {"type": "open_page"}}},
    {"type": "response.output_item.done", "output_index": 2,
     "item": {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "more"}}},
    {"type": "response.output_text.delta", "output_index": 3, "delta": "News."},
    {"type": "response.output_text.annotation.added", "output_index": 3,
     "annotation": {"type": "url_citation", "title": "The Times", "url": "https://times.example/a"}},
    {"type": "response.completed", "response": {"status": "completed",
     "usage": {"input_tokens": 900, "output_tokens": 20, "total_tokens": 920}}},
)  # fmt: skip
GEMINI = sse(
    {"candidates": [{"content": {"parts": [{"text": "News."}]}}]},
    {"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP", "groundingMetadata": {
        "webSearchQueries": ["news", "more"],
        "groundingChunks": [{"web": {"title": "The Times", "uri": "https://times.example/a"}}]}}],
     "usageMetadata": {"promptTokenCount": 900, "candidatesTokenCount": 20, "totalTokenCount": 920}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("protocol", "name", "stream", "fee"),
    [
        ("anthropic-messages", "anthropic/claude-sonnet-5-5", ANTHROPIC, "0.02"),
        ("openai-responses", "openai/gpt-5.6-terra", RESPONSES, "0.02"),
        ("gemini", "gemini/gemini-3.8-flash", GEMINI, "0.028"),
        ("gemini", "gemini/gemini-2.5-flash", GEMINI, "0.035"),
    ],
)
def test_searches_are_counted_charged_and_their_sources_kept(protocol: str, name: str, stream: bytes, fee: str) -> None:
    decoder = codec(protocol, "").decoder()
    events = [*decoder.feed(stream), *decoder.end()]
    assert any(isinstance(event, StreamEnd) for event in events)
    usage = [event.usage for event in events if isinstance(event, UsageReported)][-1]
    assert usage.searches == 2
    info = model(name)
    plain = cost(Usage(fresh=usage.fresh, output=usage.output), info).usd
    assert plain is not None
    assert cost(usage, info).usd == plain + Decimal(fee)
    (sources,) = [event for event in events if isinstance(event, SourcesDelta)]
    assert sources.sources == (Source("The Times", "https://times.example/a"),)
    assert sources.text == "\n\nSources:\n\n1. The Times https://times.example/a"
    trace = ReplyTrace().after(sources).after(UsageReported(usage))
    assert ReplyTrace.of(json.loads(json.dumps(trace.to_json()))) == trace


def test_an_unknown_fee_is_an_unknown_price() -> None:
    info = ModelInfo("x", "y", web=WebSearch(None))
    assert search_fee(0, info) == 0
    assert search_fee(1, info) is None
    assert cost(Usage(fresh=1, searches=1), info).usd is None


def test_the_forecast_counts_one_search_at_the_least_and_all_that_may_be_made() -> None:
    info = model("anthropic/claude-sonnet-5-5")
    forecaster = HistoryForecaster(RoughEstimator(), AnswerLengths())
    plain = forecaster.forecast(ChatRequest("any", ASKED.messages), info)
    web = forecaster.forecast(ASKED, info)
    assert None not in (plain.low, plain.high, web.low, web.high, info.prices.input)
    assert web.low == plain.low + Decimal("0.01")  # type: ignore[operator]
    assert web.high == plain.high + Decimal("0.05") + 40_000 * info.prices.input  # type: ignore[operator]


SEARCHER = (
    '[providers.anthropic]\nbase_url = "{url}"\nneeds_key = false\n'
    '[routes.mine]\nmodels = ["demo/echo", "anthropic/claude-sonnet-5-5"]\n'
)


def test_ask_with_web_passes_over_who_has_none_pays_the_fee_and_keeps_the_sources(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def answer(handler: Any) -> None:
        asked.append(handler.body)
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(ANTHROPIC)

    paths, env = Paths.find({"ROUTERTERM_HOME": str(tmp_path)}), {"ROUTERTERM_HOME": str(tmp_path)}
    with serving(answer) as url:
        configure(paths, SEARCHER.format(url=url), default="mine")
        why = routerterm("why", "--web", "What is new?", env=env).out
        assert "no web search" in why
        ran = routerterm("ask", "--web", "What is new?", env=env)
    assert (ran.code, len(asked)) == (0, 1)
    assert "web_search_20250305" in asked[0].decode()
    assert "Sources:\n\n1. The Times https://times.example/a" in ran.out
    shown = routerterm("export", "last", "--format", "json", env=env).out
    assert '"sources"' in shown
    assert '"address": "https://times.example/a"' in shown or '"address":"https://times.example/a"' in shown
    stats = json.loads(routerterm("stats", "--json", "--by", "model", env=env).out)
    assert "0.02" in json.dumps(stats)


async def test_web_in_the_chat_is_in_force_and_on_the_sheet(tmp_path: Path) -> None:
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    with provider_serving() as provider:
        configure(paths, SEARCHER.format(url=provider.url), default="anthropic/claude-sonnet-5-5")
        async with in_process(paths, (140, 30)) as it:
            await it.say("/web on")
            await it.status_shows("web search")
            await it.type("What is new?")
            await it.press("alt+w")
            await it.screen_shows("provider tool", "web_search_20250305")
            await it.press("home", "x")
            await it.screen_lacks("web_search_20250305")
            await it.press("escape")
            await it.sees(lambda seen: "web search" not in seen.status)


async def test_without_anybody_who_searches_the_reason_is_said(tmp_path: Path) -> None:
    paths, env = Paths.find({"ROUTERTERM_HOME": str(tmp_path)}), {"ROUTERTERM_HOME": str(tmp_path)}
    configure(paths)
    async with open_app(paths, env) as services:
        session = services.session()
        async with aclosing(session.send("News?", model="demo/echo", params=WEB)) as events:
            last = [event async for event in events][-1]
        assert isinstance(last, Failed)
        assert "demo/echo: no web search" in last.error.message
        async with aclosing(session.send("News?", model="demo/echo")) as events:
            assert isinstance([event async for event in events][-1], Finished)
        sheet = await what_leaves(services, session, Message.of("user", "So?"), "demo/echo", params=Params())
        assert all(line.who != "provider tool" for line in sheet.lines)
