"""A line of fields that drops its least important ones when it gets narrow: title, status and key bar.

`fit` is the pure part; `FieldLine` draws what it is told and says which field was clicked.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.reactive import reactive
from textual.strip import Strip

from routerterm.tui.data_message import DataMessage
from routerterm.tui.widgets.styles import Tone, Toned

__all__ = ["Field", "FieldLine", "Placed", "Span", "Tone", "fit", "flow"]


class Span(Struct, frozen=True):
    """A run of text in one tone."""

    text: str
    tone: Tone = "text"


class Field(Struct, frozen=True):
    """Something worth showing in a line.  ``rank`` 0 is the last to go; ``action`` is run on a click.

    ``short`` stands in its place before one of rank 0 has to go.
    """

    spans: tuple[Span, ...]
    rank: int = 0
    right: bool = False
    action: str = ""
    short: tuple[Span, ...] = ()

    @property
    def width(self) -> int:
        """Cells that it takes."""
        return sum(cell_len(span.text) for span in self.spans)


class Placed(Struct, frozen=True):
    """A field at its column; ``width`` may be less than the field's own where only that much was left."""

    column: int
    width: int
    field: Field


def fit(fields: Sequence[Field], width: int, gap: int, more: str = "") -> tuple[Placed, ...]:
    """The fields that find room, most important first, at their columns; a sole survivor is cut to fit.

    ``more`` ends a line from which some had to be left out.
    """
    kept, tail = list(fields), [Field((Span(more, "dim"),), rank=-1)] if more else []
    if sum(f.width for f in kept) + gap * (len(kept) - 1) > width:
        kept += tail
    while len(kept) > 1 + len(tail) and sum(f.width for f in kept) + gap * (len(kept) - 1) > width:
        last = max(reversed(kept), key=lambda f: f.rank)
        long = next((n for n, f in enumerate(kept) if f.short and last.rank == 0), None)
        if long is None:
            kept.remove(last)
        else:
            kept[long] = replace(kept[long], spans=kept[long].short, short=())
    placed, column = [], 0
    for field in (f for f in kept if not f.right):
        placed.append(Placed(column, min(field.width, width - column), field))
        column += field.width + gap
    column = width
    for field in reversed([f for f in kept if f.right]):
        size = min(field.width, column)
        column -= size
        placed.append(Placed(column, size, field))
        column -= gap
    return tuple(sorted(placed, key=lambda p: (p.column, p.width)))


def flow(fields: Sequence[Field], width: int, gap: int, lines: int, more: str = "") -> tuple[tuple[Placed, ...], ...]:
    """The fields on so many lines, in their order; the least important ones are left out until the rest fits."""
    if lines == 1:
        return (fit(fields, width, gap, more),)
    kept, tail = list(fields), list[Field]()
    while len(kept) > 1 and len(_broken([*kept, *tail], width, gap)) > lines:
        kept.remove(max(reversed(kept), key=lambda f: f.rank))
        tail = [Field((Span(more, "dim"),))] if more else []
    return tuple(fit(line, width, gap) for line in _broken([*kept, *tail], width, gap))


def _broken(fields: Sequence[Field], width: int, gap: int) -> list[list[Field]]:
    """The fields in lines, as words are in a text."""
    broken: list[list[Field]] = []
    room = 0
    for field in fields:
        if not broken or room < gap + field.width:
            broken.append([])
            room = width + gap
        broken[-1].append(field)
        room -= gap + field.width
    return broken


class FieldLine(Toned):
    """One row of fields, or a few."""

    fields: reactive[tuple[Field, ...]] = reactive(())
    lines: reactive[int] = reactive(1, layout=True)
    """How many rows they may take."""

    class Clicked(DataMessage):
        """A field with an action was clicked."""

        action: str

    def __init__(self, *, gap: int = 3, fill: str = " ", more: str = "", id: str | None = None) -> None:
        """``more`` ends a line from which fields had to be left out."""
        super().__init__(id=id)
        self.gap = gap
        self.fill = fill
        self.more = more
        self.divider = ""
        """What stands in the middle of the gap between two fields."""
        self.centred = False
        """Whether the fields at the left stand in the middle instead."""
        self.reversed = False
        """Whether the whole row is a bar in reverse video, and what is boxed elsewhere stands out by not being so."""

    def watch_lines(self) -> None:
        """Take so many rows of the screen."""
        self.styles.height = self.lines

    def render_line(self, y: int) -> Strip:
        """A row, drawn."""
        rows = flow(self.fields, self.size.width, self.gap, self.lines, self.more)
        if y >= max(1, len(rows)):
            return Strip.blank(self.size.width, self.tone("text"))
        segments: list[Segment] = []
        column = 0
        faint = self.tone("key" if self.reversed else "faint")
        for placed in self._centre(rows[y]) if rows else ():
            between = self._between(column, placed.column)
            if self.divider and column and len(between) == self.gap:
                between = self.divider.center(self.gap)
            segments.append(Segment(between, faint))
            segments.extend(self._draw(placed))
            column = placed.column + placed.width
        segments.append(Segment(self._between(column, self.size.width), faint))
        return Strip(segments).adjust_cell_length(self.size.width)

    def _centre(self, row: Sequence[Placed]) -> list[Placed]:
        """A row with what stands at its left in the middle, as far as there is room."""
        left = [placed for placed in row if not placed.field.right]
        others = [placed for placed in row if placed.field.right]
        if not (self.centred and left):
            return list(row)
        end = left[-1].column + left[-1].width
        room = min((placed.column for placed in others), default=self.size.width) - end
        by = max(0, min((self.size.width - end) // 2, room - 1))
        return [*(replace(placed, column=placed.column + by) for placed in left), *others]

    def _between(self, column: int, end: int) -> str:
        """The fill over these columns: a pattern stays where it is, whatever the words."""
        fill = self.fill or " "
        return "".join(fill[x % len(fill)] for x in range(column, end)) if len(fill) > 1 else fill * (end - column)

    def _draw(self, placed: Placed) -> list[Segment]:
        segments, room = [], placed.width
        for span in placed.field.spans:
            text = span.text if cell_len(span.text) <= room else set_cell_size(span.text, room)
            segments.append(Segment(text, self.tone(self._tone(span.tone))))
            room -= cell_len(text)
        return segments

    def _tone(self, tone: Tone) -> Tone:
        if not self.reversed:
            return tone
        return "text" if tone == "key" else "key"

    def on_click(self, event: events.Click) -> None:
        """Say which field was hit."""
        rows = flow(self.fields, self.size.width, self.gap, self.lines, self.more)
        for placed in self._centre(rows[event.y]) if event.y < len(rows) else ():
            if placed.column <= event.x < placed.column + placed.width and placed.field.action:
                event.stop()
                self.post_message(self.Clicked(placed.field.action))
