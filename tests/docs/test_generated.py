"""The pages that are made from the code are current; every command's help has an example and fits a screen."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from routerterm.cli.root import COMMANDS, root
from routerterm.config.describe import entry_names
from routerterm.config.schema import Settings
from routerterm.config.schema_base import Section

ROOT = Path(__file__).resolve().parents[2]
SCREEN = (80, 40)


def every_command() -> Iterator[tuple[str, ...]]:
    def below(command: click.Command, way: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield way
        if isinstance(command, click.Group):
            for name in command.list_commands(click.Context(command)):
                inner = command.get_command(click.Context(command), name)
                assert inner is not None
                yield from below(inner, (*way, name))

    for name in sorted(COMMANDS):
        yield from below(import_module(f"routerterm.cli.{name.replace('-', '_')}_command").command, (name,))


def sections(section: type[Section]) -> Iterator[type[Section]]:
    yield section
    for inner in section.__subclasses__():
        yield from sections(inner)


def command_of(way: tuple[str, ...]) -> click.Command:
    """The command of that path."""
    command: click.Command = root
    for name in way:
        assert isinstance(command, click.Group)
        inner = command.get_command(click.Context(command), name)
        assert inner is not None
        command = inner
    return command


def test_the_pages_are_current() -> None:
    ran = subprocess.run([sys.executable, ROOT / "scripts/make_docs.py", "--check"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_setting_is_described() -> None:
    assert Settings in sections(Section)
    page = (ROOT / "docs/settings.md").read_text()
    for section in sections(Section):
        for name in entry_names(section):
            assert re.search(rf"^(\| `{name}` \|.*\S \|$|## \[+{name}\b)", page, re.M), f"{section.__name__}.{name}"
    assert not re.search(r"\|\s*\|$", page, re.M), "an entry without a sentence"


@pytest.mark.parametrize("way", every_command(), ids=" ".join)
def test_every_help_fits_a_screen_and_describes_every_option(way: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(root, [*way, "--help"]).output
    lines = shown.splitlines()
    assert len(lines) <= SCREEN[1]
    assert max(map(len, lines)) <= SCREEN[0]
    command = command_of(way)
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{parameter.name} has no help"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_subcommand_shows_an_example(name: str) -> None:
    shown = CliRunner().invoke(root, [name, "--help"]).output
    assert re.search(rf"^ {{4,}}.*\brouterterm {name}\b", shown, re.M), shown


def test_the_first_help_shows_an_example() -> None:
    assert re.search(r"^ {4,}.*\brouterterm ask\b", CliRunner().invoke(root, ["--help"]).output, re.M)


def test_no_setting_is_dead() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py") if not path.name.startswith("schema")
    )
    used = set(re.findall(r"\.(\w+)", code)) | set(re.findall(r"[\"'](\w+)[\"']", code))
    for section in sections(Section):
        unused = set(entry_names(section)) - used
        assert not unused, f"{section.__name__}: {unused}"


@pytest.mark.parametrize("way", every_command(), ids=" ".join)
def test_no_option_is_dead(way: tuple[str, ...]) -> None:
    command = command_of(way)
    if command.callback is None:
        return
    code = inspect.getsource(inspect.unwrap(command.callback))
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name:
            assert len(re.findall(rf"\b{parameter.name}\b", code)) >= 2, f"{parameter.name} is never used"
