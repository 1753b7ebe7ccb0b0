"""All commands on one letter each: shown after the leader key, for whoever does not know them by heart yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.keymap import CommandInfo, Group, letters
from routerterm.tui.markdown.lines import fit
from routerterm.tui.widgets.keybar import key_name
from routerterm.tui.widgets.styles import Toned

GAP = 2
WIDE, NARROW = 30, 20
"""Cells of a column; narrow ones do not show the command's usual key."""


class WhichKey(Modal[str | None]):
    """Answers with the name of the command whose letter was pressed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+x", "dismiss(None)", "Leave", priority=True)]
    DEFAULT_CSS = """
    WhichKey { align: center bottom; background: $t-background 0%; }
    WhichKey > Grid { background: $t-panel; }
    """

    def __init__(
        self, commands: Mapping[str, type[CommandInfo]], keys_of: Mapping[str, tuple[str, ...]], ellipsis: str
    ) -> None:
        super().__init__()
        self._ellipsis = ellipsis
        self._commands = commands
        self._letters = letters(commands.values())
        self._keys_of = keys_of

    def compose(self) -> ComposeResult:
        """Only the grid."""
        yield Grid([*cells_of(self._commands, self._letters, self._keys_of)], self._ellipsis)

    def on_key(self, event: events.Key) -> None:
        """Take a letter; anything else does nothing and closes the overlay."""
        event.stop()
        event.prevent_default()
        step = {"up": -1, "down": 1, "pageup": -8, "pagedown": 8}.get(event.key)
        if step is not None:
            self.query_one(Grid).scroll_relative(y=step, animate=False)
        else:
            letter = event.character or ""  # a letter without a twin works with Caps Lock too
            self.dismiss(self._letters.get(letter) or self._letters.get(letter.swapcase()))

    def on_click(self, event: events.Click) -> None:
        """A click beside it closes it."""
        if event.widget is self:
            self.dismiss(None)


GROUPS: Mapping[str, tuple[Group, ...]] = {
    "Go to": ("Screens",),
    "Conversation": ("Conversation",),
    "Message": ("Message", "Writing"),
    "Program": ("Program",),
}
"""The titles under which commands stand, and their groups."""


def cells_of(
    commands: Mapping[str, type[CommandInfo]], letters: Mapping[str, str], keys_of: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, str, str, str]]:
    """Name, letter, title and usual key of every command, by groups; a group's title has neither name nor letter."""
    by_name = {name: letter for letter, name in letters.items()}
    for title, groups in GROUPS.items():
        yield "", "", title, ""
        for command in commands.values():
            if command.group in groups and command.name in by_name:
                keys = keys_of.get(command.name, ())
                yield command.name, by_name[command.name], command.title, key_name(keys[0]) if keys else ""


def columns_in(width: int) -> int:
    """How many columns find room."""
    return max(1, width // WIDE if width >= 2 * WIDE else width // NARROW)


class Grid(ScrollView, Toned):
    """Letters and titles in as many columns as there is room for."""

    DEFAULT_CSS = """
    Grid { height: auto; max-height: 80%; width: 100%; border-top: solid $t-faint; border-title-color: $t-bright;
           background: $t-panel; padding: 0 1; overflow-x: hidden; }
    """

    def __init__(self, cells: list[tuple[str, str, str, str]], ellipsis: str) -> None:
        super().__init__()
        self._cells = cells
        self._ellipsis = ellipsis

    @property
    def columns(self) -> int:
        """How many stand side by side."""
        return len(self._stacks(self.size.width))

    @property
    def lines(self) -> int:
        """How many stand one below the other."""
        return max(map(len, self._stacks(self.size.width)))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are."""
        return max(map(len, self._stacks(width)))

    def _stacks(self, width: int) -> list[list[tuple[str, str, str, str]]]:
        """The columns: a group each where there is room for all of them, else one group after the other."""
        titles = [n for n, cell in enumerate(self._cells) if not cell[0]]
        if columns_in(width) >= len(titles):
            return [self._cells[begin:end] for begin, end in pairwise([*titles, len(self._cells)])]
        each = -(-len(self._cells) // columns_in(width))
        return [self._cells[at : at + each] for at in range(0, len(self._cells), each)]

    def on_resize(self) -> None:
        """Scroll where they are too many."""
        self.virtual_size = Size(self.size.width, self.lines)
        more = "PgDn More · " if self.lines > self.size.height else ""
        self.border_title = f"Press a letter · {more}Esc Close"

    def render_line(self, y: int) -> Strip:
        """A line: a cell from every column."""
        text = self.tone("text")
        width = self.size.width // self.columns
        segments = []
        for column in range(self.columns):
            found = self._at(column, y + self.scroll_offset.y)
            segments.extend(self._draw(found, width - GAP) if found else [Segment(" " * (width - GAP), text)])
            segments.append(Segment(" " * GAP, text))
        return Strip(segments).adjust_cell_length(self.size.width, text)

    def _draw(self, cell: tuple[str, str, str, str], width: int) -> list[Segment]:
        name, letter, title, key = cell
        text, dim = self.tone("text"), self.tone("dim")
        if not name:
            return [Segment(set_cell_size(title, width), self.tone("bright"))]
        key = key if width >= WIDE - GAP else ""
        room = width - 4 - cell_len(key) - 1
        return [
            Segment(f" {letter} ", self.tone("key")),
            Segment(f" {set_cell_size(fit(title, room, self._ellipsis), room)} ", text),
            Segment(key, dim),
        ]

    def _at(self, column: int, line: int) -> tuple[str, str, str, str] | None:
        stacks = self._stacks(self.size.width)
        return stacks[column][line] if column < len(stacks) and line < len(stacks[column]) else None

    def on_click(self, event: events.Click) -> None:
        """Do what was clicked."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        event.stop()
        found = self._at(offset.x // max(1, self.size.width // self.columns), offset.y + self.scroll_offset.y)
        if found is None or found[0]:  # a title does nothing
            self.screen.dismiss(found[0] if found else None)
