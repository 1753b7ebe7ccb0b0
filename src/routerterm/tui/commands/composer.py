"""Commands on what is being written: files, the editor, the stash."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.tui.commands.base import Choice, Command

if TYPE_CHECKING:
    from routerterm.tui.chat.screen import ChatScreen


class Attach(Command):
    """Attach a file to the next message: text, or an image for models that read images."""

    name, title, group, slash, argument = "attach", "Attach a file", "Writing", "attach", "FILE"

    @classmethod
    async def choices(cls, chat: ChatScreen, argument: str) -> Sequence[Choice]:
        """The files that fit what was typed."""
        from routerterm.tui.chat.completion import files

        return await asyncio.to_thread(files, argument)

    async def run(self, chat: ChatScreen, argument: str = "") -> None:
        """Attach it, or ask for its path in the composer."""
        if argument:
            await chat.attachments.attach(argument)
        else:
            chat.composer.put("/attach ")
        chat.composer.focus()


class Detach(Command):
    """Remove the last attachment, or all of them; Backspace in an empty composer does so too."""

    name, title, group, slash, argument = "detach", "Remove attachment", "Writing", "detach", "all"

    @classmethod
    async def choices(cls, chat: ChatScreen, argument: str) -> Sequence[Choice]:
        """All of them."""
        return [Choice("all", "every file")]

    async def run(self, chat: ChatScreen, argument: str = "") -> None:
        """Take it off."""
        if not chat.attachments.items:
            raise RoutertermError("Nothing is attached.", "/attach FILE attaches a file.")
        if argument == "all":
            chat.attachments.take()
        else:
            chat.attachments.remove(-1)


class Editor(Command):
    """Write in your own editor: what VISUAL or EDITOR names."""

    name, title, group, slash = "editor", "Write in $EDITOR", "Writing", "editor"
    keys = ("alt+e",)

    async def run(self, chat: ChatScreen, argument: str = "") -> None:
        """Open it on what is written."""
        await chat.composer_controller.open_editor()


class Stash(Command):
    """Stash what is written; with nothing written, bring the last of it back."""

    name, title, group, slash = "stash", "Stash", "Writing", "stash"
    keys = ("alt+s",)

    async def run(self, chat: ChatScreen, argument: str = "") -> None:
        """Put aside or bring back."""
        await chat.composer_controller.stash()
