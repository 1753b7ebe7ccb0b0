"""The mouse: selecting across messages, unfolding, clicking the notice."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.strip import Strip
from textual.timer import Timer

from routerterm.tui.transcript import messages
from routerterm.tui.transcript.paint import GUTTER
from routerterm.tui.transcript.painter import lay_over
from routerterm.tui.transcript.selection import END, Place, Selection, blocks, selected_text, word_at
from routerterm.tui.transcript.viewport import Viewport


class MouseControl(Viewport):
    """A viewport in which text can be selected."""

    _selection: Selection | None = None
    _pressed: Place | None = None
    _scroll_timer: Timer | None = None
    _pointer_row = 0

    @property
    def selection(self) -> Selection | None:
        """What is selected."""
        return self._selection

    @property
    def selected(self) -> str:
        """The selected text: plain, without borders."""
        return selected_text(self.entry_list, self._selection) if self._selection is not None else ""

    def select(self, selection: Selection | None) -> None:
        """Select something else, or nothing."""
        if selection != self._selection:
            self._selection = selection
            self.refresh()

    def place_at(self, x: int, y: int) -> Place:
        """The place at a cell of the view."""
        number, line = self.entry_list.heights.find(max(y + self.scroll_offset.y, 0))
        if number >= len(self.entry_list.slots):
            return Place(len(self.entry_list.slots), 0, 0)
        return Place(number, line, max(x - GUTTER, 0))

    def decorate(self, number: int, index: int, strip: Strip) -> Strip:
        """The selection over the line."""
        strip = super().decorate(number, index, strip)
        span = self._selection.span(number, index) if self._selection is not None else None
        if span is None:
            return strip
        begin, end = span
        line = self.entry_list.slots[number].line(index)
        length = cell_len(line.text)
        return lay_over(strip, [(begin, min(end, max(length, begin + 1)))], self.palette, "selection")

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A press may become a click or a selection."""
        if event.button != 1:
            return
        self._pressed = self.place_at(event.x, event.y)
        self.select(None)
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select up to here; past an edge, the view follows."""
        if self._pressed is None:
            return
        self._pointer_row = event.y
        row = max(0, min(event.y, self.rows - 1))
        self._drag_to(self.place_at(event.x, row))
        outside = not 0 <= event.y < self.rows
        if outside and self._scroll_timer is None:
            self._scroll_timer = self.set_interval(0.05, self._scroll_on)
        elif not outside:
            self._stop_scrolling()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """The selection is made."""
        if self._pressed is None:
            return
        self._pressed = None
        self._stop_scrolling()
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """One click points; two select a word, three a block; the notice leads to the end."""
        if event.y == self.rows - 1 and self.unread and not self.follow:
            self.set_follow(True)
            self.settle_view()
            self.refresh()
            return
        place = self.place_at(event.x, event.y)
        if self._selection is not None or place.number >= len(self.entry_list.slots):
            return
        self.entry_list.lay(place.number)
        slot = self.entry_list.slots[place.number]
        if place.line >= slot.height:
            return
        if event.chain == 2:
            begin, end = word_at(slot.line(place.line), place.cell)
            self.select(Selection(place._replace(cell=begin), place._replace(cell=end)))
        elif event.chain >= 3:
            for _, begin, end in blocks(slot):
                if begin <= place.line < end:
                    self.select(Selection(Place(place.number, begin, 0), Place(place.number, end - 1, END)))
        else:
            self.point(place)

    def point(self, place: Place) -> None:
        """A single click at a place."""

    def ask_copy(self, text: str, what: str) -> None:
        """Ask for a text to be copied, if there is any."""
        if text:
            self.post_message(messages.CopyRequested(self, text, what))

    def _drag_to(self, place: Place) -> None:
        assert self._pressed is not None
        if place != self._pressed:
            forward = place > self._pressed
            point = place._replace(cell=place.cell + 1) if forward else place
            anchor = self._pressed if forward else self._pressed._replace(cell=self._pressed.cell + 1)
            self.select(Selection(anchor, point))

    def _scroll_on(self) -> None:
        step = -1 if self._pointer_row < 0 else 1
        self.scroll_to(y=self.scroll_offset.y + step, animate=False)
        if self._pressed is not None:
            self._drag_to(self.place_at(0 if step < 0 else END, 0 if step < 0 else self.rows - 1))

    def _stop_scrolling(self) -> None:
        if self._scroll_timer is not None:
            self._scroll_timer.stop()
            self._scroll_timer = None
