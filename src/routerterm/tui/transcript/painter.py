"""Painting the lines of the entries that are in view, each row once, with what lies over them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip

from routerterm.core.counting import counted
from routerterm.tui.themes.palette import Palette
from routerterm.tui.transcript.entry_list import EntryList, EntrySlot
from routerterm.tui.transcript.paint import GUTTER, overlay, paint
from routerterm.tui.transcript.shortcut import Shortcut


class Painter(ScrollView):
    """Draws the lines of a `EntryList`."""

    def __init__(self, palette: Palette | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entry_list = EntryList(palette or Palette.default())
        self.rows = 0
        """Lines in view."""
        self.columns = 0
        """Cells of a line in view, gutter and all."""
        self._painted: dict[int, Strip] = {}
        self._frame: set[int] | None = None
        """Rows to paint once what is being done is done."""
        self._shortcut = Shortcut(self)

    @property
    def palette(self) -> Palette:
        """The colours and signs in use."""
        return self.entry_list.palette

    @property
    def news(self) -> int:
        """Lines that came below the view, to be told of in its last row."""
        return 0

    def refresh_rows(self, first: int, end: int) -> None:
        """Repaint some rows of the view."""
        first, end = max(first, 0), min(end, self.rows)
        if end > first:
            self.refresh(Region(0, first, self.columns, end - first))

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Paint anew, all or some regions; within `one_frame` that waits for its end."""
        if regions:
            rows = {y for region in regions for y in region.line_range}
            for y in rows:
                self._painted.pop(y, None)
        else:
            rows = set(range(self.rows))
            self._painted.clear()
        if self._frame is not None and repaint and not layout and not recompose:
            self._frame |= rows
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    @contextmanager
    def one_frame(self) -> Iterator[None]:
        """Gather what is to be painted, then show it: straight on the terminal where nothing else is concerned."""
        if self._frame is not None:
            yield
            return
        self._frame = set()
        try:
            yield
        finally:
            rows, self._frame = sorted(y for y in self._frame if 0 <= y < self.rows), None
            if rows and not self._shortcut.show(rows):
                self.refresh_rows(rows[0], rows[-1] + 1)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows of the view, each painted once: Textual's own cache would copy every strip, and what it knows of it."""
        if self.styles.gutter != (0, 0, 0, 0):
            return super().render_lines(crop)
        painted = self._painted
        missing = [y for y in crop.line_range if y not in painted]
        if missing:
            filters, ground = self.app.get_line_filters(), self.background_colors[1]
            for y in missing:
                strip = self.render_line(y)
                for line_filter in filters:
                    strip = strip.apply_filter(line_filter, ground)
                painted[y] = strip
        if crop.x or crop.right < self.columns:
            return [painted[y].crop(crop.x, crop.right) for y in crop.line_range]
        return [painted[y] for y in crop.line_range]

    def render_line(self, y: int) -> Strip:
        """One row of the view."""
        width, entry_list = self.columns, self.entry_list
        number, index = entry_list.heights.find(y + self.scroll_offset.y)
        if y == self.rows - 1 and self.news:
            return self._notice(width)
        if y == 0 and index and (said := self._prompt_above(number)) is not None:
            return self._sticky(said, width)
        slot = entry_list.slots[number] if number < len(entry_list.slots) else None
        if slot is None or not slot.is_laid_out or index >= slot.height:
            return Strip.blank(width, self.palette.ground)
        if index == slot.height - 1 and (hairline := self._between_turns(number, width)) is not None:
            return self.decorate(number, index, hairline)
        strip = slot.strips.get(index)
        if strip is None or strip.cell_length != width:
            said_bar = slot.entry.role == "user" and 0 < index < slot.height - 1
            mark = (
                self.palette.mark_of(slot.entry.header.speaker)
                if _is_answer(slot) and index < slot.height - 1
                else None
            )
            strip = paint(slot.line(index), width, entry_list.width, self.palette, bar=said_bar, mark=mark)
            entry_list.keep_painted(slot, index, strip)
        return self.decorate(number, index, strip)

    def decorate(self, number: int, index: int, strip: Strip) -> Strip:
        """The line with what lies over it: cursor, selection, what was found."""
        return strip

    def _between_turns(self, number: int, width: int) -> Strip | None:
        """The hairline beneath an answer that another turn follows, where the theme has one."""
        palette, slots = self.palette, self.entry_list.slots
        turns = palette.signs.turns
        if not turns or number + 1 >= len(slots) or slots[number + 1].entry.role != "user":
            return None
        ground, room = palette.style("text"), min(self.entry_list.width, width - GUTTER)
        line = (turns * (room // len(turns) + 1))[:room]
        return Strip([Segment(" " * GUTTER, ground), Segment(line, palette.style("faint"))]).adjust_cell_length(
            width, ground
        )

    def _prompt_above(self, number: int) -> int | None:
        """The prompt that the entry at the top of the view answers, if it is out of view."""
        while number > 0 and self.entry_list.slots[min(number, len(self.entry_list.slots) - 1)].entry.role != "user":
            number -= 1
            if self.entry_list.slots[number].entry.role == "user":
                return number
        return None

    def _sticky(self, number: int, width: int) -> Strip:
        from routerterm.tui.transcript.layout.header import first_line

        palette = self.palette
        text = first_line(self.entry_list.slots[number].entry, width - GUTTER - 1, palette.signs)
        style = palette.style("sticky")
        return Strip([Segment(f"{palette.signs.ascent} {text}", style)]).adjust_cell_length(width, style)

    def _notice(self, width: int) -> Strip:
        palette = self.palette
        text = f" {palette.signs.down} {counted(self.news, 'new line')} {palette.signs.dot} End "
        number, index = self.entry_list.heights.find(self.rows - 1 + self.scroll_offset.y)
        slot = self.entry_list.slots[number] if number < len(self.entry_list.slots) else None
        below = Strip.blank(width, palette.ground)
        if slot is not None and slot.is_laid_out and index < slot.height:
            below = paint(slot.line(index), width, self.entry_list.width, palette)
        start = max(width - cell_len(text) - 2, 0)
        notice = Strip([Segment(text, palette.style("more"))])
        return Strip.join([below.crop(0, start), notice, below.crop(start + notice.cell_length)]).adjust_cell_length(
            width
        )


def _is_answer(slot: EntrySlot) -> bool:
    """Whether it has a mark in its model's colour: only once it is whole, for on each row that comes in, another colour
    would cost more bytes than the words."""
    return slot.entry.role == "assistant" and slot.live is None


def lay_over(strip: Strip, spans: list[tuple[int, int]], palette: Palette, key: str) -> Strip:
    """A strip with a palette's style over spans of a line's cells, the gutter not counted."""
    style = palette.style(key)
    if key == "selection":  # not every colour of text can be read on that ground; the brightest can
        style = type(style)(color=palette.style("said").color, bgcolor=style.bgcolor)
    return overlay(strip, [(begin + GUTTER, end + GUTTER) for begin, end in spans], style)
