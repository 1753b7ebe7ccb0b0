"""What can only be read together is small: no circle of imports above four files, no module above 350 lines."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"
MOST = 4
LONGEST = 350
"""Lines of a module."""


def modules() -> dict[str, Path]:
    """Every module by its name."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imports(tree: ast.AST, names: Mapping[str, object]) -> Iterator[str]:
    """The modules of ours that a module imports anywhere: within a function and for its types too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in names else node.module


def circles(arrows: Mapping[str, set[str]]) -> list[set[str]]:
    """Groups of modules that all reach each other."""
    reach: dict[str, set[str]] = {}
    for start in arrows:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for there in arrows.get(todo.pop(), ()):
                if there not in seen:
                    seen.add(there)
                    todo.append(there)
        reach[start] = seen
    grouped = {frozenset({a, *(b for b in reach[a] if a in reach.get(b, ()))}) for a in arrows if a in reach[a]}
    return [set(group) for group in grouped]


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [{"b", "c"}]


def test_no_circle_is_larger_than_four_files() -> None:
    files = modules()
    arrows = {
        name: {there for there in imports(ast.parse(path.read_text()), files) if there in files and there != name}
        for name, path in files.items()
    }
    assert [sorted(circle) for circle in circles(arrows) if len(circle) > MOST] == []


def test_no_module_is_longer_than_350_lines() -> None:
    lengths = {str(path.relative_to(SOURCE)): len(path.read_text().splitlines()) for path in SOURCE.rglob("*.py")}
    assert len(lengths) > 300
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
