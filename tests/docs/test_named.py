"""What the pages name is there: keys, slash commands, settings, tables of settings and variables, each looked up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec.structs import fields

from routerterm.config.describe import entry_names
from routerterm.config.schema import Settings
from routerterm.config.schema_base import Section
from routerterm.core import errors
from routerterm.router.options import STRATEGIES
from routerterm.tui.commands.registry import COMMANDS
from routerterm.tui.navigation import SCREENS
from tests.docs.test_readme import FENCE, PAGES, ROOT, SPAN

OURS = [page for page in PAGES if page.parent.name != "clients" and page.name not in ("keys.md", "settings.md")]
"""The pages of the clients name keys and settings of other programs."""
KEY = re.compile(r"(?<![\w+^-])((?:(?:Alt|Ctrl|Shift)\+)+(?:[A-Z][a-z]+|[A-Z\]\\_])|F(?:1[0-2]|[1-9]))(?![\w+])")
CODE = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
HTTP = {"/metrics", "/mcp", "/health"}
INSIDE = {"/name"}
"""What stands for the name of a prompt of one's own."""


@cache
def spans(page: Path) -> tuple[str, ...]:
    return tuple(SPAN.findall(FENCE.sub("", page.read_text("utf-8"))))


@cache
def known_keys() -> str:
    """The page of keys, which is made from the code, and the keys of the screens' own tables."""
    tables = " ".join(re.findall(r'Action\(\s*"([^"]+)"', CODE))
    return (ROOT / "docs/keys.md").read_text("utf-8") + tables


def written(key: str) -> str:
    """How the tables of screens write a key: ``shift+tab`` for Shift+Tab."""
    return key.lower() if len(key.rpartition("+")[2]) > 1 else key[:-1].lower() + key[-1].lower()


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_every_key_is_bound(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8")).replace("**", "")
    for key in set(KEY.findall(text)):
        assert re.search(rf"(?<![\w+]){re.escape(key)}(?!\w)", known_keys()) or re.search(
            rf"(?<![\w+]){re.escape(written(key))}(?!\w)", known_keys()
        ), key


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_every_slash_command_is_one(page: Path) -> None:
    names = {f"/{command.slash}" for command in COMMANDS.values() if command.slash}
    for span in spans(page):
        if found := re.match(r"(/[a-z]+)(?= |$)", span):
            assert found[1] in names | HTTP | INSIDE, span


def sections(section: type[Section], path: str = "") -> Iterator[tuple[str, type[Section]]]:
    """Every table of config.toml with the names that lead to it, a person's own names as ``*``."""
    yield path, section
    for field in fields(section):
        for inner in inner_sections(field.type):
            below = f"{path}.{field.name}".lstrip(".")
            yield from sections(inner, below)
            if dict in kinds(field.type):
                yield from sections(inner, f"{below}.*")


def kinds(annotation: Any) -> list[Any]:
    return [
        getattr(annotation, "__origin__", annotation),
        *(kind for each in get_args(annotation) for kind in kinds(each)),
    ]


def inner_sections(annotation: Any) -> list[type[Section]]:
    return [kind for kind in kinds(annotation) if isinstance(kind, type) and issubclass(kind, Section)]


TABLES = dict(sections(Settings))
ENTRIES = {name for section in TABLES.values() for name in entry_names(section)} | {"tools", "yours"}


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_every_setting_and_table_is_known(page: Path) -> None:
    if page.name in ("adding-a-theme.md", "CONTRIBUTING.md"):
        return  # themes have entries of their own; the other speaks of pyproject.toml
    for span in spans(page):
        if found := re.fullmatch(r"\[{1,2}([a-z_.]+)(?:\.(?:\"[^\"]+\"|[A-Z]+))?\]{1,2}(?: (\w+)(?: = .*)?)?", span):
            assert found[1] in TABLES or f"{found[1]}.*" in TABLES or found[1].partition(".")[0] in ENTRIES, span
            assert found[2] is None or found[2] in ENTRIES, span
        elif found := re.fullmatch(r"([a-z_]+) = \S.*", span):
            assert found[1] in ENTRIES, span


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_of_ours_is_read(page: Path) -> None:
    for name in set(re.findall(r"\bROUTERTERM_[A-Z_]+\b", page.read_text("utf-8"))):
        client = name in ("ROUTERTERM_KEY", "ROUTERTERM_API_KEY") and page.parent.name == "clients"
        asked = (
            client or name in CODE or any(name in path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
        )
        assert asked, name


def test_every_screen_and_every_picture_is_on_the_page_of_screens() -> None:
    text = (ROOT / "docs/screens.md").read_text("utf-8")
    for picture in (ROOT / "screenshots").glob("*.png"):
        assert f"../screenshots/{picture.name}" in text, picture.name
    titles = " ".join(re.findall(r"^## (.*)$", text, re.M)).lower()
    for name in SCREENS:
        command = COMMANDS[name]
        keys = [key.upper() for key in command.keys] + [f"`/{command.slash}`"]
        assert any(key.lower() in titles for key in keys), name


def test_the_table_of_failures_is_what_the_router_does() -> None:
    rows = re.findall(r"^\| (\w+): [^|]+\|(.*)\|$", (ROOT / "docs/routing.md").read_text("utf-8"), re.M)
    assert len(rows) >= 15
    for name, cells in rows:
        again, key, model, rest, counts = (cell.strip() for cell in cells.split("|"))
        policy = getattr(errors, name).recovery
        assert (again == "yes", key == "yes", counts == "yes") == (policy.retry, policy.next_key, policy.counts), name
        assert (model.startswith("yes"), "larger" in model) == (policy.next_candidate, policy.larger_context), name
        assert (rest == "cools down", rest.startswith("is out")) == (policy.cool_key, policy.drop_key), name


def test_the_table_of_strategies_is_whole() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (?:as|by|each)", (ROOT / "docs/routing.md").read_text("utf-8"), re.M)
    assert rows == [*dict.fromkeys(rows)]
    assert set(rows) == set(STRATEGIES)
