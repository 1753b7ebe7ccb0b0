"""Settings: every entry with its value and its sentence; a change is checked, written and lived at once."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from routerterm.config.describe import Entry, changed_entries, entries
from routerterm.config.schema_base import Section
from routerterm.config.write import set_value
from routerterm.core.errors import SettingsError
from routerterm.core.sanitise import one_line
from routerterm.core.toml import load_toml
from routerterm.tui.dialogs.picker import Picker, among, later
from routerterm.tui.dialogs.prompt import PromptDialog
from routerterm.tui.widgets.fields import Span
from routerterm.tui.widgets.keybar import key_name
from routerterm.tui.widgets.rows import Column, Row, plain

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.keymap import CommandInfo

WIDE = (Column("", 0, most=34), Column("", 0, most=24), Column("", 2, grow=True))
NARROW = (Column("", 0, most=21), Column("", 0, most=16))
NARROW_BELOW = 80
"""Columns under which the sentences stand only beneath the list."""


async def open_screen(app: AppContext, on: str | None = None) -> None:
    """Let the person change what can be changed; ``on`` is where the cursor stands."""
    picker = Picker(
        "Settings",
        NARROW if app.size.width < NARROW_BELOW else WIDE,
        later(lambda: asyncio.to_thread(_rows, app)),
        on=on,
        placeholder=f"type a word; the file is {app.paths.config_file}",
        hint="Enter Change · Esc Close",
        explained=True,
    )

    def chosen(name: str | None) -> None:
        if name is not None:
            _ask(app, name, _found(app)[name])

    app.push_screen(picker, chosen)


def _rows(app: AppContext) -> Sequence[Row]:
    rows: list[Row] = []
    before = ""
    for name, entry in _found(app).items():
        if (section := name.partition(".")[0]) != before:
            rows.append(Row("", (section,)))
            before = section
        rows.append(entry_row(name, entry))
    return rows


def _found(app: AppContext) -> dict[str, Entry]:
    """Every entry by its dotted name; the keys of each command instead of one table of them."""
    assert app.services is not None
    settings = app.services.settings
    found = {_dotted(entry.way): entry for entry in entries(settings) if entry.way[0] != "bindings"}
    return found | {_dotted(entry.way): entry for entry in key_entries(app.commands.values(), settings.bindings)}


def key_entries(commands: Iterable[type[CommandInfo]], own: dict[str, str]) -> Iterator[Entry]:
    """The keys of every command, as entries."""
    for command in commands:
        default = ", ".join(command.keys)
        text = f"Keys for: {command.help()} Separate several with commas; `none` removes them."
        yield Entry(
            ("bindings", command.name), own.get(command.name, default), default, choices=(), kind="text", text=text
        )


def _dotted(way: tuple[str, ...]) -> str:
    """As the file's writer reads it: quoted where a name holds dots or slashes."""
    return ".".join(step if step.replace("-", "").replace("_", "").isalnum() else f'"{step}"' for step in way)


def entry_row(name: str, entry: Entry) -> Row:
    """One entry: its name, its value (bright and with a star where it is not the default), its sentence."""
    text = shown_keys(str(entry.value)) if entry.way[0] == "bindings" else shown(entry.value)
    value = Span(f"{text or 'not set'} *", "bright") if entry.changed else Span(text or "not set", "dim")
    default = f" Default: {shown(entry.default) or 'not set'}." if entry.changed else ""
    cells = (name.partition(".")[2] or name, (value,), (Span(one_line(entry.text), "dim"),))
    search = f"{name} {plain(cells[1])} {entry.text}"
    return Row(name, cells, search=search, detail=f"{one_line(entry.text)}{default}")


def shown_keys(text: str) -> str:
    """Keys as a person knows them."""
    return " ".join(key_name(key.strip()) for key in text.split(",") if key.strip())


def shown(value: Any) -> str:
    """A value as it is written in the file."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return one_line(value)
        case tuple() | list():
            return f"[{', '.join(map(_inner, value))}]"
        case dict():
            return f"{{{', '.join(f'{_inner(key)} = {_inner(each)}' for key, each in value.items())}}}"
        case Section():
            return shown(changed_entries(value))
        case _:
            return one_line(str(value))


def _inner(value: Any) -> str:
    return (
        '"' + one_line(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
        if isinstance(value, str)
        else shown(value)
    )


def understood(text: str, entry: Entry) -> Any:
    """What was typed, as a value for the file; None where it was emptied.  Raises `SettingsError`."""
    if not text.strip():
        return None
    if entry.kind == "text" or entry.choices:
        return text.strip()
    try:
        return load_toml(f"value = {text}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        hint = 'Lists look like ["a", "b"], tables like { name = "value" }.' if entry.kind.startswith("a ") else ""
        raise SettingsError(f"{text!r} is not {entry.kind}.", hint) from None


def _ask(app: AppContext, name: str, entry: Entry) -> None:
    """Ask for a value, and come back to the list."""

    async def take(text: str) -> None:
        await asyncio.to_thread(set_value, app.paths, name, understood(text, entry))
        await app.take_up_settings()

    async def again(text: str | None) -> None:
        if text is not None:
            app.notify(f"{name} is set.", timeout=3, markup=False)
        await open_screen(app, name)

    async def picked(text: str | None) -> None:
        if text is not None:
            await take(text)
        await again(text)

    choices = ("true", "false") if entry.kind == "true or false" else entry.choices
    if choices:
        rows = [Row(choice, (choice,), detail=one_line(entry.text)) for choice in choices]
        column = (Column("", 0, grow=True),)
        app.push_screen(Picker(name, column, among(rows), on=shown(entry.value), explained=True), picked)
    else:
        words = f"{entry.text}\nValue: {entry.kind}; empty means {shown(entry.default) or 'not set'}."
        app.push_screen(PromptDialog(name, words, shown(entry.value), take=take), again)
