"""A list of rows in columns, drawn line by line; the least important columns go first on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias

from msgspec import Struct
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.strip import Strip

from routerterm.tui.actions import Action, bindings_of
from routerterm.tui.data_message import DataMessage
from routerterm.tui.widgets.cursor_list import CursorList
from routerterm.tui.widgets.fields import Span
from routerterm.tui.widgets.styles import Tone, Toned

Cells: TypeAlias = tuple[str | tuple[Span, ...], ...]
"""What stands in the columns of a row: text, or runs of text in tones."""
GAP = 2
CURSOR = ">"
"""Before the row under the cursor: its ground alone would be nothing where there are no colours."""
LEAST = 26
"""Cells that a column which gives way keeps while others could go instead."""
PAIR = 8
"""The same where the last other column would have to go: a value without its name says nothing."""
SAMPLE = 500
"""Rows of a long list that are looked at to find how wide its columns are."""


class Column(Struct, frozen=True):
    """One column.  ``rank`` 0 is the last to go; one of them may ``grow``: it gives way and takes what is left."""

    title: str = ""
    rank: int = 0
    right: bool = False
    grow: bool = False
    most: int = 60
    """Cells that it takes at most, unless it grows."""
    least: int = LEAST
    """Cells that it keeps, if it grows, while other columns could go instead."""


class Row(Struct, frozen=True):
    """One row; a cell is text, or runs of text in tones.

    One without an id cannot be chosen: it is a heading, in the theme's form, or with a tone of its own a note.
    """

    id: str
    cells: Cells
    tone: Tone = "text"
    search: str = ""
    """What a filter looks at; the cells' text where it is empty."""
    detail: str = ""
    """A sentence more, for where there is room to say it of the row under the cursor."""

    @property
    def text(self) -> str:
        """What a filter looks at."""
        return self.search or " ".join(plain(cell) for cell in self.cells)


class ManyRows:
    """Rows of a long list, each made when it is first looked at.  All of them can be chosen."""

    def __init__(self, ids: Sequence[str], make: Callable[[int], Row]) -> None:
        """``make`` makes the row of a number, whose id stands at that place in ``ids``."""
        self.ids = ids
        self._make = make
        self._made = dict[int, Row]()

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, number: int) -> Row:
        if number not in self._made:
            self._made[number] = self._make(number)
        return self._made[number]

    def sample(self) -> list[Row]:
        """Some of them, the first and the last among them: so wide are the columns."""
        step = max(1, len(self) // SAMPLE)
        return [self[number] for number in {*range(0, len(self), step), len(self) - 1} if number >= 0]


def plain(cell: str | tuple[Span, ...]) -> str:
    """A cell without its tones."""
    return cell if isinstance(cell, str) else "".join(span.text for span in cell)


def widths(columns: Sequence[Column], rows: Sequence[Row], room: int) -> dict[int, int]:
    """Which columns find room, by number, and how wide each is; empty ones need none.

    One that may grow gives way first, down to its ``least``; then columns go, by rank.
    """
    natural = {n: _widest(n, column, rows) for n, column in enumerate(columns)}
    kept = {n: size if columns[n].grow else min(columns[n].most, size) for n, size in natural.items() if size}
    grower = next((n for n in kept if columns[n].grow), None)
    while kept:
        over = sum(kept.values()) + GAP * (len(kept) - 1) - room
        if over <= 0:
            break
        least = columns[grower].least if grower is not None and len(kept) > 2 else PAIR
        if grower in kept and (give := min(over, kept[grower] - least)) > 0:
            kept[grower] -= give
        elif len(kept) > 1:
            del kept[max(reversed([n for n in kept if n != grower or columns[n].rank]), key=lambda n: columns[n].rank)]
        else:
            kept = dict.fromkeys(kept, room)
    if grower in kept:
        spare = room - sum(kept.values()) - GAP * (len(kept) - 1)
        kept[grower] = min(natural[grower], kept[grower] + spare)
    return kept


def _widest(number: int, column: Column, rows: Sequence[Row]) -> int:
    texts = (plain(row.cells[number]) for row in rows if row.id and number < len(row.cells))
    cells = (len(text) if text.isascii() else cell_len(text) for text in texts)
    widest = max(cells, default=0)
    return max(cell_len(column.title), widest) if widest else 0


class RowList(CursorList):
    """Told columns and rows; tells which row is under the cursor and which one was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of((Action("space", "Page down", "page(1)"),))

    class Chosen(DataMessage):
        """Enter or a click on a row."""

        id: str

    class Moved(DataMessage):
        """The cursor stands on another row."""

        id: str

    class TitleClicked(DataMessage):
        """The title of a column was clicked."""

        number: int

    def __init__(self, columns: Sequence[Column] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.rows: tuple[Row, ...] | ManyRows = ()
        self.HEADER = int(any(column.title for column in columns))
        self._choosable: Sequence[int] = ()
        self._sizes: tuple[int, dict[int, int]] = (-1, {})

    def count(self) -> int:
        """See `CursorList`."""
        return len(self.rows)

    def choosable(self) -> Sequence[int]:
        """Rows with an id."""
        return self._choosable

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        row = self.rows[self.cursor] if self.cursor < len(self.rows) else None
        return row if row and row.id else None

    def show(self, rows: Sequence[Row] | ManyRows, *, on: str | None = None) -> None:
        """Replace the rows; the cursor goes to the row ``on``, or the first that can be chosen."""
        self.rows, self._sizes = rows if isinstance(rows, ManyRows) else tuple(rows), (-1, {})
        ids = rows.ids if isinstance(rows, ManyRows) else [row.id for row in rows]
        self._choosable = range(len(ids)) if isinstance(rows, ManyRows) else [n for n, id in enumerate(ids) if id]
        wanted = (n for n in self._choosable if ids[n] == on)
        self.cursor = next(wanted, self._choosable[0] if self._choosable else 0)
        self.resized()
        self.scroll_to(y=0, animate=False, immediate=True)
        self.reveal()

    @property
    def _width(self) -> int:
        """Cells of a row, so that the blank at its end lies before the scroll bar and not under it."""
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        """The titles stay; the rows scroll."""
        width = self._width
        sizes = self._widths(width - 2)
        if y < self.HEADER:
            titles = Row("", tuple(column.title for column in self.columns))
            return self._draw(titles, sizes, "dim", width)
        index = self.line_at(y)
        if index is None:
            return Strip.blank(width, self.tone("text"))
        row = self.rows[index]
        if not row.id:
            words = f" {plain(row.cells[0])}"
            if row.tone == "text":
                return heading_line(self, words, width)
            return Strip([Segment(set_cell_size(words, width), self.tone(row.tone))], width)
        return self._draw(row, sizes, row.tone, width, cursor=index == self.cursor)

    def _widths(self, room: int) -> dict[int, int]:
        """How wide each column is; looked at once for all lines."""
        if self._sizes[0] != room:
            rows = self.rows.sample() if isinstance(self.rows, ManyRows) else self.rows
            self._sizes = (room, widths(self.columns, rows, room))
        return self._sizes[1]

    def _draw(self, row: Row, sizes: dict[int, int], tone: Tone, width: int, *, cursor: bool = False) -> Strip:
        under = self.tone("cursor")
        base = under if cursor else self.tone(tone)
        segments = [Segment(CURSOR if cursor else " ", base)]
        filled = [number for number in sizes if number < len(row.cells) and row.cells[number]]
        left = width - 2
        for place, (number, size) in enumerate(sizes.items()):
            left -= GAP if place else 0
            if filled and number == filled[-1] and not self.columns[number].right:
                size = max(size, left)  # nothing follows: it need not be cut
            left -= size
            segments.append(Segment(" " * GAP if place else "", base))
            cell = row.cells[number] if number < len(row.cells) else ""
            spans = (Span(cell, tone),) if isinstance(cell, str) else cell
            text = "".join(span.text for span in spans)
            pad = max(0, size - cell_len(text))
            if self.columns[number].right:
                segments.append(Segment(" " * pad, base))
            room = size
            for span in spans:
                piece = span.text if cell_len(span.text) <= room else _cut(span.text, room)
                style = under if cursor else self.tone(span.tone)
                segments.append(Segment(piece, style))
                room -= cell_len(piece)
            # a text that was cut at a blank is shorter than its column
            segments.append(Segment(" " * max(0, room - (pad if self.columns[number].right else 0)), base))
        return Strip(segments).adjust_cell_length(width, base)

    def moved(self) -> None:
        """Tell whoever shows more of a row."""
        if self.current is not None:
            self.post_message(self.Moved(self.current.id))

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if self.current is not None:
            self.post_message(self.Chosen(self.current.id))

    def on_click(self, event: events.Click) -> None:
        """Choose the row that was hit, or say whose title it was."""
        if event.y < self.HEADER:
            self._tell_title(event.x)
        else:
            super().on_click(event)

    def _tell_title(self, x: int) -> None:
        column = 1
        for number, size in self._widths(self._width - 2).items():
            if column <= x < column + size + GAP:
                self.post_message(self.TitleClicked(number))
            column += size + GAP


def heading_line(widget: Toned, title: str, width: int, bar: str = "") -> Strip:
    """A line that parts a list, in the theme's form; ``bar`` is what its plain form begins with.

    A list with a bar stands beside answers: what scrolls there takes its rows along and they are written again, so that
    a rule is no longer than it must be.
    """
    form, dim = widget.form.headings, widget.tone("dim")
    match form:
        case "caps":
            title = f"{bar and ' '}{title.upper()}"
        case "band":
            return Strip([Segment(set_cell_size(f" {title.strip()}", width), widget.tone("band"))], width)
        case "rule" | "dashes" if title.strip():
            rule = "─" if form == "rule" else "-"
            lead = f"{rule}{rule} "
            words = set_cell_size(title.strip(), min(cell_len(title.strip()), max(1, width - 4)))
            rest = "" if bar else rule * max(0, width - 4 - cell_len(words))
            faint = widget.tone("faint")
            pieces = [Segment(lead, faint), Segment(words, dim), Segment(f" {rest}", faint)]
            return Strip(pieces).adjust_cell_length(width, dim)
        case _:
            title = f"{bar}{title}"
    return Strip([Segment(set_cell_size(title, width), dim)], width)


def _cut(text: str, room: int) -> str:
    return set_cell_size(text, room - 1).rstrip() + "…" if room > 1 else set_cell_size(text, max(0, room))
