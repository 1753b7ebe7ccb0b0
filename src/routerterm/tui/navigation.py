"""The screens by name: opened in place of one another, closed in their own way, made ready before they are wanted."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext

SCREENS: Mapping[str, str] = {
    "keys": "routerterm.tui.screens.keys.open:open_keys",
    "stats": "routerterm.tui.screens.stats.screen:open_screen",
    "find": "routerterm.tui.screens.find:open_screen",
    "models": "routerterm.tui.screens.models.picker:open_screen",
    "route": "routerterm.tui.screens.routes.screen:open_screen",
    "themes": "routerterm.tui.screens.themes:open_screen",
    "settings": "routerterm.tui.screens.settings:open_screen",
    "help": "routerterm.tui.screens.help:open_screen",
    "gateway": "routerterm.tui.screens.gateway:open_screen",
}
"""Each with the function that opens it."""
MAKERS: Mapping[str, str] = {
    "add_key": "routerterm.tui.screens.keys.open:open_keys",
    "compare": "routerterm.tui.screens.compare.screen:CompareScreen",
    "model_picker": "routerterm.tui.screens.models.picker:model_picker",
}
"""What the chat has made for it, though it lies above the chat."""
OVERLAYS = frozenset({"help", "themes"})
"""Those that lie over whatever is open."""
PAUSE = 0.2
"""Seconds between two imports."""


class Navigator:
    """Opens and closes the screens of one program."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._opened: tuple[Screen[Any], str] | None = None

    async def get_ready(self, quiet: Callable[[], bool], patience: float) -> None:
        """Import what the screens are made of while nobody types: then the first one opens as soon as the next."""
        for place in SCREENS.values():
            await asyncio.sleep(PAUSE)
            while not quiet():  # noqa: ASYNC110 - nobody tells when the hands rest
                await asyncio.sleep(patience)
            await asyncio.to_thread(importlib.import_module, place.partition(":")[0])

    async def open(self, name: str) -> None:
        """Open one of the `SCREENS` in place of another, as soon as there is something to show on it; or close it."""
        if self._opened == (self._app.screen, name):
            await self.leave()
            return
        if name not in OVERLAYS:
            await self.back_to_chat()
        if self._app.services is None:
            self._app.run_worker(self._open_when_ready(name), group="open", exclusive=True, exit_on_error=False)
        else:
            await self.show(name)

    async def show(self, name: str) -> None:
        """Open it over whatever there is."""
        await _found(SCREENS[name])(self._app)
        self._opened = (self._app.screen, name)

    @staticmethod
    def maker(name: str) -> Callable[..., Any]:
        """One of the `MAKERS`."""
        return _found(MAKERS[name])

    async def back_to_chat(self) -> None:
        """Close everything over it."""
        while len(self._app.screen_stack) > 1:
            await self.leave()

    async def leave(self) -> None:
        """Close the screen on top in its own way, or simply."""
        screen = self._app.screen
        if hasattr(screen, "action_leave"):
            await screen.run_action("leave")
        if self._app.screen is screen:
            screen.dismiss(None)

    async def _open_when_ready(self, name: str) -> None:
        await self._app.ready.wait()
        await self.show(name)


def _found(place: str) -> Callable[..., Any]:
    """What stands at ``module:name``, imported now."""
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found
