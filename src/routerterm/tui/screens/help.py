"""Help: every command with its keys, made from the commands themselves; Enter runs one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, get_args

from routerterm.tui.commands.base import Group
from routerterm.tui.commands.registry import COMMANDS
from routerterm.tui.screens.picker import Picker, among
from routerterm.tui.widgets.fields import Span
from routerterm.tui.widgets.keybar import key_name
from routerterm.tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from routerterm.tui.app import RoutertermApp

COLUMNS = (Column("", 0, most=20), Column("", 1, most=22), Column("", 2, grow=True))
ELSEWHERE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Composer": (
        ("Enter", "send"),
        ("^J, Alt+Enter", "break the line"),
        ("Up, Down", "earlier lines, when the composer is empty; otherwise out into the messages"),
        ("Alt+Up, Alt+Down", "earlier lines, always"),
    ),
    "Messages": (
        ("Up, Down", "from message to message"),
        ("y", "copy the message"),
        ("c", "copy a code block"),
        ("e", "edit the question and ask again"),
        ("r", "answer again"),
        ("f", "fork from here"),
        ("[ ]", "walk the siblings"),
        ("w", "why this model answered"),
        ("PageUp, PageDown, Home, End", "scroll; End follows the answer again"),
    ),
}


async def open_screen(app: RoutertermApp) -> None:
    """Show everything that can be done; what is chosen is done."""

    async def taken(name: str | None) -> None:
        if name is not None and name in COMMANDS:
            await app.action_command(name)

    rows = list(help_rows(app.chat.keys_of))
    picker = Picker(
        "What can I do?", COLUMNS, among(rows), hint="Enter does it · Esc leaves", placeholder="type a word"
    )
    app.push_screen(picker, taken)


def help_rows(keys_of: Mapping[str, tuple[str, ...]]) -> Iterator[Row]:
    """Headings and rows, in the order of the groups."""
    for group in get_args(Group):
        yield Row("", (group,))
        for command in COMMANDS.values():
            if command.group == group:
                slash = f"/{command.slash} {command.argument}".strip() if command.slash else ""
                keys = " ".join(map(key_name, keys_of.get(command.name, ())))
                cells = (
                    (Span(keys or slash, "bright"),),
                    command.title,
                    (Span(_both(command.help(), keys, slash), "dim"),),
                )
                yield Row(command.name, cells)
    for title, entries in ELSEWHERE.items():
        yield Row("", (title,))
        for number, (keys, what) in enumerate(entries):
            yield Row(f"{title} {number}", ((Span(keys, "bright"),), what))


def _both(help: str, keys: str, slash: str) -> str:
    return f"{help}  ({slash})" if keys and slash else help
