"""What editors send, by their public sources, and how strictly they read: Cline, Continue, Zed, and JetBrains' library.

They cannot be installed here as they are used, so each request is written as theirs are: with their fields, their order
of roles, their nulls and empty lists.  Their command-line agents run whole in ``scripts/clients``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.gateway.conftest import Place
from tests.gateway.test_access import give
from tests.gateway.test_clients import PICTURE, calls_a_tool, dies

CHAT, MESSAGES, RESPONSES, COMPLETIONS = "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions"
MODEL = "one/first"
SEEN = f"data:image/png;base64,{PICTURE}"
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
FUNCTION = {"type": "function", "function": {"name": "read_file", "description": "Read.", "parameters": SCHEMA}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "read_file", "arguments": '{"path":"a.py"}'}}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts) if len(parts) > 1 else parts[0]}


def words(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said} | more


SEES = {"type": "image_url", "image_url": {"url": SEEN}}
STREAMED = {"stream": True, "stream_options": {"include_usage": True}}

# Cline: the tools are told in the system prompt and called in XML, their results come back as the user's text.
CLINE_XML = STREAMED | {
    "model": MODEL,
    "temperature": 0,
    "messages": [
        {"role": "system", "content": "TOOL USE\n<read_file>\n<path>File path here</path>\n</read_file>"},
        user(words("<task>\nExplain a.py\n</task>"), words("<environment_details>\n# Current Mode\nACT MODE")),
        {"role": "assistant", "content": [words("<read_file>\n<path>a.py</path>\n</read_file>")]},
        user(words("[read_file for 'a.py'] Result:"), words("print(1)"), SEES),
    ],
}
# Cline with native calls: a result may have a picture beside it, as a message of the user.
CLINE_CALLS = STREAMED | {
    "model": MODEL,
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "tools": [FUNCTION],
    "messages": [
        {"role": "system", "content": "You are an agent."},
        user(words("Explain a.py")),
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "print(1)"},
        user(SEES, words("This was on the screen.")),
    ],
}
# Continue: chat with context items as parts, an empty answer that was stopped, an edit with a prediction.
CONTINUE_CHAT = STREAMED | {
    "model": MODEL,
    "max_tokens": 4096,
    "tools": [FUNCTION],
    "messages": [
        {"role": "system", "content": "<important_rules>\nAlways include the language."},
        user(words("```a.py\nprint(1)\n```"), words("Explain")),
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "", "tool_call_id": "call_1"},
        {"role": "assistant", "content": " "},
        user("Go on"),
    ],
}
CONTINUE_EDIT = STREAMED | {
    "model": MODEL,
    "max_tokens": 2048,
    "temperature": 0.01,
    "stop": ["```", "\n\n\n", "<STOP>"],
    "prediction": {"type": "content", "content": "print(1)"},
    "messages": [user("Rewrite:\n```\nprint(1)\n```"), {"role": "assistant", "content": "Sure! Here it is:\n```\n"}],
}
# Zed's agent: parts may be one text or a list, an assistant's content may be an empty list, results have pictures.
ZED = STREAMED | {
    "model": MODEL,
    "max_completion_tokens": 8192,
    "temperature": 1.0,
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "prompt_cache_key": "0b8a2c34-thread",
    "reasoning_effort": "medium",
    "tools": [FUNCTION],
    "messages": [
        {"role": "system", "content": "You are a highly skilled software engineer."},
        user(words("Look at this"), {"type": "image_url", "image_url": {"url": SEEN, "detail": None}}),
        {"role": "assistant", "content": [], "tool_calls": [CALL], "reasoning_content": "I read it."},
        {"role": "tool", "content": [words("print(1)"), SEES], "tool_call_id": "call_1"},
    ],
}
# JetBrains' own library for such servers: snake case, roles of its own, strict tools.
JETBRAINS = STREAMED | {
    "model": MODEL,
    "n": 1,
    "store": False,
    "modalities": ["text"],
    "user": "ide",
    "service_tier": "auto",
    "tools": [{"type": "function", "function": {**FUNCTION["function"], "strict": False}}],  # type: ignore[dict-item]
    "messages": [
        {"role": "developer", "content": "You help in an IDE."},
        user(
            words("What is this?"),
            {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,SGk="}},
        ),
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "content": "print(1)", "tool_call_id": "call_1"},
    ],
}
CHATS = {
    "cline, xml": CLINE_XML,
    "cline, calls": CLINE_CALLS,
    "continue, chat": CONTINUE_CHAT,
    "continue, edit": CONTINUE_EDIT,
    "zed": ZED,
    "jetbrains": JETBRAINS,
}
# Continue with `provider: anthropic`: everything in blocks, marks for the cache on the system, tools and last messages.
CONTINUE_MESSAGES = {
    "model": MODEL,
    "max_tokens": 32_000,
    "stream": True,
    "system": [words("You are an agent.", cache_control={"type": "ephemeral"})],
    "tools": [{"name": "read_file", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}}],
    "tool_choice": {"type": "auto"},
    "messages": [
        user(words("Explain", cache_control={"type": "ephemeral"})),
        {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "read_file", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "print(1)"}]},
    ],
}
# Zed for a model that is set to Responses.
ZED_RESPONSES = {
    "model": MODEL,
    "stream": True,
    "store": False,
    "max_output_tokens": 8192,
    "parallel_tool_calls": False,
    "prompt_cache_key": "0b8a2c34-thread",
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"effort": "medium", "summary": "auto"},
    "tools": [{"type": "function", "name": "read_file", "description": "Read.", "parameters": SCHEMA, "strict": False}],
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Explain"}]},
        {"type": "function_call", "call_id": "call_1", "name": "read_file", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "print(1)"}]},
    ],
}


def strictly_read(raw: str) -> list[Mapping[str, Any]]:
    """The chunks as the strictest of them reads: data and comments alone, each chunk whole, roles that it knows."""
    chunks = []
    for line in raw.splitlines():
        if not line or line.startswith(":"):
            continue
        assert line.startswith("data: "), line
        if line == "data: [DONE]":
            break
        chunk = json.loads(line[6:])
        if "error" in chunk:
            assert isinstance(chunk["error"]["message"], str)
            return [*chunks, chunk]
        assert {"id", "object", "created", "model", "choices"} <= set(chunk)
        for choice in chunk["choices"]:
            assert isinstance(choice["index"], int)
            assert choice["delta"].get("role") in (None, "assistant")
            for call in choice["delta"].get("tool_calls") or ():
                assert isinstance(call["index"], int)
        if (usage := chunk.get("usage")) is not None:
            assert {"prompt_tokens", "completion_tokens", "total_tokens"} <= set(usage)
        chunks.append(chunk)
    return chunks


@pytest.mark.parametrize("body", CHATS.values(), ids=CHATS)
async def test_an_editor_s_request_is_answered_in_pieces_that_it_can_read(place: Place, body: dict[str, Any]) -> None:
    place.up.says("first", "Hel", "lo")
    async with place.http() as http:
        answer = await http.post(CHAT, json=body)
    assert answer.status_code == 200, answer.text
    chunks = strictly_read(answer.text)
    said = [choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]]
    assert "".join(said) == "Hello"
    assert chunks[-1]["usage"]["total_tokens"] == 15
    assert sum(bool(chunk.get("usage")) for chunk in chunks) == 1
    sent = json.dumps(place.up.asked[-1])
    assert "print(1)" in sent or body is JETBRAINS or body is CONTINUE_CHAT
    assert (PICTURE in sent) == (PICTURE in json.dumps(body))


@pytest.mark.parametrize("body", CHATS.values(), ids=CHATS)
async def test_calls_and_breaks_are_told_as_they_read_them(place: Place, body: dict[str, Any]) -> None:
    place.up.model("first")(calls_a_tool)
    async with place.http() as http:
        called = strictly_read((await http.post(CHAT, json=body)).text)
        pieces = [c for chunk in called for choice in chunk["choices"] for c in choice["delta"].get("tool_calls") or ()]
        assert pieces[0]["id"] == "call_1"
        assert pieces[0]["function"]["name"] == "weather"
        assert "".join(piece["function"].get("arguments") or "" for piece in pieces) == '{"city": "Oslo"}'
        reasons = [choice.get("finish_reason") for chunk in called for choice in chunk["choices"]]
        assert [reason for reason in reasons if reason] == ["tool_calls"]
        place.up.model("first")(dies)
        broken = strictly_read((await http.post(CHAT, json=body)).text)
    assert "error" in broken[-1]


async def test_continue_over_messages_and_zed_over_responses(place: Place) -> None:
    place.up.says("first", "Hello")
    key = await give(place, "editor")
    both = {"x-api-key": key, "authorization": f"Bearer {key}", "anthropic-version": "2023-06-01"}
    both["anthropic-beta"] = "prompt-caching-2024-07-31"
    async with place.http() as http:
        answer = await http.post(MESSAGES, json=CONTINUE_MESSAGES, headers=both)
        assert answer.status_code == 200, answer.text
        assert '"text_delta","text":"Hello"' in answer.text
        assert [message["role"] for message in place.up.asked[-1]["messages"]] == [
            "system",
            "user",
            "assistant",
            "tool",
        ]
        answer = await http.post(RESPONSES, json=ZED_RESPONSES, headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 200, answer.text
        assert "event: response.completed" in answer.text
        assert "print(1)" in json.dumps(place.up.asked[-1])


async def test_the_test_of_a_connection_and_the_list_of_models(place: Place) -> None:
    """JetBrains asks for the models; Continue and Cline send empty or made-up keys where a person gave none."""
    for key in ({}, {"authorization": "Bearer"}, {"authorization": "Bearer undefined", "x-api-key": ""}):
        async with place.http(**key) as http:
            listed = await http.get("/v1/models")
            assert listed.status_code == 200, listed.text
            assert {"id", "object", "created", "owned_by"} <= set(listed.json()["data"][0])


@pytest.mark.parametrize("stop", [["<fim_prefix>", "<fim_suffix>", "/src/", "#- coding: utf-8", "```", "\n\n"], None])
async def test_continue_completes_by_a_prompt(place: Place, stop: list[str] | None) -> None:
    place.up.says("first", "lo")
    body = {"model": MODEL, "prompt": "Hel", "max_tokens": 64, "temperature": 0.01, "stop": stop, "stream": True}
    async with place.http() as http:
        answer = await http.post(COMPLETIONS, json=body)
        assert answer.status_code == 200, answer.text
        assert '"text":"lo"' in answer.text
        fills = await http.post(COMPLETIONS, json=body | {"suffix": "!"})
        assert fills.status_code == 400
        assert "suffix" in fills.json()["error"]["message"]
