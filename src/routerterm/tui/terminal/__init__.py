"""The lean terminal: a Textual driver that sends only what changed, and never waits for the line.

app = App(driver_class=driver_class(line="auto"))
driver_of(app).line        # a LineState for the status line
driver_of(app).redraw()    # Ctrl+L
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Literal

from routerterm.tui.terminal.line import LineMeter, LineState

if TYPE_CHECKING:
    from textual.app import App
    from textual.driver import Driver

    from routerterm.tui.terminal.driver import LeanDriver

__all__ = ["LineMeter", "LineState", "driver_class", "driver_of"]


def driver_class(*, line: Literal["auto", "fast", "slow"] = "auto", driver: str = "lean") -> type[Driver] | None:
    """The class to give to ``App(driver_class=…)``; ``None``: Textual's own serves.

    That is so on Windows, where neither standard error nor standard output is a terminal, where
    ``TEXTUAL_DRIVER`` names another, and where the settings ask for it (``driver="textual"``).
    """
    if driver != "lean" or sys.platform == "win32" or os.environ.get("TEXTUAL_DRIVER"):
        return None
    if not any(stream is not None and stream.isatty() for stream in (sys.__stderr__, sys.__stdout__)):
        return None
    from routerterm.tui.terminal.driver import LeanDriver

    return type("LeanDriver", (LeanDriver,), {"line_mode": line, "__doc__": LeanDriver.__doc__})


def driver_of(app: App[Any]) -> LeanDriver | None:
    """The lean driver that an app runs with; ``None`` where it runs with another."""
    module = sys.modules.get("routerterm.tui.terminal.driver")
    return module.driver_of(app) if module is not None else None
