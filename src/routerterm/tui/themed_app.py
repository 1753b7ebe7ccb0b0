"""The program as far as its looks go: the theme in force, its file followed, scanlines where they cost nothing."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from routerterm.core.errors import RoutertermError
from routerterm.tui.app_context import AppContext
from routerterm.tui.terminal import driver_of
from routerterm.tui.terminal.colour import Depth, depth_of
from routerterm.tui.textual_internals.kept_rules import KeptStylesheet
from routerterm.tui.textual_internals.screens import colours_changed
from routerterm.tui.themes.adapt import to_textual
from routerterm.tui.themes.manager import ThemeManager, letters
from routerterm.tui.themes.reader import DEFAULT

if TYPE_CHECKING:
    from textual.theme import Theme as TextualTheme

    from routerterm.config.early_settings import QuickUi
    from routerterm.config.paths import Paths
    from routerterm.tui.themes.values import Theme


class ThemedApp(AppContext):
    """Loads themes and takes them on."""

    def __init__(self, paths: Paths, ui: QuickUi, driver_class: type[Any] | None = None) -> None:
        self._coloured_for: TextualTheme | None = None
        self._coloured: dict[str, str] = {}
        super().__init__(driver_class=driver_class)
        self.paths = paths
        self.ui = ui
        self.motion = ui.motion
        self.themes = ThemeManager(paths, letters(ui.glyphs, os.environ))
        self.scanlines = ui.scanlines
        self.active_theme = self.load_theme(ui.theme or DEFAULT)
        self._sheet = KeptStylesheet(variables=self.get_css_variables(), file=paths.state / "styles.bin")
        self.stylesheet = self._sheet
        self.animation_level = "none"

    def get_css_variables(self) -> dict[str, str]:
        """The theme's colours for style sheets, made once for each theme.

        Textual asks before there is a theme of ours, for a sheet that is replaced, and again whenever sheets are read.
        """
        if not hasattr(self, "active_theme"):
            return {}
        if self._coloured_for is not self.current_theme:
            self._coloured_for, self._coloured = self.current_theme, super().get_css_variables()
        self.theme_variables = self._coloured
        return dict(self._coloured)

    async def keep_rules(self) -> None:
        """Spare the next start the parsing of what was parsed for this one."""
        with suppress(OSError):  # a disk that takes nothing: they are parsed again
            await asyncio.to_thread(self._sheet.keep)

    def load_theme(self, name: str) -> Theme:
        """The theme of that name, registered; the default with a notice if it is broken or not there."""
        theme, trouble = self.themes.take(name)
        if trouble is not None:
            self.call_later(self.tell_of_theme, trouble)
        self._unlit, theme = theme, self._lit(theme)
        before, after = self.get_theme(theme.name), to_textual(theme)
        self.register_theme(after)
        if self.theme == theme.name and before != after:
            colours_changed(self, theme.name)  # the same name, but other colours
        self.theme = theme.name
        return theme

    def _lit(self, theme: Theme) -> Theme:
        """As the settings and the terminal have it: with scanlines or without, and how things are dimmed."""
        driver = driver_of(self)
        fast = driver.line.animate if driver is not None else "SSH_CONNECTION" not in os.environ
        depth = driver.depth if driver is not None else depth_of(os.environ)
        scanning = theme.scanned(self.scanlines, fast=fast and depth is Depth.TRUE)
        return replace(theme, scanning=scanning, fading=depth is Depth.ANSI and theme.colours16.get("background") == 0)

    def tell_of_theme(self, trouble: RoutertermError) -> None:
        """What is wrong with a theme, as a notice."""
        self.notify(f"{trouble.message}\n{trouble.hint}".strip(), severity="warning", timeout=8, markup=False)

    def use_theme(self, name: str) -> None:
        """Take on another theme, everywhere, at once."""
        self.active_theme = self.load_theme(name)
        self.theme_changed(self.active_theme)

    def theme_changed(self, theme: Theme) -> None:
        """Screens that show more of it than its colours take it on."""
        raise NotImplementedError

    async def follow_theme(self) -> None:
        """Take up the theme's file whenever it was changed; a broken one leaves everything as it was."""
        found = await asyncio.to_thread(self.themes.again)
        if not self.screen_stack:
            return  # the program ended meanwhile
        if isinstance(found, RoutertermError):
            self.tell_of_theme(found)
        elif found is not None or self._lit(self._unlit) != self.active_theme:
            self.use_theme(self.active_theme.name)
