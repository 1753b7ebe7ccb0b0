"""Real terminals to hold the driver against, and what they show in a form that compares."""

from __future__ import annotations

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
