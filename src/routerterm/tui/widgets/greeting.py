"""What an empty chat shows: the name in the theme's own letters, what is so, and the conversations before this one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.strip import Strip

from routerterm.tui.data_message import DataMessage
from routerterm.tui.themes.letters import block_letters
from routerterm.tui.widgets.styles import Look, Toned

if TYPE_CHECKING:
    from textual.geometry import Region, Size

    from routerterm.tui.themes.values import Theme

NAME = "ROUTERTERM"
WIDEST = 68
"""Cells that the columns take at most."""
BESIDE = 48
"""Cells from which facts and conversations stand side by side."""
MASTHEAD_FROM = 28
"""Rows of a screen from which the name may stand over everything."""
LABEL = 7
"""Cells of a fact's name."""


class Recent(Struct, frozen=True):
    """A conversation to go on with."""

    id: str
    title: str
    age: str = ""


class Facts(Struct, frozen=True):
    """What is true now; what is not known yet is empty, and takes no row."""

    facts: tuple[tuple[str, str], ...] = ()
    """Names and values: ``today``, ``$0.42 of $2.00``."""
    recent: tuple[Recent, ...] = ()
    tip: str = ""


class _Line(Struct, frozen=True):
    parts: tuple[tuple[str, Look], ...]
    recent: int = -1
    """Which conversation a click on it opens."""

    @property
    def width(self) -> int:
        return sum(cell_len(text) for text, _ in self.parts)


class Masthead(Toned):
    """The name over a tall screen, where the theme has it: huge, on a ground of its own."""

    DEFAULT_CSS = "Masthead { display: none; height: 3; background: $t-panel; }"

    def __init__(self, theme: Theme) -> None:
        super().__init__(id="masthead")
        self._theme = theme

    def apply_theme(self, theme: Theme) -> None:
        """Another theme's, or none."""
        self._theme = theme
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A row of the letters."""
        rows, width, ground = block_letters(NAME, "half", self.size.width - 2), self.size.width, self.tone("bright")
        text = f" {rows[y]}" if y < len(rows) else ""
        return Strip([Segment(text, self.tone("accent"))]).adjust_cell_length(width, ground)


def has_masthead(theme: Theme, size: Size) -> bool:
    """Whether there is room for it at that size."""
    return theme.layout.masthead and size.height >= MASTHEAD_FROM and size.width >= WIDEST


class Greeting(Toned):
    """Told its facts; tells which conversation was chosen."""

    DEFAULT_CSS = "Greeting { height: 1fr; background: $t-background; }"

    class Chosen(DataMessage):
        """One of the conversations is to be opened."""

        id: str

    def __init__(self, theme: Theme) -> None:
        super().__init__(id="greeting")
        self._theme = theme
        self._facts = Facts()
        self._boot: tuple[str, ...] | None = None
        self._marked = -1
        self._drawn: tuple[list[_Line], int] = [], 0
        """As it was when it was last drawn."""

    @property
    def recent(self) -> tuple[Recent, ...]:
        """The conversations on offer, in the order of their numbers."""
        return self._facts.recent if self.display and self._boot is None else ()

    def apply_theme(self, theme: Theme) -> None:
        """Another theme's letters and words."""
        self._theme = theme
        self.refresh()

    def show(self, facts: Facts) -> None:
        """This is so now."""
        if facts != self._facts:
            self._facts = facts
            self.refresh()

    def boot(self, lines: Sequence[str] | None) -> None:
        """Show these lines of a theme that starts, or with None what stands here afterwards."""
        self._boot = None if lines is None else tuple(lines)
        self.refresh()

    def mark(self, number: int) -> None:
        """Show that this conversation is about to be opened; -1 is none."""
        self._marked = number
        self.refresh()

    def lines(self) -> list[_Line]:
        """What is said, from the top: what matters least is left out where there is no room."""
        room, height = self.size.width - 2, self.size.height
        if self._boot is not None:
            return [_Line(((line, "dim"),)) for line in self._boot]
        name = self._letters(self.size.width)
        name = [*name, _Line(())] if name else []
        voice = [_Line(((line, "dim"),)) for line in self._theme.voice]
        blank = _Line(())
        columns = self._columns(min(room, WIDEST))
        tip = [blank, _Line((("Tip ", "accent"), (self._facts.tip, "dim")))] if self._facts.tip else []
        if tip and tip[1].width > room:
            tip = []
        for lines in (
            [*name, *voice, blank, *columns, *tip],
            [*name, *voice, blank, *columns],
            [*voice, blank, *columns],
            [*name, *voice],
        ):
            if len(lines) <= height:
                return lines
        return voice[:height]

    def _letters(self, room: int) -> list[_Line]:
        if has_masthead(self._theme, self.app.size):
            return []
        letters = block_letters(NAME, self._theme.layout.letters, room)
        return [_Line(((row, "accent"),)) for row in letters]  # none where it is narrow: the first line has the name

    def _columns(self, room: int) -> list[_Line]:
        facts = list(self._fact_lines(room // 2 - 1 if room >= BESIDE else room))
        recent = list(self._recent_lines(room // 2 if room >= BESIDE else room))
        if room < BESIDE:
            return [_padded(line, room) for line in (*facts, *([_Line(())] if facts and recent else []), *recent)]
        left = room - room // 2
        rows = []
        for n in range(max(len(facts), len(recent))):
            one = facts[n].parts if n < len(facts) else ()
            pad = left - sum(cell_len(text) for text, _ in one)
            two = recent[n] if n < len(recent) else _Line(())
            rows.append(_padded(_Line((*one, (" " * pad, "dim"), *two.parts), two.recent), room))
        return rows

    def _fact_lines(self, room: int) -> Iterator[_Line]:
        for name, value in self._facts.facts:
            text = value
            if cell_len(value) > room - LABEL:
                text = set_cell_size(value, max(1, room - LABEL - 1)).rstrip() + self._theme.glyphs.ellipsis
            yield _Line(((f"{name:<{LABEL}}", "dim"), (text, "text")))

    def _recent_lines(self, room: int) -> Iterator[_Line]:
        for number, recent in enumerate(self._facts.recent):
            wide = room - 5 - len(recent.age)
            title = recent.title
            if cell_len(title) > wide:
                title = set_cell_size(title, max(1, wide - 1)).rstrip() + self._theme.glyphs.ellipsis
            look: Look = "selected" if number == self._marked else "text"
            parts: tuple[tuple[str, Look], ...] = (
                (f" {number + 1} ", "key"), (f" {set_cell_size(title, wide)}", look), (f" {recent.age}", "dim"),
            )  # fmt: skip
            yield _Line(parts, number)

    def _placed(self) -> tuple[list[_Line], int]:
        """The lines, and the row of the first."""
        lines = self.lines()
        spare = max(0, self.size.height - len(lines))
        return lines, max(spare // 2, min(spare, 1))  # the letters do not touch what is above them, if there is room

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows; what stands on them is found once for all."""
        self._drawn = self._placed()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One row."""
        lines, top = self._drawn
        width, ground = self.size.width, self.tone("dim")
        if not top <= y < top + len(lines):
            return Strip([Segment(" " * width, ground)], width)
        line = lines[y - top]
        left = max(0, (width - line.width) // 2)
        segments = [Segment(" " * left, ground), *(Segment(text, self.tone(look)) for text, look in line.parts)]
        return Strip(segments).adjust_cell_length(width, ground)

    def on_click(self, event: events.Click) -> None:
        """Open the conversation that was hit."""
        lines, top = self._placed()
        row = event.y - top
        if 0 <= row < len(lines) and lines[row].recent >= 0:
            self.post_message(self.Chosen(self._facts.recent[lines[row].recent].id))


def _padded(line: _Line, width: int) -> _Line:
    """A line with blanks up to that width: lines of the same width stand under one another."""
    return _Line((*line.parts, (" " * max(0, width - line.width), "dim")), line.recent)
