"""The terminal driver for Linux and macOS, with what it keeps to itself under names that can be relied on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.color import ColorSystem
from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    import asyncio

    from textual.app import App


class TerminalDriver(LinuxDriver):
    """Textual's driver; `ask_terminal` and `terminal_size` are for subclasses to extend."""

    def __init__(self, app: App[Any], *, debug: bool, mouse: bool, size: tuple[int, int] | None) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.app = app
        # Textual is to say its colours in full, whatever the terminal has: `colour` chooses better than Rich.
        app.console._color_system = ColorSystem.TRUECOLOR

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The app's event loop."""
        return self._loop

    @property
    def reads(self) -> bool:
        """Whether the thread that reads keys is running."""
        return self._key_thread is not None and self._key_thread.is_alive()

    @property
    def continues(self) -> bool:
        """Whether the terminal is taken again when a stopped program goes on; not while an editor has it."""
        return self._auto_restart

    def suspend(self) -> None:
        """Give the terminal back and stop the program, as Ctrl+Z does."""
        self._sigtstp_application()

    def resize_in_band(self, *, enabled: bool) -> None:
        """The terminal tells its size among the keys, once that is switched on."""
        self._in_band_window_resize = True
        if not enabled:
            self._enable_in_band_window_resize()

    def ask_terminal(self) -> None:
        """Ask what the terminal can do, once keys are read."""
        super()._request_terminal_sync_mode_support()

    def _request_terminal_sync_mode_support(self) -> None:
        self.ask_terminal()

    def terminal_size(self) -> tuple[int, int]:
        """Columns and rows of the terminal."""
        return super()._get_terminal_size()

    def _get_terminal_size(self) -> tuple[int, int]:
        return self.terminal_size()
