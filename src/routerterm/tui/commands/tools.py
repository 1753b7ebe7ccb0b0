"""The command that switches tools on and off in a conversation, and shows them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from routerterm.core.errors import RoutertermError
from routerterm.tui.commands.base import Choice, Command, CommandContext


class Tools(Command):
    """Tools that answers may call: what they are, and which are on in this conversation."""

    name, title, group, slash, argument = "tools", "Tools", "Conversation", "tools", "on|off [NAME]"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """On and off; after them what can be switched."""
        word, blank, _ = argument.partition(" ")
        if not blank:
            return [Choice("on", "answers may call tools"), Choice("off", "no tool is offered in this conversation")]
        box = chat.services.tools()
        names = [*box.names, *(tool.shown for view in box.views() for tool in view.tools)]
        return [Choice(f"{word} {name}", "") for name in (*names, *(tool.shown for tool in box.built_in()))]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Show the tools, or switch them."""
        word, _, name = argument.partition(" ")
        if not word:
            from routerterm.tui.screens.tools import ToolsScreen

            _ = chat.services
            chat.app.push_screen(ToolsScreen(chat.app, chat.conversation, chat.services))
            return
        if word not in ("on", "off"):
            raise RoutertermError(f"{word!r} is neither on nor off.", "Write /tools on, /tools off, /tools off NAME.")
        params, name = chat.conversation.params, name.strip()
        if not name:
            await chat.conversation.set(params=replace(params, tools=word == "on", tools_only=()))
            chat.app.notify(f"Tools are {word} in this conversation.", markup=False)
            return
        from routerterm.engine.tools.values import switched

        await chat.conversation.set(params=switched(params, name, on=word == "on"))
        chat.app.notify(f"{name} is {word} in this conversation.", markup=False)
