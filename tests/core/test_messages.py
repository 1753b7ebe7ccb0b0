"""Messages survive the trip through their JSON, and bad JSON is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.messages import (
    Image,
    Message,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    parts_from_json,
    parts_to_json,
)

words = st.text(st.characters(codec="utf-8"))
optional = st.none() | st.text(st.characters(codec="utf-8"), min_size=1)
parts: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, words),
    st.builds(Image, words, st.binary(), optional, optional),
    st.builds(Reasoning, words, optional, optional),
    st.builds(ToolCall, words, words, words, optional),
    st.builds(ToolResult, words, words, words, st.booleans()),
)


@given(st.lists(parts))
def test_parts_come_back_as_they_went(some: list[Part]) -> None:
    assert parts_from_json(parts_to_json(some)) == tuple(some)


@pytest.mark.parametrize(
    "text",
    ["{}", "[1]", "[{}]", '[{"type":"song"}]', '[{"type":"text"}]', '[{"type":"text","text":3}]']
    + ['[{"type":"image","media_type":"image/png","data":"%%"}]', "not json"],
)
def test_bad_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parts_from_json(text)


def test_the_text_of_a_message_is_its_text_parts_alone() -> None:
    message = Message("assistant", (Reasoning("hm"), Text("a"), ToolCall("1", "f", "{}"), Text("b")))
    assert message.text == "ab"
