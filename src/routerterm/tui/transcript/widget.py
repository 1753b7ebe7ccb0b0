"""The conversation on the screen: one widget that draws lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from routerterm.core.events import Content
from routerterm.tui.transcript import messages
from routerterm.tui.transcript.paint import GUTTER, paint
from routerterm.tui.transcript.palette import Palette
from routerterm.tui.transcript.shelf import Shelf
from routerterm.tui.transcript.values import Entry, Header

MEASURE = 108
"""No line of text is longer than this, however wide the screen: the eye loses its way back."""
FRAME = 1 / 20
"""Seconds between two paintings of a growing answer."""
NEAR_TOP = 3
"""Earlier entries are asked for when the view is this many screens from the first."""


class Transcript(ScrollView, can_focus=True):
    """Shows entries and tells what the person wants with them.  It fetches nothing."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Transcript { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup,b", "page(-1)", "Page up", show=False, id="transcript.page_up"),
        Binding("pagedown,space", "page(1)", "Page down", show=False, id="transcript.page_down"),
        Binding("home,g", "to_start", "To the start", show=False, id="transcript.start"),
        Binding("end,G", "to_end", "To the end", show=False, id="transcript.end"),
    ]

    CopyRequested = messages.CopyRequested
    EntryAction = messages.EntryAction
    OlderWanted = messages.OlderWanted
    FollowChanged = messages.FollowChanged
    CursorLeft = messages.CursorLeft
    LinkChosen = messages.LinkChosen

    def __init__(self, palette: Palette | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shelf = Shelf(palette or Palette.default())
        self.frame = FRAME
        self.more_before = False
        self._follow = True
        self._placing = False
        self._asked = ""
        self._fresh: set[int] = set()
        self._flush_timer: Timer | None = None

    # -- what it is told ---------------------------------------------------------------------------

    def show(self, entries: Sequence[Entry], *, more_before: bool = False) -> None:
        """Show these entries, the newest at the end of the view; ``more_before``: there are earlier ones to ask for."""
        self.more_before, self._asked = more_before, ""
        self._fresh.clear()
        self.shelf.load(entries)
        self._set_follow(True)
        self._settle_view()
        self.refresh()

    def show_older(self, entries: Sequence[Entry], *, more_before: bool = False) -> None:
        """Put earlier entries before those shown, without the view moving."""
        self.more_before = more_before
        y = self.scroll_offset.y
        moved = self.shelf.put_before(entries)
        self._fresh = {number + len(entries) for number in self._fresh}
        self._place(y + moved)
        self._settle_view()

    def append_entry(self, entry: Entry) -> None:
        """One more entry at the end."""
        self.shelf.append(entry)
        self._settle_view()
        self.refresh()

    def replace_entry(self, entry: Entry) -> None:
        """Show an entry anew, as it is now; it is found by its id."""
        number = self.shelf.number(entry.id)
        if number is None:
            self.append_entry(entry)
            return
        self._keep_place(lambda: self.shelf.replace(number, entry))

    def truncate_after(self, id: str) -> None:
        """Drop all entries after one, as when an earlier message is edited."""
        number = self.shelf.number(id)
        if number is not None:
            self._keep_place(lambda: self.shelf.truncate(number + 1))

    def begin_stream(self, entry: Entry) -> None:
        """An entry that grows from now on; it is added at the end unless its id is there already."""
        number = self.shelf.number(entry.id)
        if number is None:
            number = self.shelf.append(entry)
        else:
            self.shelf.replace(number, entry)
        if self.shelf.width:
            self.shelf.begin_live(number)
        self._settle_view()
        self.refresh()

    def feed(self, id: str, delta: Content) -> None:
        """A piece of a growing entry; it is painted with the next frame."""
        number = self.shelf.number(id)
        if number is None:
            return
        self.shelf.feed(number, delta)
        self._fresh.add(number)
        if self._flush_timer is None:
            self._flush_timer = self.set_timer(self.frame, self._flush)

    def seam(self, id: str, text: str) -> None:
        """A growing answer was cut here and goes on; ``text`` says how."""
        number = self.shelf.number(id)
        if number is not None and (live := self.shelf.slots[number].live) is not None:
            live.seam(text)

    def set_header(self, id: str, header: Header) -> None:
        """Change an entry's header; the rest stays."""
        number = self.shelf.number(id)
        if number is not None:
            self.shelf.set_header(number, header)
            self._refresh_lines(number, 0, 1)

    def end_stream(self, id: str, entry: Entry) -> None:
        """The entry is whole: this is it."""
        self._flush()
        number = self.shelf.number(id)
        if number is None:
            self.append_entry(entry)
            return
        self._fresh.discard(number)
        self._keep_place(lambda: self.shelf.replace(number, entry))

    def set_palette(self, palette: Palette) -> None:
        """Another theme."""
        if palette.signs == self.shelf.palette.signs:
            self.shelf.repaint(palette)
        else:
            self._keep_place(lambda: self.shelf.reset(self.shelf.width, palette))
        self.refresh()

    # -- follow ------------------------------------------------------------------------------------

    @property
    def follow(self) -> bool:
        """Whether the view stays at the end while entries grow."""
        return self._follow

    def _set_follow(self, follow: bool) -> None:
        if follow != self._follow:
            self._follow = follow
            self.post_message(messages.FollowChanged(self, follow))

    def action_to_end(self) -> None:
        """To the end, and follow it."""
        self._set_follow(True)
        self._settle_view()
        self.refresh()

    def action_to_start(self) -> None:
        """To the first entry there is."""
        self._set_follow(False)
        self._place(0)
        self._settle_view()
        self.refresh()

    def action_page(self, pages: int) -> None:
        """A screen up or down, less two lines to find one's place by."""
        self.scroll_to(y=self.scroll_offset.y + pages * max(self._viewport - 2, 1), animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The view was moved: by us, or by the person."""
        super().watch_scroll_y(old_value, new_value)
        if self._placing or round(old_value) == round(new_value):
            return
        self._set_follow(new_value >= self.max_scroll_y)
        self._settle_view()

    # -- what is where -----------------------------------------------------------------------------

    @property
    def _viewport(self) -> int:
        return self.scrollable_content_region.height

    def on_resize(self, event: events.Resize) -> None:
        """Lay out at the new width; the top line stays in view."""
        width = max(min(self.scrollable_content_region.width - GUTTER - 1, MEASURE), 8)
        if width != self.shelf.width:
            self._keep_place(lambda: self.shelf.reset(width, self.shelf.palette))
        else:
            self._settle_view()
        self.refresh()

    def _keep_place(self, change: Any) -> None:
        """Do what changes heights, and bring the entry at the top of the view back to where it was."""
        number, line = self.shelf.heights.find(self.scroll_offset.y)
        change()
        if not self._follow:
            if number < len(self.shelf.slots):
                if self.shelf.width:
                    self.shelf.lay(number)
                line = min(line, self.shelf.heights[number] - 1)
            self._place(self.shelf.heights.before(number) + line)
        self._settle_view()
        self.refresh()

    def _settle_view(self) -> None:
        """Lay out what is in view, and put the view where it belongs."""
        if not self.shelf.width or not self._viewport:
            return
        if self._follow:
            self._lay_end()
            self._place(self.shelf.heights.total - self._viewport)
        else:
            self._lay_around()
        self._ask_for_older()

    def _lay_end(self) -> None:
        filled, number = 0, len(self.shelf.slots) - 1
        while number >= 0 and filled < self._viewport:
            self.shelf.lay(number)
            filled += self.shelf.heights[number]
            number -= 1

    def _lay_around(self) -> None:
        """Lay out what is in view; what was already laid out there stays where it is on the screen."""
        shelf = self.shelf
        y = self.scroll_offset.y
        while True:
            first, _ = shelf.heights.find(y)
            last, _ = shelf.heights.find(y + self._viewport - 1)
            seen = range(first, min(last + 1, len(shelf.slots)))
            rough = [number for number in seen if not shelf.slots[number].is_laid_out]
            if not rough:
                break
            fixed = next((number for number in reversed(seen) if shelf.slots[number].is_laid_out), seen[0])
            before = shelf.heights.before(fixed)
            for number in rough:
                shelf.lay(number)
            y = max(y + shelf.heights.before(fixed) - before, 0)
        self._place(y)

    def _place(self, y: int) -> None:
        """Scroll there without a second look at what is in view, and let the scrollbar know."""
        height = self._viewport
        total = self.shelf.heights.total
        y = max(min(y, total - height), 0)
        moved = y != self.scroll_offset.y
        resized = total != self.virtual_size.height
        if not moved and not resized and self.scroll_target_y == y:
            return
        self._placing = True
        try:
            # Not by assignment: that would lay out the whole screen for every line that comes.
            self.set_reactive(Widget.virtual_size, Size(self.scrollable_content_region.width, total))
            self.set_reactive(Widget.scroll_target_y, float(y))
            bar = self.vertical_scrollbar
            bar.window_virtual_size, bar.window_size = total, height
            self.scroll_y = y
        finally:
            self._placing = False
        if moved:
            self.refresh()

    def _ask_for_older(self) -> None:
        if not self.more_before or not self.shelf.slots or self.scroll_offset.y > NEAR_TOP * self._viewport:
            return
        first = self.shelf.slots[0].entry.id
        if first != self._asked:
            self._asked = first
            self.post_message(messages.OlderWanted(self, first))

    # -- painting ----------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Lay out and paint what came since the last frame."""
        if self._flush_timer is not None:
            self._flush_timer.stop()
            self._flush_timer = None
        if not self.shelf.width:
            return
        for number in sorted(self._fresh):
            if self.shelf.slots[number].live is None:
                continue
            first, change = self.shelf.settle(number)
            if change:
                self._grown(number, change)
            self._refresh_lines(number, first, None)
        self._fresh.clear()

    def _grown(self, number: int, change: int) -> None:
        if self._follow:
            self._place(self.shelf.heights.total - self._viewport)
        else:
            self._place(self.scroll_offset.y)

    def _refresh_lines(self, number: int, first: int, count: int | None) -> None:
        """Repaint some lines of an entry, or all from the first on, to the end of the view."""
        top = self.shelf.heights.before(number) + first - self.scroll_offset.y
        bottom = self._viewport if count is None else min(top + count, self._viewport)
        top = max(top, 0)
        if bottom > top:
            self.refresh(Region(0, top, self.scrollable_content_region.width, bottom - top))

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        width = self.scrollable_content_region.width
        number, index = self.shelf.heights.find(y + self.scroll_offset.y)
        if number >= len(self.shelf.slots):
            return Strip.blank(width, self.shelf.palette.ground)
        slot = self.shelf.slots[number]
        if not slot.is_laid_out or index >= slot.height:
            return Strip.blank(width, self.shelf.palette.ground)
        strip = slot.strips.get(index)
        if strip is None or strip.cell_length != width:
            said = slot.entry.role == "user" and 0 < index < slot.height - 1
            strip = slot.strips[index] = paint(slot.line(index), width, self.shelf.width, self.shelf.palette, bar=said)
        return strip
