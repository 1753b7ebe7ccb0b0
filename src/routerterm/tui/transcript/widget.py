"""The conversation on the screen: one widget that draws lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.strip import Strip

from routerterm.tui.transcript import messages
from routerterm.tui.transcript.keyboard import KeyboardControl
from routerterm.tui.transcript.painter import lay_over
from routerterm.tui.transcript.search import Search

if TYPE_CHECKING:
    from routerterm.core.events import Content
    from routerterm.tui.themes.palette import Palette
    from routerterm.tui.transcript.values import Entry, Header


class Transcript(KeyboardControl):
    """Shows entries and tells what the person wants with them.  It fetches nothing."""

    CopyRequested = messages.CopyRequested
    EntryAction = messages.EntryAction
    OlderWanted = messages.OlderWanted
    FollowChanged = messages.FollowChanged
    FindChanged = messages.FindChanged

    _search: Search | None = None

    # -- what it is told ---------------------------------------------------------------------------

    def show(self, entries: Sequence[Entry], *, more_before: bool = False) -> None:
        """Show these entries, the newest at the end of the view; ``more_before``: there are earlier ones to ask for."""
        self.more_before, self._asked = more_before, ""
        self._fresh.clear()
        self._cursor = self._mark = self._search = None
        self.select(None)
        self.entry_list.load(entries)
        self.set_follow(True)
        self.settle_view()
        if self.has_focus:
            self.cursor_to_end()
        self.refresh()

    def show_older(self, entries: Sequence[Entry], *, more_before: bool = False) -> None:
        """Put earlier entries before those shown, without the view moving."""
        self.more_before = more_before
        y = self.scroll_offset.y
        moved, count = self.entry_list.put_before(entries), len(entries)
        self._fresh = {number + count for number in self._fresh}
        if self._cursor is not None:
            self._cursor = (self._cursor[0] + count, self._cursor[1])
        self._mark = None
        self.select(None)
        self.place(y + moved)
        self.settle_view()
        if self._search is not None:
            self.find(self._search.query)

    def append_entry(self, entry: Entry) -> None:
        """One more entry at the end."""
        self.entry_list.append(entry)
        self.settle_view()
        self.refresh()

    def replace_entry(self, entry: Entry) -> None:
        """Show an entry anew, as it is now; it is found by its id, and added if it is not there."""
        number = self.entry_list.number(entry.id)
        if number is None:
            self.append_entry(entry)
        else:
            self._exchange(number, entry)

    def begin_stream(self, entry: Entry) -> None:
        """An entry that grows from now on; it is added at the end unless its id is there already."""
        number = self.entry_list.number(entry.id)
        if number is None:
            number = self.entry_list.append(entry)
        else:
            self.entry_list.replace(number, entry)
        self.entry_list.begin_live(number)
        self.settle_view()
        self.refresh()

    def feed(self, id: str, delta: Content) -> None:
        """A piece of a growing entry; it is painted with the next frame."""
        number = self.entry_list.number(id)
        if number is not None:
            self.entry_list.feed(number, delta)
            self.mark_fresh(number)

    def seam(self, id: str, text: str) -> None:
        """A growing answer was cut here and goes on; ``text`` says how."""
        number = self.entry_list.number(id)
        if number is not None and (live := self.entry_list.slots[number].live) is not None:
            live.seam(text)
            self.mark_fresh(number)

    def set_header(self, id: str, header: Header) -> None:
        """Change an entry's header; the rest stays."""
        number = self.entry_list.number(id)
        if number is not None:
            self.entry_list.set_header(number, header)
            self.refresh_entry(number, 0, 1)

    def end_stream(self, id: str, entry: Entry) -> None:
        """The entry is whole: this is it."""
        self.flush()
        number = self.entry_list.number(id)
        if number is None:
            self.append_entry(entry)
        else:
            self._fresh.discard(number)
            self._exchange(number, entry)

    def _exchange(self, number: int, entry: Entry) -> None:
        """Another entry in the place of one: only the lines that differ are painted."""
        if not self.follow or number != len(self.entry_list.slots) - 1 or not self.entry_list.width:
            self.keep_place(lambda: self.entry_list.replace(number, entry))
            return
        self.entry_list.replace(number, entry)
        self.settle_view()
        self.refresh_entry(number)

    def set_palette(self, palette: Palette) -> None:
        """Another theme."""
        if palette.signs == self.palette.signs:
            self.entry_list.repaint(palette)
        else:
            self.keep_place(lambda: self.entry_list.reset(self.entry_list.width, palette))
        self.refresh()

    # -- finding -----------------------------------------------------------------------------------

    def takes_letter(self, key: str) -> bool:
        """N and n are commands only while there is something to look for."""
        return super().takes_letter(key) and (key not in ("n", "N") or self._search is not None)

    def find(self, query: str) -> int:
        """Look for words in all entries there are and mark them; how many entries have them.  Empty: stop looking."""
        if not query.strip():
            self._search = None
            self.refresh()
            return 0
        self._search = Search(query)
        count = self._search.run(self.entry_list)
        self.refresh()
        return count

    def action_find(self, by: int) -> None:
        """To the next occurrence, or with -1 the one above."""
        if self._search is None or not self.entry_list.width:
            return
        found = self._search.step(self.entry_list, by > 0)
        if found is not None:
            number, spans = found
            line = min(spans, default=0)
            self._cursor = (number, max(self.entry_list.slots[number].line(line).block, 0))
            self.show_line(number, line, centre=True)
        place = self._search.numbers.index(found[0]) + 1 if found is not None else 0
        self.post_message(messages.FindChanged(self, self._search.query, place, len(self._search.numbers)))
        self.refresh()

    def reveal(self, id: str, query: str = "") -> bool:
        """Bring an entry into view, at the first place where it has the words; whether it is here at all."""
        number = self.entry_list.number(id)
        if number is None:
            return False
        line = 0
        if query:
            self.find(query)
            if (
                self._search is not None
                and self.entry_list.width
                and (hits := self._search.hits(self.entry_list, number))
            ):
                self._search.at = (number, 0)
                line = min(hits[0], default=0)
        if self.entry_list.width:
            self.show_line(number, line, centre=True)
        return True

    def decorate(self, number: int, index: int, strip: Strip) -> Strip:
        """What was found, marked."""
        if self._search is not None and number in self._search.members:
            spans = [span for hit in self._search.hits(self.entry_list, number) for span in hit.get(index, ())]
            if spans:
                strip = lay_over(strip, spans, self.palette, "found")
        return super().decorate(number, index, strip)
