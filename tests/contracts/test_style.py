"""Habits that make code hard to read and that no linter of ours counts; CONTRIBUTING.md says them to people."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
POSITIONAL = 6
"""Arguments without a name from which on nobody knows which is which."""
ALLOWED = 0.25
"""Calls with so many in a thousand lines: a vararg of patterns, `struct.pack`, a date."""


def nested(tree: ast.AST) -> Iterator[int]:
    """Lines with a conditional expression inside another one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.IfExp):
            yield from (part.lineno for part in (node.body, node.orelse, node.test) if isinstance(part, ast.IfExp))


def packed(tree: ast.AST) -> Iterator[int]:
    """Lines of a constructor that assign several values in one go."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            for each in ast.walk(node):
                if isinstance(each, ast.Assign) and isinstance(each.value, ast.Tuple):
                    yield from (each.lineno for target in each.targets if isinstance(target, ast.Tuple))


def nameless(tree: ast.AST) -> Iterator[int]:
    """Lines with a call of six or more arguments without names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and sum(not isinstance(each, ast.Starred) for each in node.args) >= POSITIONAL:
            yield node.lineno


@cache
def trees() -> dict[str, ast.AST]:
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8")) for path in sorted(SOURCE.rglob("*.py"))}


def places(habit: Callable[[ast.AST], Iterator[int]]) -> list[str]:
    return [f"{name}:{line}" for name, tree in trees().items() for line in habit(tree)]


def test_each_habit_is_found() -> None:
    source = """class A:
    def __init__(self, a, b):
        self.a, self.b = a, b
        x = 1 if a else 2 if b else 3
        f(1, 2, 3, 4, 5, 6)
"""
    tree = ast.parse(source)
    assert (list(packed(tree)), list(nested(tree)), list(nameless(tree))) == ([3], [4], [5])


def test_no_conditional_expression_lies_in_another() -> None:
    assert places(nested) == []


def test_a_constructor_assigns_one_value_a_line() -> None:
    assert places(packed) == []


def test_hardly_a_call_has_six_arguments_without_names() -> None:
    lines = sum(path.read_text("utf-8").count("\n") for path in SOURCE.rglob("*.py"))
    found = places(nameless)
    assert len(found) <= ALLOWED * lines / 1000, found
