"""The keyboard: a cursor over messages and their blocks, copying, folding, asking for things to be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import BindingType
from textual.strip import Strip

from routerterm.core.messages import Reasoning, Text, ToolCall, ToolResult
from routerterm.core.sanitise import pasteable
from routerterm.tui.actions import Action, bindings_of
from routerterm.tui.textual_internals.screens import bindings_of as keys_bound
from routerterm.tui.textual_internals.screens import hand_on
from routerterm.tui.transcript import messages
from routerterm.tui.transcript.actions import ACTIONS
from routerterm.tui.transcript.mouse import MouseControl
from routerterm.tui.transcript.paint import overlay
from routerterm.tui.transcript.selection import END, Place, Selection, blocks, code_blocks

if TYPE_CHECKING:
    from routerterm.tui.transcript import values
    from routerterm.tui.transcript.values import Entry


class KeyboardControl(MouseControl):
    """A viewport with a cursor."""

    FOCUS_ON_CLICK = False  # the mouse selects, and leaves the keyboard where it was
    ACTIONS: ClassVar[tuple[Action, ...]] = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(ACTIONS)

    _cursor: tuple[int, int] | None = None
    """The entry's number and the block's."""
    _by_block = False
    """Whether one paragraph of the message is pointed at, and not the message."""
    _mark: Place | None = None
    _pointed: tuple[tuple[int, int, int], tuple[int, int]] | None = None

    leaves: Callable[[], None] = staticmethod(lambda: None)
    """Gives the keyboard back at the very key press; set by whoever has another place for it."""

    @property
    def current(self) -> Entry | None:
        """The entry under the cursor; without a cursor, the last one."""
        if not self.entry_list.slots:
            return None
        number = self._cursor[0] if self._cursor is not None else len(self.entry_list.slots) - 1
        return self.entry_list.slots[min(number, len(self.entry_list.slots) - 1)].entry

    def message_text(self, id: str) -> str:
        """What an entry says, as it was written, ready for a clipboard."""
        number = self.entry_list.number(id)
        if number is None:
            return ""
        return pasteable(self._written(number))

    def code_block(self, id: str, fence: int) -> str:
        """One of an entry's code blocks as it was written, counted from 0; negative from its end."""
        number = self.entry_list.number(id)
        codes = self._codes(number) if number is not None else []
        return codes[fence] if -len(codes) <= fence < len(codes) else ""

    def _written(self, number: int) -> str:
        slot = self.entry_list.slots[number]
        return slot.live.builder.text if slot.live is not None else slot.entry.text

    def _codes(self, number: int) -> list[str]:
        slot = self.entry_list.slots[number]
        parts = slot.live.builder.parts() if slot.live is not None else slot.entry.parts
        return [code for part in parts if isinstance(part, Text) for code in code_blocks(part.text)]

    # -- keys --------------------------------------------------------------------------------------

    def takes_letter(self, key: str) -> bool:
        """Whether this key is a command here; any other letter is text."""
        return key in keys_bound(self)

    async def _on_key(self, event: events.Key) -> None:
        """Do what a key is bound to here and now; a key that came too late follows the focus."""
        focused = self.screen.focused
        if focused is not self and focused is not None:
            event.stop()
            event.prevent_default()
            hand_on(focused, events.Key(event.key, event.character))
            return
        await super()._on_key(event)

    # -- the cursor --------------------------------------------------------------------------------

    def on_focus(self) -> None:
        """The cursor appears where the person looks."""
        if self._cursor is None:
            self.cursor_to_end()
        self.refresh()

    def on_blur(self) -> None:
        """Nothing is pointed at any more."""
        self.refresh()

    def cursor_to_end(self) -> None:
        """The cursor on the last block of the last entry."""
        self._by_block = False
        if self.entry_list.slots and self.entry_list.width:
            number = len(self.entry_list.slots) - 1
            self.entry_list.lay(number)
            self._cursor = (number, blocks(self.entry_list.slots[number])[-1][0])
            self.refresh()

    def _block(self) -> tuple[int, int, int, int] | None:
        """The entry's number, the block's, its first line and end."""
        if self._cursor is None or self._cursor[0] >= len(self.entry_list.slots):
            return None
        number, block = self._cursor
        self.entry_list.lay(number)
        known = blocks(self.entry_list.slots[number])
        found = next((item for item in known if item[0] == block), known[-1])
        return (number, *found)

    def _cursor_lines(self) -> tuple[int, int]:
        assert self._cursor is not None
        number, block = self._cursor
        key = (number, block, self.entry_list.heights[number])
        if self._pointed is None or self._pointed[0] != key:
            here = self._block()
            self._pointed = (key, (here[2], here[3]) if here is not None else (0, 0))
        return self._pointed[1]

    def decorate(self, number: int, index: int, strip: Strip) -> Strip:
        """The cursor's mark beside its block."""
        if self._cursor is not None and self._cursor[0] == number and self.has_focus:
            begin, end = self._cursor_lines()
            if not self._by_block or begin <= index < end or index == 0:
                strip = overlay(strip, [(0, 1)], self.palette.style("cursor"), self.palette.signs.bar)
        return super().decorate(number, index, strip)

    def action_step(self, by: int) -> None:
        """To the next block or the one before; through a tall one by the screen."""
        self._by_block = True
        here = self._block()
        if here is None:
            self.cursor_to_end()
            return
        number, block, begin, end = here
        if self._peruse(number, begin, end, by):
            return
        known = [item[0] for item in blocks(self.entry_list.slots[number])]
        index = known.index(block) + by
        if 0 <= index < len(known):
            self._go(number, known[index], by)
        else:
            self._enter(number + by, by)

    def action_leap(self, by: int) -> None:
        """To the next message or the one before; past the last one, to its end."""
        self._by_block = False
        if self._cursor is None:
            self.cursor_to_end()
        elif 0 <= (number := self._cursor[0] + by) < len(self.entry_list.slots):
            self.entry_list.lay(number)
            self._go(number, blocks(self.entry_list.slots[number])[0][0], -1)
        elif by > 0:
            self.action_to_end()

    def _peruse(self, number: int, begin: int, end: int, by: int) -> bool:
        """Scroll within a block that is taller than the view; whether there was anything left to see of it."""
        top = self.entry_list.heights.before(number) - self.scroll_offset.y
        if end - begin < self.rows - 2:
            return False
        if (by > 0 and top + end > self.rows) or (by < 0 and top + begin < 1):
            self.action_page(by)
            return True
        return False

    def _enter(self, number: int, by: int) -> None:
        if 0 <= number < len(self.entry_list.slots):
            self.entry_list.lay(number)
            known = blocks(self.entry_list.slots[number])
            self._go(number, known[0 if by > 0 else -1][0], by)

    def _go(self, number: int, block: int, by: int) -> None:
        self._cursor = (number, block)
        here = self._block()
        assert here is not None
        _, _, begin, end = here
        if self._mark is not None:
            self._stretch_to(Place(number, begin if by < 0 else end - 1, 0))
        if end - begin < self.rows - 2:
            self.show_line(number, end - 1 if by > 0 else max(begin - 1, 0))
        self.show_line(number, begin)
        self.refresh()

    def point(self, place: Place) -> None:
        """The cursor to where the mouse points; a fold opens, the line above a message opens its menu."""
        for block, begin, end in blocks(self.entry_list.slots[place.number]):
            if begin <= place.line < end:
                self._cursor = (place.number, block)
                if self._fold_at(place.number, place.line) is not None:
                    self.action_fold()
                break
        if place.line == 0:
            self.post_message(messages.EntryAction(self, self.entry_list.slots[place.number].entry.id, "menu"))
        self.refresh()

    # -- selecting ---------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Begin to select blocks, or end it."""
        here = self._block()
        if self._mark is not None or here is None:
            self._mark = None
            self.select(None)
            return
        number, _, begin, end = here
        self._mark = Place(number, begin, 0)
        self.select(Selection(self._mark, Place(number, end - 1, END)))

    def action_stretch(self, by: int) -> None:
        """Select line by line."""
        here = self._block()
        if here is None:
            return
        number, _, begin, end = here
        if self.selection is None:
            line = begin if by > 0 else end - 1
            self.select(Selection(Place(number, line, 0), Place(number, line, END)))
            return
        anchor, point = self.selection.anchor, self.selection.point
        y = self.entry_list.heights.before(point.number) + point.line + by
        to, line = self.entry_list.heights.find(max(y, 0))
        if to < len(self.entry_list.slots):
            self.entry_list.lay(to)
            self._stretch(anchor, Place(to, min(line, self.entry_list.slots[to].height - 1), 0))
            self.show_line(to, line)

    def _stretch_to(self, place: Place) -> None:
        assert self._mark is not None
        self._stretch(self._mark, place)

    def _stretch(self, anchor: Place, point: Place) -> None:
        """Whole lines from the one to the other."""
        if point[:2] >= anchor[:2]:
            self.select(Selection(anchor._replace(cell=0), point._replace(cell=END)))
        else:
            self.select(Selection(anchor._replace(cell=END), point._replace(cell=0)))

    # -- doing -------------------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy what is selected, else the message under the cursor."""
        if self.selection is not None:
            self.ask_copy(self.selected, "selection")
            self._mark = None
            self.select(None)
        elif (entry := self.current) is not None:
            self.ask_copy(self.message_text(entry.id), "message")

    def action_copy_code(self) -> None:
        """Copy the code block under the cursor, else the last one of the message."""
        entry = self.current
        if entry is None:
            return
        here = self._block()
        fences = [-1]
        if here is not None:
            slot = self.entry_list.slots[here[0]]
            fences = [slot.line(index).fence for index in range(here[2], here[3])]
        fence = next((fence for fence in fences if fence >= 0), -1)
        self.ask_copy(self.code_block(entry.id, fence), "code block")

    def action_fold(self) -> None:
        """Unfold what is under the cursor, or fold it; else the first thing of the message that folds."""
        here = self._block()
        if here is None:
            return
        number, _, begin, _ = here
        lines = [begin, *range(self.entry_list.slots[number].height)]
        part = next((part for line in lines if (part := self._fold_at(number, line)) is not None), None)
        if part is not None:
            self.keep_place(lambda: self.entry_list.fold(number, part))

    def _fold_at(self, number: int, line: int) -> int | None:
        """The part of an entry that folds at a line."""
        slot = self.entry_list.slots[number]
        if slot.live is not None:
            return None
        part = slot.line(line).part if line < slot.height else -1
        if 0 <= part < len(slot.entry.parts) and isinstance(slot.entry.parts[part], Reasoning | ToolCall | ToolResult):
            return part
        return None

    def action_ask(self, action: values.Action) -> None:
        """Ask for something to be done with the entry under the cursor."""
        entry = self.current
        if entry is not None:
            self.post_message(messages.EntryAction(self, entry.id, action))

    def action_leave(self) -> None:
        """Drop the selection, and leave the transcript."""
        self._mark = None
        self.select(None)
        self.leaves()

    def action_page(self, pages: int) -> None:
        """A screen up or down, less three lines to find one's place by."""
        self.scroll_to(y=self.scroll_offset.y + pages * max(self.rows - 3, 1), animate=False)

    def action_to_end(self) -> None:
        """To the end, and follow it."""
        self.set_follow(True)
        self.settle_view()
        self.cursor_to_end()
        self.refresh()

    def action_start(self) -> None:
        """To the very first message; those that are not loaded yet are asked for first."""
        if self.more_before:
            self.action_ask("start")
        else:
            self.action_to_start()

    def action_to_start(self) -> None:
        """To the first entry there is."""
        if not self.entry_list.slots:
            return
        self.set_follow(False)
        self.place(0)
        self.settle_view()
        if self.entry_list.width:
            self._go(0, blocks(self.entry_list.slots[0])[0][0], -1)
