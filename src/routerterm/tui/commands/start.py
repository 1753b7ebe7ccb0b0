"""Commands about how everything begins: the first run, and the theme's start."""

from __future__ import annotations

from routerterm.core.errors import NotNow
from routerterm.tui.commands.base import Command, CommandContext


class Welcome(Command):
    """Show how to start: demo, local model, an API key, servers that run here."""

    name, title, group, slash = "welcome", "Get started", "Program", "welcome"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Show them in an empty conversation."""
        if chat.turns.current is not None:
            raise NotNow("An answer is still running.", "Esc stops it.")
        await chat.conversation.open(None)
        chat.show_welcome()


class Boot(Command):
    """Replay the theme's boot."""

    name, title, group, slash = "boot", "Replay boot", "Program", "boot"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Open the screen that shows it."""
        from routerterm.tui.screens.boot import BootScreen

        chat.app.push_screen(BootScreen(chat.app.active_theme, moves=chat.app.moves))
