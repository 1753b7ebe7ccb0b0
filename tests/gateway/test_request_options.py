"""What a client may say about one request, answers from memory, and what is told of requests."""

from __future__ import annotations

import asyncio
import json
import time
from decimal import Decimal
from typing import Any

import pytest

from routerterm.core.events import Finished, HostedDelta, ReasoningDelta, ScoresDelta, TextDelta, Timing
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest, Params, RoutingPreferences
from routerterm.core.targets import Target
from routerterm.gateway import request_log
from routerterm.gateway.cache import KeptAnswer, MemoryCache, _from_json, _to_json, key_of
from routerterm.gateway.http_errors import HttpError
from routerterm.gateway.request_log import LOG_NAME
from routerterm.gateway.request_options import request_options
from routerterm.router.decide.circuit_breaker import succeeded
from routerterm.router.options import BreakerLimits
from tests.gateway.conftest import Open, Place, chat
from tests.gateway.test_access import give
from tests.gateway.test_answers import comment_of, text_of
from tests.gateway.upstream import Talk

CHAT = "/v1/chat/completions"
TWO_PRICES = '[models."two/second"]\nprice_in = 5\nprice_out = 20\n'


async def served_by(place: Place, model: str = "pair", **headers: str) -> tuple[int, str]:
    named = {f"x-routerterm-{name.replace('_', '-')}": value for name, value in headers.items()}
    async with place.http() as http:
        answer = await http.post(CHAT, json=chat(model), headers=named)
    return answer.status_code, answer.headers.get("x-routerterm-provider", answer.text)


def test_what_the_headers_say() -> None:
    options = request_options(
        {
            "x-routerterm-order": "two, one/first",
            "x-routerterm-ignore": "three",
            "x-routerterm-sort": "price",
            "x-routerterm-fallbacks": "no",
            "x-routerterm-max-price": "3/15",
            "x-routerterm-max-cost": "$0.05",
            "x-routerterm-no-log": "true",
            "x-routerterm-cache": "on",
        }
    )
    assert options.controls == RoutingPreferences(
        ("two", "one/first"), (), ("three",), "price", False, Decimal("0.000003"), Decimal("0.000015")
    )
    assert [(cap.scope, cap.limit) for cap in options.caps] == [("request", 50_000_000)]
    assert (options.log, options.cache) == (False, True)


@pytest.mark.parametrize(
    "header",
    [
        ("sort", "beauty"), ("fallbacks", "maybe"), ("max-price", "cheap"), ("max-price", "-1"), ("max-cost", "NaN"),
        ("order", ",".join(map(str, range(200)))), ("colour", "red"),
    ],
)  # fmt: skip
def test_headers_that_make_no_sense(header: tuple[str, str]) -> None:
    with pytest.raises(HttpError) as refused:
        request_options({f"x-routerterm-{header[0]}": header[1]})
    assert refused.value.status == 400


async def test_a_request_narrows_and_reorders_its_own_routing(place: Place) -> None:
    place.up.says("first", "Hello")
    place.up.says("second", "Hello")
    assert await served_by(place) == (200, "one")
    assert await served_by(place, order="two") == (200, "two")
    assert await served_by(place, only="two/second") == (200, "two")
    assert await served_by(place, ignore="one") == (200, "two")
    status, words = await served_by(place, only="three")
    assert status == 400
    assert "not allowed by the request" in words
    status, words = await served_by(place, max_price="0.5")
    assert status == 400
    assert "more expensive than the request allows" in words
    status, words = await served_by(place, max_cost="0.0000001")
    assert status == 403
    assert "the budget per request" in words


async def test_the_cheapest_and_the_quickest_first(open_place: Open, home: Any) -> None:
    place = await open_place()
    place.up.says("first", "Hello")
    place.up.says("second", "Hello")
    text = (home / "config.toml").read_text()
    head, _, tail = text.partition('[models."one/first"]')
    (home / "config.toml").write_text(head + '[models."one/first"]' + tail.replace("price_in = 1", "price_in = 9", 1))
    await place.app.reload()
    assert await served_by(place, sort="price") == (200, "two")
    measured = succeeded(None, time.time(), BreakerLimits(), 0.0001, 90_000.0)
    await place.app.store.memory.change("health:two/second", lambda _: measured)
    assert await served_by(place, sort="latency") == (200, "two")
    assert await served_by(place, sort="throughput") == (200, "two")


async def test_no_fallback(place: Place) -> None:
    @place.up.model("first")
    async def fail(talk: Talk) -> None:
        await talk.fails(401, "no")

    place.up.says("second", "Hello")
    assert (await served_by(place))[0] == 200
    assert (await served_by(place, "pair", fallbacks="false"))[0] != 200
    assert [row["model"] for row in await place.rows()].count("second") == 1  # it would have answered again


async def test_answers_from_memory_cost_nothing_and_say_so(place: Place) -> None:
    place.up.says("first", "Hel", "lo")
    cached = {"x-routerterm-cache": "on"}
    async with place.http() as http:
        for stream in (False, True, True):
            answer = await http.post(CHAT, json=chat(stream=stream), headers=cached)
            assert "Hello" in (text_of(CHAT, answer.text) if stream else answer.text)
        assert comment_of(answer.text)["cached"] is True
        assert comment_of(answer.text)["cost_usd"] == "0"
        whole = await http.post(CHAT, json=chat(), headers=cached)
        assert whole.headers["x-routerterm-cache"] == "hit"
        assert whole.headers["x-routerterm-cost-usd"] == "0"
        assert len(place.up.asked) == 1
        assert "x-routerterm-cache" not in (await http.post(CHAT, json=chat())).headers  # off unless it is asked for
        await http.post(CHAT, json=chat(temperature=0.5), headers=cached)  # not the same, word for word
    assert len(place.up.asked) == 3
    rows = await place.rows()
    assert [(row["cached"], row["cost_nanousd"]) for row in rows] == [
        (0, 15_000), (1, 0), (1, 0), (1, 0), (0, 15_000), (0, 15_000)
    ]  # fmt: skip


async def test_memory_by_key_and_never_of_what_was_cut(place: Place) -> None:
    place.up.breaks("first", "One two ", "three")
    place.up.says("second", "One two three four")
    token = await give(place, "editor", cache=True)
    async with place.http(**{"x-api-key": token}) as http:
        for _ in range(2):
            answer = await http.post(CHAT, json=chat("pair", stream=True))
            assert text_of(CHAT, answer.text) == "One two three four"
            assert comment_of(answer.text)["cached"] is False
        await http.post(CHAT, json=chat("two/second"))
        asked = len(place.up.asked)
        await http.post(CHAT, json=chat("two/second"))
        assert len(place.up.asked) == asked
        await http.post(CHAT, json=chat("two/second"), headers={"x-routerterm-cache": "off"})
        assert len(place.up.asked) == asked + 1


async def test_the_memory_is_bounded_and_forgets() -> None:
    now = 0.0
    cache = MemoryCache(60, 10_000, lambda: now)
    finished = Finished("stop", Target("a", "b"), timing=Timing(1, 2))
    for number in range(100):
        await cache.put(str(number), [TextDelta("x" * 500), ReasoningDelta("y"), TextDelta("z")], finished)
    assert cache.size <= 10_000
    assert await cache.get("0") is None
    kept = await cache.get("99")
    assert kept is not None
    assert kept.content == (TextDelta("x" * 500), ReasoningDelta("y"), TextDelta("z"))
    await cache.put("huge", [TextDelta("x" * 9_000)], finished)
    assert await cache.get("huge") is None
    now = 61.0
    assert await cache.get("99") is None


def test_a_shared_answer_is_read_as_it_was_written() -> None:
    """Whatever kinds of pieces there are: one that is not known there would break every answer that holds it."""
    pieces: list[Any] = []
    kinds = [TextDelta, ReasoningDelta]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        pieces.append(kind(text="x"))
    pieces += [ScoresDelta(scores=({"token": "x", "logprob": -1.0},)), HostedDelta(redacted="anthropic-step:{}")]
    kept = KeptAnswer(tuple(pieces), Finished("stop", Target("a", "b"), timing=Timing(1, 2)))
    found = _from_json(_to_json(kept))
    assert [type(piece) for piece in found.content] == [type(piece) for piece in pieces]
    assert found.content[-2:] == tuple(pieces[-2:])


def test_what_makes_two_requests_the_same() -> None:
    one = ChatRequest("m", (Message.of("user", "Hi"),), client="a", message_id="1")
    assert key_of(one) == key_of(ChatRequest("m", (Message.of("user", "Hi"),), client="a", message_id="2"))
    assert key_of(one) != key_of(ChatRequest("m", (Message.of("user", "Hi"),), client="b"))  # not told to others
    for other in (
        ChatRequest("n", one.messages),
        ChatRequest("m", (Message.of("user", "Hi!"),)),
        ChatRequest("m", (Message.of("system", "Hi"),)),
        ChatRequest("m", one.messages, system="s"),
        ChatRequest("m", one.messages, params=Params(seed=1)),
        ChatRequest("m", one.messages, controls=RoutingPreferences(only=("a",))),
        ChatRequest("m", one.messages, private=True),
    ):
        assert key_of(other) != key_of(one)


async def test_the_log_holds_metadata_only(open_place: Open) -> None:
    place = await open_place("[gateway]\nlog = true\n")
    place.up.says("first", "a secret answer")
    async with place.http() as http:
        await http.post(CHAT, json=chat(text="a secret question"))
        await http.post(CHAT, json=chat(text="a secret question"), headers={"x-routerterm-no-log": "true"})
        await http.post(CHAT, json=chat("nobody/knows"))
    file = place.app.paths.data / LOG_NAME
    text = await asyncio.to_thread(file.read_text)
    assert "secret" not in text
    first, second = [json.loads(line) for line in text.splitlines()]
    assert (first["client"], first["status"], first["provider"], first["cost_usd"]) == (
        "gateway",
        200,
        "one",
        "0.000015",
    )
    assert (second["status"], second["ending"]) == (404, "error")
    assert file.stat().st_mode & 0o777 == 0o600


async def test_the_log_is_rotated(open_place: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "_LARGEST", 2_000)
    monkeypatch.setattr(request_log, "_OLDER", 2)
    place = await open_place("[gateway]\nlog = true\n")
    place.up.says("first", "Hello")
    async with place.http() as http:
        for _ in range(40):
            await http.post(CHAT, json=chat())
    files = sorted(place.app.paths.data.glob(LOG_NAME + "*"))
    assert [file.name for file in files] == [LOG_NAME, LOG_NAME + ".1", LOG_NAME + ".2"]
    for file in files:
        assert file.stat().st_size <= 2_000
        assert file.stat().st_mode & 0o777 == 0o600
        assert all(json.loads(line)["status"] == 200 for line in file.read_text().splitlines())


async def test_no_log_unless_it_is_wanted(place: Place) -> None:
    place.up.says("first", "Hello")
    async with place.http() as http:
        await http.post(CHAT, json=chat())
    assert not (place.app.paths.data / LOG_NAME).exists()


async def test_traces_by_the_conventions_for_generative_ai(place: Place) -> None:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import StatusCode

    from routerterm.gateway.traces import Tracer

    spans = InMemorySpanExporter()
    place.gateway.state.request_logger._tracer = Tracer.into(spans)
    place.up.says("first", "a secret answer")
    async with place.http() as http:
        await http.post(CHAT, json=chat(text="a secret question"))
        await http.post(CHAT, json=chat("nobody/knows"))
    model, request, failed, _ = spans.get_finished_spans()
    assert (request.name, model.name) == (f"POST {CHAT}", "chat one/first")
    assert model.parent is not None
    assert model.parent.span_id == request.context.span_id
    assert model.attributes is not None
    said = dict(model.attributes)
    assert said["gen_ai.operation.name"] == "chat"
    assert said["gen_ai.request.model"] == "one/first"
    assert said["gen_ai.provider.name"] == "one"
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (10, 5)
    assert failed.status.status_code is StatusCode.ERROR
    assert "secret" not in "".join(span.to_json() for span in spans.get_finished_spans())


async def test_what_whoever_answers_cannot_be_told_is_named(place: Place) -> None:
    place.up.says("first", "Hi")
    async with place.http() as http:
        for stream in (False, True):
            reply = await http.post(CHAT, json=chat("one/first", stream=stream, invented=1, seed=3))
            assert reply.headers["x-routerterm-left-out"] == "invented"
        plain = await http.post(CHAT, json=chat("one/first"))
        assert "x-routerterm-left-out" not in plain.headers
