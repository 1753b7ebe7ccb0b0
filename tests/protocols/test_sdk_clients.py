"""The providers' own SDKs, as clients, understand what our server halves and the other encoders write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from routerterm.core.errors import ContextTooLong, RateLimited
from routerterm.core.events import (
    ReasoningDelta,
    RefusalDelta,
    StreamEnd,
    StreamError,
    TextDelta,
    ToolCallDelta,
    UsageReported,
    WireEvent,
)
from routerterm.core.messages import Message
from routerterm.core.usage import Usage
from routerterm.protocols.anthropic_messages import server as anthropic_server
from routerterm.protocols.gemini import server as gemini_server
from routerterm.protocols.ollama import server as ollama_server
from routerterm.protocols.openai_chat import server as chat_server
from routerterm.protocols.openai_responses import server as responses_server
from tests.local_server import LocalHandler, listening
from tests.protocols import mistral_server

pytestmark = pytest.mark.sdk

ANSWER: list[WireEvent] = [
    ReasoningDelta("Let me "),
    ReasoningDelta("think."),
    TextDelta("Grüße, "),
    TextDelta("\U0001f600 world"),
    ToolCallDelta(0, "call_a", "look", ""),
    ToolCallDelta(1, "call_b", "see", ""),
    ToolCallDelta(0, arguments='{"x":'),
    ToolCallDelta(1, arguments='{"y":2}'),
    ToolCallDelta(0, arguments="1}"),
    UsageReported(Usage(fresh=10, cache_read=5, output=7, reasoning=3)),
    StreamEnd("tool_calls", "tool_calls"),
]
CALLS = [("call_a", "look", {"x": 1}), ("call_b", "see", {"y": 2})]
TEXT = "Grüße, \U0001f600 world"


class Answers:
    """What the loopback server answers to the next request, and what it was asked."""

    def __init__(self) -> None:
        self.status, self.type, self.body = 200, "application/json", b""
        self.asked = b""
        self.path = ""

    def give(self, body: bytes, *, stream: bool = False, status: int = 200) -> None:
        self.body, self.status = body, status
        self.type = "text/event-stream" if stream else "application/json"


@contextmanager
def loopback() -> Iterator[tuple[str, Answers]]:
    answers = Answers()

    class Handler(LocalHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answers.asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            answers.path = self.path
            self.whole(answers.status, answers.body, answers.type)

    with listening(Handler) as address:
        yield address, answers


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Answers]]:
    with loopback() as started:
        yield started


def streamed(stream: Any, events: list[WireEvent]) -> bytes:
    return bytes(stream.start() + b"".join(stream.event(event) for event in events) + stream.end())


def chat_stream() -> chat_server.ServerStream:
    return chat_server.ServerStream(id="chatcmpl-1", model="smart", created=1_700_000_000)


def openai_client(base: str) -> Any:
    import openai

    return openai.OpenAI(base_url=f"{base}/v1", api_key="x", max_retries=0)


def anthropic_client(base: str) -> Any:
    import anthropic

    return anthropic.Anthropic(base_url=base, api_key="x", max_retries=0)


HELLO = [{"role": "user", "content": "Hello"}]


def test_openai_reads_streamed_chat_completions(server: tuple[str, Answers]) -> None:
    base, answers = server
    answers.give(streamed(chat_stream(), ANSWER), stream=True)
    how: dict[str, Any] = {"model": "smart", "messages": HELLO, "stream_options": {"include_usage": True}}
    with openai_client(base).chat.completions.stream(**how) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    message = final.choices[0].message
    assert message.content == TEXT
    assert [(c.id, c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls] == CALLS
    assert final.choices[0].finish_reason == "tool_calls"
    assert (final.usage.prompt_tokens, final.usage.completion_tokens, final.usage.total_tokens) == (15, 7, 22)
    assert final.usage.prompt_tokens_details.cached_tokens == 5
    asked = chat_server.decode_request(answers.asked)
    assert asked.stream
    assert asked.usage
    assert asked.request.messages == (Message.of("user", "Hello"),)


def test_openai_reads_whole_chat_completions_and_lists(server: tuple[str, Answers]) -> None:
    base, answers = server
    answers.give(chat_server.encode_body(ANSWER, id="c", model="smart", created=1))
    final = openai_client(base).chat.completions.create(model="smart", messages=HELLO)
    assert final.choices[0].message.content == TEXT
    assert len(final.choices[0].message.tool_calls) == 2
    answers.give(chat_server.encode_models(["smart", "groq/x"], created=1))
    assert [model.id for model in openai_client(base).models.list()] == ["smart", "groq/x"]


def test_openai_reads_a_refusal(server: tuple[str, Answers]) -> None:
    base, answers = server
    events: list[WireEvent] = [RefusalDelta("I "), RefusalDelta("won't."), StreamEnd("stop", "stop")]
    answers.give(chat_server.encode_body(events, id="c", model="smart", created=1))
    final = openai_client(base).chat.completions.create(model="smart", messages=HELLO)
    assert final.choices[0].message.refusal == "I won't."
    assert final.choices[0].message.content is None


def test_openai_reads_errors(server: tuple[str, Answers]) -> None:
    import openai

    base, answers = server
    status, body = chat_server.encode_error(RateLimited("Too fast."))
    answers.give(body, status=status)
    with pytest.raises(openai.RateLimitError, match="Too fast"):
        openai_client(base).chat.completions.create(model="smart", messages=HELLO)
    answers.give(streamed(chat_stream(), [TextDelta("half"), StreamError(RateLimited("Too fast."))]), stream=True)
    with pytest.raises(openai.APIError, match="Too fast"):
        list(openai_client(base).chat.completions.create(model="smart", messages=HELLO, stream=True))


def test_openai_reads_streamed_responses(server: tuple[str, Answers]) -> None:
    base, answers = server
    stream = responses_server.ServerStream(id="resp_1", model="smart", created=1_700_000_000)
    answers.give(streamed(stream, ANSWER), stream=True)
    with openai_client(base).responses.stream(model="smart", input="Hello") as events:
        kinds = [event.type for event in events]
        final = events.get_final_response()
    assert final.output_text == TEXT
    calls = [item for item in final.output if item.type == "function_call"]
    assert [(call.call_id, call.name, json.loads(call.arguments)) for call in calls] == CALLS
    thoughts = next(item for item in final.output if item.type == "reasoning")
    assert thoughts.summary[0].text == "Let me think."
    assert final.status == "completed"
    assert (final.usage.input_tokens, final.usage.output_tokens) == (15, 7)
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    asked = responses_server.decode_request(answers.asked)
    assert asked.request.messages == (Message.of("user", "Hello"),)


def test_openai_reads_whole_responses_and_what_was_cut_by_a_limit(server: tuple[str, Answers]) -> None:
    base, answers = server
    events: list[WireEvent] = [TextDelta("half"), StreamEnd("length", "length"), UsageReported(Usage(1, output=1))]
    answers.give(responses_server.encode_body(events, id="resp_1", model="smart", created=1))
    final = openai_client(base).responses.create(model="smart", input="Hello")
    assert final.output_text == "half"
    assert final.status == "incomplete"
    assert final.incomplete_details.reason == "max_output_tokens"


def test_anthropic_reads_streamed_messages(server: tuple[str, Answers]) -> None:
    base, answers = server
    thought = [ReasoningDelta("Let me think."), ReasoningDelta("", "anthropic:SEAL")]
    stream = anthropic_server.ServerStream(id="msg_1", model="smart")
    answers.give(streamed(stream, [*thought, *ANSWER[2:]]), stream=True)
    with anthropic_client(base).messages.stream(model="smart", max_tokens=99, messages=HELLO) as events:
        for _ in events:
            pass
        final = events.get_final_message()
    kinds = [block.type for block in final.content]
    assert kinds == ["thinking", "text", "tool_use", "tool_use"]
    assert (final.content[0].thinking, final.content[0].signature) == ("Let me think.", "SEAL")
    assert final.content[1].text == TEXT
    assert [(block.id, block.name, block.input) for block in final.content[2:]] == CALLS
    assert final.stop_reason == "tool_use"
    assert (final.usage.input_tokens, final.usage.cache_read_input_tokens, final.usage.output_tokens) == (10, 5, 7)
    asked = anthropic_server.decode_request(answers.asked)
    assert asked.stream
    assert asked.request.params.max_output == 99


def test_anthropic_reads_whole_messages_and_errors(server: tuple[str, Answers]) -> None:
    import anthropic

    base, answers = server
    client = anthropic_client(base)
    answers.give(anthropic_server.encode_body(ANSWER, id="msg_1", model="smart"))
    final = client.messages.create(model="smart", max_tokens=9, messages=HELLO)
    assert [block.type for block in final.content] == ["thinking", "text", "tool_use", "tool_use"]
    status, body = anthropic_server.encode_error(ContextTooLong("Too long."))
    answers.give(body, status=status)
    with pytest.raises(anthropic.BadRequestError, match="Too long"):
        client.messages.create(model="smart", max_tokens=9, messages=HELLO)
    stream = anthropic_server.ServerStream(id="msg_1", model="smart")
    answers.give(streamed(stream, [TextDelta("half"), StreamError(RateLimited("Too fast."))]), stream=True)
    with (
        pytest.raises(anthropic.APIStatusError, match="Too fast"),
        client.messages.stream(model="smart", max_tokens=9, messages=HELLO) as events,
    ):
        list(events)


def genai_client(base: str) -> Any:
    return pytest.importorskip("google.genai").Client(
        api_key="x", http_options={"base_url": base, "api_version": "v1beta"}
    )


def test_google_reads_streams_bodies_and_errors(server: tuple[str, Answers]) -> None:
    base, answers = server
    client = genai_client(base)
    from google.genai import errors, types

    sealed: list[WireEvent] = [ReasoningDelta("", "gemini:U0VBTA=="), ReasoningDelta("", "anthropic:S"), *ANSWER]
    answers.give(streamed(gemini_server.ServerStream(id="r", model="smart"), sealed), stream=True)
    look = types.FunctionDeclaration(name="look", parameters_json_schema={"type": "object"})
    config = types.GenerateContentConfig(
        system_instruction="Brief.",
        tools=[types.Tool(function_declarations=[look])],
        thinking_config=types.ThinkingConfig(thinking_budget=1024, include_thoughts=True),
    )
    chunks = list(client.models.generate_content_stream(model="smart", contents="Hello", config=config))
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
    assert "".join(part.text for part in parts if part.text and not part.thought) == TEXT
    assert "".join(part.text for part in parts if part.text and part.thought) == "Let me think."
    calls = [part.function_call for part in parts if part.function_call]
    assert [(call.id, call.name, call.args) for call in calls] == CALLS
    assert [part.thought_signature for part in parts if part.thought_signature] == [b"SEAL"]
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    usage = chunks[-1].usage_metadata
    assert (usage.prompt_token_count, usage.cached_content_token_count, usage.total_token_count) == (15, 5, 22)
    assert (usage.candidates_token_count, usage.thoughts_token_count) == (4, 3)
    asked = gemini_server.decode_request(answers.asked, model="models/smart", stream=True).request
    assert (asked.model, asked.system, asked.params.effort, asked.tools[0].name) == ("smart", "Brief.", "low", "look")
    assert asked.messages == (Message.of("user", "Hello"),)

    answers.give(gemini_server.encode_body(ANSWER, id="r", model="smart"))
    whole = client.models.generate_content(model="smart", contents="Hello")
    assert [part.text for part in whole.candidates[0].content.parts if part.text and not part.thought] == [TEXT]
    assert [(call.id, call.name, call.args) for call in whole.function_calls] == CALLS

    status, body = gemini_server.encode_error(RateLimited("Too fast.", retry_after=46))
    answers.give(body, status=status)
    with pytest.raises(errors.ClientError, match="Too fast") as caught:
        client.models.generate_content(model="smart", contents="Hello")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    broken = gemini_server.ServerStream(id="r", model="smart")
    answers.give(streamed(broken, [TextDelta("half"), StreamError(RateLimited("Too fast."))]), stream=True)
    with pytest.raises(errors.APIError, match="Too fast"):
        list(client.models.generate_content_stream(model="smart", contents="Hello"))


def test_mistral_reads_streams_bodies_and_errors(server: tuple[str, Answers]) -> None:
    from mistralai.client import Mistral, errors

    base, answers = server
    client = Mistral(api_key="x", server_url=base)
    stream = mistral_server.ServerStream(id="c", model="smart", created=1_700_000_000)
    answers.give(streamed(stream, ANSWER), stream=True)
    with client.chat.stream(model="smart", messages=HELLO, random_seed=3) as events:
        chunks = [event.data for event in events]
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content for delta in deltas if isinstance(delta.content, str)) == TEXT
    thoughts = [part for delta in deltas if isinstance(delta.content, list) for part in delta.content]
    assert "".join(piece.text for part in thoughts for piece in part.thinking) == "Let me think."
    calls = [call for delta in deltas for call in delta.tool_calls or ()]
    assert [(call.id, call.function.name, json.loads(call.function.arguments)) for call in calls] == CALLS
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "tool_calls"
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (15, 7)
    assert mistral_server.decode_request(answers.asked).request.params.seed == 3
    answers.give(mistral_server.encode_body(ANSWER, id="c", model="smart", created=1))
    whole = client.chat.complete(model="smart", messages=HELLO).choices[0].message
    assert [part.type for part in whole.content] == ["thinking", "text"]
    assert whole.content[1].text == TEXT
    assert [(call.id, call.function.name, json.loads(call.function.arguments)) for call in whole.tool_calls] == CALLS
    status, body = mistral_server.encode_error(RateLimited("Too fast."))
    answers.give(body, status=status)
    with pytest.raises(errors.SDKError, match="Too fast"):
        client.chat.complete(model="smart", messages=HELLO)


def test_ollama_reads_streams_bodies_lists_and_errors(server: tuple[str, Answers]) -> None:
    import ollama

    base, answers = server
    client = ollama.Client(host=base)
    answers.give(
        streamed(ollama_server.ServerStream(id="r", model="smart", created=1_700_000_000), ANSWER), stream=True
    )
    lines = list(client.chat(model="smart", messages=HELLO, stream=True, think=True, options={"num_predict": 9}))
    assert "".join(line.message.content for line in lines) == TEXT
    assert "".join(line.message.thinking or "" for line in lines) == "Let me think."
    calls = [call.function for line in lines for call in line.message.tool_calls or ()]
    assert [(call.name, dict(call.arguments)) for call in calls] == [(name, given) for _, name, given in CALLS]
    last = lines[-1]
    assert (last.done, last.done_reason, last.prompt_eval_count, last.eval_count) == (True, "stop", 15, 7)
    assert last.created_at == "2023-11-14T22:13:20Z"
    asked = ollama_server.decode_request(answers.asked)
    assert asked.stream
    assert (asked.request.params.max_output, asked.request.params.effort) == (9, "medium")
    answers.give(ollama_server.encode_body(ANSWER, id="r", model="smart", created=1))
    whole = client.chat(model="smart", messages=HELLO)
    assert (whole.message.content, whole.message.thinking, len(whole.message.tool_calls)) == (TEXT, "Let me think.", 2)
    assert not ollama_server.decode_request(answers.asked).stream
    answers.give(ollama_server.encode_models(["smart"], created=1_700_000_000))
    assert [model.model for model in client.list().models] == ["smart"]
    status, body = ollama_server.encode_error(ContextTooLong("Too long."))
    answers.give(body, status=status)
    with pytest.raises(ollama.ResponseError, match="prompt is too long"):
        client.chat(model="smart", messages=HELLO)
    broken = ollama_server.ServerStream(id="r", model="smart")
    answers.give(streamed(broken, [TextDelta("half"), StreamError(RateLimited("Too fast."))]), stream=True)
    with pytest.raises(ollama.ResponseError, match="Too fast"):
        list(client.chat(model="smart", messages=HELLO, stream=True))


# What we ask is what the SDKs ask.


def test_what_we_ask_gemini_is_what_its_sdk_asks(server: tuple[str, Answers]) -> None:
    genai = pytest.importorskip("google.genai")
    from routerterm.core.request import ChatRequest, Params
    from routerterm.protocols import codec

    base, answers = server
    answers.give(b'{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"STOP"}]}')
    client = genai.Client(api_key="x", http_options={"base_url": base, "api_version": "v1beta"})
    config = {"temperature": 0.5, "max_output_tokens": 9, "system_instruction": "Brief.", "stop_sequences": ["END"]}
    reply = client.models.generate_content(model="gemini-2.5-flash", contents="Hello", config=config)
    assert reply.text == "hi"
    request = ChatRequest(
        "m", (Message.of("user", "Hello"),), system="Brief.", params=Params(0.5, max_output=9, stop=("END",))
    )
    ours = codec("gemini").encode(request, base_url=f"{base}/v1beta", model="gemini-2.5-flash", key=None, stream=False)
    theirs = json.loads(answers.asked)
    theirs["systemInstruction"].pop("role", None)
    assert json.loads(ours.body) == theirs
    assert ours.url == base + answers.path


def test_what_we_ask_mistral_is_what_its_sdk_asks(server: tuple[str, Answers]) -> None:
    from routerterm.core.request import ChatRequest, Params
    from routerterm.protocols import codec

    sdk = pytest.importorskip("mistralai.client")
    base, answers = server
    answers.give(chat_server.encode_body([TextDelta("hi"), StreamEnd("stop", "stop")], id="c", model="m", created=1))
    client = sdk.Mistral(api_key="x", server_url=base)
    reply = client.chat.complete(
        model="m", messages=[{"role": "user", "content": "Hello"}], max_tokens=9, random_seed=3, temperature=0.5
    )
    assert reply.choices[0].message.content == "hi"
    request = ChatRequest("m", (Message.of("user", "Hello"),), params=Params(0.5, max_output=9, seed=3))
    ours = codec("mistral").encode(request, base_url=f"{base}/v1", model="m", key=None, stream=False)
    theirs = json.loads(answers.asked)
    assert {name: theirs.get(name) for name in json.loads(ours.body)} == json.loads(ours.body)
    assert ours.url == base + answers.path


def test_what_we_ask_ollama_is_what_its_sdk_asks(server: tuple[str, Answers]) -> None:
    ollama = pytest.importorskip("ollama")
    from routerterm.core.messages import Image, Text
    from routerterm.core.request import ChatRequest, Params
    from routerterm.protocols import codec

    base, answers = server
    answers.give(b'{"model":"m","message":{"role":"assistant","content":"hi"},"done":true,"done_reason":"stop"}')
    options = {"temperature": 0.5, "num_ctx": 4096}
    picture = b"\x89PNG"
    asked = [{"role": "user", "content": "Hello", "images": [picture]}]
    reply = ollama.Client(host=base).chat(model="m", messages=asked, options=options, think=False)
    assert reply.message.content == "hi"
    message = Message("user", (Text("Hello"), Image("image/png", picture)))
    request = ChatRequest("m", (message,), params=Params(0.5, effort="none"))
    ours = codec("ollama-chat").encode(request, base_url=base, model="m", key=None, stream=False)
    theirs = json.loads(answers.asked)
    theirs.pop("tools", None)
    assert json.loads(ours.body) == theirs
    assert ours.url == base + answers.path
