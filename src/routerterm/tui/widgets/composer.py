"""Where the person writes: many lines, history, never a key press lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.color import Color
from textual.strip import Strip
from textual.widgets import TextArea

from routerterm.core.redact import secret_redactor
from routerterm.core.sanitise import tidied
from routerterm.tui.actions import Action, bindings_of
from routerterm.tui.data_message import DataMessage
from routerterm.tui.textual_internals.screens import bindings_of as keys_bound
from routerterm.tui.textual_internals.screens import hand_on
from routerterm.tui.themes.adapt import layout_of
from routerterm.tui.widgets.editing import LetterArea

if TYPE_CHECKING:
    from routerterm.tui.vim.keys import VimKeys

Where: TypeAlias = Literal["page_up", "page_down", "start", "end"]


class Composer(LetterArea):
    """A text area in which Enter sends and grows no taller than a third of the screen."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("enter", "Send", "submit", rank=3),
        Action("ctrl+j,alt+enter,shift+enter", "Start a new line", "newline"),
        Action("up", "Line up; on the first line, earlier prompts", "cursor_up"),
        Action("down", "Line down; on the last line, later prompts", "cursor_down"),
        Action("tab", "Go to the messages", "screen.place(1)", rank=1, short="Messages"),
        Action("shift+tab", "Go to the list of conversations", "screen.place(-1)"),
        Action("pageup", "Scroll up", "scroll_talk('page_up')", rank=4, short="Scroll"),
        Action("pagedown", "Scroll down", "scroll_talk('page_down')"),
        Action("ctrl+home", "Start of the conversation", "scroll_talk('start')"),
        Action("ctrl+end", "End of the conversation", "scroll_talk('end')"),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(ACTIONS)

    class Submitted(DataMessage):
        """The person pressed Enter on this; it is gone from the composer, `give_back` returns it."""

        text: str

    class ScrollWanted(DataMessage):
        """The person wants to see another part of the conversation while writing."""

        where: Where

    class Emptied(DataMessage):
        """The person pressed Backspace with nothing before the cursor."""

    class ModeChanged(DataMessage):
        """vim is in another mode."""

    class Edited(DataMessage):
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
        self.vim: VimKeys | None = None
        """What the keys of vim do, where the settings have them."""
        self._history: Sequence[str] = ()
        self._place: int | None = None
        """Which line of the history is shown; None is what is being written."""
        self._edits: dict[int, str] = {}
        """What became of recalled lines, as readline keeps it until something is sent; the draft is the last."""
        self._recalled_from: tuple[int | None, str] | None = None
        """The place before the last recall, and the text there: where Ctrl+Z leads back to."""

    def render_line(self, y: int) -> Strip:
        """A row; where nothing is written, the theme may draw a field to write in."""
        strip = super().render_line(y)
        if not (sign := layout_of(self.app).field):
            return strip
        begin = min(strip.cell_length, cell_len(strip.text.rstrip()) + 1)  # the cursor may stand there
        faint = Style(
            color=Color.parse(self.app.theme_variables["t-faint"]).rich_color, bgcolor=self.rich_style.bgcolor
        )
        return Strip.join([strip.crop(0, begin), Strip([Segment(sign * (strip.cell_length - begin), faint)])])

    def edit_by(self, editing: str) -> None:
        """Edit with the keys of ``readline`` or of ``vim``, from now on."""
        if (editing == "vim") != (self.vim is not None):
            from routerterm.tui.vim.keys import VimKeys

            self.vim = VimKeys(self, self._mode_changed) if editing == "vim" else None
            self._mode_changed()

    def _mode_changed(self) -> None:
        self.post_message(self.ModeChanged())

    def redoes(self, key: str) -> bool:
        """Take vim's key to redo in normal mode, before it is the key of a command."""
        vim = self.vim
        return key == "ctrl+r" and self.has_focus and vim is not None and vim.is_normal and vim.took(key, None)

    def on_focus(self) -> None:
        """Given the keys, it is written in at once."""
        if self.vim is not None:
            self.vim.begin()

    def set_history(self, lines: Sequence[str]) -> None:
        """What can be walked back to, oldest first; a line with an API key in it is not brought back."""
        self._history = [line for line in lines if secret_redactor(line) == line]
        self._place, self._recalled_from = None, None
        self._edits.clear()

    def remember(self, line: str) -> None:
        """One more line to walk back to."""
        self.set_history([*(known for known in self._history if known != line), line])

    def take(self) -> str:
        """The text, which is then gone from here."""
        text = self.text
        self.put("")
        return text

    def put(self, text: str, *, undoable: bool = False) -> None:
        """Replace the text and stand at its end; ``undoable``: Ctrl+Z brings the old text back."""
        if undoable:
            self._replace_all(text)
        else:
            self.load_text(text)
        self._place = None
        self.move_cursor(self.document.end)

    def give_back(self, text: str) -> None:
        """Text that was not sent, before whatever was written since."""
        self.put("\n".join(filter(None, (text, self.text))))

    def _replace_all(self, text: str) -> None:
        self.history.checkpoint()
        self.replace(text, (0, 0), self.document.end, maintain_selection_offset=False)
        self.history.checkpoint()

    def action_submit(self) -> None:
        """Take the text at this very key press: a second Enter finds nothing, and sends nothing."""
        text = self.text
        if self.vim is not None:
            self.vim.begin()
        if text.strip():
            self.put("")
            self.post_message(self.Submitted(text))
        elif self.goes_empty:
            self.post_message(self.Submitted(""))

    def action_scroll_talk(self, where: Where) -> None:
        """Scroll the conversation; what is written stays."""
        self.post_message(self.ScrollWanted(where))

    def action_newline(self) -> None:
        """Break the line."""
        self.insert("\n")

    def action_history(self, step: int) -> None:
        """Walk through what was sent before; edits of it, and the unsent text at its end, are kept."""
        here = len(self._history) if self._place is None else self._place
        there = max(0, min(len(self._history), here + step))
        if there == here:
            return
        self._edits[here] = self.text
        before = (self._place, self.text)
        known = self._history[there] if there < len(self._history) else ""
        self._replace_all(self._edits.get(there, known))
        self.move_cursor(self.document.end)
        self._place = there if there < len(self._history) else None
        self._recalled_from = before

    def action_undo(self) -> None:
        """Undo the last edit; where that was a recall, stand in the history where one stood before."""
        super().action_undo()
        if self._recalled_from is not None and self.text == self._recalled_from[1]:
            self._place = self._recalled_from[0]
            self._recalled_from = None

    def action_cursor_up(self, select: bool = False) -> None:
        """Up a line; on the first one, back in the history of prompts."""
        if not select and self.navigator.is_first_wrapped_line(self.cursor_location):
            self.action_history(-1)
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Down a line; on the last one, forward in the history of prompts."""
        if not select and self.navigator.is_last_wrapped_line(self.cursor_location):
            self.action_history(1)
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
        focused = self.screen.focused
        if focused is not self and focused is not None:  # the focus moved on after this key was on its way
            event.stop()
            event.prevent_default()
            hand_on(focused, events.Key(event.key, event.character))
            return
        if self.takes_key(event.key):
            event.stop()
            event.prevent_default()
            return
        if self.vim is not None and self.vim.took(event.key, event.character if event.is_printable else None):
            event.stop()
            event.prevent_default()
            return
        if event.key == "backspace" and self.cursor_location == (0, 0) and self.selection.is_empty:
            self.post_message(self.Emptied())
        bound = keys_bound(self).get(event.key)
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
        """Take out what was pasted last, also where more was typed behind it since."""
        row, column = self.cursor_location
        before = self.document.get_text_range((0, 0), (row, column))
        if text and (begins := before.rfind(text)) >= 0:
            ends = begins + len(text)
            self.delete(_location(before, begins), _location(before, ends), maintain_selection_offset=True)


def _location(text: str, index: int) -> tuple[int, int]:
    """Row and column of a place in a text."""
    above = text[:index].split("\n")
    return len(above) - 1, len(above[-1])
