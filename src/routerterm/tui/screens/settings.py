"""Settings: every entry with its value and its sentence; a change is checked, written and lived at once."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from routerterm.config.describe import Entry, entries
from routerterm.config.write import set_value
from routerterm.core.errors import RoutertermError, SettingsError
from routerterm.tui.sanitise import one_line
from routerterm.tui.screens.ask_value import AskValue
from routerterm.tui.screens.picker import Picker, among
from routerterm.tui.widgets.fields import Span
from routerterm.tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from routerterm.tui.app import RoutertermApp

COLUMNS = (Column("", 0, most=34), Column("", 1, most=18), Column("", 2, grow=True))


async def open_screen(app: RoutertermApp) -> None:
    """Let the person change what can be changed."""
    assert app.services is not None
    found = {".".join(entry.way): entry for entry in entries(app.services.settings)}
    picker = Picker(
        "Settings",
        COLUMNS,
        among([entry_row(name, entry) for name, entry in found.items()]),
        placeholder=f"type a word; the file is {app.paths.config_file}",
        hint="Enter changes · Esc leaves",
    )

    def chosen(name: str | None) -> None:
        if name is not None:
            _ask(app, name, found[name])

    app.push_screen(picker, chosen)


def entry_row(name: str, entry: Entry) -> Row:
    """One entry: its name, its value (bright where it is not the default), its sentence."""
    value = Span(shown(entry.value), "bright" if entry.changed else "dim")
    return Row(name, (name, (value,), (Span(one_line(entry.text), "dim"),)))


def shown(value: Any) -> str:
    """A value as it is written in the file."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case tuple() | list():
            return f"[{', '.join(repr(item) if isinstance(item, str) else shown(item) for item in value)}]"
        case _:
            return one_line(str(value))


def understood(text: str, entry: Entry) -> Any:
    """What was typed, as a value for the file; None where it was emptied.  Raises `SettingsError`."""
    if not text.strip():
        return None
    if entry.kind == "text" or entry.choices:
        return text.strip()
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        raise SettingsError(f"{text!r} is not {entry.kind}.", 'Lists look like ["a", "b"].') from None


def _ask(app: RoutertermApp, name: str, entry: Entry) -> None:
    if entry.choices:
        rows = [Row(choice, (choice,)) for choice in entry.choices]
        picker = Picker(name, (Column("", 0, grow=True),), among(rows), on=str(entry.value), hint=entry.text)
        app.push_screen(picker, _Done(app, name, entry))
    else:
        words = f"{entry.text}\nIt takes {entry.kind}; empty means {shown(entry.default) or 'nothing'}."
        app.push_screen(AskValue(name, words, shown(entry.value)), _Done(app, name, entry))


class _Done:
    """What happens with the answer."""

    def __init__(self, app: RoutertermApp, name: str, entry: Entry) -> None:
        self._app, self._name, self._entry = app, name, entry

    async def __call__(self, text: str | None) -> None:
        if text is None:
            return
        try:
            set_value(self._app.paths, self._name, understood(text, self._entry))
            await self._app.take_up_settings()
        except RoutertermError as error:
            self._app.chat.show_trouble(error)
            _ask(self._app, self._name, self._entry)
        else:
            self._app.notify(f"{self._name} is set.", timeout=3)
