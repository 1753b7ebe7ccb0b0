"""Textual's output stream, read back into a grid.

Textual writes a frame in one piece: ``CSI y;x H``, then a strip of styled text, again and again.
A frame is split at its cursor moves and every strip is looked up by its raw text, so that a line
that was seen before costs one dictionary lookup wherever it is drawn.  Anything else is interpreted
one sequence at a time.

What reaches the terminal from here is cells, and the few sequences that the program itself wrote
alone in one write (modes, queries, the clipboard).  An escape sequence *inside* a frame that is not
for drawing came from content: it is dropped and counted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from routerterm.tui.terminal.style import Overflow, StyleTable

if TYPE_CHECKING:
    from routerterm.tui.terminal.cells import Graphemes
    from routerterm.tui.terminal.grid import Grid

_MOVE = re.compile(r"\x1b\[(\d{1,5});(\d{1,5})H")
_STYLED = re.compile(r"\x1b\[([0-9;:]*)m|([^\x00-\x1f\x7f-\x9f]+)")
_TOKEN = re.compile(
    r"\x1b\[(?P<csi>[0-9:;<=>?]*[ -/]*)(?P<final>[@-~])"
    r"|\x1b\](?P<osc>[^\x00-\x1f\x7f-\x9f]*)(?P<end>\x07|\x1b\\)"
    r"|[\x1b\x90\x98\x9b-\x9f][PX^_\]\[]?[^\x1b\x07\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
)
_ALONE = re.compile(
    r"\x07"
    r"|\x1b\[(?P<csi>[0-9:;<=>?]*[ -/]*)(?P<final>[@-~])"
    r"|\x1b\](?P<osc>[^\x00-\x1f\x7f-\x9f]*)(?:\x07|\x1b\\)"
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"
    r"|\x1b[P_][^\x00-\x1f\x7f-\x9f]*\x1b\\"
)
_DRAWING = frozenset("ABCDEFGHJKXdfm`")
_LINK = re.compile(r"[^;]*;(?:(?:https?|mailto|file):[!-~]{1,2000})?")
_CACHED = 4096


class Unknown(Exception):
    """A sequence that may have changed the screen in ways we do not follow."""


class Interpreter:
    """Follows what is written and keeps the grid that the terminal should show."""

    def __init__(self, grid: Grid, styles: StyleTable, graphemes: Graphemes) -> None:
        self.grid = grid
        self.styles = styles
        self.graphemes = graphemes
        self.x = self.y = 0
        self.blocked = 0
        self._raw = 0
        self._cache: dict[str, tuple[str, str]] = {}

    def forget(self) -> None:
        """Start with fresh tables (after :class:`Overflow`); the grid must be drawn again."""
        self._cache.clear()
        self._raw = 0
        self.grid.clear()

    # -- one write ------------------------------------------------------------------------------
    def alone(self, data: str) -> str | None:
        """The sequence to pass on, where a write is one whole sequence that does not draw; else None."""
        match = _ALONE.fullmatch(data)
        if match is None or match["final"] in _DRAWING:
            return None
        if match["osc"] is not None and match["osc"].startswith("52;") and match["osc"].endswith("?"):
            self.blocked += 1  # the clipboard is written, never read
            return ""
        return data

    def draw(self, data: str) -> None:
        """Interpret a frame."""
        parts = _MOVE.split(data)
        if parts[0]:
            self._interpret(parts[0])
        cached, put, rows = self._cache.get, self.grid.put, self.grid.rows
        for i in range(1, len(parts), 3):
            self.y, self.x = max(int(parts[i]) - 1, 0), max(int(parts[i + 1]) - 1, 0)
            piece = parts[i + 2]
            if not piece:
                continue
            if piece[-1] == "\n":
                body, down = piece[:-1], 1
            else:
                body, down = piece, 0
            if body:
                found = cached(body) or self._strip(body)
                if found is None:
                    self._interpret(body)
                else:
                    put(self.y, self.x, *found)
                    self.x = min(self.x + len(found[0]), self.grid.columns - 1)
            if down:
                self.x = 0
                if self.y < rows - 1:
                    self.y += 1
                elif self.y == rows - 1:
                    self.grid.scroll(0, rows - 1, 1)

    def place(self, y: int, x: int, body: str) -> None:
        """Put a rendered strip somewhere; the cursor stays where it is."""
        found = self._cache.get(body) or self._strip(body)
        if found is None:
            cursor = self.x, self.y
            self.draw(f"\x1b[{y + 1};{x + 1}H{body}")
            self.x, self.y = cursor
        else:
            self.grid.put(y, x, *found)

    # -- a strip of styled text, the rule -------------------------------------------------------------
    def _strip(self, body: str) -> tuple[str, str] | None:
        """The cells of text and SGR alone, which begins and ends in the default style; else None."""
        if self._raw:
            return None
        raw, seen = 0, 0
        texts: list[str] = []
        styles: list[str] = []
        for match in _STYLED.finditer(body):
            if match.start() != seen:
                return None
            seen = match.end()
            parameters, text = match.groups()
            if text is None:
                raw = self.styles.apply(raw, parameters)
            else:
                cells, looks = self._cells(text, raw)
                texts.append(cells)
                styles.append(looks)
        if seen != len(body) or raw:
            return None
        if len(self._cache) >= _CACHED:
            for key in list(self._cache)[: _CACHED // 2]:
                del self._cache[key]
        found = self._cache[body] = "".join(texts), "".join(styles)
        return found

    def _cells(self, text: str, raw: int) -> tuple[str, str]:
        cells = self.graphemes.cells(text)
        style = self.styles.adapted(raw)
        blank = self.styles.blank[style]
        if blank == style or " " not in cells:
            return cells, chr(style) * len(cells)
        look = chr(style)
        return cells, chr(blank).join([look * len(word) for word in cells.split(" ")])

    # -- anything else, one sequence at a time -----------------------------------------------------------
    def _interpret(self, data: str) -> None:
        for match in _TOKEN.finditer(data):
            if (text := match["text"]) is not None:
                cells, looks = self._cells(text, self._raw)
                self.grid.put(self.y, self.x, cells, looks)
                self.x = min(self.x + len(cells), self.grid.columns - 1)
            elif (final := match["final"]) is not None:
                self._csi(match["csi"], final)
            elif (osc := match["osc"]) is not None:
                self._osc(osc)
            elif (control := match["control"]) is not None and control in "\r\n\b":
                self._control(control)
            else:
                self.blocked += 1

    def _control(self, control: str) -> None:
        if control == "\r":
            self.x = 0
        elif control == "\b":
            self.x = max(self.x - 1, 0)
        elif self.y < self.grid.rows - 1:
            self.x, self.y = 0, self.y + 1
        else:
            self.x = 0
            self.grid.scroll(0, self.grid.rows - 1, 1)

    def _osc(self, body: str) -> None:
        link = body[2:] if body.startswith("8;") else None
        if link is None:
            self.blocked += 1
        elif _LINK.fullmatch(link):
            self._raw = self.styles.linked(self._raw, "" if link.endswith(";") else link)
        else:
            self.blocked += 1
            self._raw = self.styles.linked(self._raw, "")

    def _csi(self, parameters: str, final: str) -> None:
        if final not in _DRAWING or not all(c in "0123456789;:" for c in parameters):
            self.blocked += 1
            return
        if final == "m":
            self._raw = self.styles.apply(self._raw, parameters)
            return
        first, _, second = parameters.partition(";")
        if ":" in parameters or len(first) > 5 or len(second) > 5 or ";" in second:
            self.blocked += 1
            return
        n, m = int(first or 0), int(second or 0)
        if final in "JKX":
            self._erase(final, n)
        else:
            self._move(final, max(n, 1), max(m, 1))

    def _move(self, final: str, n: int, m: int) -> None:
        match final:
            case "A" | "F":
                self.y -= n
            case "B" | "E":
                self.y += n
            case "C":
                self.x += n
            case "D":
                self.x -= n
            case "G" | "`":
                self.x = n - 1
            case "d":
                self.y = n - 1
            case _:
                self.y, self.x = n - 1, m - 1
        if final in "EF":
            self.x = 0
        self.x = min(max(self.x, 0), self.grid.columns - 1)
        self.y = min(max(self.y, 0), self.grid.rows - 1)

    def _erase(self, final: str, n: int) -> None:
        columns, rows, x, y = self.grid.columns, self.grid.rows, self.x, self.y
        look = chr(self.styles.blank[self.styles.adapted(self._raw)])
        start, end = 0, columns
        if final == "X":
            start, end = x, min(x + max(n, 1), columns)
        elif n == 0:
            start = x
        elif n == 1:
            end = x + 1
        self.grid.put(y, start, " " * (end - start), look * (end - start))
        if final == "J":
            for row in range(y + 1 if n == 0 else 0, rows if n != 1 else y):
                self.grid.put(row, 0, " " * columns, look * columns)


__all__ = ["Interpreter", "Overflow", "Unknown"]
