"""Reads themes from TOML and finds them: the program's own first, then the person's."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast, get_args

from msgspec.structs import replace
from rich.cells import cell_len

from routerterm.config.atomic_file import read_regular
from routerterm.core.errors import SettingsError
from routerterm.core.nearest import did_you_mean
from routerterm.core.toml import load_toml
from routerterm.tui.themes.values import (
    COLOUR_NAMES,
    GLYPH_NAMES,
    LAYOUT_NAMES,
    CaptionForm,
    Colours,
    Frame,
    Glyphs,
    HeaderForm,
    HeadingForm,
    Ink,
    KeyForm,
    Layout,
    SelectionForm,
    StatusForm,
    Theme,
    TitleForm,
)

DEFAULT = "phosphor"
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}|ansi_[a-z_]+")
_ENTRIES = (
    "title",
    "dark",
    "frame",
    "keys",
    "head",
    "scanlines",
    "boot",
    "voice",
    "layout",
    "colours",
    "colours256",
    "colours16",
    "glyphs",
)
_CHOICES: Mapping[str, Any] = {
    "title": TitleForm, "status": StatusForm, "header": HeaderForm, "letters": Ink, "caption": CaptionForm,
    "selection": SelectionForm, "headings": HeadingForm, "dialog": Frame,
}  # fmt: skip
"""Entries of the layout that are one of a few words."""
_SWITCHES = ("bloom", "masthead", "dated")
_MOST_OF: Mapping[str, int] = {"sign": 6, "divider": 1, "field": 1}
"""Signs that an entry of the layout may have, where those are fewer."""
MOST_SIGNS = 16
"""Signs of a pattern."""
MOST_HEAD = 24
"""Characters that the first line has room for beside a model's name."""


def read_theme(path: Path) -> Theme:
    """The theme in a file; its name is the file's.  Raises `SettingsError` that names what is wrong."""
    try:
        body = load_toml(read_regular(path).decode("utf-8-sig"))
        return parse_theme(path.stem, body)
    except OSError as error:
        raise SettingsError(f"the theme {path.name} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the theme {path.name} is not valid TOML: {error}") from None
    except ValueError as error:
        raise SettingsError(f"the theme {path.name} has an error: {error}") from None


def parse_theme(name: str, body: Mapping[str, Any]) -> Theme:
    """A theme from its TOML table.  Raises `ValueError`."""
    _known(body, _ENTRIES, "entry")
    frame = body.get("frame", "single")
    if frame not in get_args(Frame):
        raise ValueError(f"frame is {frame!r}; it may be {', '.join(get_args(Frame))}")
    keys = body.get("keys", "box")
    if keys not in get_args(KeyForm):
        raise ValueError(f"keys is {keys!r}; it may be {', '.join(get_args(KeyForm))}")
    head = body.get("head", "ROUTERTERM")
    if not (isinstance(head, str) and head.isprintable() and len(head) <= MOST_HEAD):
        raise ValueError(f"head must be at most {MOST_HEAD} printable characters")
    return Theme(
        name=name,
        keys=cast(KeyForm, keys),
        head=head,
        title=str(body.get("title", name)),
        dark=bool(body.get("dark", True)),
        colours=_colours(body.get("colours", {})),
        colours256=_numbers(body.get("colours256", {}), 256),
        colours16=_numbers(body.get("colours16", {}), 16),
        glyphs=_glyphs(body.get("glyphs", {})),
        frame=cast(Frame, frame),
        layout=_layout(body.get("layout", {})),
        scanlines=bool(body.get("scanlines", False)),
        boot=_lines(body, "boot"),
        voice=_lines(body, "voice"),
    )


def find_themes(folders: Iterable[Path]) -> dict[str, Path]:
    """Every theme by name; a later folder's replaces an earlier one's."""
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}


def _colours(table: Mapping[str, Any]) -> Colours:
    _known(table, COLOUR_NAMES, "colour")
    for name, value in table.items():
        if not isinstance(value, str) or not _COLOUR.fullmatch(value):
            raise ValueError(f"the colour {name} is {value!r}; write #rrggbb or ansi_green")
    return replace(Colours(), **table)


def _numbers(table: Mapping[str, Any], count: int) -> dict[str, int]:
    _known(table, COLOUR_NAMES, "colour")
    for name, value in table.items():
        if type(value) is not int or not 0 <= value < count:
            raise ValueError(f"the colour {name} of {count} is {value!r}; write a number from 0 to {count - 1}")
    return dict(table)


def _glyphs(table: Mapping[str, Any]) -> Glyphs:
    _known(table, GLYPH_NAMES, "glyph")
    given: dict[str, Any] = {}
    for name, value in table.items():
        if name == "spinner":
            given[name] = tuple(str(step) for step in value)
        elif isinstance(value, str) and value.isprintable() and len(value) == 1:
            given[name] = value
        else:
            raise ValueError(f"the glyph {name} must be one printable character")
    return replace(Glyphs(), **given)


def _layout(table: Mapping[str, Any]) -> Layout:
    _known(table, LAYOUT_NAMES, "layout entry")
    for name, value in table.items():
        if name in _CHOICES:
            words = get_args(_CHOICES[name])
            if value not in words:
                raise ValueError(f"layout.{name} is {value!r}; it may be {', '.join(words)}")
        elif name in _SWITCHES:
            if not isinstance(value, bool):
                raise ValueError(f"layout.{name} must be true or false")
        elif not (isinstance(value, str) and len(value) <= (most := _MOST_OF.get(name, MOST_SIGNS)) and _narrow(value)):
            raise ValueError(f"layout.{name} must be at most {most} printable characters, each one cell wide")
        elif name == "scrollbar" and len(value) not in (0, 2):
            raise ValueError("layout.scrollbar must be two signs: of the part in view, and of the rest")
    return replace(Layout(), **table)


def _narrow(signs: str) -> bool:
    """Whether each of these takes one cell."""
    return signs.isprintable() and cell_len(signs) == len(signs)


def _lines(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    lines = body.get(name, [])
    if not isinstance(lines, list) or not all(isinstance(line, str) and line.isprintable() for line in lines):
        raise ValueError(f"{name} must be a list of printable lines")
    return tuple(lines)


def _known(table: Mapping[str, Any], names: tuple[str, ...], what: str) -> None:
    for name in table:
        if name not in names:
            hint = did_you_mean(name, names)
            raise ValueError(f"there is no {what} {name!r}" + (f". {hint}" if hint else ""))
