"""The small commands, and what holds for every command."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tests.cli.program import routerterm

from routerterm import __version__
from routerterm.cli.root import COMMANDS, root
from routerterm.config.crash import report
from routerterm.core.redact import secret_redactor


def test_the_version_comes_from_one_place() -> None:
    assert CliRunner().invoke(root, ["--version"]).output == f"routerterm, version {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_fits_a_screen(name: str) -> None:
    command = import_module(f"routerterm.cli.{name.replace('-', '_')}_command").command
    assert isinstance(command, click.Command)
    result = CliRunner().invoke(root, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) <= 40
    assert all(len(line) <= 80 for line in result.output.splitlines())


def test_the_help_lists_every_command_and_fits_a_screen() -> None:
    output = CliRunner().invoke(root, ["-h"]).output
    assert all(name in output for name in COMMANDS)
    assert len(output.splitlines()) <= 22 + len(COMMANDS)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ((), "config.toml"),
        (("data",), ""),
        (("database",), "history.db"),
        (("themes",), "themes"),
        (("models",), "models"),
    ],
)
def test_paths_are_printed_alone_for_scripts(home: Path, place: tuple[str, ...], name: str) -> None:
    assert routerterm("config", "path", *place).out == f"{home / name}\n"


def test_good_settings_are_said_to_be_good(home: Path) -> None:
    assert "so the defaults apply" in routerterm("config", "check").out
    home.mkdir()
    (home / "config.toml").write_text("[ui]\ntheme = 'amber'\n")
    assert routerterm("config", "check").out == f"{home}/config.toml is good.\n"


def test_every_mistake_is_shown(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[ui]\ntheem = 'amber'\nline = 'quick'\n[rooter]\n")
    ran = routerterm("config", "check")
    assert ran.code == 2
    assert [line.split(": ")[0].rpartition("line ")[2] for line in ran.err.splitlines() if "hint" not in line] == [
        "2",
        "3",
        "4",
    ]


def test_an_unknown_section_is_a_usage_error(home: Path) -> None:
    ran = routerterm("config", "show", "looks")
    assert ran.code == 2
    assert "Known: router" in ran.err


def test_a_model_that_is_not_here_is_said_to_be_missing(home: Path) -> None:
    ran = routerterm("local", "status")
    assert ran.code == 1
    assert "not installed (`routerterm local fetch`)" in ran.out
    assert "was not installed" in routerterm("local", "remove").err


def test_a_crash_report_holds_neither_words_nor_keys(home: Path) -> None:
    secret_redactor.learn("sk-crash-0123456789abcdef")
    try:
        try:
            raise ValueError("the secret words")
        except ValueError as error:
            raise RuntimeError("sk-crash-0123456789abcdef") from error
    except RuntimeError as error:
        told = report(error)
    file = home / "state" / "crash.txt"
    text = file.read_text()
    assert str(file) in told.hint
    assert "RuntimeError" in text
    assert "ValueError" in text
    assert "test_a_crash_report" in text
    assert file.stat().st_mode & 0o077 == 0


def test_an_unforeseen_mistake_is_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    from routerterm.cli import main, root

    def boom(**_: object) -> None:
        raise ZeroDivisionError("prompt")

    monkeypatch.setattr(root, "root", boom)
    monkeypatch.setattr(sys, "argv", ["routerterm", "themes"])
    with pytest.raises(SystemExit) as caught:
        main.main()
    err = capsys.readouterr().err
    assert caught.value.code == 1
    assert "routerterm crashed (ZeroDivisionError)" in err
    assert "prompt" not in err
