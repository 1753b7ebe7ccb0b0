"""Commands on what is being written: files, the editor, the stash."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from routerterm.core.errors import NotNow, RoutertermError
from routerterm.tui.commands.base import Choice, Command, CommandContext

STASH = "ui:stash"
"""Where the memory holds what was put aside."""
MOST_STASHED = 20
"""Texts; the oldest go first."""


class Attach(Command):
    """Attach a file to the next message: text, or an image for models that read images."""

    name, title, group, slash, argument = "attach", "Attach a file", "Writing", "attach", "FILE"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """The files that fit what was typed."""
        from routerterm.tui.chat.completion import files

        return await asyncio.to_thread(files, argument)

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Attach it, or ask for its path in the composer."""
        if argument:
            await chat.attachments.attach(argument)
        else:
            chat.composer.put("/attach ", undoable=True)
        chat.composer.focus()


class Drop(Command):
    """Receive files from a browser or a phone by an address, a code and a QR code; `network` lets others reach it."""

    name, title, group, slash, argument = "drop", "Receive files", "Writing", "drop", "network"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """Who can reach it."""
        return [Choice("network", "machines in this network, too, such as a phone")]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Listen while the dialog is open."""
        from routerterm.engine.chat.attachments import part_of
        from routerterm.engine.chat.drop_server import DropServer, own_address
        from routerterm.tui.chat.attachment_files import attached
        from routerterm.tui.dialogs.drop import Drop as DropDialog

        if argument not in ("", "network"):
            raise RoutertermError(f"/drop knows no {argument!r}.", "/drop network lets a phone reach it.")

        items = chat.attachments.items

        async def take(name: str, data: bytes) -> None:
            part = await asyncio.to_thread(part_of, data, name)
            await chat.attachments.add(attached(part), items)

        def closed(why: str) -> None:
            if dialog.is_running and dialog.is_current:
                dialog.dismiss(None)
            if why:
                chat.app.notify(f"{why} Nothing listens any more.", timeout=4, markup=False)

        host = own_address() if argument == "network" else "127.0.0.1"
        server = DropServer(take, closed, host=host)
        await server.start()
        dialog = DropDialog(server.address, server.code, local=not argument)
        chat.app.push_screen(dialog, lambda _: server.stop())


class Detach(Command):
    """Remove the last attachment, or all of them; Backspace in an empty composer does so too."""

    name, title, group, slash, argument = "detach", "Remove attachment", "Writing", "detach", "all"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """All of them."""
        return [Choice("all", "every file")]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Take it off."""
        if not chat.attachments.anything:
            raise NotNow("Nothing is attached.", "/attach FILE attaches a file.")
        if argument == "all":
            chat.attachments.take_for("")
        else:
            chat.attachments.remove(-1)


class Editor(Command):
    """Write in your own editor ($VISUAL or $EDITOR)."""

    name, title, group, slash = "editor", "Write in $EDITOR", "Writing", "editor"
    keys = ("alt+e",)

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Open it on what is written."""
        chat.app.editor.open(chat.composer)


class Stash(Command):
    """Stash the draft; in an empty composer, restore the last one."""

    name, title, group, slash = "stash", "Stash", "Writing", "stash"
    keys = ("alt+s",)

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Put aside or bring back."""
        composer, memory = chat.composer, chat.services.store.memory
        text = composer.text
        if text.strip():
            composer.put("")
            try:
                await memory.change(STASH, lambda state: {"texts": [*_texts(state), text][-MOST_STASHED:]})
            except RoutertermError:
                composer.give_back(text)
                raise
            chat.app.notify("Stashed. Alt+S in an empty composer brings it back.", timeout=3)
            return
        kept = _texts((await memory.read(STASH)).get(STASH))
        if not kept:
            raise NotNow("Nothing is stashed.", "Alt+S stashes the draft.")
        await memory.change(STASH, lambda state: {"texts": _texts(state)[:-1]} if _texts(state)[:-1] else None)
        composer.give_back(kept[-1])
        await asyncio.sleep(0)


def _texts(state: object) -> list[str]:
    found = state.get("texts", []) if isinstance(state, dict) else []
    return [text for text in found if isinstance(text, str)]
