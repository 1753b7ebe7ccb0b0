"""On which line of a TOML file each entry stands, so that a mistake can be shown where it is.

The parsers say only what a file means.  This scanner reads a file that has already been parsed without
error, and so needs to know just enough of the grammar not to take a string or a list for an entry.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import TypeAlias

Key: TypeAlias = tuple[str | int, ...]
"""The way to an entry: names of tables and keys, and places in lists (from 0)."""


def positions(text: str) -> dict[Key, int]:
    """The line (from 1) of every table, key and list item in a valid TOML text."""
    return _Scanner(text).scan()


def line_of(key: Key, lines: Mapping[Key, int]) -> int | None:
    """The line of an entry, or of the nearest thing around it that has one."""
    for length in range(len(key), 0, -1):
        if (line := lines.get(key[:length])) is not None:
            return line
    return None


class _Scanner:
    """One walk over the text.  ``at`` is the place of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n") + "\n"
        self.at = 0
        self.lines: dict[Key, int] = {}
        self.tables_in: dict[Key, int] = {}
        """How many ``[[tables]]`` of a name there have been."""

    def scan(self) -> dict[Key, int]:
        table: Key = ()
        while self._skip_blank():
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._entry(table)
        return self.lines

    def _header(self) -> Key:
        line, is_list = self._line(), self.text.startswith("[[", self.at)
        self.at += 2 if is_list else 1
        table = self._within_lists(self._dotted("]"))
        self.at += 2 if is_list else 1
        if is_list:
            count = self.tables_in.get(table, 0)
            self.tables_in[table] = count + 1
            table = (*table, count)
        self._note(table, line)
        return table

    def _within_lists(self, names: Key) -> Key:
        """A header's names, with the place of the last table where a name is that of a list of tables."""
        way: Key = ()
        for name in names[:-1]:
            way = (*way, name)
            if count := self.tables_in.get(way):
                way = (*way, count - 1)
        return (*way, *names[-1:])

    def _entry(self, table: Key) -> None:
        line = self._line()
        key = (*table, *self._dotted("="))
        self._note(key, line)
        self.at += 1
        self._value(key)

    def _dotted(self, end: str) -> Key:
        """A key up to, and without, the character that ends it."""
        start = self.at
        while self.text[self.at] != end:
            if self.text[self.at] in "\"'":
                self._string()
            else:
                self.at += 1
        names: list[str] = []
        inner = tomllib.loads(f"{self.text[start : self.at]} = 0")
        while inner:
            name, value = next(iter(inner.items()))
            names.append(name)
            inner = value if isinstance(value, dict) else {}
        return tuple(names)

    def _value(self, key: Key) -> None:
        self._skip_space()
        match self.text[self.at]:
            case "[":
                self._list(key)
            case "{":
                self._inline_table(key)
            case '"' | "'":
                self._string()
            case _:
                while self.text[self.at] not in ",]}#\n":
                    self.at += 1

    def _list(self, key: Key) -> None:
        self.at += 1
        place = 0
        while self._skip_blank(",") and self.text[self.at] != "]":
            self._note((*key, place), self._line())
            self._value((*key, place))
            place += 1
        self.at += 1

    def _inline_table(self, key: Key) -> None:
        self.at += 1
        while self._skip_blank(",") and self.text[self.at] != "}":
            self._entry(key)
        self.at += 1

    def _string(self) -> None:
        quote = self.text[self.at]
        mark = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(mark)
        while not self.text.startswith(mark, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += len(mark)
        if len(mark) == 3:  # up to two quotes may stand just before the three that close it
            while self.text.startswith(quote, self.at):
                self.at += 1

    def _skip_blank(self, also: str = "") -> bool:
        """Skip space, line ends and comments; whether anything is left."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                self.at = self.text.index("\n", self.at)
            elif self.text[self.at].isspace() or self.text[self.at] in also:
                self.at += 1
            else:
                return True
        return False

    def _skip_space(self) -> None:
        while self.text[self.at] in " \t":
            self.at += 1

    def _line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1

    def _note(self, key: Key, line: int) -> None:
        for length in range(1, len(key) + 1):
            self.lines.setdefault(key[:length], line)
