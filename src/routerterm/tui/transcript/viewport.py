"""What of the conversation is in view: laying out, scrolling, following the end.  `Painter` paints it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import events
from textual.geometry import Size
from textual.scrollbar import ScrollBar
from textual.timer import Timer
from textual.widget import Widget

from routerterm.tui.textual_internals.screens import QuietWidget, own_scrollbar
from routerterm.tui.themes.palette import Palette
from routerterm.tui.transcript import messages
from routerterm.tui.transcript.images import ImageCache
from routerterm.tui.transcript.paint import GUTTER
from routerterm.tui.transcript.painter import Painter
from routerterm.tui.transcript.scrollbar import Bar

MEASURE = 108
"""No line of text is longer than this, however wide the screen: the eye loses its way back."""
FRAME = 1 / 12
"""Seconds between two paintings of a growing answer, at least."""
SPARING_FRAME = 1 / 4
"""The same on a slow line."""
DEAR_JUMP = 4
"""Lines that are scrolled at once where each scroll costs much."""
NEAR_TOP = 3
"""Earlier entries are asked for when the view is this many screens from the first."""


class Viewport(QuietWidget, Painter, can_focus=True):
    """Keeps the right lines of the entries laid out and in view."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Viewport { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    """

    def __init__(self, palette: Palette | None = None, **kwargs: Any) -> None:
        super().__init__(palette, **kwargs)
        self.gallery = ImageCache(lambda ids: self.call_later(self.show_drawn, ids))
        self.entry_list.drawer = self.gallery.drawer
        self.frame = FRAME
        self.jump = 1
        """Lines that the view moves on by, at least, when a growing answer reaches its end."""
        self.more_before = False
        self._asked = ""
        self._follow = True
        self._placing = False
        self._unread = 0
        self._fresh: set[int] = set()
        self._flush_timer: Timer | None = None

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """Our own kind of bar, made when it is first asked for, as Textual does."""
        thickness = self.scrollbar_size_vertical
        return own_scrollbar(self, lambda: Bar(vertical=True, name="vertical", thickness=thickness))

    # -- follow ------------------------------------------------------------------------------------

    @property
    def follow(self) -> bool:
        """Whether the view stays at the end while entries grow."""
        return self._follow

    @property
    def unread(self) -> int:
        """Lines that came below since the view stopped following."""
        return self._unread

    @property
    def news(self) -> int:
        """See `Painter.news`."""
        return 0 if self._follow else self._unread

    def set_follow(self, follow: bool) -> None:
        """Follow the end, or stay here."""
        if follow == self._follow:
            return
        self._follow = follow
        self._unread = 0
        self.post_message(messages.FollowChanged(self, follow))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The view was moved: by us, or by the person."""
        super().watch_scroll_y(old_value, new_value)
        if self._placing or round(old_value) == round(new_value):
            return
        self.set_follow(new_value >= self.max_scroll_y)
        self.settle_view()

    def throttle(self, slow: bool, *, dear: bool = False) -> None:
        """On a slow line: paint less often, and scroll by a third of the view instead of line by line.

        ``dear``: each scroll takes along what stands beside the view, and that is sent again; then a few lines at once.
        """
        self.frame = SPARING_FRAME if slow else FRAME
        beside = dear and self.region.width < self.screen.size.width * 9 // 10
        if slow:
            self.jump = max(self.rows // 3, 1)
        elif beside:
            self.jump = DEAR_JUMP
        else:
            self.jump = 1
        self.gallery.spare = slow

    def on_unmount(self) -> None:
        """No more pictures."""
        self.gallery.close()

    def _to_end(self) -> None:
        """Put the end in view; on a slow line with room below for the lines to come."""
        beyond = self.entry_list.heights.total - self.rows
        growing = beyond > 0 and self.entry_list.slots[-1].live is not None
        self.place(beyond, room=-beyond % self.jump if growing else 0)

    # -- what is where -----------------------------------------------------------------------------

    def on_resize(self, _event: events.Resize) -> None:
        """Lay out at the new width; what is at the top stays in view."""
        _, _, self.columns, self.rows = self.scrollable_content_region
        width = max(min(self.columns - GUTTER - 1, MEASURE), 8)
        if width != self.entry_list.width:
            self.keep_place(lambda: self.entry_list.reset(width, self.palette))
        else:
            self.settle_view()
        self.refresh()

    def keep_place(self, change: Callable[[], object]) -> None:
        """Do what changes heights, and bring the entry at the top of the view back to where it was."""
        entry_list = self.entry_list
        number, line = entry_list.heights.find(self.scroll_offset.y)
        share = line / max(entry_list.heights[number], 1) if number < len(entry_list.slots) else 0.0
        width = entry_list.width
        change()
        if not self._follow:
            if number < len(entry_list.slots):
                if entry_list.width:
                    entry_list.lay(number)
                if entry_list.width != width:  # every line was cut anew: about as far down as before
                    line = int(share * entry_list.heights[number])
                line = min(line, entry_list.heights[number] - 1)
            self.place(entry_list.heights.before(min(number, len(entry_list.slots))) + line)
        self.settle_view()
        self.refresh()

    def settle_view(self) -> None:
        """Lay out what is in view, and put the view where it belongs."""
        if not self.entry_list.width or not self.rows:
            return
        if self._follow:
            self._lay_end()
            self._to_end()
        else:
            self._lay_around()
        self._ask_for_older()

    def _lay_end(self) -> None:
        filled, number = 0, len(self.entry_list.slots) - 1
        while number >= 0 and filled < self.rows:
            self.entry_list.lay(number)
            filled += self.entry_list.heights[number]
            number -= 1

    def _lay_around(self) -> None:
        """Lay out what is in view; what was already laid out there stays where it is on the screen."""
        entry_list = self.entry_list
        y = self.scroll_offset.y
        while True:
            first, _ = entry_list.heights.find(y)
            last, _ = entry_list.heights.find(y + self.rows - 1)
            seen = range(first, min(last + 1, len(entry_list.slots)))
            rough = [number for number in seen if not entry_list.slots[number].is_laid_out]
            if not rough:
                break
            fixed = next((number for number in reversed(seen) if entry_list.slots[number].is_laid_out), seen[0])
            before = entry_list.heights.before(fixed)
            for number in rough:
                entry_list.lay(number)
            y = max(min(y + entry_list.heights.before(fixed) - before, entry_list.heights.total - self.rows), 0)
        self.place(y)

    def place(self, y: int, room: int = 0) -> None:
        """Scroll there without a second look at what is in view, and tell the scrollbar; ``room``: so much lower."""
        rows, total = self.rows, self.entry_list.heights.total + room
        y += room
        y = max(min(y, total - rows), 0)
        moved = y != self.scroll_offset.y
        if not moved and total == self.virtual_size.height and self.scroll_target_y == y:
            return
        self._placing = True
        try:
            # Not by assignment: that would lay out the whole screen anew for every line that comes.
            self.set_reactive(Widget.virtual_size, Size(self.columns, total))
            self.set_reactive(Widget.scroll_target_y, float(y))
            bar = self.vertical_scrollbar
            bar.window_virtual_size, bar.window_size = total, rows
            self.scroll_y = y
        finally:
            self._placing = False
        if moved:
            self.refresh()

    def show_drawn(self, ids: set[str]) -> None:
        """Pictures of these entries can be drawn: they are, and what is at the top of the view stays there."""
        entry_list = self.entry_list
        top, line = entry_list.heights.find(self.scroll_offset.y)
        for number in sorted(found for id in ids if (found := entry_list.number(id)) is not None):
            slot = entry_list.slots[number]
            if slot.lines is None:
                continue
            seen = slot.lines[line] if number == top and line < len(slot.lines) else None
            slot.lines = None
            entry_list.lay(number)
            if seen is not None:
                line = next((index for index in range(line, slot.height) if slot.line(index) == seen), line)
        if not self._follow:
            self.place(entry_list.heights.before(top) + line)
        self.settle_view()
        self.refresh()

    def show_line(self, number: int, line: int, *, centre: bool = False) -> None:
        """Bring a line of an entry into view, if it is not, clear of what lies over the edges."""
        self.entry_list.lay(number)
        y = self.entry_list.heights.before(number) + line
        top = self.scroll_offset.y
        if top + 1 <= y < top + self.rows - 1:
            return
        self.set_follow(False)
        if centre:
            wanted = y - self.rows // 3
        elif y < top + 1:
            wanted = y - 1
        else:
            wanted = y - self.rows + 2
        self.place(wanted)
        self._lay_around()
        y = self.entry_list.heights.before(number) + line
        if not self.scroll_offset.y <= y < self.scroll_offset.y + self.rows:
            self.place(y - self.rows // 3)
            self._lay_around()
        self.refresh()

    def _ask_for_older(self) -> None:
        if not self.more_before or not self.entry_list.slots or self.scroll_offset.y > NEAR_TOP * self.rows:
            return
        first = self.entry_list.slots[0].entry.id
        if first != self._asked:
            self._asked = first
            self.post_message(messages.OlderWanted(self, first))

    # -- painting ----------------------------------------------------------------------------------

    def mark_fresh(self, number: int) -> None:
        """An entry has grown: paint it with the next frame."""
        self._fresh.add(number)
        if self._flush_timer is None:
            self._flush_timer = self.set_timer(self.frame, self.flush)

    def flush(self) -> None:
        """Lay out and paint what came since the last frame."""
        if self._flush_timer is not None:
            self._flush_timer.stop()
            self._flush_timer = None
        if self.entry_list.width and self._fresh:
            with self.one_frame():
                for number in sorted(self._fresh):
                    self._show_growth(number)
            self._fresh.clear()

    def _show_growth(self, number: int) -> None:
        if self.entry_list.slots[number].live is None:
            return
        first, end, change = self.entry_list.settle(number)
        if change and self._follow:
            self._to_end()
        elif change:
            self._unread += max(change, 0)
            self.place(self.scroll_offset.y)
            self.refresh_rows(self.rows - 1, self.rows)
        last = number + 1 == len(self.entry_list.slots)
        self.refresh_entry(number, first, end if last or not change else None)

    def refresh_entry(self, number: int, first: int = 0, end: int | None = None) -> None:
        """Repaint some lines of an entry; without an end, all from the first to the bottom of the view."""
        top = self.entry_list.heights.before(number) - self.scroll_offset.y
        self.refresh_rows(top + first, self.rows if end is None else top + end)
