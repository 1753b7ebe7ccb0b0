"""The theme picker: every machine, tried on while the cursor stands on it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from routerterm.config.write import set_value
from routerterm.core.errors import RoutertermError
from routerterm.tui.dialogs.picker import Picker, later
from routerterm.tui.themes.reader import find_themes, read_theme
from routerterm.tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext


async def open_screen(app: AppContext) -> None:
    """Let the person try machines on; the one taken is kept in the settings."""
    before = app.machine.name

    async def machines() -> list[Row]:
        return await asyncio.to_thread(lambda: [_row(*found) for found in find_themes(app.paths.theme_dirs()).items()])

    def try_on(name: str) -> None:
        if name != app.machine.name:
            app.use_theme(name)

    picker = Picker(
        "Theme",
        (Column("", 0), Column("", 1, grow=True)),
        later(machines),
        on=before,
        watch=try_on,
    )

    picker.dims = False  # it is the screen beneath that is being chosen

    def taken(name: str | None) -> None:
        try_on(name or before)
        if name is not None and name != before:
            set_value(app.paths, "ui.theme", name)

    app.push_screen(picker, taken)


def _row(name: str, path: Path) -> Row:
    try:
        theme = read_theme(path)
    except RoutertermError as error:
        return Row("", (f"{name}: {error.message}",), "error")
    return Row(name, (theme.title, theme.boot[0] if theme.boot else ""), search=f"{name} {theme.title}")
