"""Every command says everything through `cli/output.py`: no second list of what is dangerous on a terminal."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import routerterm.cli

CLI = Path(routerterm.cli.__file__).parent
FILES = sorted(path for path in CLI.rglob("*.py") if path.name != "output.py")
ASKS_THE_TERMINAL = {"terminal_queries.py"}
"""Writes sequences of our own to the terminal and reads its replies."""
SPEAKS = {"echo", "secho", "style", "echo_via_pager", "progressbar"}


def direct(source: str) -> Iterator[str]:
    """Where a module writes by itself."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="print")):
                yield f"{node.lineno}: print"
            case ast.Attribute(value=ast.Name(id="click"), attr=name) if name in SPEAKS:
                yield f"{node.lineno}: click.{name}"
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="sys"), attr=("stdout" | "stderr") as name)):
                yield f"{node.lineno}: sys.{name}.{node.attr}"
            case ast.ImportFrom(module="click", names=names) if SPEAKS & {each.name for each in names}:
                yield f"{node.lineno}: from click"
            case ast.Call(func=ast.Attribute(attr="show"), args=[]):
                yield f"{node.lineno}: click's own way to show an error"


def test_all_commands_are_looked_at() -> None:
    assert len(FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CLI)))
def test_no_command_writes_by_itself(path: Path) -> None:
    if path.name not in ASKS_THE_TERMINAL:
        assert list(direct(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "click.echo('a')",
        "sys.stdout.write('a')",
        "from click import echo",
        "click.style('a')",
        "error.show()",
    ],
)
def test_each_way_around_is_seen(source: str) -> None:
    assert list(direct(source))
