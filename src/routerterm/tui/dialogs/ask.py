"""Asks the person something in an overlay, and does what follows from the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from textual.screen import Screen

from routerterm.core.errors import RoutertermError

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext

T = TypeVar("T")


def show_dialog(app: AppContext, screen: Screen[Any], then: Callable[[Any], Awaitable[None]]) -> None:
    """Open the overlay; ``then`` is told its answer, unless the person left it.  What goes wrong becomes a notice."""

    async def answered(answer: Any) -> None:
        if answer is None:
            return
        try:
            await then(answer)
        except RoutertermError as error:
            app.show_error(error)

    app.push_screen(screen, answered)
