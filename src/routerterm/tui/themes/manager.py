"""The theme of this moment: read from its file, fitted to the terminal, and read again when the file changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from routerterm.core.errors import RoutertermError, SettingsError
from routerterm.tui.themes.reader import DEFAULT, find_themes, read_theme
from routerterm.tui.themes.values import Theme

if TYPE_CHECKING:
    from routerterm.config.paths import Paths

Letters: TypeAlias = Literal["unicode", "console", "ascii"]
"""What a terminal can show: everything, lines but few signs, or plain letters alone."""
EVERY = 2.0
"""Seconds between two looks at the theme's file."""


def letters(wanted: str, environ: Mapping[str, str]) -> Letters:
    """What the settings ask for; ``auto`` looks at the terminal's name and at the character set it was told."""
    if wanted in ("ascii", "unicode"):
        return "ascii" if wanted == "ascii" else "unicode"
    term = environ.get("TERM", "")
    said = next(filter(None, (environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    charset = said.partition(".")[2].lower().replace("-", "")
    if term.startswith(("dumb", "vt1", "vt2", "ansi")) or (charset and charset not in ("utf8", "utf8@euro")):
        return "ascii"
    return "console" if term == "linux" else "unicode"


class ThemeManager:
    """Finds themes for a program, and remembers the one that was taken."""

    def __init__(self, paths: Paths, letters: Letters = "unicode") -> None:
        self._paths = paths
        self._letters = letters
        self._file: Path | None = None
        self._seen: tuple[int, int] | None = None

    def take(self, name: str) -> tuple[Theme, RoutertermError | None]:
        """The theme of that name; the default, and why, where it is broken or not there."""
        try:
            self._file = find_themes(self._paths.theme_dirs())[name]
            self._seen = self._stamp()
            return self._fitted(read_theme(self._file)), None
        except KeyError:
            self._file = None
            return self._default(), SettingsError(f"There is no theme {name!r}.", "F8 lists the themes.")
        except RoutertermError as error:
            return self._default(), error

    def again(self) -> Theme | RoutertermError | None:
        """The theme, if its file was changed since it was last looked at; what is wrong with it, if it is broken."""
        stamp = self._stamp()
        if self._file is None or stamp is None or stamp == self._seen:
            return None
        self._seen = stamp
        try:
            return self._fitted(read_theme(self._file))
        except RoutertermError as error:
            return error

    def _default(self) -> Theme:
        return self._fitted(Theme(DEFAULT, "Phosphor"))

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._file.stat() if self._file is not None else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size) if status is not None else None

    def _fitted(self, theme: Theme) -> Theme:
        match self._letters:
            case "ascii":
                return theme.in_ascii()
            case "console":
                return theme.on_console()
            case _:
                return theme
