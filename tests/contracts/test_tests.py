"""Tests of the interface speak through the driver: none of them reaches into the chat screen or what it is made of."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
DRIVER = TESTS / "driver"
INSIDES = tuple(f"routerterm.tui.chat.{name}" for name in ("screen", "parts", "turn", "turns", "conversation"))
"""Modules of which a test may import nothing: what they do is seen on the screen and in the history."""


def reaches(source: str) -> list[str]:
    """Where a module of tests takes hold of the chat screen, of its parts, or of its private members."""
    tree = ast.parse(source)
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    if not any(module.startswith(("routerterm.tui", "tests.driver", "tests.tui")) for module in imported):
        return []
    found = [f"imports {module}" for module in imported if module in INSIDES]
    members = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "chat"]
    return found + [f"line {node.lineno}: {ast.unparse(node)}" for node in members]


def test_no_test_reaches_into_the_chat() -> None:
    files = [file for file in TESTS.rglob("*.py") if DRIVER not in file.parents]
    found = {str(file.relative_to(TESTS)): at for file in files if (at := reaches(file.read_text()))}
    assert found == {}, "say it with tests.driver instead"


def test_a_reach_would_be_found() -> None:
    beginning = "from routerterm.tui.app import RoutertermApp\n"
    assert reaches(beginning + "assert app.chat.composer.text") == ["line 2: app.chat"]
    assert reaches(beginning + "from routerterm.tui.chat.turns import Asked")
    assert reaches("client.chat.completions.create()") == []
