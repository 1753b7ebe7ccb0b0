"""Asks for a passphrase: to open a locked place where keys live, or to make one.

`UnlockScreen(status, unlock)` is dismissed with True once ``unlock(passphrase)`` succeeded, with False where
the person gave up.  A wrong passphrase is said on the spot, and may be tried again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.getters import query_one
from textual.message import Message
from textual.widgets import Button, Input, Static

from routerterm.config.keys.encrypted_vault import SHORTEST_PASSPHRASE
from routerterm.config.keys.key_manager import KeyManager
from routerterm.config.keys.values import KeyLocation, PlaceStatus
from routerterm.core.errors import RoutertermError
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.terminal.input import Burst
from routerterm.tui.terminal.keys import character_key
from routerterm.tui.textual_internals.screens import bindings_of, press
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.letter_input import LetterInput

if TYPE_CHECKING:
    from routerterm.config.keys.key_store import KeyStore

Unlock: TypeAlias = Callable[[str], Awaitable[None]]

LOW = [(0, "-low"), (23, "-tall")]
"""The rows from which a dialog has air in it."""
DIALOG_CSS = """
$SCREEN { align: center middle; background: $t-background 60%; }
$SCREEN > .dialog {
    width: 66; max-width: 96%; height: auto; max-height: 100%; padding: 2 3; overflow-y: auto; background: $t-panel;
}
$SCREEN .explains { color: $t-text; height: auto; margin-bottom: 1; }
$SCREEN .says { color: $t-warning; height: auto; min-height: 1; }
$SCREEN .caption { color: $t-dim; height: 1; }
$SCREEN Input, $SCREEN Input:focus {
    border: none; height: 1; padding: 0 1; background: $t-background; color: $t-bright; margin-bottom: 1;
}
$SCREEN Input:focus { background: $t-selection; }
$SCREEN .buttons { height: 1; margin-top: 1; }
$SCREEN Button, $SCREEN Button:hover {
    border: none; height: 1; min-width: 10; width: auto; padding: 0 2; margin-right: 2; text-style: none;
    background: $t-background; color: $t-text; tint: transparent 0%;
}
$SCREEN.-low > .dialog { padding: 1 2; }
$SCREEN.-low Input, $SCREEN.-low Input:focus { margin-bottom: 0; }
$SCREEN.-low .buttons { margin-top: 0; }
$SCREEN Button:focus { background: $t-key-ground; color: $t-key-text; text-style: bold; }
"""
"""What the dialogs about keys have in common; ``$SCREEN`` is the class's name."""


class PassphraseLine(LetterInput):
    """A line whose Enter counts at once: what comes after it in the same burst belongs to the next line."""

    class Entered(Message):
        """Enter was pressed in the last of the lines."""

    def __init__(self, *, id: str, then: PassphraseLine | None = None) -> None:
        super().__init__(password=True, id=id)
        self.cursor_blink = False
        self.then = then
        self._left = False
        """Whether Enter was pressed here; keys that were handed to us since are passed on."""

    def on_focus(self) -> None:
        """Begin anew."""
        self._left = False

    async def _on_key(self, event: events.Key) -> None:
        """Do it here and now: what Textual lets bubble up, such as a backspace, would come after later letters."""
        if self._left and self.then is not None:
            await press(self.then, event)
            return
        bound = bindings_of(self).get(event.key)
        if event.key == "enter" or (event.key == "tab" and self.then is not None):
            self._left = True
            if self.then is None:
                self.post_message(self.Entered())
            else:
                self._hand_over()
        elif bound is not None:
            await self.run_action(bound[0].action)
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()

    async def on_paste(self, event: events.Paste) -> None:
        """A paste fills this line; lines that were typed faster than they were read fill one after the other."""
        if not isinstance(event, Burst):
            return
        event.stop()
        event.prevent_default()  # Textual would take the first line
        for character in event.text:
            await self._on_key(character_key("\r" if character in "\n\t" else character))

    def _hand_over(self) -> None:
        """Focus the next line once no key is waiting here: none may overtake another."""
        if self.message_queue_size:
            self.call_later(self._hand_over)
        else:
            self.screen.set_focus(self.then)


class UnlockScreen(Modal[bool]):
    """See the module."""

    DEFAULT_CSS = DIALOG_CSS.replace("$SCREEN", "UnlockScreen")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Cancel", show=False)]
    AUTO_FOCUS = "#passphrase"
    VERTICAL_BREAKPOINTS = LOW

    passphrase = query_one("#passphrase", Input)
    says = query_one(".says", Static)

    def __init__(self, status: PlaceStatus, unlock: Unlock, *, step: str = "") -> None:
        super().__init__()
        self.status = status
        self._unlock = unlock
        self._step = step
        self._busy = False

    @property
    def is_new(self) -> bool:
        """Whether the place is to be made."""
        return self.status.state == "new"

    def compose(self) -> ComposeResult:
        """Explanation, one or two lines to write on, two buttons."""
        what = "Create" if self.is_new else "Unlock"
        title = " · ".join(filter(None, (self._step, f"{what} {_name(self.status.place)}")))
        with Box(title, self.app.active_theme, classes="dialog"):
            yield Static(_explanation(self.status), classes="explains", markup=False)
            again = PassphraseLine(id="again") if self.is_new else None
            yield Static("Passphrase", classes="caption", markup=False)
            yield PassphraseLine(id="passphrase", then=again)
            if again is not None:
                yield Static("Repeat the passphrase", classes="caption", markup=False)
                yield again
            yield Static("", classes="says", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Create" if self.is_new else "Unlock", id="go", compact=True)
                yield Button("Cancel", id="no", compact=True)

    @on(PassphraseLine.Entered)
    def _entered(self, event: PassphraseLine.Entered) -> None:
        event.stop()
        self._try()

    @on(Button.Pressed, "#go")
    def _pressed(self) -> None:
        self._try()

    @on(Button.Pressed, "#no")
    def action_give_up(self) -> None:
        """Leave it as it is."""
        self.dismiss(False)

    def _try(self) -> None:
        passphrase = self.passphrase.value
        if self._busy or not passphrase:
            return
        if self.is_new and len(passphrase) < SHORTEST_PASSPHRASE:
            self._complain(
                f"At least {SHORTEST_PASSPHRASE} characters. Four random words are safe and easy to remember."
            )
        elif self.is_new and self.query_one("#again", Input).value != passphrase:
            self._complain("The passphrases differ.")
        else:
            self._busy = True
            self.says.update("One moment…")
            self.run_worker(self._open(passphrase))

    async def _open(self, passphrase: str) -> None:
        try:
            await self._unlock(passphrase)
        except RoutertermError as error:
            self._busy = False
            self._complain(f"{error.message} {error.hint}".strip())
        else:
            self.dismiss(True)

    def _complain(self, sentence: str) -> None:
        self.says.update(sentence)
        for line in self.query(Input):
            line.value = ""
        self.passphrase.focus()


async def open_locked(app: App[Any], key_store: KeyStore, model: str, declined: set[KeyLocation] | None = None) -> bool:
    """Ask for the passphrases that a model's keys need, before it is asked; whether all is open now.

    Called from a worker, since it waits for the person.  Places in ``declined`` are not asked for, and one that
    the person would not open now is put into it.
    """
    key_manager = KeyManager(key_store)
    declined = set() if declined is None else declined
    opened = True
    for status in await key_store.locked_places(model):
        place = status.place
        if place in declined:
            opened = False
            continue
        dialog = UnlockScreen(status, lambda passphrase, place=place: key_manager.unlock(place, passphrase))  # type: ignore[misc]
        if not await app.push_screen_wait(dialog):
            declined.add(place)
            opened = False
    return opened


def _name(place: KeyLocation) -> str:
    return "the system's keyring" if place is KeyLocation.KEYRING else "your vault"


def _explanation(status: PlaceStatus) -> str:
    match (status.place, status.state):
        case (KeyLocation.VAULT, "new"):
            return (
                "There is no open keyring here, so your keys go into an encrypted file. "
                "Its passphrase is not stored: without it, the keys are lost."
            )
        case (KeyLocation.VAULT, _):
            return "Your keys are in an encrypted file. Its passphrase opens it for a while."
        case (_, "new"):
            return "This session has no keyring yet. Your passphrase creates one, for this and other programs."
        case _:
            return f"{status.title} is locked. Its passphrase is usually your login password."
