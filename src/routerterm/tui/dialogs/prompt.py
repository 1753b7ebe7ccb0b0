"""A small overlay that asks for one line of text, and says at once where it cannot be taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.getters import query_one
from textual.widgets import Input, Static

from routerterm.core.errors import RoutertermError
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.fields import FieldLine
from routerterm.tui.widgets.keybar import foot
from routerterm.tui.widgets.letter_input import LetterInput

Take: TypeAlias = Callable[[str], Awaitable[None]]
"""Takes what was typed; raises `RoutertermError` where it cannot, and the person can mend it."""


class PromptDialog(Modal[str | None]):
    """Answers with what was typed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave", priority=True)]
    DEFAULT_CSS = """
    PromptDialog { align: center middle; background: $t-background 60%; }
    PromptDialog > Box {
        width: 94%; max-width: 84; height: auto; padding: 1 2;
        background: $t-panel;
    }
    PromptDialog Static { color: $t-dim; margin-bottom: 1; }
    PromptDialog #wrong { display: none; color: $t-error; margin: 1 0 0 0; }
    PromptDialog.-wrong #wrong { display: block; }
    PromptDialog Input { border: none; height: 1; padding: 0; background: $t-background; color: $t-bright; }
    PromptDialog Input:focus { border: none; }
    PromptDialog FieldLine { margin-top: 1; }
    """
    box = query_one(Input)

    def __init__(
        self,
        title: str,
        words: str,
        value: str = "",
        *,
        hint: str = "Enter Save · Esc Close",
        take: Take | None = None,
    ) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._value = value
        self._hint = hint
        self._take = take

    def compose(self) -> ComposeResult:
        """What is asked, where to answer, and how to leave."""
        with Box(self._title, self.app.active_theme):
            yield Static(self._words, markup=False)
            line = LetterInput(self._value, select_on_focus=False)
            line.cursor_blink = False
            yield line
            yield Static(id="wrong", markup=False)
            yield FieldLine(gap=2, id="foot", more=self.app.active_theme.glyphs.ellipsis)

    def on_mount(self) -> None:
        """Show what can be done."""
        actions = {"Enter": "screen.submit", "Esc": "screen.dismiss(None)"}
        self.query_one("#foot", FieldLine).fields = foot(self._hint, actions, self.app.active_theme.keys)

    @on(Input.Submitted)
    async def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        await self.action_submit()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.remove_class("-wrong")

    async def action_submit(self) -> None:
        """Close with what was typed, or say what is wrong with it."""
        text = self.box.value
        if self._take is not None:
            try:
                await self._take(text)
            except RoutertermError as error:
                self.query_one("#wrong", Static).update(f"{error.message} {error.hint}".strip())
                self.add_class("-wrong")
                return
        self.dismiss(text)
