"""SECURITY.md says what is so: every sentence about what is done names a test, and that test is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
CLAIMS = [line[2:] for line in (ROOT / "SECURITY.md").read_text("utf-8").splitlines() if line.startswith("- ")]


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_names_a_test_that_is_there(claim: str) -> None:
    named = _TEST.findall(claim)
    assert named, "no test shows this"
    assert all(name in names_in(path) for path, name in named)
    assert _TEST.sub("", claim).strip().endswith(".")


def test_every_threat_has_its_claims() -> None:
    sections = (ROOT / "SECURITY.md").read_text("utf-8").split("\n## ")[1:]
    assert len(sections) >= 9
    assert all("\n- " in section for section in sections)
