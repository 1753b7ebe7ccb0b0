"""The prompt library: named system prompts, and templates with fields; use one, write one, change one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from routerterm.core.sanitise import one_line
from routerterm.engine.chat.templates import fields_of
from routerterm.tui.actions import Action, bindings_of
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.fields import FieldLine, Span
from routerterm.tui.widgets.keybar import action_fields
from routerterm.tui.widgets.rows import Column, Row, RowList

if TYPE_CHECKING:
    from routerterm.store.prompts import Prompt

COLUMNS = (Column("", 0, most=30), Column("", 2, most=24), Column("", 1, grow=True))
EMPTY = (
    "Nothing here yet.\n\n"
    "S writes a system prompt: how a model should answer, under a name you choose.\n"
    "T writes a template: a text with fields such as {{language}} or {{tone=friendly}}, filled in when you use it."
)


class PromptsScreen(Modal[tuple[str, str] | None]):
    """Answers with what is to be done (``use``, ``edit``, ``remove`` a name; ``new`` a kind)."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("enter", "Use it", "use", rank=0, short="Use"),
        Action("e", "Edit it", "take('edit')", rank=1, short="Edit"),
        Action("d,delete", "Remove it", "take('remove')", rank=2, short="Remove"),
        Action("s", "New system prompt", "new('system')", rank=3),
        Action("t", "New template", "new('template')", rank=4),
        Action("escape,q", "Close", "dismiss(None)", rank=5),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(ACTIONS)
    DEFAULT_CSS = """
    PromptsScreen { align: center middle; background: $t-background 60%; }
    PromptsScreen > Box {
        width: 94%; max-width: 110; height: 80%;
        background: $t-panel;
    }
    PromptsScreen RowList { height: 1fr; }
    PromptsScreen Static { height: 1fr; padding: 1 2; color: $t-dim; display: none; }
    PromptsScreen.-empty Static { display: block; }
    PromptsScreen.-empty RowList { display: none; }
    PromptsScreen FieldLine { background: $t-panel; margin: 0 1; }
    """

    def __init__(self, prompts: Sequence[Prompt], on: str | None = None) -> None:
        super().__init__()
        self._prompts = tuple(prompts)
        self._on = on

    def compose(self) -> ComposeResult:
        """The prompts by kind, and what can be done."""
        with Box("Prompts", self.app.active_theme):
            yield RowList(COLUMNS)
            yield Static(EMPTY, markup=False)
            bar = FieldLine(gap=2, more=self.app.active_theme.glyphs.ellipsis)
            bar.fields = action_fields(self.ACTIONS, self, form=self.app.active_theme.keys)
            yield bar

    def on_mount(self) -> None:
        """Show them."""
        self.set_class(not self._prompts, "-empty")
        self.query_one(RowList).show(list(prompt_rows(self._prompts)), on=self._on)
        if self._prompts:
            self.query_one(RowList).focus()

    def action_use(self) -> None:
        """Use the one under the cursor."""
        self.action_take("use")

    def action_take(self, what: str) -> None:
        """Answer with the one under the cursor."""
        row = self.query_one(RowList).current
        if row is not None:
            self.dismiss((what, row.id))

    def action_new(self, kind: str) -> None:
        """Write another."""
        self.dismiss(("new", kind))

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.dismiss(("use", event.id))


def prompt_rows(prompts: Sequence[Prompt]) -> Iterator[Row]:
    """Under a heading for each kind: the name, its fields, its first words."""
    for kind, title in (("system", "System prompts: how the model answers here"), ("template", "Templates")):
        of_kind = [prompt for prompt in prompts if prompt.kind == kind]
        if of_kind:
            yield Row("", (title,))
        for prompt in of_kind:
            fields = " ".join(f"{{{{{field.name}}}}}" for field in fields_of(prompt.text)) if kind == "template" else ""
            words = (Span(one_line(prompt.text[:200]), "dim"),)
            yield Row(prompt.name, ((Span(one_line(prompt.name), "bright"),), (Span(fields, "accent"),), words))
