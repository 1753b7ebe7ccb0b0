"""The chat counts lightly while it must, and exactly as soon as it may."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.chat.program import configure, running, say, until

from routerterm.config.paths import Paths
from routerterm.core.targets import Target
from routerterm.tokens import o200k


async def test_tables_load_once_the_hands_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    monkeypatch.setattr(o200k, "_loaded", None)
    monkeypatch.setattr(o200k, "_loading", None)
    paths = Paths.find()
    configure(paths, default="demo/slow")
    async with running(paths) as (app, pilot):
        assert app.services is not None
        assert o200k.loaded() is None, "not on the way to the first paint"
        await say(pilot, "hello")
        await until(pilot, lambda: o200k._loading is not None)
        assert o200k.loaded() is None, "an answer is coming in"
        monkeypatch.setattr("routerterm.tui.app.QUIET_AFTER", 0.2)
        await pilot.press("escape")
        await until(pilot, lambda: o200k.loaded() is not None)
        model = app.services.catalog.model(Target("openai", "gpt-4o"))
        assert model is not None
        assert app.services.money.estimator.text("antidisestablishmentarianism", model) == 6
