"""Histories as clients and other providers leave them, held against the rules of who gets them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.core.errors import BadRequest
from routerterm.core.messages import Message, Reasoning, Role, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Params, Tool
from routerterm.protocols import codec
from routerterm.protocols.normalize_messages import STAND_IN, calls_in_words, conversation

TOOL = Tool("look", "Look.", {"type": "object", "properties": {"at": {"type": "string"}}})
CALL = Message("assistant", (ToolCall("a", "look", "{}"),))


def body(protocol: str, request: ChatRequest, dialect: str = "", model: str = "m") -> dict[str, Any]:
    http = codec(protocol, dialect).encode(request, base_url="https://x.example", model=model, key=None)
    made: dict[str, Any] = json.loads(http.body)
    return made


def asked(*messages: Message, **more: Any) -> ChatRequest:
    return ChatRequest("x/m", messages, tools=(TOOL,), **more)


def result(id: str, text: str = "seen") -> Message:
    return Message("tool", (ToolResult(id, text),))


roles: st.SearchStrategy[Role] = st.sampled_from(("system", "user", "assistant", "tool"))
parts = st.one_of(
    st.builds(Text, st.sampled_from(("", " ", "said"))),
    st.builds(Reasoning, st.just("hm"), st.sampled_from((None, "anthropic:S", "gemini:S"))),
    st.builds(ToolCall, st.sampled_from(("", "a", "b", "odd.id")), st.just("look"), st.sampled_from(("{}", '{"a'))),
    st.builds(ToolResult, st.sampled_from(("", "a", "b", "odd.id")), st.just("seen")),
)
histories = st.lists(st.builds(Message, roles, st.lists(parts, max_size=4).map(tuple)), max_size=6)


@given(histories)
@settings(max_examples=150)
def test_every_call_has_one_result_right_behind_it(messages: list[Message]) -> None:
    try:
        _, turns = conversation(asked(*messages), notes=True)
    except BadRequest:
        return
    ids: list[str] = []
    for turn, after in zip(turns, [*turns[1:], Message("user", ())], strict=True):
        calls = [part.id for part in turn.parts if isinstance(part, ToolCall)]
        if calls:
            assert [part.call_id for part in after.parts if isinstance(part, ToolResult)] == calls
        elif turn.role == "tool":
            assert turn is not turns[0]
        ids += calls
    assert all(ids)
    assert len(ids) == len(set(ids))
    assert all(turn.parts for turn in turns)


@given(histories)
@settings(max_examples=100)
def test_claude_never_gets_what_it_refuses(messages: list[Message]) -> None:
    try:
        turns = body("anthropic-messages", asked(*messages))["messages"]
    except BadRequest:
        return
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * (len(turns) // 2) + ["user"] * (len(turns) % 2)
    for turn in turns:
        assert turn["content"]
        assert all(block["text"].strip() for block in turn["content"] if block["type"] == "text")
    last = turns[-1]
    if last["role"] == "assistant" and last["content"][-1]["type"] == "text":
        assert last["content"][-1]["text"] == last["content"][-1]["text"].rstrip()


@given(histories)
@settings(max_examples=100)
def test_a_chat_template_gets_turns_in_alternation(messages: list[Message]) -> None:
    try:
        turns = body("openai-chat", asked(*messages))["messages"]
    except BadRequest:
        return
    spoken = [turn["role"] for turn in turns if turn["role"] != "system"]
    assert spoken[0] == "user"
    assert all(one != two or one == "tool" for one, two in pairwise(spoken))
    assert "system" not in [turn["role"] for turn in turns[1:]]


def test_an_unanswered_question_is_joined_with_the_next() -> None:
    request = ChatRequest("x/m", (Message.of("user", "first"), Message.of("user", "second")))
    assert body("openai-chat", request)["messages"] == [{"role": "user", "content": "first\n\nsecond"}]
    assert len(body("openai-chat", request, "openai")["messages"]) == 2, "a provider that takes them gets them apart"


def test_a_word_of_the_system_between_turns_stays_where_the_provider_allows() -> None:
    request = ChatRequest("x/m", (Message.of("user", "a"), Message.of("system", "note"), Message.of("user", "b")))
    assert [turn["role"] for turn in body("openai-chat", request, "openai")["messages"]] == [
        "user",
        "developer",
        "user",
    ]
    assert [item["role"] for item in body("openai-responses", request)["input"]] == ["user", "developer", "user"]
    assert body("openai-chat", request, "llamacpp")["messages"][0] == {"role": "system", "content": "note"}


@pytest.mark.parametrize("protocol", ["openai-chat", "openai-responses", "anthropic-messages", "gemini", "cohere-v2"])
def test_a_system_prompt_alone_is_the_question(protocol: str) -> None:
    made = body(protocol, ChatRequest("x/m", (Message.of("system", "Be brief."),)))
    turns = made.get("messages") or made.get("input") or made.get("contents")
    assert turns is not None
    assert turns[0]["role"] == "user"
    assert json.dumps(made).count("Be brief.") == 1


@pytest.mark.parametrize("text", ["", " \n"])
def test_nothing_at_all_is_refused_here(text: str) -> None:
    with pytest.raises(BadRequest, match="nothing to answer"):
        body("anthropic-messages", ChatRequest("x/m", (Message.of("user", text),)))


def test_gemini_3_gets_a_stand_in_for_the_signature_of_a_foreign_call() -> None:
    request = asked(Message.of("user", "Go"), CALL, result("a"))
    part = body("gemini", request, model="gemini-3-pro")["contents"][1]["parts"][0]
    assert part["thoughtSignature"] == STAND_IN
    assert "thoughtSignature" not in body("gemini", request, model="gemini-2.5-pro")["contents"][1]["parts"][0]
    call = body("openai-chat", request, "gemini", model="gemini-3-pro")["messages"][1]["tool_calls"][0]
    assert call["extra_content"]["google"]["thought_signature"] == STAND_IN


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-sonnet-5"])
def test_claude_does_not_think_where_that_is_forbidden(model: str) -> None:
    effort = Params(effort="high", temperature=0.2, top_p=0.5, max_output=8000)
    thinking = body("anthropic-messages", asked(Message.of("user", "Go"), params=effort), model=model)
    assert thinking["thinking"]["type"] in ("enabled", "adaptive")
    assert not {"temperature", "top_p"} & set(thinking)
    forced = body("anthropic-messages", asked(Message.of("user", "Go"), params=effort, tool_choice="look"), model=model)
    assert forced.get("thinking", {"type": "disabled"}) == {"type": "disabled"}
    assert forced["temperature"] == 0.2


def test_claude_goes_on_with_a_foreign_tool_turn_without_a_budget() -> None:
    request = asked(Message.of("user", "Go"), CALL, result("a"), params=Params(effort="high"))
    assert "thinking" not in body("anthropic-messages", request, model="claude-haiku-4-5")


@given(histories)
@settings(max_examples=100)
def test_claude_is_told_of_tools_wherever_one_was_called(messages: list[Message]) -> None:
    """Servers behind Bedrock, and Anthropic's own before 2025, refuse calls without any tool; none may be called."""
    try:
        made = body("anthropic-messages", ChatRequest("x/m", tuple(messages)))
    except BadRequest:
        return
    blocks = [block for turn in made["messages"] for block in turn["content"]]
    called = {block["name"] for block in blocks if block["type"] == "tool_use"}
    assert {tool["name"] for tool in made.get("tools", ())} == called
    assert made.get("tool_choice") == ({"type": "none"} if called else None)


@given(histories)
@settings(max_examples=100)
def test_a_model_without_tools_reads_of_calls_in_words(messages: list[Message]) -> None:
    told = calls_in_words(messages)
    parts = [part for message in told for part in message.parts]
    assert not [part for part in parts if isinstance(part, ToolCall | ToolResult)]
    assert not [message for message in told if message.role == "tool"]
    said = "".join(message.text for message in told)
    answered = [turn for turn in conversation_or_none(messages) if turn.role == "tool"]
    results = [part for turn in answered for part in turn.parts if isinstance(part, ToolResult)]
    assert said.count("What the tool look returned; not written by the user") == len(results)
    for part in (part for message in messages for part in message.parts if isinstance(part, Text)):
        assert part.text in said


def conversation_or_none(messages: list[Message]) -> list[Message]:
    try:
        return conversation(ChatRequest("x/m", tuple(messages)), notes=True)[1]
    except BadRequest:
        return []
