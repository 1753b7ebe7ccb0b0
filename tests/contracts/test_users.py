"""Nothing dead, nothing unread: every name of the source has a user in it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "routerterm"
CALLED_FROM_OUTSIDE = re.compile(r"__\w+__|(action|on|_on|watch|validate|compute|render|key|handle)_\w+|render")
"""What Textual, the HTML parser and Python call by its name."""
ALLOWED = {
    "builtin_names": "the tests walk over every provider that is built in",
    "provider_errors": "the tests walk over every class of error",
    "is_clean": "says what `sanitise` promises; the tests hold it to that",
    "revive_key": "the library's: for programs that use the router",
    "create_module": "the import system's",
    "asend": "an asynchronous generator has it",
    "get_command": "Click's", "list_commands": "Click's", "format_commands": "Click's",
    "send_400_response": "uvicorn's",
    "pause_writing": "asyncio's", "resume_writing": "asyncio's",
    "extract_cookies": "httpx's",
    "scanDelims": "markdown-it's",
    "get_default_screen": "Textual's", "_handle_exception": "Textual's", "get_content_height": "Textual's",
    "run_input_thread": "Textual's", "reparse": "Textual's",
}  # fmt: skip
"""Names with no user in the source, each with its reason."""


def words(text: str) -> Counter[str]:
    """How often each name stands in a text, strings included: actions and columns are named in them."""
    return Counter(re.findall(r"[A-Za-z_]\w*", text))


def defined(tree: ast.Module) -> Iterator[str]:
    """Functions, classes, constants and methods; what is decorated is handed to whoever decorates it."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not node.decorator_list:
                yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) and not member.decorator_list:
                    yield member.name


def unused(texts: dict[str, str]) -> list[str]:
    """Names that are defined in one of the modules and stand nowhere else."""
    counted = words("\n".join(texts.values()))
    found = []
    for module, text in texts.items():
        if module.endswith(".py"):
            names = defined(ast.parse(text))
            found += [f"{module}: {name}" for name in names if counted[name] == 1]
    return [one for one in found if not CALLED_FROM_OUTSIDE.fullmatch(one.rpartition(" ")[2])]


def source() -> dict[str, str]:
    """Every module and style sheet."""
    paths = [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.tcss")]
    return {str(path.relative_to(SOURCE)): path.read_text() for path in paths}


def test_a_name_without_a_user_is_found() -> None:
    text = "USED = 1\nDEAD = 2\nclass A:\n    def dead_too(self): return USED\n    def on_mount(self): pass\nA()\n"
    assert unused({"a.py": text}) == ["a.py: DEAD", "a.py: dead_too"]


def test_every_name_has_a_user() -> None:
    dead = [one for one in unused(source()) if one.rpartition(" ")[2] not in ALLOWED]
    assert dead == []


def test_what_is_allowed_is_still_there_and_still_unused() -> None:
    assert set(ALLOWED) == {one.rpartition(" ")[2] for one in unused(source())} & set(ALLOWED)
