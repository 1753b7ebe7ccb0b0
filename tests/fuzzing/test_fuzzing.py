"""Every target of the fuzzing runs, and what it throws is read or refused in words."""

from __future__ import annotations

import json
import random
import time
from contextlib import suppress
from pathlib import Path

import pytest

from routerterm.core.errors import RoutertermError
from routerterm.protocols import codec, server_half
from tests.fuzzing.__main__ import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_of_each(name: str, tmp_path: Path) -> None:
    make, read = TARGETS[name](tmp_path), 0
    for number in range(12):
        _, call = make(random.Random(f"{name}/{number}"))
        with suppress(RoutertermError):
            call()
            read += 1
    assert read or name in ("settings", "themes")


@pytest.mark.parametrize("word", [{}, [], {"a": 1}, 5, True])
def test_an_effort_that_is_no_word_is_no_crash(word: object) -> None:
    hello = [{"role": "user", "content": "hi"}]
    bodies = {
        "openai-chat": {"messages": hello, "reasoning_effort": word},
        "openai-responses": {"input": "hi", "reasoning": {"effort": word}},
        "anthropic-messages": {"messages": hello, "max_tokens": 9, "output_config": {"effort": word}},
    }
    for protocol, body in bodies.items():
        with suppress(RoutertermError):
            server_half(protocol).decode_request(json.dumps({"model": "a/b", **body}).encode())


def test_many_of_a_kind_take_time_in_proportion() -> None:
    """Thousands of calls of one id, results without a call, and neighbours of one role: each was once quadratic."""
    many = 5_000
    calls = [{"type": "tool_use", "id": "c", "name": "f", "input": {}}] * many
    results = [{"type": "tool_result", "tool_use_id": "c", "content": "r"}] * many
    messages: list[object] = [{"role": "assistant", "content": calls}, {"role": "user", "content": results}]
    messages += [{"role": "user", "content": "x"}] * many
    gemini = [{"role": "model", "parts": [{"functionCall": {"name": f"f{n % 7}"}} for n in range(many)]}]
    gemini += [{"role": "user", "parts": [{"functionResponse": {"name": "f6"}}] * many}]
    for protocol, body in (
        ("anthropic-messages", {"model": "a/b", "max_tokens": 9, "messages": messages}),
        ("gemini", {"contents": gemini}),
    ):
        begun = time.process_time()
        request = server_half(protocol).decode_request(json.dumps(body).encode()).request
        codec(protocol).encode(request, base_url="http://x", model="m", key=None)
        assert time.process_time() - begun < 2
