"""Every command, setting, program, link and picture of the README and the other pages, tried."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from routerterm.cli.root import is_question, root
from routerterm.config.settings import check_text
from routerterm.tui.themes.reader import parse_theme

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    kind: str
    body: str

    def __str__(self) -> str:
        return f"{self.page}:{self.body.strip().splitlines()[0][:40]}"


def blocks(*kinds: str) -> Iterator[Block]:
    for page in PAGES:
        for kind, body in FENCE.findall(page.read_text(encoding="utf-8")):
            if kind in kinds:
                yield Block(page.relative_to(ROOT).as_posix().removeprefix("docs/"), kind, body)


def said(program: str) -> set[str]:
    """Every command of ours in a block of shell, indented, or between backticks."""
    found = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        spans = {span for span in SPAN.findall(FENCE.sub("", text)) if re.match(rf"{program}(\s|$)", span)}
        lines = [line for kind, body in FENCE.findall(text) if kind == "sh" for line in body.splitlines()]
        lines += [line[4:] for line in text.splitlines() if line.startswith("    ")]
        for line in lines:
            line = line.partition("  #")[0].strip()
            spans |= {each.strip() for each in re.findall(rf"(?:^|\| |\$\()({program}(?:\s[^|)]*)?)(?=$|\||\))", line)}
        found |= spans
    return found


def well_formed(words: list[str], file: Path) -> None:
    """Raises `click.ClickException` where a command, argument or option is not known."""
    command: click.Command = root
    context = click.Context(root)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        if command is root and is_question(words[0]):
            return  # the chat opens with it
        inner = command.get_command(context, words[0])
        if inner is None:
            raise click.UsageError(f"There is no command {words[0]}.")
        command, words = inner, words[1:]
    if not isinstance(command, click.Group):
        files = {word for word in words if word in ("FILE", "FILE…") or word.endswith((".json", ".jsonl", ".toml"))}
        words = [str(file) if word in files else word for word in words]
        command.make_context("routerterm", words)


@pytest.mark.parametrize("line", sorted(said("routerterm")))
def test_every_command_is_well_formed(line: str, tmp_path: Path) -> None:
    if "--json` output" in line or line in ("routerterm --version", "routerterm --json"):
        return
    file = tmp_path / "file.json"
    file.write_text("{}")
    well_formed(shlex.split(re.sub(r">.*$|\s&$", "", line))[1:], file)


@pytest.mark.parametrize("line", sorted(said("make")))
def test_every_target_exists(line: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    words = [word for word in shlex.split(line)[1:] if "=" not in word]
    assert set(words) <= targets, line


@pytest.fixture
def shell(home: Path, tmp_path: Path) -> dict[str, str]:
    """An environment in which the README's commands can be typed: a home whose default is the demonstration."""
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text('[router]\ndefault = "demo/echo"\n')
    program = tmp_path / "bin" / "routerterm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m routerterm "$@"\n')
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "ROUTERTERM_HOME": str(home)}


def test_the_shell_block_of_the_readme_works_as_written(shell: dict[str, str], tmp_path: Path) -> None:
    (block,) = [each.body for each in blocks("sh") if each.page == "README.md" and "routerterm why" in each.body]
    for line in block.strip().splitlines():
        ran = subprocess.run(
            ["sh", "-c", line],
            capture_output=True,
            text=True,
            env=shell,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
        assert ran.stdout.strip(), line
    assert "Hello, world" in ran.stdout or "three lines" in ran.stdout, "export last gives the last conversation"


OTHERS = ("adding-a-theme.md", "clients/codex.md")
"""Pages whose TOML is not ours to read as settings."""


@pytest.mark.parametrize("block", [each for each in blocks("toml") if each.page not in OTHERS], ids=str)
def test_every_example_of_settings_is_understood(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    _, problems = check_text(block.body, {})
    # Names of a neighbouring example are not known alone.
    serious = [problem for problem in problems if "litellm" not in str(problem) and "pi/" not in str(problem)]
    assert not serious


@pytest.mark.parametrize("block", [each for each in blocks("toml") if each.page == "adding-a-theme.md"], ids=str)
def test_the_example_of_a_theme_is_one(block: Block) -> None:
    assert parse_theme("example", tomllib.loads(block.body)).title == "Night shift"


def test_the_program_of_the_library_page_runs(tmp_path: Path) -> None:
    program, _ = [
        each.body for each in blocks("python") if each.page == "library.md"
    ]  # the other: tests/contracts/test_wheel.py
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "Hello, world"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_paths_of_the_code_that_a_page_names_exist(page: Path) -> None:
    """A span with a slash that begins with a folder of ours is a path of ours; NAME stands for a name."""
    ours = {each.name for each in (ROOT / "src/routerterm").iterdir() if each.is_dir()}
    for span in SPAN.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        top, slash, _ = span.partition("/")
        if (
            not slash
            or not re.fullmatch(r"[\w./]+", span)
            or top not in ours | {"tests", "scripts", "themes", "docs", "src"}
        ):
            continue
        base = ROOT / "src/routerterm" if top in ours else ROOT
        pattern = span.replace("NAME", "*").rstrip("/")
        assert any(base.glob(pattern)), span


def test_the_eight_changes_made_most_often_have_a_room_and_a_test() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| an? \*\*([\w ]+)\*\*.*\|(.*)\|$", text, re.M)
    wanted = {"provider", "plot", "guard rule", "export format", "key", "theme", "tool", "REST endpoint"}
    assert {name for name, _ in rows} == wanted
    assert all("`tests/" in shown for _, shown in rows)


def test_pictures_are_small() -> None:
    assert sum(file.stat().st_size for file in (ROOT / "screenshots").iterdir()) < 3_000_000
