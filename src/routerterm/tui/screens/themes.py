"""The theme picker: every theme with a preview beside the list, tried on while the cursor stands on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal

from routerterm.config.write import set_value
from routerterm.core.errors import RoutertermError
from routerterm.tui.dialogs.picker import BORDERS, TALLEST, Picker, later
from routerterm.tui.themes.reader import find_themes, read_theme
from routerterm.tui.widgets.rows import Column, Row, RowList
from routerterm.tui.widgets.theme_preview import ThemePreview

if TYPE_CHECKING:
    from textual import events

    from routerterm.tui.app_context import AppContext

BESIDE = 76
"""Columns from which there is room for a preview beside the list."""
PREVIEW = 16
"""Rows of a preview, where there is room for as many."""
CHROME = 3
"""Rows of what stands over and under it: the line to type in, the keys, and the gap before those."""


class ThemePicker(Picker):
    """A picker with the theme under the cursor beside its list."""

    DEFAULT_CSS = """
    ThemePicker #both { height: auto; margin-top: 1; }
    ThemePicker #both > RowList { width: 26; margin-top: 0; }
    ThemePicker #both > ThemePreview { margin-left: 2; height: 16; }
    ThemePicker.-alone #both > RowList { width: 1fr; }
    ThemePicker.-alone #both > ThemePreview { display: none; }
    ThemePicker.-small #both { height: 1fr; }
    """

    def __init__(self, on: str, themes: Callable[[], list[Row]], try_on: Callable[[str], None]) -> None:
        """``themes`` reads all there are; ``try_on`` is told the one under the cursor."""

        async def load() -> list[Row]:
            return await asyncio.to_thread(themes)

        super().__init__("Theme", (Column("", 0, grow=True),), later(load), on=on, watch=try_on)
        self.dims = False  # it is the screen beneath that is being chosen
        self.preview = ThemePreview()

    def body(self, rows: RowList) -> ComposeResult:
        """The list with the preview beside it."""
        with Horizontal(id="both"):
            yield rows
            yield self.preview

    def on_resize(self, event: events.Resize) -> None:
        """Leave the preview out where there is no room."""
        super().on_resize(event)
        self.set_class(event.size.width < BESIDE or event.size.height < 22, "-alone")

    def fit_list(self, rows: int) -> None:
        """As tall as the preview, or as there is room for."""
        if self.has_class("-small"):
            self.list.styles.height = "1fr"
            return
        most = int(self.size.height * TALLEST) - CHROME - BORDERS
        self.list.styles.height = max(1, min(rows, most))
        self.preview.styles.height = max(1, min(PREVIEW, most))


async def open_screen(app: AppContext) -> None:
    """Let the person try themes on; the one taken is kept in the settings."""
    before = app.active_theme.name

    def try_on(name: str) -> None:
        if name != app.active_theme.name:
            app.use_theme(name)
        picker.preview.show(app.active_theme)

    def taken(name: str | None) -> None:
        if (chosen := name or before) != app.active_theme.name:
            app.use_theme(chosen)
        if name is not None and name != before:
            set_value(app.paths, "ui.theme", name)

    picker = ThemePicker(
        before, lambda: [_row(*found) for found in find_themes(app.paths.theme_dirs()).items()], try_on
    )
    app.push_screen(picker, taken)


def _row(name: str, path: Path) -> Row:
    try:
        theme = read_theme(path)
    except RoutertermError as error:
        return Row("", (f"{name}: {error.message}",), "error")
    return Row(name, (theme.title,), search=f"{name} {theme.title}")
