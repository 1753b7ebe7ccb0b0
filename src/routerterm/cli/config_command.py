"""`routerterm config`: where the settings are, whether they are right, and what holds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from routerterm.cli.output import Styled, print_line, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from routerterm.config.describe import Entry
    from routerterm.config.paths import Paths
    from routerterm.config.problems import Problem
    from routerterm.config.settings import Check

PLACES = ("config", "data", "database", "models", "state", "themes")


@click.group("config")
def command() -> None:
    """Show, check or find the settings.

    \b
      routerterm config path          the path of config.toml
      routerterm config check         every mistake, with its line
      routerterm config show ui       current values, explained
    """


@command.command("path")
@click.argument("place", type=click.Choice(PLACES), default="config")
def path(place: str) -> None:
    """Print the path of the settings, or of another PLACE: data, database, models, state, themes."""
    from routerterm.config.paths import Paths

    paths = Paths.find()
    places = (paths.config_file, paths.data, paths.database, paths.models, paths.state, paths.user_themes)
    write(f"{dict(zip(PLACES, places, strict=True))[place]}\n")


@command.command("check")
def check() -> None:
    """List every mistake in config.toml; exits with 2 if there is one."""
    from routerterm.config.paths import Paths
    from routerterm.config.problems import sentence
    from routerterm.config.settings import check_settings
    from routerterm.core.sanitise import one_line

    paths = Paths.find()
    _, problems = check_settings(paths, also=(_interface(paths),))
    for problem in sorted(problems, key=lambda each: each.line or 0):
        print_line(one_line(sentence(problem, paths.config_file)), err=True)
        if problem.hint:
            print_line(f"  hint: {one_line(problem.hint)}", err=True)
    if problems:
        sys.exit(2)
    there = "is good" if paths.config_file.exists() else "does not exist, so the defaults apply"
    print_line(f"{one_line(str(paths.config_file))} {there}.")


def _interface(paths: Paths) -> Check:
    """What only the chat knows: its commands and keys, and the themes."""
    from routerterm.config.problems import Problem, known_names
    from routerterm.tui.commands.registry import COMMANDS
    from routerterm.tui.keymap import check_bindings
    from routerterm.tui.themes.reader import find_themes

    def check(body: Mapping[str, Any]) -> Iterator[Problem]:
        bindings, ui = body.get("bindings"), body.get("ui")
        if isinstance(bindings, dict):
            yield from check_bindings(bindings, COMMANDS)
        theme = ui.get("theme") if isinstance(ui, dict) else None
        themes = find_themes(paths.theme_dirs())
        if isinstance(theme, str) and theme not in themes:
            yield Problem(("ui", "theme"), f'ui.theme: there is no theme "{theme}"', known_names(theme, themes))

    return check


@command.command("show")
@click.argument("section", required=False)
@click.option("--changed", is_flag=True, help="Only settings that differ from their defaults.")
def show(section: str | None, changed: bool) -> None:
    """Print every setting now in force, as in config.toml; SECTION limits it (ui, router, budget…)."""
    from routerterm.config.describe import entries, entry_names
    from routerterm.config.paths import Paths
    from routerterm.config.schema import Settings
    from routerterm.config.settings import load_settings

    if section is not None and section not in entry_names(Settings):
        raise click.UsageError(f"There is no section {section!r}. Known: {', '.join(entry_names(Settings))}.")
    # In TOML each table stands once, and what belongs to none before the first.
    tables: dict[tuple[str, ...], list[Entry]] = {(): []}
    for entry in entries(load_settings(Paths.find())):
        if section in (None, entry.way[0]) and (entry.changed or not changed):
            tables.setdefault(entry.way[:-1], []).append(entry)
    for table, held in tables.items():
        if table:
            print_line(Styled(f"\n[{_dotted(table)}]", bold=True))
        for entry in held:
            print_line(*_lines(entry))


def _lines(entry: Entry) -> tuple[Styled, str]:
    value = _toml(entry.value)
    kind = "" if entry.kind == "text" else f" ({entry.kind})"
    line = f"{_dotted(entry.way[-1:])} = {value}" if value is not None else f"# {_dotted(entry.way[-1:])} is not set"
    return Styled(f"# {entry.text}{kind}", dim=True), f"\n{line}"


def _dotted(way: tuple[str, ...]) -> str:
    from routerterm.config.problems import dotted

    return dotted(way)


def _toml(value: Any) -> str | None:
    from decimal import Decimal

    from routerterm.config.describe import changed_entries
    from routerterm.config.schema_base import Section

    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case int() | float() | Decimal():
            return str(value)
        case str():
            import json

            from routerterm.core.redact import secret_redactor

            return json.dumps(secret_redactor(value), ensure_ascii=False)
        case tuple() | list():
            return f"[{', '.join(_toml(each) or '' for each in value)}]"
        case Section():
            return _toml(changed_entries(value))
        case dict():
            inside = ", ".join(f"{_dotted((name,))} = {_toml(each)}" for name, each in value.items())
            return f"{{ {inside} }}" if value else "{}"
        case _:
            raise TypeError(f"the settings hold a {type(value).__name__}")
