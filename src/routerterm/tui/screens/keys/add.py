"""Asks for a key: pasted or typed unseen, its provider recognised by the prefix, chosen where that does not tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.getters import query_one
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from routerterm.core.errors import RoutertermError
from routerterm.core.secret import Secret
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.dialogs.unlock import DIALOG_CSS, LOW
from routerterm.tui.screens.keys.rows import place_words
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.letter_input import LetterInput

if TYPE_CHECKING:
    from routerterm.config.keys.paste import Pasted
    from routerterm.config.keys.values import PlaceStatus


class NewKey(Struct, frozen=True):
    """What the person gave."""

    provider: str
    secret: Secret
    label: str = ""


class AddKeyScreen(Modal[NewKey | None]):
    """Step one: the key.  Dismissed with a `NewKey`, or None."""

    DEFAULT_CSS = (
        DIALOG_CSS.replace("$SCREEN", "AddKeyScreen")
        + """
AddKeyScreen OptionList, AddKeyScreen OptionList:focus {
    height: auto; max-height: 7; border: none; padding: 0; margin-bottom: 1; background: $t-background; color: $t-text;
}
AddKeyScreen.-low OptionList, AddKeyScreen.-low OptionList:focus { max-height: 4; margin-bottom: 0; }
AddKeyScreen .-gone { display: none; }
"""
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Cancel", show=False)]
    AUTO_FOCUS = "#key"
    VERTICAL_BREAKPOINTS = LOW

    key_line = query_one("#key", Input)
    label_line = query_one("#label", Input)
    owners = query_one(OptionList)
    says = query_one(".says", Static)

    def __init__(
        self,
        recognise: Callable[[str], Pasted],
        titles: Sequence[tuple[str, str]],
        place: PlaceStatus,
        *,
        provider: str = "",
        pasted: str = "",
    ) -> None:
        super().__init__()
        self._recognise = recognise
        self._titles = dict(titles)
        self._place = place
        self._given = provider
        self._pasted = pasted
        self._chosen = ""

    def compose(self) -> ComposeResult:
        """Explanation, the key, whose it is, a label, two buttons."""
        title = "1 of 3 · Your key" if self._place.state != "ready" else "Add a key"
        with Box(title, self.app.active_theme, classes="dialog"):
            where = place_words(self._place.place)
            whose = f"your {self._titles[self._given]}" if self._given in self._titles else "a provider's"
            yield Static(
                f"Paste {whose} API key. It is tested, then stored in {where}, and never shown again.",
                classes="explains",
                markup=False,
            )
            yield Static("Key", classes="caption", markup=False)
            key = LetterInput(self._pasted, password=True, id="key", placeholder="paste it here")
            key.cursor_blink = False
            yield key
            yield Static("Provider", classes="caption owners -gone", markup=False)
            yield OptionList(classes="owners -gone", markup=False)
            yield Static("Label (optional)", classes="caption", markup=False)
            label = LetterInput(id="label", placeholder="default", max_length=40)
            label.cursor_blink = False
            yield label
            yield Static("", classes="says", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Test and store", id="go", compact=True)
                yield Button("Cancel", id="no", compact=True)

    def on_mount(self) -> None:
        """What was pasted outside may tell everything already."""
        self._look(self._pasted)

    @on(Input.Changed, "#key")
    def _changed(self, event: Input.Changed) -> None:
        self._look(event.value)

    @on(OptionList.OptionSelected)
    def _owner_chosen(self, event: OptionList.OptionSelected) -> None:
        self._chosen = event.option_id or ""
        self.says.update(f"A key of {self._titles.get(self._chosen, self._chosen)}.")
        self.query_one("#go", Button).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._go()

    @on(Button.Pressed, "#go")
    def _pressed(self) -> None:
        self._go()

    @on(Button.Pressed, "#no")
    def action_give_up(self) -> None:
        """Store nothing."""
        self.dismiss(None)

    def _look(self, text: str) -> None:
        """Say whose key it seems to be; ask where several or none fit."""
        self._chosen = self._given
        choices: Sequence[str] = ()
        sentence = ""
        if text.strip():
            try:
                pasted = self._recognise(text)
            except RoutertermError as error:
                sentence = error.message
            else:
                self._chosen, choices = self._owner(pasted.providers)
                sentence = f"A key of {self._titles.get(self._chosen, self._chosen)}." if self._chosen else ""
        self._offer(choices)
        self.says.update(sentence)

    def _owner(self, found: Sequence[str]) -> tuple[str, Sequence[str]]:
        """The provider if it is certain, else those to choose from."""
        if self._given and (not found or self._given in found):
            return self._given, ()
        if len(found) == 1:
            return found[0], ()
        return "", found or tuple(self._titles)

    def _offer(self, choices: Sequence[str]) -> None:
        self.owners.clear_options()
        self.owners.add_options([Option(self._titles.get(name, name), id=name) for name in choices])
        self.owners.highlighted = 0 if choices else None
        for part in self.query(".owners"):
            part.set_class(not choices, "-gone")

    def _go(self) -> None:
        try:
            pasted = self._recognise(self.key_line.value)
        except RoutertermError as error:
            self.says.update(f"{error.message} {error.hint}".strip())
            self.key_line.focus()
            return
        if not self._chosen:
            self.says.update("Choose the provider.")
            self.owners.focus()
            return
        self.dismiss(NewKey(self._chosen, Secret(pasted.key), self.label_line.value.strip()))
