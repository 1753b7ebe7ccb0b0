"""Where the person writes: many lines, history, never a key press lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from routerterm.core.redact import KNOWN
from routerterm.tui.attaching import tidied


class Composer(TextArea):
    """A text area in which Enter sends and grows no taller than a third of the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Send", show=False),
        Binding("ctrl+j,alt+enter,shift+enter", "newline", "New line", show=False),
        Binding("alt+up", "history(-1)", "Earlier", show=False),
        Binding("alt+down", "history(1)", "Later", show=False),
    ]

    @dataclass
    class Submitted(Message):
        """The person pressed Enter on something."""

        text: str

    @dataclass
    class Left(Message):
        """The person walked out of the top (-1) or the bottom (+1)."""

        direction: int

    @dataclass
    class Emptied(Message):
        """The person pressed Backspace with nothing before the cursor."""

    @dataclass
    class Edited(Message):
        """The text is another now."""

        text: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, soft_wrap=True, tab_behavior="focus", show_line_numbers=False)
        self.cursor_blink = False  # a blinking cursor costs an SSH line 2.6 kB/s
        self.highlight_cursor_line = False
        self.goes_empty = False
        """Whether it may be sent with nothing written: files go with it, or the last question is asked again."""
        self.takes_paste: Callable[[str], bool] = lambda _text: False
        """Asked first what to do with a paste: True where it went elsewhere."""
        self.takes_key: Callable[[str], bool] = lambda _key: False
        """Asked first what to do with a key: True where something open beside it took it."""
        self._history: Sequence[str] = ()
        self._place: int | None = None
        self._draft = ""

    def set_history(self, lines: Sequence[str]) -> None:
        """What can be walked back to, oldest first; a line with an API key in it is not brought back."""
        self._history, self._place = [line for line in lines if KNOWN(line) == line], None

    def remember(self, line: str) -> None:
        """One more line to walk back to."""
        self.set_history([*(known for known in self._history if known != line), line])

    def take(self) -> str:
        """The text, which is then gone from here."""
        text = self.text
        self.put("")
        return text

    def put(self, text: str) -> None:
        """Replace the text and stand at its end."""
        self.load_text(text)
        self._place = None
        self.move_cursor(self.document.end)

    def action_submit(self) -> None:
        """Tell that this is to be sent; whoever takes it empties the composer."""
        if self.text.strip() or self.goes_empty:
            self.post_message(self.Submitted(self.text))

    def action_newline(self) -> None:
        """Break the line."""
        self.insert("\n")

    def action_history(self, step: int) -> None:
        """Walk through what was sent before; the unsent text waits at the end."""
        place = len(self._history) if self._place is None else self._place
        if self._place is None:
            self._draft = self.text
        place = max(0, min(len(self._history), place + step))
        self.put(self._draft if place == len(self._history) else self._history[place])
        self._place = place if place < len(self._history) else None

    def action_cursor_up(self, select: bool = False) -> None:
        """Up a line; in an empty composer, back in history; out at the top."""
        if not select and self.cursor_at_first_line:
            if self._history and (self._place is not None or not self.text):
                self.action_history(-1)
            else:
                self.post_message(self.Left(-1))
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Down a line; forward in history while walking in it; out at the bottom."""
        if not select and self.cursor_at_last_line:
            if self._place is not None:
                self.action_history(1)
            else:
                self.post_message(self.Left(1))
        else:
            super().action_cursor_down(select)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Pass it on as our own."""
        event.stop()
        self.post_message(self.Edited(self.text))

    async def _on_key(self, event: events.Key) -> None:
        """Do what a key is bound to here and now.

        Textual would let the event bubble up first, and letters that came in the same burst overtake it:
        a backspace after the text that follows it, an Enter before the last words.
        """
        if self.takes_key(event.key):
            event.stop()
            event.prevent_default()
            return
        if event.key == "backspace" and self.cursor_location == (0, 0) and self.selection.is_empty:
            self.post_message(self.Emptied())
        bound = self._bindings.key_to_bindings.get(event.key)
        if bound is None:
            if event.key.startswith("alt+"):
                event.prevent_default()  # Textual would type its letter
            else:
                await super()._on_key(event)
        else:
            event.stop()
            event.prevent_default()
            await self.run_action(bound[0].action)

    async def _on_paste(self, event: events.Paste) -> None:
        """Insert what was pasted, control characters left out."""
        event.prevent_default()
        event.stop()
        text = tidied(event.text)
        if not self.takes_paste(text):
            self.insert(text, maintain_selection_offset=False)

    def retract(self, text: str) -> None:
        """Take out what was pasted last, if it still stands before the cursor."""
        row, column = self.cursor_location
        first, *more = text.split("\n")
        begins = (
            row - len(more),
            self.document.get_line(row - len(more)).rfind(first) if more else column - len(first),
        )
        if text and min(begins) >= 0 and self.document.get_text_range(begins, (row, column)) == text:
            self.delete(begins, (row, column))
