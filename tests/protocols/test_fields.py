"""The fields of a request: every one that the official SDKs know is understood, carried, refused or named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsBase
from google.genai import types
from mistralai.client.models import ChatCompletionStreamRequest
from msgspec.structs import replace
from ollama._types import ChatRequest as OllamaChat
from ollama._types import Options
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from routerterm.core.errors import BadRequest
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest, Params, Tool
from routerterm.protocols import codec, server_codec
from routerterm.protocols.fields import CARRIED, READ, REFUSED, left_out, names
from routerterm.protocols.json_utils import mapping
from routerterm.protocols.openai_chat.dialect import DIALECTS
from tests.protocols.test_histories import body

HELLO = [{"role": "user", "content": "hi"}]
NAMED = {
    "openai-chat": {"function_call", "modalities", "top_logprobs"},
    "openai-responses": {"access_programs", "background_options", "image", "top_logprobs"},
    "anthropic-messages": {"diagnostics", "user_profile_id", "workspace_id"},
}
"""What is left out by name."""


@pytest.mark.parametrize(
    ("protocol", "params"),
    [
        ("openai-chat", CompletionCreateParamsBase),
        ("openai-responses", ResponseCreateParamsBase),
        ("anthropic-messages", MessageCreateParamsBase),
    ],
)
def test_every_field_of_the_sdk_is_in_one_of_our_lists(protocol: str, params: type) -> None:
    theirs = set(params.__annotations__)
    ours = READ[protocol] | REFUSED[protocol] | CARRIED[protocol].keys() | NAMED[protocol]
    assert theirs <= ours, theirs - ours
    assert not (READ[protocol] | REFUSED[protocol]) & (CARRIED[protocol].keys() | NAMED[protocol])


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


_GEMINI_CONFIG = {camel(name) for name in types.GenerationConfig.model_fields}
_OF_THE_SDK_ITSELF = {"httpOptions", "automaticFunctionCalling", "shouldReturnHttpResponse"}
_GEMINI_REQUEST = {camel(name) for name in types.GenerateContentConfig.model_fields} - _GEMINI_CONFIG
_NAMED_ELSEWHERE = {
    "gemini": {
        "audioTranscriptionConfig", "enableAffectiveDialog", "logprobs", "modelSelectionConfig", "responseFormat",
        "responseLogprobs", "routingConfig", "speechConfig", "translationConfig",
    },
    "gemini request": {
        "automaticContinuation", "continuationToken", "generationOutputConfig", "imageConfig", "modelArmorConfig",
        "store",
    },
    "ollama-chat": {"embedding_only", "logits_all", "vocab_only"},
    "ollama-chat request": {"logprobs", "top_logprobs"},
}  # fmt: skip
"""What is left out by name, in the parts of Gemini's and Ollama's requests."""


@pytest.mark.parametrize(
    ("part", "theirs"),
    [
        ("gemini", _GEMINI_CONFIG),
        ("gemini request", _GEMINI_REQUEST - _OF_THE_SDK_ITSELF),
        ("ollama-chat", set(Options.model_fields)),
        ("ollama-chat request", set(OllamaChat.model_fields)),
    ],
)
def test_every_field_of_geminis_and_ollamas_sdk_is_in_one_of_our_lists(part: str, theirs: set[str]) -> None:
    ours = READ[part] | CARRIED[part].keys() | _NAMED_ELSEWHERE[part]
    assert theirs <= ours, theirs - ours
    assert not READ[part] & CARRIED[part].keys()
    assert _NAMED_ELSEWHERE[part] <= theirs, "no longer theirs"


def test_mistral_is_sent_nothing_that_its_sdk_does_not_know() -> None:
    theirs = set(ChatCompletionStreamRequest.model_fields)
    passed = DIALECTS["mistral"].passes
    assert passed <= theirs, passed - theirs
    vocabulary = {"temperature", "top_p", "max_tokens", "stop", "random_seed", "tools", "tool_choice"}
    vocabulary |= {"model", "messages", "stream", "response_format", "reasoning_effort"}
    named = {"logprobs", "top_logprobs", "prompt_logprobs", "top_prompt_logprobs", "n", "service_tier"}
    assert theirs <= passed | vocabulary | named, theirs - passed - vocabulary - named


_COHERE = names(
    "model messages stream tools strict_tools documents citation_options response_format safety_mode max_tokens "
    "stop_sequences temperature seed frequency_penalty presence_penalty k p logprobs tool_choice thinking priority"
)
"""The parameters of ``V2Client.chat`` and ``chat_stream`` in cohere 7.3.1, which is not installed for the tests."""
_NEVER_SAID_TO_COHERE = names("documents citation_options safety_mode logprobs priority")
"""What no other protocol says, so that no client of ours can mean it."""


def test_every_field_of_coheres_sdk_is_said_or_known_to_be_none_of_ours() -> None:
    tools = [{"type": "function", "function": {"name": name, "strict": True}} for name in "fg"]
    fields: dict[str, Any] = {
        "top_k": 5, "presence_penalty": 0.5, "frequency_penalty": 0.2, "seed": 0, "stop": ["a"], "top_p": 0.5,
        "max_tokens": 5, "temperature": 0.1, "reasoning_effort": "high", "response_format": {"type": "json_object"},
        "tool_choice": {"type": "function", "function": {"name": "g"}},
    }  # fmt: skip
    sent = body("cohere-v2", decoded("openai-chat", messages=HELLO, tools=tools, **fields))
    assert sent.keys() == _COHERE - _NEVER_SAID_TO_COHERE
    assert (sent["k"], sent["p"], sent["seed"], sent["stop_sequences"]) == (5, 0.5, 0, ["a"])
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["g"]
    assert (sent["tool_choice"], sent["strict_tools"]) == ("REQUIRED", True)


def test_gemini_and_ollama_get_back_what_their_clients_said() -> None:
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    given: dict[str, Any] = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "safetySettings": safety,
        "labels": {"a": "b"},
        "generationConfig": {"topK": 3, "audioTimestamp": True, "speechConfig": {}},
        "brandNew": 1,
    }
    request = server_codec("gemini").decode_request(json.dumps(given).encode()).request
    sent = body("gemini", request)
    assert (sent["safetySettings"], sent["labels"]) == (safety, {"a": "b"})
    assert sent["generationConfig"] == {"topK": 3, "audioTimestamp": True}
    assert left_out("gemini", request.params) == ("brandNew", "speechConfig")
    assert left_out("ollama-chat", request.params) == (
        "audio_timestamp", "brandNew", "labels", "safety_settings", "speechConfig"
    )  # fmt: skip
    options = {"num_ctx": 8192, "mirostat": 1, "typical_p": 0.5, "vocab_only": True}
    ollama = decoded("ollama-chat", messages=HELLO, options=options, keep_alive="5m")
    sent = body("ollama-chat", ollama)
    assert sent["keep_alive"] == "5m"
    assert sent["options"] == {"num_ctx": 8192, "mirostat": 1, "typical_p": 0.5}
    assert left_out("ollama-chat", ollama.params) == ("vocab_only",)


def decoded(protocol: str, **fields: Any) -> ChatRequest:
    return server_codec(protocol).decode_request(json.dumps({"model": "x/m", **fields}).encode()).request


def test_chat_completions_arrive_as_they_were_asked() -> None:
    fields: dict[str, Any] = {
        "frequency_penalty": 0.5,
        "logit_bias": {"1": -100},
        "service_tier": "flex",
        "parallel_tool_calls": False,
        "reasoning_effort": "minimal",
    }
    tool = {"type": "function", "function": {"name": "f", "strict": True, "parameters": {"type": "object"}}}
    request = decoded("openai-chat", messages=HELLO, tools=[tool], **fields)
    sent = body("openai-chat", request, "openai")
    assert {name: sent.get(name) for name in fields} == fields
    assert sent["tools"][0]["function"]["strict"] is True
    assert codec("openai-chat", "openai").left_out(request) == ()


def test_what_a_protocol_cannot_say_is_named() -> None:
    request = decoded("openai-chat", messages=HELLO, logit_bias={"1": 1}, top_k=5, brand_new=1, user="u")
    assert left_out("anthropic-messages", request.params) == ("brand_new", "logit_bias")
    assert body("anthropic-messages", request)["top_k"] == 5
    assert body("anthropic-messages", request)["metadata"] == {"user_id": "u"}
    assert body("gemini", request)["generationConfig"] == {"topK": 5}
    assert codec("openai-chat", "openai").left_out(request) == ("brand_new", "top_k")
    assert "top_k" not in body("openai-chat", request, "openai")


def test_only_the_allowed_tools_are_offered() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in "fg"]
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}
    request = decoded(
        "openai-chat",
        messages=HELLO,
        tools=tools,
        tool_choice={"type": "allowed_tools", "allowed_tools": allowed},
    )
    sent = body("openai-chat", request, "openai")
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["f"]
    assert sent["tool_choice"] == "required"


@pytest.mark.parametrize(
    "fields",
    [
        {"frequency_penalty": 1e30},
        {"presence_penalty": "a"},
        {"top_k": True},
        {"logit_bias": {"1": -1e300}},
        {"min_tokens": [1]},
        {"max_completion_tokens": 0},
        {"max_completion_tokens": 0, "max_tokens": 5},
        {"seed": 2**70},
        {"modalities": ["text", "audio"]},
    ],
)
def test_what_no_model_can_mean_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        decoded("openai-chat", messages=HELLO, **fields)


@pytest.mark.parametrize(("options", "name"), [({"num_ctx": 10**12}, "num_ctx"), ({"top_k": "5"}, "top_k")])
def test_nor_in_options_of_another_protocol(options: dict[str, Any], name: str) -> None:
    with pytest.raises(BadRequest, match=name):
        decoded("ollama-chat", messages=HELLO, options=options)


def test_a_seed_of_nought_is_a_seed() -> None:
    assert decoded("openai-chat", messages=HELLO, seed=0).params.seed == 0
    assert decoded("openai-chat", messages=HELLO, random_seed=0).params.seed == 0


MARK = {"type": "ephemeral", "ttl": "1h"}


@pytest.mark.parametrize(
    ("said", "effort"),
    [
        ({"reasoning": {"max_tokens": 2000}}, "low"),
        ({"reasoning": {"max_tokens": 20000, "exclude": True}}, "high"),
        ({"reasoning": {"enabled": False}}, "none"),
        ({"reasoning": {"enabled": True}}, "medium"),
        ({"reasoning": {"effort": "high", "exclude": True}}, "high"),
        ({"thinking": {"type": "disabled"}}, "none"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5000}}, "medium"),
        ({"enable_thinking": False}, "none"),
        ({"enable_thinking": True, "thinking_budget": 500}, "low"),
    ],
)
def test_reasoning_is_read_in_the_words_of_every_server_of_chat_completions(said: dict[str, Any], effort: str) -> None:
    request = decoded("openai-chat", messages=HELLO, **said)
    assert request.params.effort == effort
    sent = body("openai-chat", request, "openrouter")
    assert sent["reasoning"] == said.get("reasoning", {"enabled": False} if effort == "none" else {"effort": effort})
    assert body("openai-chat", request, "deepseek")["thinking"]["type"] == (
        "disabled" if effort == "none" else "enabled"
    )
    sent = body("openai-chat", request, "alibaba")
    assert sent["enable_thinking"] is (effort != "none")
    assert sent.get("thinking_budget") == said.get("thinking_budget")
    assert "reasoning" not in body("openai-chat", request, "openai")
    hidden = ("reasoning.exclude",) if mapping(said.get("reasoning")).get("exclude") else ()
    assert codec("openai-chat", "openai").left_out(request) == hidden
    assert codec("openai-chat", "openrouter").left_out(request) == ()


@pytest.mark.parametrize(
    "said",
    [
        {"reasoning": {"max_tokens": -1}},
        {"reasoning": {"max_tokens": "x"}},
        {"reasoning": {"max_tokens": 1e12}},
        {"thinking": {"type": "enabled", "budget_tokens": -5}},
        {"thinking_budget": [1]},
    ],
)
def test_reasoning_by_numbers_that_cannot_be_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        decoded("openai-chat", messages=HELLO, **said)


@pytest.mark.parametrize(
    "asked",
    [
        {"thinkingBudget": 512},
        {"thinkingBudget": -1, "includeThoughts": True},
        {"thinkingLevel": "high", "includeThoughts": False},
    ],
)
def test_gemini_thinks_as_asked(asked: dict[str, Any]) -> None:
    contents = [{"role": "user", "parts": [{"text": "hi"}]}]
    request = decoded("gemini", contents=contents, generationConfig={"thinkingConfig": asked})
    assert body("gemini", request)["generationConfig"] == {"thinkingConfig": asked}
    assert left_out("anthropic-messages", request.params) == ()


def test_a_summary_of_the_thoughts_comes_as_it_was_asked() -> None:
    request = decoded("openai-responses", input="hi", reasoning={"effort": "low", "summary": "detailed"})
    sent = body("openai-responses", request, "openai")
    assert sent["reasoning"] == {"effort": "low", "summary": "detailed"}
    assert "summary" not in json.dumps(body("openai-chat", request, "openai"))


def test_what_only_one_protocol_says_of_a_tool_goes_back_to_it_and_is_named_for_others() -> None:
    own = {"defer_loading": True, "input_examples": [{"a": 1}], "allowed_callers": ["direct"]}
    tool = {"name": "f", "input_schema": {"type": "object"}, **own}
    request = decoded("anthropic-messages", messages=HELLO, max_tokens=9, tools=[tool])
    sent = body("anthropic-messages", request)["tools"][0]
    assert {name: sent.get(name) for name in own} == own
    assert body("openai-chat", request, "openai")["tools"][0]["function"].keys() == {
        "name",
        "description",
        "parameters",
    }
    named = ("tools.allowed_callers", "tools.defer_loading", "tools.input_examples")
    assert codec("openai-chat", "openai").left_out(request) == named
    assert codec("anthropic-messages").left_out(request) == ()
    config = {"functionCallingConfig": {"mode": "VALIDATED"}, "retrievalConfig": {"languageCode": "en"}}
    function = {"name": "f", "behavior": "BLOCKING", "response": {"type": "STRING"}}
    request = decoded(
        "gemini",
        contents=[{"role": "user", "parts": [{"text": "hi"}]}],
        tools=[{"functionDeclarations": [function]}],
        toolConfig=config,
    )
    sent = body("gemini", request)
    assert sent["toolConfig"] == config
    assert sent["tools"][0]["functionDeclarations"][0].items() >= function.items()
    assert codec("openai-chat", "openai").left_out(request) == ("tool_config", "tools.behavior", "tools.response")


def test_what_is_lost_within_messages_is_named() -> None:
    document = {
        "type": "document",
        "source": {"type": "text", "data": "D"},
        "citations": {"enabled": True},
        "context": "C",
    }
    request = decoded("anthropic-messages", messages=[{"role": "user", "content": [document]}], max_tokens=9)
    assert codec("anthropic-messages").left_out(request) == ("document.citations", "document.context")
    request = decoded("openai-chat", messages=[{"role": "user", "name": "bob", "content": "hi"}])
    assert codec("openai-chat", "openai").left_out(request) == ("messages.name",)


def test_a_clients_marks_for_the_cache_arrive() -> None:
    document = {"type": "text", "text": "long", "cache_control": MARK}
    messages = [{"role": "user", "content": [document, {"type": "text", "text": "And?"}]}]
    system = [{"type": "text", "text": "s", "cache_control": MARK}, {"type": "text", "text": "t"}]
    tools = [{"name": "f", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}]
    request = decoded("anthropic-messages", messages=messages, system=system, tools=tools, max_tokens=9)
    sent = body("anthropic-messages", request)
    assert [block.get("cache_control") for block in sent["system"]] == [MARK, None]
    assert [block.get("cache_control") for block in sent["messages"][0]["content"]] == [MARK, None]
    assert sent["tools"][0]["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in json.dumps(body("openai-chat", request))


def marked(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text, "cache_control": MARK}, {"type": "text", "text": "more"}]


def test_marks_in_chat_completions_arrive_where_they_mean_something() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": marked("s")},
        {"role": "user", "content": marked("q")},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": marked("found")[:1]},
    ]
    tools = [{"type": "function", "function": {"name": "f"}, "cache_control": MARK}]
    request = decoded("openai-chat", messages=messages, tools=tools)
    sent = body("openai-chat", request, "openrouter", model="anthropic/claude-x")
    assert [message["content"] for message in sent["messages"]] == [
        marked("s"), marked("q"), None, marked("found")[:1]
    ]  # fmt: skip
    assert sent["tools"][0]["cache_control"] == MARK
    claude = body("anthropic-messages", request)
    assert [block.get("cache_control") for block in claude["system"]] == [MARK, None]
    assert json.dumps(claude).count(json.dumps(MARK)) == 4
    for dialect, model in (("openai", "gpt-5"), ("openrouter", "openai/gpt-5")):
        assert "cache_control" not in json.dumps(body("openai-chat", request, dialect, model=model))
    assert codec("openai-chat", "openai").left_out(request) == ("cache_control",)
    assert codec("openai-chat", "openrouter").left_out(request) == codec("anthropic-messages").left_out(request) == ()


def test_marks_on_documents_on_calls_and_on_all_arrive() -> None:
    document = {"type": "document", "source": {"type": "text", "data": "D"}, "cache_control": MARK}
    call = {"type": "tool_use", "id": "c", "name": "f", "input": {}, "cache_control": MARK}
    messages = [
        {"role": "user", "content": [document]},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "r"}]},
    ]
    request = decoded("anthropic-messages", messages=messages, max_tokens=9, cache_control=MARK)
    sent = body("anthropic-messages", request)
    assert sent["cache_control"] == MARK
    assert [message["content"][0].get("cache_control") for message in sent["messages"]] == [MARK, MARK, None]
    assert codec("openai-chat", "openai").left_out(request) == ("cache_control",)


def test_never_more_than_four_marks() -> None:
    blocks = [{"type": "text", "text": str(number), "cache_control": MARK} for number in range(9)]
    request = decoded("anthropic-messages", messages=[{"role": "user", "content": blocks}], max_tokens=9)
    sent = body("anthropic-messages", request)["messages"][0]["content"]
    assert ["cache_control" in block for block in sent] == [False] * 5 + [True] * 4


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-opus-4-7", {"type": "adaptive"}),
        ("claude-haiku-4-5", {"type": "enabled", "budget_tokens": 1024}),
        ("claude-haiku-4-5", {"type": "enabled", "budget_tokens": 16384}),
    ],
)
def test_claude_thinks_as_asked(model: str, thinking: dict[str, Any]) -> None:
    request = decoded("anthropic-messages", messages=HELLO, max_tokens=20000, thinking=thinking)
    sent = body("anthropic-messages", request, model=model)
    assert (sent["thinking"], sent["max_tokens"]) == (thinking, 20000)


def test_the_finer_word_for_an_effort_is_kept() -> None:
    request = ChatRequest("x/m", decoded("openai-chat", messages=HELLO).messages, params=Params(effort="high"))
    assert body("openai-responses", request)["reasoning"]["effort"] == "high"
    fine = decoded("openai-responses", input="hi", reasoning={"effort": "xhigh"})
    assert body("openai-responses", fine)["reasoning"]["effort"] == "xhigh"


_WORDS = ("a", " ", "b", "", "c", "d", "e", "f", "a")


@pytest.mark.parametrize(
    ("protocol", "dialect", "field", "sent"),
    [
        ("openai-chat", "openai", "stop", ["a", " ", "b", "c"]),
        ("openai-chat", "groq", "stop", ["a", " ", "b", "c"]),
        ("openai-chat", "", "stop", ["a", " ", "b", "c", "d", "e", "f"]),
        ("anthropic-messages", "", "stop_sequences", ["a", "b", "c", "d", "e", "f"]),
        ("gemini", "", "stopSequences", ["a", " ", "b", "c", "d"]),
        ("cohere-v2", "", "stop_sequences", ["a", " ", "b", "c", "d"]),
        ("openai-responses", "", "stop", None),
    ],
)
def test_stop_words_beyond_what_a_server_takes_are_left_out_and_named(
    protocol: str, dialect: str, field: str, sent: list[str] | None
) -> None:
    request = ChatRequest("m", (Message.of("user", "Hello"),), params=Params(stop=_WORDS))
    wire = codec(protocol, dialect)
    body = json.loads(wire.encode(request, base_url="http://x", model="m", key=None).body)
    assert (body | body.get("generationConfig", {})).get(field) == sent
    assert ("stop" in wire.left_out(request)) is (len(sent or ()) < 7)


@pytest.mark.parametrize(
    ("protocol", "dialect", "params", "names"),
    [
        ("anthropic-messages", "", Params(seed=1, temperature=1.5, top_p=0.5), {"seed", "temperature", "top_p"}),
        ("anthropic-messages", "", Params(temperature=0.5), set()),
        ("openai-responses", "openai", Params(seed=1, temperature=1.5), {"seed"}),
        ("openai-chat", "mistral", Params(seed=1, effort="high"), {"effort"}),
        ("openai-chat", "xai", Params(effort="none"), {"effort"}),
        ("openai-chat", "openai", Params(seed=1, effort="high"), set()),
        ("gemini", "", Params(seed=1, temperature=1.5, top_p=0.5, effort="low"), set()),
    ],
)
def test_what_a_protocol_has_no_word_for_is_named(protocol: str, dialect: str, params: Params, names: set[str]) -> None:
    request = ChatRequest("m", (Message.of("user", "Hello"),), params=params)
    assert set(codec(protocol, dialect).left_out(request)) == names


def test_ollama_cannot_be_told_that_a_tool_must_be_called() -> None:
    request = ChatRequest("m", (Message.of("user", "Hello"),), tools=(Tool("find", "", {}),), tool_choice="required")
    assert codec("ollama-chat").left_out(request) == ("tool_choice",)
    assert codec("ollama-chat").left_out(replace(request, tool_choice="auto")) == ()
