"""`routerterm themes`: begin a theme, see what is wrong with it, and see it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from routerterm.cli.output import Styled, is_terminal, print_line, print_note, width, write
from routerterm.core.errors import RoutertermError, SettingsError

if TYPE_CHECKING:
    from rich.color import Color

    from routerterm.tui.terminal.colour import Depth
    from routerterm.tui.themes.values import Theme

ROWS = 16
"""Of a preview."""
LOOK_AGAIN = 0.4
"""Seconds between two looks at a file that is watched."""


@click.group("themes")
def command() -> None:
    """Make and check your own themes.

    \b
      routerterm themes new night --like amber   begin with a copy of a theme
      routerterm themes check night.toml         what is wrong or hard to read
      routerterm themes preview night.toml -w    see it, again after every change

    In the chat, F8 tries themes on, and a changed file is shown within two seconds.
    """


@command.command("new")
@click.argument("name")
@click.option("--like", default="phosphor", show_default=True, help="The theme to begin with.")
def new(name: str, like: str) -> None:
    """Copy a theme to your themes folder as NAME, and print the file's path."""
    from routerterm.config.atomic_file import atomic_write
    from routerterm.config.paths import Paths
    from routerterm.config.problems import known_names
    from routerterm.core.sanitise import one_line
    from routerterm.tui.themes.reader import find_themes

    paths = Paths.find()
    known = find_themes(paths.theme_dirs())
    if like not in known:
        raise SettingsError(f'There is no theme "{one_line(like)}".', known_names(like, known))
    if not name.isidentifier():
        raise SettingsError(f'"{one_line(name)}" cannot be a theme\'s name.', "Use letters, digits and _.")
    file = paths.user_themes / f"{name}.toml"
    if file.exists():
        raise SettingsError(f"{one_line(str(file))} exists already.", "Choose another name, or edit that file.")
    file.parent.mkdir(parents=True, exist_ok=True)
    text = known[like].read_text("utf-8").replace("\ntitle = ", f'\ntitle = "{name}"  # was ', 1)
    atomic_write(file, text)
    write(f"{file}\n")
    print_note(f"Edit it; F8 in the chat, or `routerterm themes preview {name}.toml -w`, shows it.")


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """List what is wrong with a theme and what is hard to read in it; exits with 2 if there is anything."""
    from routerterm.core.sanitise import one_line
    from routerterm.tui.themes.contrast import weak
    from routerterm.tui.themes.reader import read_theme

    theme = read_theme(found(file))
    problems = [one_line(line) for line in weak(theme)]
    for line in problems:
        print_line(line, err=True)
    if problems:
        sys.exit(2)
    print_line(f"{one_line(theme.title)} is good: everything that is read has a contrast of at least 4.5:1.")


@command.command("preview")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-w", "--watch", is_flag=True, help="Show it again whenever the file changes, until Ctrl+C.")
def preview(file: Path, watch: bool) -> None:
    """Show a theme in this terminal; FILE is a file, or a theme's name."""
    from routerterm.cli.output import print_error
    from routerterm.tui.themes.reader import read_theme

    place = found(file)
    before: tuple[int, int] | None = None
    while True:
        stamp = _stamp(place)
        if stamp != before:
            before = stamp
            try:
                _show(read_theme(place))
            except RoutertermError as error:
                if not watch:
                    raise
                print_error(error)
        if not watch:
            return
        time.sleep(LOOK_AGAIN)


def found(file: Path) -> Path:
    """The file that is meant: itself, or that of a theme with this name."""
    from routerterm.config.paths import Paths
    from routerterm.tui.themes.reader import find_themes

    if file.exists() or file.name != str(file):
        return file
    return find_themes(Paths.find().theme_dirs()).get(file.stem, file)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _show(theme: Theme) -> None:
    from routerterm.tui.terminal.colour import choices_of, depth_of
    from routerterm.tui.themes.adapt import to_textual
    from routerterm.tui.widgets.theme_preview import sample

    depth = depth_of(os.environ)
    own = choices_of(to_textual(theme).variables, depth)
    for row in sample(theme, min(80, width(72)), ROWS):
        print_line(*(_piece(text, style.color, style.bgcolor, depth, own) for text, style in row))


def _piece(
    text: str, ink: Color | None, ground: Color | None, depth: Depth, own: dict[tuple[int, int, int], int]
) -> Styled:
    from routerterm.tui.terminal.colour import Depth

    if depth is Depth.NONE or not is_terminal():
        return Styled(text)
    shown = [_colour(colour, depth, own) for colour in (ink, ground)]
    return Styled(text, fg=shown[0], bg=shown[1])


def _colour(
    colour: Color | None, depth: Depth, own: dict[tuple[int, int, int], int]
) -> str | int | tuple[int, int, int] | None:
    """As click wants it."""
    from routerterm.tui.terminal.colour import Depth, nearest

    if colour is None or colour.is_default:
        return None
    if colour.triplet is None:
        return colour.number
    red, green, blue = colour.triplet
    rgb = (red, green, blue)
    if depth is Depth.TRUE:
        return rgb
    return own.get(rgb, nearest(rgb, depth))
