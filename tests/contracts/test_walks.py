"""The three walks of docs/architecture.md: every file is there, and on a message's way nobody only hands it on."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "routerterm"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## Three walks")[2].partition("\n## ")[0]
_, MESSAGE, CHUNK, KEY = PAGE.split("**A ")


def files(walk: str) -> list[Path]:
    return [SOURCE / name for name in dict.fromkeys(re.findall(r"`([a-z0-9_/]+\.py)`", walk))]


def forwarders(source: str) -> set[str]:
    """Functions that do nothing but call another with just what they were given."""
    found = set()
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or function.decorator_list:
            continue
        body = [line for line in function.body if not isinstance(getattr(line, "value", None), ast.Constant)]
        value = getattr(body[0], "value", None) if len(body) == 1 else None
        value = value.value if isinstance(value, ast.Await) else value
        if isinstance(value, ast.Call):
            given = {each.arg for each in (*function.args.args, *function.args.kwonlyargs)} - {"self", "cls"}
            passed = [*value.args, *(keyword.value for keyword in value.keywords)]
            names = {each.id for each in passed if isinstance(each, ast.Name)}
            if given and names == given and len(names) == len(passed):
                found.add(function.name)
    return found


def test_a_forwarder_is_found() -> None:
    assert forwarders("def a(self, x): return self.b.a(x)\ndef c(x): return d(x, 1)\ndef e(x): return x") == {"a"}


@pytest.mark.parametrize("walk", [MESSAGE, CHUNK, KEY], ids=["a message", "a chunk", "a key"])
def test_every_file_of_a_walk_is_there(walk: str) -> None:
    assert len(files(walk)) >= 4
    assert [file for file in files(walk) if not file.is_file()] == []


@pytest.mark.parametrize("file", files(MESSAGE), ids=lambda file: file.stem)
def test_a_message_passes_through_no_forwarder(file: Path) -> None:
    """What Textual calls by the name of a key (``action_…``) carries no message."""
    assert {name for name in forwarders(file.read_text("utf-8")) if not name.startswith("action_")} == set()
