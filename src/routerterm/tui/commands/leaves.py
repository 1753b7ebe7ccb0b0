"""The command that shows what leaves with the next message."""

from __future__ import annotations

from routerterm.tui.commands.base import Command, CommandContext


class Leaves(Command):
    """What leaves with the next message: every line with tokens and price; leave out, summarise or pin any."""

    name, title, group, slash, letter = "leaves", "What leaves", "Writing", "leaves", "w"
    keys = ("alt+w",)

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Show the sheet; what was changed on it is seen in the chat afterwards."""
        from routerterm.tui.commands.leaves_sheet import ChatSheet
        from routerterm.tui.screens.leaves.screen import LeavesScreen

        _ = chat.services  # before they are there, nobody knows what would leave: it is asked again then
        actions = ChatSheet(chat)
        actions.screen = LeavesScreen(actions)

        async def closed(_: None) -> None:
            if actions.changed:
                await chat.conversation.show()
            chat.composer.focus()

        chat.app.push_screen(actions.screen, closed)
