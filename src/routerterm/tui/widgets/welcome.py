"""Who shall answer?  A few ways in, one key each, where the transcript will be; the composer keeps the focus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.strip import Strip

from routerterm.tui.data_message import DataMessage
from routerterm.tui.widgets.styles import Look, Toned

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Glyphs

WIDEST = 76


class Option(Struct, frozen=True):
    """One way in."""

    id: str
    title: str
    about: str
    share: float | None = None
    """How much of what it needs is here, from 0 to 1; then a bar is shown."""


class _Line(Struct, frozen=True):
    text: str
    tone: Look
    way: int = -1


class Welcome(Toned):
    """Told its ways; tells which was taken."""

    DEFAULT_CSS = "Welcome { display: none; height: 1fr; background: $t-background; }"

    class Taken(DataMessage):
        """The person chose a way."""

        id: str

    def __init__(self, glyphs: Glyphs, boot: Sequence[str]) -> None:
        super().__init__(id="welcome")
        self.glyphs = glyphs
        self.boot = tuple(boot)
        self.ways: tuple[Option, ...] = ()
        self.cursor = 0
        self.note = ""

    def offer(self, ways: Sequence[Option], note: str = "") -> None:
        """Show these."""
        self.ways, self.note = tuple(ways), note
        self.display = True
        self.refresh()

    def say(self, note: str) -> None:
        """Another line at the foot."""
        self.note = note
        self.refresh()

    def progress(self, id: str, share: float | None, about: str) -> None:
        """How far one has come."""
        self.ways = tuple(replace(way, share=share, about=about) if way.id == id else way for way in self.ways)
        self.refresh()

    # -- drawing ---------------------------------------------------------------------------------------

    def lines(self) -> list[_Line]:
        """Everything there is to say, fitted to the room: where it is tight, a line for each way."""
        lines = self._lines(99)
        return lines if len(lines) <= self.size.height else self._lines(1)

    def _lines(self, most: int) -> list[_Line]:
        width = min(self.size.width - 2, WIDEST)
        wide = width >= 64
        rows: list[_Line] = []
        for number, way in enumerate(self.ways):
            about = self._bar(way) + way.about
            if wide:
                rows += [_Line(f"{way.title:<15}{text}" if not i else f"{'':<15}{text}", "text", number)
                         for i, text in enumerate(islice(_wrap(about, width - 20), most))]  # fmt: skip
            else:
                rows.append(_Line(way.title, "text", number))
                rows += [_Line(text, "dim", number) for text in islice(_wrap(about, width - 5), most)]
        foot = [_Line(text, "dim") for text in _wrap(self.note, width)]
        boot = [_Line(text, "dim") for line in self.boot for text in _wrap(line, width)]
        spare = self.size.height - len(rows) - len(foot) - 2
        lines = [_Line("Choose how to start", "bright"), _Line("", "dim")]
        if spare >= len(boot) + 2:
            lines = [*boot, _Line("", "dim"), *lines]
        if spare >= len(self.ways) + len(boot) + 4:
            rows = [line for row in _apart(rows) for line in row]
        if self.size.height > len(lines) + len(rows) + len(foot):
            foot = [_Line("", "dim"), *foot]
        return [*lines, *rows, *foot]

    def _bar(self, way: Option) -> str:
        if way.share is None:
            return ""
        full = round(way.share * 16)
        return self.glyphs.full * full + self.glyphs.empty * (16 - full) + " "

    def render_line(self, y: int) -> Strip:
        """One row."""
        lines, width = self.lines(), self.size.width
        top = max(0, (self.size.height - len(lines)) // 2)
        ground = self.tone("dim")
        if not top <= y < top + len(lines):
            return Strip([Segment(" " * width, ground)], width)
        line = lines[y - top]
        inner = min(width - 2, WIDEST)
        left = max(1, (width - inner) // 2)
        here = line.way >= 0 and line.way == self.cursor
        style = self.tone("selected" if here else line.tone)
        segments = [Segment(" " * left, ground)]
        if line.way >= 0:
            first = lines.index(next(one for one in lines if one.way == line.way)) == y - top
            key = self.tone("key")
            segments += [Segment(f" {line.way + 1} ", key) if first else Segment("   ", ground), Segment(" ", ground)]
            text = f"{self.glyphs.pointer if here and first else ' '}{line.text}"
            segments.append(Segment(set_cell_size(text, inner - 4), style))
        else:
            segments.append(Segment(set_cell_size(line.text, inner), style))
        segments.append(Segment(" " * (width - left - inner), ground))
        return Strip(segments).adjust_cell_length(width, ground)

    # -- what the person does --------------------------------------------------------------------------

    def press(self, key: str) -> bool:
        """A key that was pressed in an empty composer: whether it meant something here."""
        if key.isascii() and key.isdigit() and 0 < int(key) <= len(self.ways):
            self.cursor = int(key) - 1
            self.take()
        elif key in ("up", "down") and self.ways:
            self.cursor = (self.cursor + (1 if key == "down" else -1)) % len(self.ways)
        elif key == "enter":
            self.take()
        else:
            return False
        self.refresh()
        return True

    def take(self) -> None:
        """Take the one under the cursor."""
        if self.ways:
            self.post_message(self.Taken(self.ways[self.cursor].id))

    def on_click(self, event: events.Click) -> None:
        """Take the way that was hit."""
        lines = self.lines()
        row = event.y - max(0, (self.size.height - len(lines)) // 2)
        if 0 <= row < len(lines) and lines[row].way >= 0:
            self.cursor = lines[row].way
            self.take()


def _wrap(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and cell_len(line) + 1 + cell_len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        yield line


def _apart(rows: Sequence[_Line]) -> Iterator[list[_Line]]:
    """With a blank line between the ways."""
    for number in range(max((row.way for row in rows), default=-1) + 1):
        yield [*([_Line("", "dim")] if number else []), *(row for row in rows if row.way == number)]
