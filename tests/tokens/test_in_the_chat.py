"""The chat counts lightly while it must; exact counts come from a process beside it, and only for OpenAI's models."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.tui.chat.program import answered, configure, running, say, until

from routerterm.config.paths import Paths
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Target


async def test_a_chat_with_another_model_starts_no_process_and_one_with_openais_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    paths = Paths.find()
    configure(paths, default="demo/echo")
    before = "tiktoken" in sys.modules
    async with running(paths) as (app, pilot):
        assert app.services is not None
        await say(pilot, "hello")
        await answered(app, pilot)
        estimator = app.services.costs.estimator
        assert estimator._helper is None
        model = app.services.catalog.model(Target("openai", "gpt-4o"))
        assert model is not None
        request = ChatRequest("x", (Message.of("user", "antidisestablishmentarianism"),))
        assert estimator.count(request, model).counter == "light"
        await until(pilot, lambda: estimator.count(request, model).counter == "o200k")
    assert ("tiktoken" in sys.modules) == before
