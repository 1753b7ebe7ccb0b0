"""Real terminals to hold the driver against, and what they show in a form that compares."""

from __future__ import annotations

import re

import pyte

from routerterm.tui.terminal.cells import Graphemes
from routerterm.tui.terminal.diff import Abilities, Painter
from routerterm.tui.terminal.grid import Grid
from routerterm.tui.terminal.parser import Interpreter
from routerterm.tui.terminal.style import StyleTable

Cell = tuple[str, str, str, bool, bool, bool, bool, bool, bool]


class Emulator:
    """pyte, without the line wrap, as Textual sets it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.screen.reset_mode(pyte.modes.DECAWM)
        self.stream = pyte.Stream(self.screen)

    def feed(self, data: str) -> None:
        # The line discipline turns a line feed into both; pyte knows nothing of synchronized output.
        self.stream.feed(data.replace("\x1b[?2026h", "").replace("\x1b[?2026l", "").replace("\n", "\r\n"))

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)

    def cells(self) -> list[list[Cell]]:
        return [[_seen(self.screen.buffer[y][x]) for x in range(self.screen.columns)] for y in range(self.screen.lines)]

    def text(self) -> str:
        return "\n".join(self.screen.display)


_BETWEEN = re.compile(
    r"\x1b\[\?69h\x1b\[(\d+);(\d+)s\x1b\[(\d+);(\d+)r\x1b\[(\d+);(\d+)H\x1b\[(\d*)([ML])\x1b\[r\x1b\[\?69l"
)


class Columned(Emulator):
    """pyte with margins at left and right as far as the driver uses them: lines deleted or inserted between them."""

    scrolled = 0

    def feed(self, data: str) -> None:
        at = 0
        for match in _BETWEEN.finditer(data):
            super().feed(data[at : match.start()])
            self._between(*(int(number or 1) for number in match.groups()[:-1]), up=match[8] == "M")
            at = match.end()
        super().feed(data[at:])

    def _between(self, left: int, right: int, top: int, bottom: int, y: int, x: int, by: int, *, up: bool) -> None:
        assert (y, x) == (top, left)
        assert 1 <= left < right <= self.screen.columns
        self.scrolled += 1
        blank = self.screen.cursor.attrs._replace(data=" ")
        rows = range(top - 1, bottom)
        kept = {row: [self.screen.buffer[row][column] for column in range(left - 1, right)] for row in rows}
        for row in rows:
            cells = kept.get(row + by if up else row - by, [blank] * (right - left + 1))
            for column, cell in enumerate(cells, left - 1):
                self.screen.buffer[row][column] = cell
        self.screen.cursor_position(1, 1)


def _seen(cell: pyte.screens.Char) -> Cell:
    """A cell as a person sees it: a space has no foreground, unless a line or reverse video shows it."""
    if cell.data == " " and not (cell.reverse or cell.underscore or cell.strikethrough or cell.blink):
        return (" ", "", cell.bg, False, False, False, False, False, False)
    return (
        cell.data,
        cell.fg,
        cell.bg,
        cell.bold,
        cell.italics,
        cell.underscore,
        cell.strikethrough,
        cell.reverse,
        cell.blink,
    )


class Lean:
    """The driver's pure parts in a row, as `Output` uses them."""

    def __init__(self, columns: int, rows: int, abilities: Abilities | None = None, adapt=None) -> None:
        styles, graphemes = StyleTable(adapt), Graphemes()
        self.wanted = Grid(columns, rows)
        self.interpreter = Interpreter(self.wanted, styles, graphemes)
        self.painter = Painter(columns, rows, styles, graphemes, abilities or Abilities())

    def frame(self, data: str, budget: int | None = None) -> str:
        self.interpreter.draw(data)
        self.sent = self.painter.paint(self.wanted, budget, self.interpreter.y)[0]
        return self.sent
