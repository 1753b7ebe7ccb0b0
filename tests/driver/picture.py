"""What a terminal shows at one moment, and how a person reads it: places, panes, frames and rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len

UPRIGHT, LEVEL = "│║┃", "─═━"
TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT = "┌╔┏╭", "┐╗┓╮", "└╚┗╰"
MODES = ("WRITE", "MESSAGES", "CHATS", "INSERT", "NORMAL", "VISUAL", "V-LINE")
BUSY = "Esc stops"
"""What the status row says only while an answer runs."""
STARTING = "starting"
"""What the top row says in place of a model until the program is ready."""
WAYS = "Choose how to start"
"""What the first start asks."""
EMPTY = "write a question, Enter sends it"
"""What an empty composer says at the first start."""
_AGE = re.compile(r" +(?:now|\d+[ymhdw])$")
_DETAILS = re.compile(r"(?: \S{0,10} +\$[\d.]+| \S{0,10} {9,}) +(?:now|\d+[ymhdw])$")
"""Model, cost and age, where the list is broad."""
DETAILED = 40
"""Cells of the list from which it says more than an age."""
"""How long ago a conversation was changed, at the end of its row."""
_TOP_EDGE = re.compile(rf"[{TOP_LEFT}](?P<words>[^{TOP_LEFT}{TOP_RIGHT}]*)[{TOP_RIGHT}]")


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell looks; colours are ``#rrggbb``, the terminal's name for one of its own, or empty for the default."""

    fg: str = ""
    bg: str = ""
    bold: bool = False
    dim: bool = False
    underline: bool = False
    reverse: bool = False


@dataclass(frozen=True)
class Picture:
    """The rows of a screen, where the cursor stands (column, row), and what gives the look of each cell."""

    rows: tuple[str, ...]
    cursor: tuple[int, int] = (0, 0)
    cells: Callable[[], Iterable[Iterable[Look]]] = tuple

    @cached_property
    def looks(self) -> tuple[tuple[Look, ...], ...]:
        """The look of each cell, a row after the other; worked out only when it is asked for."""
        return tuple(tuple(row) for row in self.cells())

    @property
    def text(self) -> str:
        """Everything, a row a line."""
        return "\n".join(self.rows)

    def shows(self, words: str) -> bool:
        """Whether these words are seen: in one row, or wrapped over the rows of a pane (a space is where it wraps)."""
        if words in self.text:
            return True
        parts = [re.escape(part) for part in words.split()]
        return len(parts) > 1 and re.search(r"(?: |[^\w\n]*\n(?:[^\n]*?[^\w\n])??)".join(parts), self.text) is not None

    def find(self, words: str, *, last: bool = False) -> tuple[int, int] | None:
        """The cell (column, row) where these words begin, the first or the last time; None where they are not seen."""
        places = [
            (y, row.rindex(words) if last else row.index(words)) for y, row in enumerate(self.rows) if words in row
        ]
        if not places:
            return None
        y, at = places[-1 if last else 0]
        return cell_len(self.rows[y][:at]), y

    def line(self, number: int) -> str:
        """A row without the frame and the space around it; negative numbers count from below."""
        return self.rows[number].strip(f" {UPRIGHT}")

    def look(self, words: str, *, last: bool = False) -> Look:
        """How the first cell of these words looks."""
        found = self.find(words, last=last)
        assert found is not None, f"{words!r} is not on the screen:\n{self.text}"
        return self.looks[found[1]][found[0]]

    @cached_property
    def _floor(self) -> int:
        """The row of the keys: the last that is no frame."""
        framed = self.rows[-1].lstrip()[:1] in BOTTOM_LEFT and bool(self.rows[-1].strip())
        return len(self.rows) - (2 if framed else 1)

    @property
    def top(self) -> str:
        """The top row: whose screen it is, the title, the model."""
        return self.rows[0]

    @property
    def title(self) -> str:
        """The conversation's title in the top row; empty where none stands between the program's name and the model."""
        parts = self._top_parts
        return parts[1] if len(parts) > 2 else ""

    @property
    def model(self) -> str:
        """What the top row says at its right end."""
        return self._top_parts[-1] if self._top_parts else ""

    @property
    def _top_parts(self) -> list[str]:
        parts = [part.strip(f" {TOP_LEFT}{TOP_RIGHT}") for part in re.split(f"[{LEVEL}]+", self.rows[0])]
        return [part for part in parts if part]

    @property
    def keys(self) -> str:
        """The key bar."""
        return self.line(self._floor)

    @property
    def status(self) -> str:
        """The status row."""
        return self.line(self._floor - 1)

    @property
    def mode(self) -> str:
        """The word with which the status row begins: WRITE (with vim its own), MESSAGES, CHATS; or nothing."""
        word = self.status.split(maxsplit=1)[0] if self.status else ""
        return word if word in MODES else ""

    @property
    def busy(self) -> bool:
        """Whether an answer is running."""
        return BUSY in self.text

    @property
    def titles(self) -> tuple[str, ...]:
        """What the top edges of the frames that are seen say, from the top; the screen's own top row is one, too."""
        edges = [self.rows[0], *(match["words"] for row in self.rows[1:] for match in _TOP_EDGE.finditer(row))]
        parts = [part.strip(f" {TOP_LEFT}{TOP_RIGHT}") for edge in edges for part in re.split(f"[{LEVEL}]+", edge)]
        return tuple(filter(None, parts))

    @property
    def dialog(self) -> str | None:
        """The title of the last frame that stands within the screen, empty if it has none; None without a frame."""
        edges = [match["words"] for row in self.rows[1:] for match in _TOP_EDGE.finditer(row)]
        return edges[-1].strip(f" {LEVEL}") if edges else None

    @cached_property
    def _composer_rows(self) -> range:
        """The rows above the rule over the status row, up to the one with the sign (completions cover more)."""
        bottom = self._floor - 2
        first = next((y for y in range(bottom - 1, 0, -1) if _pane(self.rows[y])[:3].strip()), bottom)
        return range(first, bottom)

    @property
    def composer(self) -> str:
        """What is written in the composer, as far as it is seen; the sign before it left away."""
        text = "\n".join(_pane(self.rows[y])[3:].rstrip() for y in self._composer_rows)
        return "" if text == EMPTY else text

    @property
    def composer_width(self) -> int:
        """Columns that the composer has for text."""
        rows = self._composer_rows
        return cell_len(_pane(self.rows[rows[0]])) - 4 if rows else 0

    @property
    def chats(self) -> tuple[str, ...]:
        """The rows of the list of conversations (titles without their age, and the headings); empty where hidden."""
        composer = self._composer_rows
        if not composer or "├" not in self.rows[composer[0] - 1][1:]:
            return ()
        rows = [re.split(f"[{UPRIGHT}├]", row) for row in self.rows[1 : self._floor - 2]]
        found = [parts[1] for parts in rows if len(parts) > 2]
        ends = _DETAILS if max(map(len, found), default=0) > DETAILED else _AGE
        titles = (_AGE.sub("", ends.sub("", part.strip(" ▸▌>█▓░"))).rstrip() for part in found)
        return tuple(filter(None, titles))


def _pane(row: str) -> str:
    """The pane at the right of a row."""
    parts = re.split(f"[{UPRIGHT}]", row.rstrip())
    return parts[-2] if len(parts) > 1 else row
