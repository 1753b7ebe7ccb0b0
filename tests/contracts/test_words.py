"""The old words stay out of what a person can see: strings of the source, help texts and pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/routerterm"
PAGES = (ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

OLD = {
    r"\bnobody\b": "no one, none, or turn the sentence round",
    r"\banew\b": "again",
    r"\bshall\b": "should, will",
    r"\bof yours\b": "your",
    r"\bstands? (?!for\b)(there|here|in|ready|on)\b": "is",
    r"(?<!here )\bis no (JSON|text|number|key|form|image|picture|effort|temperature|list|object)\b": "is not a …",
    r"\bnot to be had\b|\bcan(not| not) be had\b": "is not available",
    r"\bgoes on\b|\bgo on\b|\bgoing on\b": "continue",
    r"\bsees? pictures\b": "reads images",
    r"\b[Pp]ictures?\b": "image",
    r"\bbr(eaks?|oke) off\b": "is cut off",
    r"\b(?:named outright|you picked it)\b": "asked for by name",
    r"\bfirst word\b": "time to first token",
    r"\bmonth will be\b": "projected this month",
    r"\bwrongly asked\b": "usage error",
    r"\bSum up\b": "Summarise, Group by",
    r"\b[Ww]hose (is it|key|words)\b": "which provider, whose role",
    r"\bWho shall\b|\bWhich model answers\b|\bWhich machine\b": "Model, Theme",
    r"\blives? in\b": "is stored in",
    r"\bdearer\b": "more expensive",
}
"""Words of the old dialect, and what to write."""

ALLOWED = {
    "core/messages.py": "kinds of parts as they are stored",
    "router/transports/demo_texts.py": "the demo has a character of its own",
    "router/decide/continuation.py": "what the model is told, not the person",
    "engine/chat/summary.py": "what the model is told, not the person",
    "protocols/error_rules.py": "what providers say",
}
HELP = ("cli/*.py", "tui/commands/*.py", "tui/plain/commands.py", "config/schema*.py")
"""Where docstrings are help texts, so that they are seen as well."""


def docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for inner in body if isinstance(body, list) else ():
            if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant):
                yield inner.value


def sentences(file: Path) -> Iterator[tuple[int, str]]:
    """The strings of a module that have a blank in them; names, patterns and SQL are none."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    silent = {id(each) for each in docstrings(tree)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or id(node) in silent:
            continue
        if " " in node.value.strip() and not re.search(r"\\b|\(\?|SELECT |INSERT |UPDATE ", node.value):
            yield node.lineno, node.value


def help_texts(file: Path) -> Iterator[tuple[int, str]]:
    """The docstrings that click, the palette or the settings show."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    if file.name.startswith("schema"):
        yield from ((each.lineno, str(each.value)) for each in docstrings(tree))
        return
    for node in ast.walk(tree):
        shown = isinstance(node, ast.ClassDef) or (isinstance(node, ast.FunctionDef) and node.decorator_list)
        if shown and isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, ast.get_docstring(node) or ""


def wrong(text: str) -> Iterator[str]:
    for pattern, better in OLD.items():
        if found := re.search(pattern, text):
            yield f"{found[0]!r}: write {better}"


def test_every_word_is_found_where_it_is() -> None:
    assert list(wrong("Nobody? nobody answers, and it goes on."))
    assert not list(wrong("No model is available."))


def test_the_old_words_are_in_no_visible_string() -> None:
    found = [
        f"{file.relative_to(SOURCE)}:{line}: {what} ({text[:60]!r})"
        for file in sorted(SOURCE.rglob("*.py"))
        if str(file.relative_to(SOURCE)) not in ALLOWED
        for line, text in sentences(file)
        for what in wrong(text)
    ]
    assert not found, "\n".join(found)


def test_the_old_words_are_in_no_help() -> None:
    found = [
        f"{file.relative_to(SOURCE)}:{line}: {what} ({text[:60]!r})"
        for glob in HELP
        for file in sorted(SOURCE.glob(glob))
        for line, text in help_texts(file)
        for what in wrong(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_old_words_are_in_no_page(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = [f"{number}: {what}" for number, line in enumerate(text.splitlines(), 1) for what in wrong(line)]
    assert not found, "\n".join(found)


def test_the_list_of_exceptions_is_not_stale() -> None:
    assert all((SOURCE / name).exists() for name in ALLOWED)
