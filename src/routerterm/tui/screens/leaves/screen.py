"""What leaves with the next message, before it does: line by line, each to be left out, summarised or pinned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from routerterm.core.errors import RoutertermError
from routerterm.core.json_layout import laid_out
from routerterm.core.sanitise import sanitise
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.hints import in_chat
from routerterm.tui.screens.leaves.rows import COLUMNS, remarks, row_id, rows_of, summary_fields, whole_text
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.fields import FieldLine, Span
from routerterm.tui.widgets.keybar import foot
from routerterm.tui.widgets.rows import RowList

if TYPE_CHECKING:
    from routerterm.engine.chat.leaves import OutgoingLine, Sheet

FOOT = "x Leave out · p Pin · s Summarise to here · Enter In full · b Body · Esc Close"
_FOOT_ACTIONS = {
    "x": "screen.leave_out",
    "p": "screen.pin",
    "s": "screen.summarise",
    "Enter": "screen.read",
    "b": "screen.body",
    "Esc": "screen.dismiss(None)",
}


WIDE = 92
"""Columns from which all keys stand on one line."""
NARROW = 60
"""Columns below which they take three, and a row's price and state stand below the list."""


class SheetActions(Protocol):
    """What the sheet asks of the chat."""

    async def look(self) -> Sheet:
        """What leaves now.  Raises the error with which sending it would fail."""
        ...

    async def leave_out(self, line: OutgoingLine) -> None:
        """Keep a line from being sent, or no longer.  Raises `RoutertermError` for one that must go."""
        ...

    async def pin(self, line: OutgoingLine) -> None:
        """Always send a message, or no longer.  Raises `RoutertermError` for what is none."""
        ...

    async def summarise(self, line: OutgoingLine) -> None:
        """Put a summary in the place of everything down to a message, once its cost is confirmed."""
        ...


class LeavesScreen(Modal[None]):
    """Looks again after every change, so that its total is always that of what would leave."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,alt+w", "dismiss(None)", "Close"),
        Binding("x,space,delete", "leave_out", "Leave out, or send after all"),
        Binding("p", "pin", "Always send"),
        Binding("s", "summarise", "Summarise everything down to here"),
        Binding("b", "body", "The body, byte by byte"),
    ]
    DEFAULT_CSS = """
    LeavesScreen { align: center middle; background: $t-background 60%; }
    LeavesScreen > Box {
        width: 96%; max-width: 132; height: 90%;
        background: $t-panel;
    }
    LeavesScreen RowList { height: 1fr; margin-top: 1; background: $t-panel; }
    LeavesScreen FieldLine { background: $t-panel; margin: 0 1; }
    LeavesScreen #remarks { height: auto; margin: 1 1 0 1; color: $t-dim; }
    LeavesScreen #foot { margin: 1 1 0 1; }
    LeavesScreen.-narrow RowList { margin-top: 0; }
    LeavesScreen.-narrow #remarks, LeavesScreen.-narrow #foot { margin: 0 1; }
    LeavesScreen #refused { height: auto; padding: 1 1; color: $t-warning; }
    """

    def __init__(self, actions: SheetActions) -> None:
        super().__init__()
        self._actions = actions
        self._sheet: Sheet | None = None

    def compose(self) -> ComposeResult:
        """The total, the lines, what else is to be known, and the keys."""
        with Box("What leaves with the next message", self.app.active_theme):
            yield FieldLine(gap=3, id="total")
            yield RowList(COLUMNS)
            yield Static("", id="refused", markup=False)
            yield Static("", id="remarks", markup=False)
            yield FieldLine(gap=2, id="foot", more=self.app.active_theme.glyphs.ellipsis)

    def on_mount(self) -> None:
        """Look at once."""
        self.query_one("#foot", FieldLine).fields = foot(FOOT, _FOOT_ACTIONS, self.app.active_theme.keys)
        self.query_one(RowList).focus()
        self.look_again()

    def on_resize(self, event: events.Resize) -> None:
        """On a narrow screen the keys take more lines."""
        width = event.size.width
        self.query_one("#foot", FieldLine).lines = 1 + (width < WIDE) + (width < NARROW)
        self.set_class(width < NARROW, "-narrow")
        self._remark()

    def look_again(self) -> None:
        """Show what would leave now."""
        self.query_one("#refused").display = False
        self.run_worker(self._look(), group="leaves", exclusive=True, exit_on_error=False)

    async def _look(self) -> None:
        rows = self.query_one(RowList)
        try:
            sheet = self._sheet = await self._actions.look()
        except RoutertermError as error:
            self._say(f"Nothing would leave. {error.message} {in_chat(error.hint)}".strip())
            return
        if rows.current is not None:
            on = rows.current.id
        elif sheet.lines:
            on = row_id(sheet.lines[-1], 0)
        else:
            on = None
        rows.show(rows_of(sheet), on=on)
        self.query_one("#total", FieldLine).fields = summary_fields(sheet)
        self._remark()

    @on(RowList.Moved)
    def _remark(self) -> None:
        if self._sheet is None:
            return
        row = self.query_one(RowList).current
        said = [row.detail] if row is not None and row.detail and self.size.width < NARROW else []
        self.query_one("#remarks", Static).update("\n".join([*said, remarks(self._sheet)]))

    def _say(self, words: str) -> None:
        """What cannot be, until the next look."""
        refused = self.query_one("#refused", Static)
        refused.update(words)
        refused.display = True

    @property
    def _line(self) -> OutgoingLine | None:
        """The line under the cursor."""
        row, sheet = self.query_one(RowList).current, self._sheet
        if row is None or sheet is None:
            return None
        return next((line for n, line in enumerate(sheet.lines) if row_id(line, n) == row.id), None)

    async def action_leave_out(self) -> None:
        """Leave the line out, or send it after all."""
        await self._do("leave_out")

    async def action_pin(self) -> None:
        """Always send the message, or no longer."""
        await self._do("pin")

    async def action_summarise(self) -> None:
        """Have everything down to here summed up."""
        await self._do("summarise")

    async def _do(self, what: str) -> None:
        line = self._line
        if line is None:
            return
        try:
            await getattr(self._actions, what)(line)
        except RoutertermError as error:
            self._say(f"{error.message} {in_chat(error.hint)}".strip())
            return
        self.look_again()

    def action_read(self) -> None:
        """The whole line."""
        line, sheet = self._line, self._sheet
        if line is not None and sheet is not None:
            self.app.push_screen(TextScreen(line.who, whole_text(line, sheet.redacted)))
        elif sheet is not None:
            self.app.push_screen(TextScreen("settings", [Span("\n".join(sheet.settings))]))

    def action_body(self) -> None:
        """The request's body as it leaves, laid out to be read."""
        if self._sheet is not None:
            body = laid_out(self._sheet.body) or self._sheet.body.decode("utf-8", "replace")
            self.app.push_screen(TextScreen("Body, as it leaves", [Span(sanitise(body))]))

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_read()


class TextScreen(Modal[None]):
    """A text in full."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q,b", "dismiss(None)", "Close")]
    DEFAULT_CSS = """
    TextScreen { align: center middle; background: $t-background 60%; }
    TextScreen > Box { width: 90%; max-width: 120; height: auto; background: $t-panel; }
    TextScreen VerticalScroll { height: auto; max-height: 80vh; padding: 0 1; }
    """

    def __init__(self, title: str, spans: Sequence[Span]) -> None:
        super().__init__()
        self._title = title
        self._spans = spans

    def compose(self) -> ComposeResult:
        """The text, scrolled."""
        with Box(self._title, self.app.active_theme) as box, VerticalScroll():
            box.footing = "Esc Close"
            styles = {"struck": "strike $t-dim"}
            parts = (Content.styled(span.text, styles.get(span.tone, f"$t-{span.tone}")) for span in self._spans)
            yield Static(Content("").join(parts))
