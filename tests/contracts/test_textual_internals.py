"""What is private to Textual and Rich is used in one folder only, so that an upgrade is one read."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import routerterm.tui

SOURCE = Path(routerterm.tui.__file__).parent
HOME = SOURCE / "textual_internals"
LIBRARIES = ("textual.", "rich.")
HANDLER = re.compile(r"_(on|watch|validate|compute)_\w+")
"""Textual calls our own by such names, as its guide says."""
PUBLIC = frozenset(("_replace", "_asdict", "_fields"))
"""Of every named tuple."""


def modules() -> dict[Path, ast.Module]:
    """Every module of the interface but the one that may."""
    return {path: ast.parse(path.read_text()) for path in SOURCE.rglob("*.py") if HOME not in path.parents}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@cache
def privates_of(kind: type) -> frozenset[str]:
    """The private attributes that a class of a library has and gives itself."""
    assigned = re.findall(r"\bself\.(_[A-Za-z]\w*)", inspect.getsource(kind))
    return frozenset(name for name in (*vars(kind), *assigned) if is_private(name))


def inherited(kind: type) -> frozenset[str]:
    """The private attributes of all classes of the libraries beneath a class of ours."""
    foreign = [base for base in kind.__mro__ if base.__module__.startswith(LIBRARIES)]
    return frozenset().union(*map(privates_of, foreign))


def our_privates(trees: dict[Path, ast.Module]) -> set[str]:
    """Private names that our own modules define, whoever's they are."""
    found = set()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value):
                found.add(node.attr)
            elif isinstance(node, ast.AnnAssign | ast.Assign):
                targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in found if is_private(name)}


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def foreign_uses(path: Path, tree: ast.Module, ours: set[str]) -> Iterator[str]:
    """Privates of the libraries that a module imports, reaches into, or has in a class of its own."""
    name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    known = ours | PUBLIC
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("textual", "rich"):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (f"{name}: import {one}" for one in names if is_private(one))
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in known:
            yield from () if _is_own(node.value) else (f"{name}: .{node.attr}",)
    module = importlib.import_module(f"routerterm.tui.{name.removesuffix('.__init__')}".removesuffix(".__init__"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and isinstance(kind := getattr(module, node.name, None), type):
            theirs = inherited(kind)
            for inner in ast.walk(node):
                used = inner.attr if isinstance(inner, ast.Attribute) and _is_own(inner.value) else ""
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    used = inner.name
                if is_private(used) and used in theirs and not HANDLER.fullmatch(used):
                    yield f"{name}: {node.name}.{used}"


def _is_own(node: ast.expr) -> bool:
    return _is_self(node) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
    )


def test_privates_of_textual_are_used_in_one_folder() -> None:
    trees = modules()
    ours = our_privates(trees)
    found = sorted({use for path, tree in trees.items() for use in foreign_uses(path, tree, ours)})
    assert found == []


def test_a_private_of_textual_is_found() -> None:
    from textual.widget import Widget

    assert {"_bindings", "_size_updated", "_styles_cache"} <= privates_of(Widget) | inherited(Widget)
    tree = ast.parse("from textual._wrap import chunks\nscreen._layout_required\nself._ours = place._replace(x=1)\n")
    assert list(foreign_uses(SOURCE / "clock.py", tree, {"_ours"})) == [
        "clock: import _wrap",
        "clock: ._layout_required",
    ]
