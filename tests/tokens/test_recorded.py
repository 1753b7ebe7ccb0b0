"""Estimates against what providers reported in recorded traffic."""

from __future__ import annotations

import importlib
from pathlib import Path
from statistics import median
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

pytestmark = pytest.mark.corpus


def test_prompts_are_estimated_as_near_as_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    recorded: Any = importlib.import_module("recorded_prompts")
    benchmark: Any = importlib.import_module("tokens")
    prompts = [found for found in recorded.recorded_prompts() if isinstance(found, recorded.RecordedPrompt)]
    rows = benchmark.measure(prompts)
    openai = [row for row in rows if benchmark.is_openai(row.prompt.provider)]
    others = [row for row in rows if not benchmark.is_openai(row.prompt.provider)]
    assert len(openai) > 50
    assert len(others) > 200
    for group, limit in ((openai, benchmark.OPENAI_WITHIN), (others, benchmark.OTHERS_WITHIN)):
        assert median(row.error(row.first) for row in group) <= limit, "of a model never seen before"
        assert median(row.error(row.then) for row in group) <= limit, "after having learned"
