"""Every target of the fuzzing runs, and what it throws is read or refused in words."""

from __future__ import annotations

import json
import random
import time
from contextlib import suppress
from pathlib import Path

import pytest

from routerterm.config.early_settings import QuickUi, quick_ui
from routerterm.config.paths import Paths
from routerterm.config.settings import check_text
from routerterm.core.errors import RoutertermError
from routerterm.engine.chat.project import read_project
from routerterm.protocols import codec, server_codec
from routerterm.tui.themes.reader import read_theme
from tests.fuzzing.__main__ import TARGETS, steps_of


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_of_each(name: str, tmp_path: Path) -> None:
    make, read = TARGETS[name](tmp_path), 0
    for number in range(12):
        _, call = make(random.Random(f"{name}/{number}"))
        with suppress(RoutertermError):
            for _ in steps_of(call):
                pass
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
            server_codec(protocol).decode_request(json.dumps({"model": "a/b", **body}).encode())


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
        request = server_codec(protocol).decode_request(json.dumps(body).encode()).request
        codec(protocol).encode(request, base_url="http://x", model="m", key=None)
        assert time.process_time() - begun < 2


def test_settings_themes_and_projects_nested_without_end_are_errors_of_ours(tmp_path: Path) -> None:
    deep = "a = " + "[" * 20_000
    assert any("too deeply" in problem.message for problem in check_text(deep, {})[1])
    (tmp_path / "deep.toml").write_text(deep)
    with pytest.raises(RoutertermError, match="too deeply"):
        read_theme(tmp_path / "deep.toml")
    (tmp_path / ".routerterm").mkdir()
    (tmp_path / ".routerterm" / "project.toml").write_text(deep)
    with pytest.raises(RoutertermError, match="too deeply"):
        read_project(tmp_path)
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path / "home")})
    paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text(deep)
    assert quick_ui(paths) == QuickUi()
