"""Help: what can be done here and everywhere, made from the bindings and commands themselves; Enter does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from routerterm.tui.dialogs.picker import Picker, later
from routerterm.tui.keymap import CommandInfo, Group, letters
from routerterm.tui.textual_internals.screens import bindings_of
from routerterm.tui.widgets.fields import Span
from routerterm.tui.widgets.framed_screen import NARROW_BELOW
from routerterm.tui.widgets.keybar import key_name
from routerterm.tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from textual.widget import Widget

    from routerterm.tui.app_context import AppContext

WIDE = (Column("", 0, most=20), Column("", 1, most=44), Column("", 2, grow=True))
NARROW = (Column("", 0, most=15), Column("", 1, most=22))
SHOWN = 2
"""Keys of one action that are listed; the line beneath the list names all of them."""
NAMES: Mapping[str, str] = {
    "Composer": "writing",
    "Transcript": "messages",
    "ConversationList": "the list of conversations",
    "RowList": "the list",
    "KeysList": "the list of keys",
    "Input": "the line you type in",
}
"""What a part of the screen is called; others go by the name of their class."""


async def open_screen(app: AppContext) -> None:
    """Show everything that can be done; what is chosen is done."""
    below, focused = app.screen, app.screen.focused
    actions: dict[str, tuple[DOMNode, Binding]] = {}

    async def rows() -> list[Row]:
        ours, others = (list(bindings_here(below, focused, app.commands, ours=ours)) for ours in (True, False))
        first = [item for item in ours if item[0] in (below, focused)]
        parts = {"here: ": first, "also: ": [item for item in ours if item not in first], "any text: ": others}
        told: list[Row] = []
        for prefix, items in parts.items():
            found = list(here_rows(items, prefix))
            actions.update(zip((row.id for row in found if row.id), items, strict=True))
            told += found
            if prefix == "here: " and not below.is_modal:
                told += command_rows(app.commands, app.keys_of)
        return told

    async def taken(id: str | None) -> None:
        if id in actions:
            node, binding = actions[id]
            if node.is_attached:
                await app.run_action(binding.action, node)
        elif id is not None:
            await app.action_command(id)

    picker = Picker(
        "Help",
        NARROW if app.size.width < NARROW_BELOW else WIDE,
        later(rows),
        hint="Enter Run · Esc Close",
        placeholder="type to filter",
        explained=True,
    )
    app.push_screen(picker, taken)


def bindings_here(
    screen: Screen[Any], focused: Widget | None, commands: Mapping[str, type[CommandInfo]], *, ours: bool
) -> Iterator[tuple[DOMNode, Binding]]:
    """The keys of what is focused, of the screen, then of its other parts: ours, or those every such part has.

    Commands are told elsewhere.
    """
    parts = [part for part in (focused, screen) if part is not None]
    parts += [part for part in screen.query("*") if part.can_focus and part.display and part is not focused]
    told: set[tuple[str, str]] = set()
    for part in parts:
        own = list(dict.fromkeys(_own_actions(type(part))))  # what is a part's very own comes first, in its own order
        for binding in sorted(_merged(part), key=lambda each: own.index(each.action) if each.action in own else 999):
            kind = (type(part).__name__, binding.action)
            if binding.description and binding.id not in commands and kind not in told:
                if (binding.action in own or part is screen) is ours:
                    yield part, binding
                told.add(kind)


def _merged(part: DOMNode) -> Iterator[Binding]:
    """Bindings of a part, one for each action, with all its keys in ``key``."""
    by_action: dict[str, list[Binding]] = {}
    for bindings in bindings_of(part).values():
        for binding in bindings:
            by_action.setdefault(binding.action, []).append(binding)
    labels = dict(_own_labels(type(part)))
    for action, bindings in by_action.items():
        keys = sorted(dict.fromkeys(binding.key for binding in bindings), key=lambda key: "super+" in key)
        yield Binding(",".join(keys), action, labels.get(action, bindings[0].description), id=bindings[0].id)


def _own_actions(part: type) -> Iterator[str]:
    """What its class and those of ours that it extends bind."""
    return (action for action, _ in _bound_by_us(part))


def _own_labels(part: type) -> Iterator[tuple[str, str]]:
    """Our words for what it does, before Textual's; those of the class before those of what it extends."""
    return reversed([(action, label) for action, label in _bound_by_us(part) if label])


def _bound_by_us(part: type) -> Iterator[tuple[str, str]]:
    for owner in part.__mro__:
        if owner.__module__.startswith("routerterm."):
            for binding in vars(owner).get("BINDINGS", ()):
                yield (binding.action, binding.description) if isinstance(binding, Binding) else binding[1:3]


def here_rows(here: list[tuple[DOMNode, Binding]], prefix: str) -> Iterator[Row]:
    """A heading for each part, and a row for each of its keys."""
    before: DOMNode | None = None
    for number, (part, binding) in enumerate(here):
        if part is not before:
            yield Row("", (f"{prefix}{_name(part)}",))
            before = part
        names = list(map(key_name, binding.key.split(",")))
        cells = ((Span(" ".join(names[:SHOWN]), "bright"),), binding.description, "")
        yield Row(f"{prefix}{number}", cells, detail=f"{binding.description}: {' '.join(names)}")


def _name(part: DOMNode) -> str:
    if isinstance(part, Screen):
        return "this screen"
    return NAMES.get(type(part).__name__, type(part).__name__.lower())


def command_rows(commands: Mapping[str, type[CommandInfo]], keys_of: Mapping[str, tuple[str, ...]]) -> Iterator[Row]:
    """Every command, in the order of the groups."""
    after_leader = {name: letter for letter, name in letters(commands.values()).items()}
    for group in get_args(Group):
        yield Row("", (group.lower(),))
        for command in commands.values():
            if command.group == group:
                yield _command_row(command, keys_of, after_leader.get(command.name, ""))


def _command_row(command: type[CommandInfo], keys_of: Mapping[str, tuple[str, ...]], letter: str) -> Row:
    slash = f"/{command.slash} {command.argument}".strip() if command.slash else ""
    keys = " ".join(map(key_name, keys_of.get(command.name, ())))
    leader = " ".join([*map(key_name, keys_of.get("leader", ())[:1]), letter]) if letter else ""
    ways = ", ".join(filter(None, (keys, slash, leader)))
    return Row(
        command.name,
        ((Span(keys or slash or leader, "bright"),), command.title, (Span(command.help(), "dim"),)),
        search=f"{command.title} {slash} {keys} {command.help()}",
        detail=f"{command.help()}  {ways}",
    )
