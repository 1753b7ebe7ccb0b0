"""Where the keyboard is: WRITE, MESSAGES or CHATS; how Tab moves it, and where a key belongs before it is handed on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never

from msgspec.structs import replace
from textual import events

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.widget import Widget

    from routerterm.tui.actions import Action
    from routerterm.tui.transcript.widget import Transcript
    from routerterm.tui.widgets.composer import Composer
    from routerterm.tui.widgets.conversations import ConversationList

Mode: TypeAlias = Literal["WRITE", "MESSAGES", "CHATS"]
MODES: tuple[Mode, ...] = ("WRITE", "MESSAGES", "CHATS")


class Places:
    """The three places of the chat.

    ``show_list(True)`` opens the list of conversations where it is hidden, ``show_list(False)`` hides it again if it
    was opened for that.
    """

    def __init__(
        self,
        screen: Screen[None],
        composer: Composer,
        transcript: Transcript,
        sidebar: ConversationList,
        *,
        show_list: Callable[[bool], None],
    ) -> None:
        self._screen = screen
        self._composer = composer
        self._transcript = transcript
        self._sidebar = sidebar
        self._show_list = show_list

    @property
    def mode(self) -> Mode:
        """Where keys go now."""
        focused = self._screen.focused
        if focused is self._transcript:
            return "MESSAGES"
        return "CHATS" if focused is self._sidebar else "WRITE"

    @property
    def actions(self) -> tuple[Action, ...]:
        """What keys do in the present mode; Tab is named by where it leads now."""
        leads = self._beside(1).capitalize()
        return tuple(
            replace(action, short=leads) if action.keys == "tab" else action
            for action in self._widget(self.mode).ACTIONS
        )

    def step(self, by: int) -> None:
        """To the next place or the one before."""
        self.go(self._beside(by))

    def _beside(self, by: int) -> Mode:
        """The next place or the one before; an empty conversation has no messages to go to."""
        there = MODES.index(self.mode)
        while True:
            there = (there + by) % len(MODES)
            if MODES[there] != "MESSAGES" or (self._transcript.display and self._transcript.entry_list.slots):
                return MODES[there]

    def go(self, mode: Mode) -> None:
        """Move the keyboard there, at once: the next key that is read already goes there."""
        if mode == "CHATS":
            self._show_list(True)
        self._screen.set_focus(self._widget(mode))
        if mode != "CHATS":
            self._show_list(False)

    def before_key(self, event: events.Key) -> None:
        """Lead a letter that is no command of the messages back to writing, before it is handed to anything.

        This is done where keys are read, so that the letters behind it in the same burst follow it in order.
        """
        if self.mode == "MESSAGES" and event.is_printable and not self._transcript.takes_letter(event.key):
            self.go("WRITE")

    def before_paste(self) -> None:
        """A paste among the messages goes to the composer; in the list it is looked for there."""
        if self.mode == "MESSAGES":
            self.go("WRITE")

    def _widget(self, mode: Mode) -> Composer | Transcript | ConversationList:
        match mode:
            case "WRITE":
                return self._composer
            case "MESSAGES":
                return self._transcript
            case "CHATS":
                return self._sidebar
            case _:
                assert_never(mode)


def as_meant(event: events.Key, focused: Widget | None, bound: Callable[[str], bool]) -> events.Key:
    """The key that was meant where nothing is written: an Enter of any kind, and a letter in the other case.

    Caps Lock is on more often than one thinks: a letter that only its twin is bound to means the twin.
    """
    from textual.widgets import Input, TextArea

    if isinstance(focused, Input | TextArea):
        return events.Key("enter", "\r") if event.key == "shift+enter" and isinstance(focused, Input) else event
    if event.key == "shift+enter":
        return events.Key("enter", "\r")
    letter = event.character or ""
    twin = letter.swapcase()
    if len(letter) == 1 and letter.isascii() and letter.isalpha() and not bound(event.key) and bound(twin):
        return events.Key(twin, twin)
    return event
