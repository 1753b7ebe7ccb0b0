"""What our server halves write, our client halves read back as the same events; requests too."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from routerterm.core.errors import (
    BadRequest,
    ContentBlocked,
    ContextTooLong,
    InsufficientCredit,
    NoCandidate,
    PartialCredit,
    RateLimited,
    RequestTooLarge,
    RoutertermError,
    StreamInterrupted,
    UnsupportedRequest,
)
from routerterm.core.events import (
    Content,
    ReasoningDelta,
    RefusalDelta,
    StreamEnd,
    StreamError,
    TextDelta,
    ToolCallDelta,
    UsageReported,
    WireEvent,
)
from routerterm.core.messages import Image, Message, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Params, Tool
from routerterm.core.secret import Secret
from routerterm.core.usage import Usage
from routerterm.protocols import classify, codec, server_codec
from routerterm.protocols.anthropic_messages import server as anthropic
from routerterm.protocols.gemini import server as gemini
from routerterm.protocols.ollama import server as ollama
from routerterm.protocols.openai_chat import server as chat
from routerterm.protocols.openai_responses import server as responses
from tests.protocols import mistral_server as mistral
from tests.protocols.feeding import cut, feed, joined

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
counts = st.integers(0, 5000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    output = draw(counts)
    return Usage(draw(counts), draw(counts), draw(counts), draw(counts), output, draw(st.integers(0, output)))


@st.composite
def contents(draw: st.DrawFn, family: str = "", refusals: bool = False) -> list[Content]:
    """Thoughts, text and calls, the way an answer goes."""
    out: list[Content] = [ReasoningDelta(piece) for piece in draw(st.lists(words, max_size=3))]
    if out and family:
        out.append(ReasoningDelta("", draw(st.none() | st.just(f"{family}:seal"))))
        out = [piece for piece in out if piece != ReasoningDelta("")]
    out += [TextDelta(piece) for piece in draw(st.lists(words, max_size=4))]
    if refusals:
        out += [RefusalDelta(piece) for piece in draw(st.lists(words, max_size=2))]
    if not any(type(piece) in (TextDelta, RefusalDelta) and not piece.text.isspace() for piece in out):
        out.append(TextDelta("x"))  # an answer of thoughts or blanks alone is none
    for index in range(draw(st.integers(0, 2))):
        out.append(ToolCallDelta(index, f"call_{index}", draw(names)))
        arguments = json.dumps(draw(st.dictionaries(names, st.integers() | words, max_size=3)))
        middle = len(arguments) // 2
        out += [ToolCallDelta(index, arguments=piece) for piece in (arguments[:middle], arguments[middle:]) if piece]
    return out


def _calls(events: list[Content]) -> bool:
    return any(isinstance(event, ToolCallDelta) for event in events)


def written(
    server: chat.ServerStream | anthropic.ServerStream | responses.ServerStream, events: list[WireEvent]
) -> bytes:
    return server.start() + b"".join(server.event(event) for event in events) + server.end()


HOME = "routerterm.core.errors"
"""Where the errors of all rooms live; other rooms' own ones want more than two sentences."""


def every(kind: type[RoutertermError]) -> list[type[RoutertermError]]:
    """A class of error and all below it."""
    return [kind, *(below for child in sorted(kind.__subclasses__(), key=repr) for below in every(child))]


def last_usage(events: list[object]) -> list[object]:
    """Without the counts that a later one replaces, and without where among the events they stood."""
    reported = [event for event in events if isinstance(event, UsageReported)]
    return [event for event in events if not isinstance(event, UsageReported)] + reported[-1:]


@given(
    content=contents(refusals=True), usage=usages(), places=st.lists(st.integers(0, 9999), max_size=5), data=st.data()
)
@settings(max_examples=80)
def test_chat_completions(content: list[Content], usage: Usage, places: list[int], data: st.DataObject) -> None:
    reason = "tool_calls" if _calls(content) else data.draw(st.sampled_from(["stop", "length", "content_filter"]))
    events: list[WireEvent] = [*content, StreamEnd(reason, reason), UsageReported(usage)]  # type: ignore[arg-type]
    body = written(chat.ServerStream(id="x", model="m", created=1), events)
    assert joined(last_usage(feed("openai-chat", cut(body, places)))) == joined(events)
    whole = chat.encode_body(events, id="x", model="m", created=1)
    assert set(map(repr, joined(codec("openai-chat").decode_body(whole)))) == set(map(repr, joined(events)))


@given(content=contents("anthropic"), usage=usages(), places=st.lists(st.integers(0, 9999), max_size=5), data=st.data())
@settings(max_examples=80)
def test_messages(content: list[Content], usage: Usage, places: list[int], data: st.DataObject) -> None:
    raw = "tool_use" if _calls(content) else data.draw(st.sampled_from(["end_turn", "max_tokens", "refusal"]))
    reason = {"tool_use": "tool_calls", "end_turn": "stop", "max_tokens": "length", "refusal": "content_filter"}[raw]
    events: list[WireEvent] = [*content, StreamEnd(reason, raw), UsageReported(usage)]  # type: ignore[arg-type]
    body = written(anthropic.ServerStream(id="x", model="m"), events)
    assert joined(last_usage(feed("anthropic-messages", cut(body, places)))) == joined(events)
    whole = anthropic.encode_body(events, id="x", model="m")
    again = joined(codec("anthropic-messages").decode_body(whole))
    assert [event for event in again if isinstance(event, TextDelta)] == [
        event for event in joined(events) if isinstance(event, TextDelta)
    ]


@given(
    content=contents("responses", refusals=True),
    usage=usages(),
    places=st.lists(st.integers(0, 9999), max_size=5),
    data=st.data(),
)
@settings(max_examples=80)
def test_responses(content: list[Content], usage: Usage, places: list[int], data: st.DataObject) -> None:
    usage = replace(usage, tier="default")  # a response names its tier
    raw = data.draw(st.sampled_from(["completed", "max_output_tokens", "content_filter"]))
    reason = {"completed": "stop", "max_output_tokens": "length", "content_filter": "content_filter"}[raw]
    events: list[WireEvent] = [*content, StreamEnd(reason, raw), UsageReported(usage)]  # type: ignore[arg-type]
    body = written(responses.ServerStream(id="resp_x", model="m", created=1), events)
    assert joined(last_usage(feed("openai-responses", cut(body, places)))) == joined(events)
    whole = responses.encode_body(events, id="resp_x", model="m", created=1)
    assert joined(last_usage(codec("openai-responses").decode_body(whole))) == joined(events)


@given(content=contents("gemini"), usage=usages(), places=st.lists(st.integers(0, 9999), max_size=5), data=st.data())
@settings(max_examples=80)
def test_gemini(content: list[Content], usage: Usage, places: list[int], data: st.DataObject) -> None:
    usage = Usage(usage.fresh, usage.cache_read, output=usage.output, reasoning=usage.reasoning)  # it tells no writes
    raw = "STOP" if _calls(content) else data.draw(st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY"]))
    reason = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter"}[raw]
    events: list[WireEvent] = [*content, UsageReported(usage), StreamEnd(reason, raw)]  # type: ignore[arg-type]
    expected = joined(_whole_calls(events))
    body = written(gemini.ServerStream(id="x", model="m"), events)
    assert joined(feed("gemini", cut(body, places))) == expected
    whole = gemini.encode_body(events, id="x", model="m")
    assert joined(codec("gemini").decode_body(whole)) == expected


@given(content=contents(), usage=usages(), places=st.lists(st.integers(0, 9999), max_size=5), data=st.data())
@settings(max_examples=80)
def test_ollama(content: list[Content], usage: Usage, places: list[int], data: st.DataObject) -> None:
    raw = "stop" if _calls(content) else data.draw(st.sampled_from(["stop", "length", "content_filter"]))
    usage = Usage(usage.input, output=usage.output)  # it tells neither caches nor reasoning
    events: list[WireEvent] = [*content, UsageReported(usage), StreamEnd(raw, raw)]  # type: ignore[arg-type]
    expected = joined(_whole_calls(events))
    body = written(ollama.ServerStream(id="x", model="m", created=1), events)
    assert joined(feed("ollama-chat", cut(body, places))) == expected
    whole = ollama.encode_body(events, id="x", model="m", created=1)
    assert joined(codec("ollama-chat").decode_body(whole)) == expected


@given(content=contents(), usage=usages(), places=st.lists(st.integers(0, 9999), max_size=5), data=st.data())
@settings(max_examples=80)
def test_mistral(content: list[Content], usage: Usage, places: list[int], data: st.DataObject) -> None:
    raw = "tool_calls" if _calls(content) else data.draw(st.sampled_from(["stop", "length", "content_filter"]))
    events: list[WireEvent] = [*content, StreamEnd(raw, raw), UsageReported(usage)]  # type: ignore[arg-type]
    body = written(mistral.ServerStream(id="x", model="m", created=1), events)
    assert joined(last_usage(feed("mistral", cut(body, places)))) == joined(events)
    whole = mistral.encode_body(events, id="x", model="m", created=1)
    assert set(map(repr, joined(codec("mistral").decode_body(whole)))) == set(map(repr, joined(events)))


def _whole_calls(events: list[WireEvent]) -> list[WireEvent]:
    """The events with each call in one piece and its arguments as these protocols tell them: an object, whole."""
    out: list[WireEvent] = []
    for event in events:
        last = out[-1] if out else None
        if isinstance(event, ToolCallDelta) and isinstance(last, ToolCallDelta) and last.index == event.index:
            out[-1] = ToolCallDelta(last.index, last.id, last.name, last.arguments + event.arguments)
        else:
            out.append(event)
    return [
        replace(event, arguments=json.dumps(json.loads(event.arguments), ensure_ascii=False))
        if isinstance(event, ToolCallDelta)
        else event
        for event in out
    ]


def test_a_reported_cost_comes_through() -> None:
    events: list[WireEvent] = [
        TextDelta("x"),
        StreamEnd("stop", "stop"),
        UsageReported(Usage(3, output=2, cost=Decimal("0.0001346"))),
    ]
    body = written(chat.ServerStream(id="x", model="m", created=1), events)
    assert joined(last_usage(feed("openai-chat", [body]))) == events


SERVERS = {
    "openai-chat": lambda: chat.ServerStream(id="x", model="m", created=1),
    "anthropic-messages": lambda: anthropic.ServerStream(id="x", model="m"),
    "openai-responses": lambda: responses.ServerStream(id="resp_x", model="m", created=1),
    "gemini": lambda: gemini.ServerStream(id="x", model="m"),
    "ollama-chat": lambda: ollama.ServerStream(id="x", model="m", created=1),
    "mistral": lambda: mistral.ServerStream(id="x", model="m", created=1),
}
WORDLESS = ("anthropic-messages", "gemini", "ollama-chat")
"""These have no word for a prompt that a filter refused."""
ENCODERS: dict[str, Any] = {name: mistral if name == "mistral" else server_codec(name) for name in SERVERS}


@pytest.mark.parametrize("protocol", SERVERS)
def test_an_error_in_the_middle_is_read_as_one(protocol: str) -> None:
    server = SERVERS[protocol]()
    body = (
        server.start()
        + server.event(TextDelta("half"))
        + server.event(StreamError(RateLimited("Too fast.")))
        + server.end()
    )
    events = feed(protocol, [body])
    assert TextDelta("half") in events
    assert isinstance(events[-1], StreamError)
    assert events[-1].error.kind == ("transient" if protocol == "ollama-chat" else "rate_limited"), (
        "Ollama has no codes"
    )
    assert "Too fast." in events[-1].error.message


@pytest.mark.parametrize("protocol", SERVERS)
def test_an_answer_that_broke_off_is_not_whole_for_the_client_either(protocol: str) -> None:
    server = SERVERS[protocol]()
    body = server.start() + server.event(TextDelta("half"))
    for cut_off in (body, body + server.end()):
        assert not any(isinstance(event, StreamEnd) for event in feed(protocol, [cut_off]))
    with pytest.raises(StreamInterrupted):
        ENCODERS[protocol].encode_body([TextDelta("half")], id="x", model="m")


NEAREST: dict[type[RoutertermError], type[RoutertermError]] = {
    PartialCredit: InsufficientCredit,
    RequestTooLarge: ContextTooLong,
}
"""What the codes of the protocols do not tell apart."""
COARSER = NEAREST | {ContentBlocked: BadRequest, UnsupportedRequest: BadRequest}
"""What protocols without codes do not tell apart besides."""


@pytest.mark.parametrize("protocol", SERVERS)
@pytest.mark.parametrize(
    "kind", [kind for kind in every(RoutertermError) if kind.__module__ == HOME], ids=lambda kind: kind.__name__
)
def test_every_error_of_ours_has_a_status_and_is_read_as_an_error(protocol: str, kind: type[RoutertermError]) -> None:
    status, body = ENCODERS[protocol].encode_error(kind("What was wrong.", "A hint."))
    assert 400 <= status < 600
    error = classify(status, {}, body, protocol=protocol)
    assert "What was wrong." in error.message
    assert b"A hint." not in body  # hints are for a person at a chat or a shell
    if status < 500 and status != 403 and not issubclass(kind, NoCandidate):
        assert isinstance(error, COARSER.get(kind, kind) if protocol in WORDLESS else NEAREST.get(kind, kind))


@pytest.mark.parametrize("protocol", SERVERS)
@pytest.mark.parametrize("error", [ContextTooLong("Too long."), RateLimited("Slow."), RoutertermError("No.", "Hint.")])
def test_an_error_body_says_what_was_wrong(protocol: str, error: RoutertermError) -> None:
    status, body = ENCODERS[protocol].encode_error(error)
    assert status >= 400
    assert error.message in json.dumps(json.loads(body))


PICTURE = Image("image/png", b"\x89PNG\r\n\x1a\n")
REQUEST = ChatRequest(
    "smart",
    (
        Message("user", (Text("What is this?"), PICTURE)),
        Message(
            "assistant",
            (Reasoning("Let me look.", "anthropic:seal"), Text("I ask."), ToolCall("call_1", "look", '{"deep":true}')),
        ),
        Message("tool", (ToolResult("call_1", "a cat"),)),
        Message.of("user", "Sure?"),
    ),
    system="Be brief.",
    params=Params(temperature=0.5, top_p=0.9, max_output=2048, stop=("END",)),
    tools=(Tool("look", "Looks.", {"type": "object", "properties": {"deep": {"type": "boolean"}}}),),
    tool_choice="auto",
    client="gateway",
)


def _body(protocol: str, request: ChatRequest = REQUEST, dialect: str = "") -> bytes:
    return codec(protocol, dialect).encode(request, base_url="http://x/v1", model="smart", key=Secret("k" * 20)).body


def _plain(request: ChatRequest) -> list[tuple[str, str]]:
    """Who said what, in order, whatever the protocol makes of roles."""
    said = [
        (message.role, part.text if isinstance(part, Text) else type(part).__name__)
        for message in request.messages
        for part in message.parts
        if not isinstance(part, Reasoning)
    ]
    spoken = [("system", request.system)] if request.system else []
    return [*spoken, *((("tool" if what == "ToolResult" else role), what) for role, what in said)]


@pytest.mark.parametrize("protocol", SERVERS)
def test_a_request_that_we_write_is_read_as_it_was_meant(protocol: str) -> None:
    asked = ENCODERS[protocol].decode_request(_body(protocol))
    assert asked.stream is (protocol != "gemini"), "Gemini says so in the address"
    assert _plain(asked.request) == _plain(REQUEST)
    # Responses holds to a schema unless told otherwise, so what is left open here is told there.
    assert tuple(replace(tool, strict=None) for tool in asked.request.tools) == REQUEST.tools
    assert asked.request.params.temperature == 0.5
    assert asked.request.params.max_output == 2048
    calls = [part for message in asked.request.messages for part in message.parts if isinstance(part, ToolCall)]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [("look", {"deep": True})]
    results = [part for message in asked.request.messages for part in message.parts if isinstance(part, ToolResult)]
    assert [result.text for result in results] == ["a cat"]
    if protocol in ("gemini", "ollama-chat"):
        assert results[0].name == "look", "these pair by name"
    else:
        assert calls[0].id == results[0].call_id
    images = [image for message in asked.request.messages for image in message.images]
    assert images == [PICTURE]


def test_roles_alternate_for_anthropic() -> None:
    payload = json.loads(_body("anthropic-messages"))
    roles = [message["role"] for message in payload["messages"]]
    assert all(len(list(group)) == 1 for _, group in groupby(roles))
    assert payload["messages"][2]["content"][0]["type"] == "tool_result"
