"""What a plain install brings is used, and what is used is declared: the source's imports, held against pyproject."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORTERS = ("import_module", "find_spec", "importorskip")
THROUGH_ANOTHER = {"linkify-it-py": "markdown_it/rules_core/linkify"}
"""Declared, and loaded by name only inside another package, whose module of that name we import."""
WITH = {
    "rich": "textual",
    "h11": "uvicorn",
    "secretstorage": "keyring",
    "jeepney": "keyring",
    "opentelemetry-api": "opentelemetry-sdk",
}
"""Imported, and brought by a declared package that is built on it; a version of our own could only disagree."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[]", name.strip())[0]).lower()


@cache
def imported() -> dict[str, set[str]]:
    """Every module that the source needs at run time, with the files that do; those named within functions included."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in (ROOT / "src").rglob("*.py"):
        for node in at_run_time(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    modules = [alias.name for alias in names]
                case ast.ImportFrom(module=str(module), level=0, names=names):
                    modules = [module, *(f"{module}.{alias.name}" for alias in names)]
                case ast.Call(
                    func=ast.Attribute(attr=call) | ast.Name(id=call), args=[ast.Constant(value=str(module)), *_]
                ) if call in IMPORTERS:
                    modules = [module]
                case _:
                    continue
            for module in modules:
                if module.partition(".")[0] not in {*sys.stdlib_module_names, "routerterm"}:
                    found[module].add(str(file.relative_to(ROOT)))
    return found


def at_run_time(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that is not in a block for types alone."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield from at_run_time(node)


def packages_of(module: str) -> set[str]:
    """The installed distributions that the top of a module belongs to."""
    return {normal(name) for name in INSTALLED.get(module.partition(".")[0], ())}


INSTALLED = metadata.packages_distributions()
DECLARED = {normal(line) for line in PROJECT["dependencies"]}
EXTRAS = {normal(line) for lines in PROJECT["optional-dependencies"].values() for line in lines}


@pytest.mark.parametrize("package", sorted(DECLARED | EXTRAS))
def test_what_is_declared_is_imported(package: str) -> None:
    if way := THROUGH_ANOTHER.get(package):
        assert way.replace("/", ".") in imported()
        return
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed here")
    assert any(package in packages_of(module) for module in imported()), f"{package} is never imported"


def test_what_is_imported_is_declared() -> None:
    strangers = {}
    for module, files in imported().items():
        packages = packages_of(module)
        if not packages & (DECLARED | EXTRAS | WITH.keys() | {"pip"}):  # pip is looked for and asked, if it is there
            strangers[module] = (packages, sorted(files))
    assert not strangers, strangers


@pytest.mark.parametrize(("package", "with_it"), WITH.items())
def test_what_comes_with_another_does(package: str, with_it: str) -> None:
    assert with_it in DECLARED | EXTRAS
    needed = {normal(line) for line in metadata.requires(with_it) or () if "extra ==" not in line}
    assert package in needed


@pytest.mark.parametrize("package", sorted(DECLARED))
def test_each_is_weighed_in_the_decisions(package: str) -> None:
    """What it costs, when, who keeps it, what else there is and the verdict: a row of the record for every one."""
    record = (ROOT / "docs/decisions.md").read_text(encoding="utf-8").partition("## Every dependency weighed")[2]
    (cells,) = re.findall(rf"^\| {re.escape(package)}(?: [\d.]+)? \|(.*)\|$", record.partition("\n## ")[0], re.M)
    assert len(cells.split(" | ")) == 4
    assert re.search(r"Keep|Go|Replace", cells), cells
